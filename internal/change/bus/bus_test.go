package bus_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"lunogram-users/internal/change"
	"lunogram-users/internal/change/bus"
	localbus "lunogram-users/internal/local/bus"
	"lunogram-users/internal/local/sam"
)

// open returns a local bus and the client's config.
func open(t *testing.T) (*localbus.Buses, aws.Config) {
	t.Helper()
	b := localbus.New([]*sam.Bus{{Name: "users", ARN: "arn:aws:events:us-east-1:1:event-bus/users"}}, time.Now)
	server := httptest.NewServer(http.HandlerFunc(b.ServePut))
	t.Cleanup(server.Close)
	return b, aws.Config{
		Region: sam.Region, BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

// TestPut publishes what can be and tells what cannot.
func TestPut(t *testing.T) {
	b, cfg := open(t)
	at := time.Unix(1_800_000_000, 0).UTC()
	failed, err := bus.New(cfg, "users").Put(t.Context(), []change.Entry{
		{Type: change.UserCreated, Detail: `{"id":"1"}`, At: at},
		{Type: change.UserUpdated, Detail: `no JSON`, At: at},
		{Type: change.UserDeleted, Detail: `{"id":"3"}`, At: at},
	})
	if err != nil || len(failed) != 3 || failed[0] != nil || failed[1] == nil || failed[2] != nil {
		t.Errorf("got %v, %v; want the second to fail", failed, err)
	}
	events, _ := b.Events("", "")
	if len(events) != 2 || events[0].Source != "lunogram.users" || events[0].DetailType != "user.created" ||
		string(events[0].Detail) != `{"id":"1"}` || !events[0].Time.Equal(at) || events[1].DetailType != "user.deleted" {
		t.Errorf("got %+v", events)
	}
}

// TestPutToNowhere checks that a bus that does not answer is an error.
func TestPutToNowhere(t *testing.T) {
	_, cfg := open(t)
	cfg.BaseEndpoint = new("http://127.0.0.1:1")
	if failed, err := bus.New(cfg, "users").Put(t.Context(), []change.Entry{{Type: "x", Detail: "{}"}}); err == nil {
		t.Errorf("got %v and no error, want one", failed)
	}
}
