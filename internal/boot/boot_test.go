package boot_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lunogram-users/internal/boot"
)

// setenv sets the variables and nothing else that starts like them.
func setenv(t *testing.T, variables map[string]string) {
	t.Helper()
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, "AWS_") || name == "TABLE_NAME" {
			t.Setenv(name, "") // so that it is restored
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, value := range variables {
		t.Setenv(name, value)
	}
}

func lambdaEnvironment() map[string]string {
	return map[string]string{
		"TABLE_NAME": "users", "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
		"AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "session",
	}
}

func TestLoadNamesWhatIsMissing(t *testing.T) {
	tests := []struct {
		name    string
		missing []string
	}{
		{"table", []string{"TABLE_NAME"}},
		{"region", []string{"AWS_REGION"}},
		{"credentials", []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}},
		{"all", []string{"TABLE_NAME", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env := lambdaEnvironment()
			for _, name := range tt.missing {
				delete(env, name)
			}
			setenv(t, env)
			_, err := boot.Load()
			if err == nil {
				t.Fatalf("Load without %v: got no error", tt.missing)
			}
			for _, name := range tt.missing {
				if !strings.Contains(err.Error(), name) {
					t.Errorf("Load without %v: the error %q does not name %s", tt.missing, err, name)
				}
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error holds a value: %v", err)
			}
		})
	}
}

func TestConfig(t *testing.T) {
	setenv(t, lambdaEnvironment())
	cfg, err := boot.Config()
	if err != nil {
		t.Fatal(err)
	}
	c, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil || c.AccessKeyID != "AKIDEXAMPLE" || c.SecretAccessKey != "secret" || c.SessionToken != "session" {
		t.Errorf("credentials: got %+v, %v; want those of the environment", c, err)
	}
	if cfg.Region != "eu-central-1" {
		t.Errorf("region: got %q, want eu-central-1", cfg.Region)
	}
}

func TestConfigRefusesMalformedVariables(t *testing.T) {
	env := lambdaEnvironment()
	env["AWS_MAX_ATTEMPTS"] = "many"
	setenv(t, env)
	if _, err := boot.Config(); err == nil || !strings.Contains(err.Error(), "AWS_MAX_ATTEMPTS") {
		t.Errorf("got %v, want an error that names AWS_MAX_ATTEMPTS", err)
	}
}

// TestLoadHonoursTheEndpoint checks that the store talks to AWS_ENDPOINT_URL_DYNAMODB, on which the local cloud relies, with
// the credentials of the environment, and about the table of TABLE_NAME.
func TestLoadHonoursTheEndpoint(t *testing.T) {
	var calls atomic.Int32
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if auth := r.Header.Get("Authorization"); !strings.Contains(auth, "AKIDEXAMPLE/") || !strings.Contains(auth, "/eu-central-1/dynamodb/") {
			t.Errorf("the call is signed %q, want the key and the region of the environment", auth)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = w.Write([]byte("{}"))
	}))
	defer endpoint.Close()
	env := lambdaEnvironment()
	env["AWS_ENDPOINT_URL_DYNAMODB"] = endpoint.URL
	setenv(t, env)
	rt, err := boot.Load()
	if err != nil {
		t.Fatal(err)
	}
	rt.Warm(t.Context())
	if n := calls.Load(); n != 1 {
		t.Errorf("Warm made %d calls, want 1", n)
	}
}

// TestWarmIsBounded checks that a DynamoDB that does not answer delays the start by little.
func TestWarmIsBounded(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts connections, and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	env := lambdaEnvironment()
	env["AWS_ENDPOINT_URL_DYNAMODB"] = "http://" + l.Addr().String()
	setenv(t, env)
	rt, err := boot.Load()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	rt.Warm(context.Background())
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("Warm took %v, want about a second at most", took)
	}
}
