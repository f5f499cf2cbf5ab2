package memberships_test

import (
	"strings"
	"testing"

	"lunogram-users/internal/boot/memberships"
)

func TestLoad(t *testing.T) {
	complete := map[string]string{
		"RECOMPUTE_QUEUE_URL": "https://sqs.example/queue", "RECOMPUTE_QUEUE_ARN": "arn:aws:sqs:eu-central-1:1:queue",
		"WAKE_GROUP": "wakes", "WAKE_ROLE_ARN": "arn:aws:iam::1:role/wake", "TABLE_NAME": "users",
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
	}
	for name, value := range complete {
		t.Setenv(name, value)
	}
	rt, err := memberships.Load()
	if err != nil {
		t.Fatal(err)
	}
	if e := rt.Engine; e.Store == nil || e.Queue == nil || e.Wakes == nil || e.Log == nil {
		t.Errorf("got an engine with a part missing")
	}
	for _, name := range []string{"RECOMPUTE_QUEUE_URL", "RECOMPUTE_QUEUE_ARN", "WAKE_GROUP", "WAKE_ROLE_ARN", "TABLE_NAME"} {
		t.Setenv(name, "")
		if _, err := memberships.Load(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: got error %v, want one that names it", name, err)
		}
		t.Setenv(name, complete[name])
	}
}
