package imports_test

import (
	"strings"
	"testing"

	"lunogram-users/internal/boot/imports"
)

func TestLoad(t *testing.T) {
	complete := map[string]string{
		"BUCKET_NAME": "bucket", "IMPORT_QUEUE_URL": "https://sqs.example/queue", "TABLE_NAME": "users",
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
	}
	for name, value := range complete {
		t.Setenv(name, value)
	}
	rt, err := imports.Load()
	if err != nil {
		t.Fatal(err)
	}
	if rt.Bucket != "bucket" || rt.QueueURL != "https://sqs.example/queue" || rt.Store == nil {
		t.Errorf("got bucket %q, queue %q, store %v; want those of the environment", rt.Bucket, rt.QueueURL, rt.Store)
	}
	for _, name := range []string{"BUCKET_NAME", "IMPORT_QUEUE_URL", "TABLE_NAME"} {
		t.Setenv(name, "")
		if _, err := imports.Load(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: got error %v, want one that names it", name, err)
		}
		t.Setenv(name, complete[name])
	}
}
