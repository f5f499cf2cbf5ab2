package wakes_test

import (
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/local/sam"
	"lunogram-users/internal/local/schedule"
	"lunogram-users/internal/membership"
	"lunogram-users/internal/membership/wakes"
)

// TestPlan plans the same wake twice, and sends it.
func TestPlan(t *testing.T) {
	const arn = "arn:aws:sqs:us-east-1:000000000000:tasks"
	sent := make(chan string, 10)
	local, err := schedule.New(schedule.Config{
		Groups: []string{"wakes"}, Log: slog.New(slog.DiscardHandler),
		Targets: map[string]func(string) error{arn: func(body string) error { sent <- body; return nil }},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(local.Close)
	server := httptest.NewServer(local.Handler())
	t.Cleanup(server.Close)
	cfg := aws.Config{
		Region: sam.Region, BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	s := wakes.New(cfg, wakes.Target{Group: "wakes", QueueARN: arn, RoleARN: "arn:aws:iam::000000000000:role/wake"})
	at := time.Now().Add(time.Hour).Truncate(time.Minute)
	task := membership.Task{Kind: membership.Due, ProjectID: "p"}
	for range 2 {
		if err := s.Plan(t.Context(), "due-p", at, task); err != nil {
			t.Fatal(err)
		}
	}
	planned := local.All()
	if len(planned) != 1 || planned[0].Name != "due-p" || planned[0].Group != "wakes" || !planned[0].At.Equal(at) {
		t.Fatalf("got %+v, want one schedule for %v", planned, at)
	}
	local.Run("due-p")
	var got membership.Task
	if err := json.Unmarshal([]byte(<-sent), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(task, got); diff != "" {
		t.Errorf("task (-want +got):\n%s", diff)
	}

	s = wakes.New(cfg, wakes.Target{Group: "others", QueueARN: arn, RoleARN: "arn:aws:iam::000000000000:role/wake"})
	if err := s.Plan(t.Context(), "due-p", at, task); err == nil {
		t.Error("in an unknown group: got no error, want one")
	}
}
