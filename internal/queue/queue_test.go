package queue_test

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	localqueue "lunogram-users/internal/local/queue"
	"lunogram-users/internal/queue"
)

// task is what the tests send.
type task struct {
	Project string `json:"project"`
	Part    int    `json:"part"`
}

const queueURL = "https://sqs.us-east-1.amazonaws.com/000000000000/chunks"

// newQueue returns an empty queue and an SQS client of it.
func newQueue(t *testing.T) (*localqueue.Queue, aws.Config) {
	t.Helper()
	q, err := localqueue.New(localqueue.Config{Name: "chunks", URL: queueURL, Visibility: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(localqueue.NewServer([]*localqueue.Queue{q}))
	t.Cleanup(server.Close)
	return q, aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

// TestSend sends more tasks than one call takes, and none.
func TestSend(t *testing.T) {
	for _, n := range []int{0, 1, 10, 25} {
		q, cfg := newQueue(t)
		want := map[task]bool{}
		var all []task
		for chunk := range n {
			one := task{Project: "p", Part: chunk}
			all = append(all, one)
			want[one] = true
		}
		if err := queue.New[task](cfg, queueURL).Send(t.Context(), all...); err != nil {
			t.Fatal(err)
		}
		got := map[task]bool{}
		for _, m := range q.Receive(100, -1) {
			var one task
			if err := json.Unmarshal([]byte(m.Body), &one); err != nil {
				t.Fatal(err)
			}
			got[one] = true
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d tasks (-want +got):\n%s", n, diff)
		}
	}
}

func TestSendToNowhere(t *testing.T) {
	_, cfg := newQueue(t)
	cfg.RetryMaxAttempts = 1
	if err := queue.New[task](cfg, queueURL+"-gone").Send(t.Context(), task{}); err == nil {
		t.Error("got no error, want one")
	}
}

// TestSendLater checks that a task stays out of sight for its delay.
func TestSendLater(t *testing.T) {
	q, cfg := newQueue(t)
	if err := queue.New[task](cfg, queueURL).SendLater(t.Context(), 15*time.Minute, task{Part: 1}); err != nil {
		t.Fatal(err)
	}
	if got := q.Receive(10, -1); len(got) != 0 {
		t.Errorf("got %d messages at once, want none within 15 minutes", len(got))
	}
}
