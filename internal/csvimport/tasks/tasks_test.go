package tasks_test

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/csvimport"
	"lunogram-users/internal/csvimport/tasks"
	"lunogram-users/internal/local/queue"
)

const queueURL = "https://sqs.us-east-1.amazonaws.com/000000000000/chunks"

// newQueue returns an empty queue and an SQS client of it.
func newQueue(t *testing.T) (*queue.Queue, aws.Config) {
	t.Helper()
	q, err := queue.New(queue.Config{Name: "chunks", URL: queueURL, Visibility: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(queue.NewServer([]*queue.Queue{q}))
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
		want := map[csvimport.Task]bool{}
		var all []csvimport.Task
		for chunk := range n {
			task := csvimport.Task{ProjectID: "p", ImportID: "i", Phase: csvimport.Apply, Chunk: chunk}
			all = append(all, task)
			want[task] = true
		}
		if err := tasks.New(cfg, queueURL).Send(t.Context(), all...); err != nil {
			t.Fatal(err)
		}
		got := map[csvimport.Task]bool{}
		for _, m := range q.Receive(100, -1) {
			var task csvimport.Task
			if err := json.Unmarshal([]byte(m.Body), &task); err != nil {
				t.Fatal(err)
			}
			got[task] = true
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d tasks (-want +got):\n%s", n, diff)
		}
	}
}

func TestSendToNowhere(t *testing.T) {
	_, cfg := newQueue(t)
	cfg.RetryMaxAttempts = 1
	if err := tasks.New(cfg, queueURL+"-gone").Send(t.Context(), csvimport.Task{}); err == nil {
		t.Error("got no error, want one")
	}
}
