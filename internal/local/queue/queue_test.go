package queue_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"lunogram-users/internal/local/journal"
	"lunogram-users/internal/local/queue"
)

func newQueue(t *testing.T, c queue.Config) *queue.Queue {
	t.Helper()
	q, err := queue.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func send(t *testing.T, q *queue.Queue, body string) string {
	t.Helper()
	id, err := q.Send(body, nil, -1)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestVisibility(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, queue.Config{Name: "q", Visibility: time.Minute, Delay: time.Second})
		id := send(t, q, "a")
		if got := q.Receive(10, -1); len(got) != 0 {
			t.Errorf("before the delay: got %d messages, want none", len(got))
		}
		start := time.Now()
		first := q.Await(t.Context(), 10, -1)
		if len(first) != 1 || first[0].ID != id || first[0].Receives != 1 || time.Since(start) != time.Second {
			t.Fatalf("after %v: got %+v, want the message after 1s", time.Since(start), first)
		}
		second := q.Await(t.Context(), 10, -1)
		if len(second) != 1 || second[0].Receives != 2 || time.Since(start) != time.Second+time.Minute {
			t.Fatalf("after %v: got %+v, want it again after the visibility timeout", time.Since(start), second)
		}
		if err := q.Delete(first[0].Receipt); !errors.Is(err, queue.ErrReceipt) {
			t.Errorf("delete by the old receipt: got %v, want ErrReceipt", err)
		}
		if err := q.ChangeVisibility(second[0].Receipt, 0); err != nil {
			t.Errorf("change visibility: %v", err)
		}
		third := q.Receive(10, -1)
		if len(third) != 1 {
			t.Fatalf("made visible: got %d messages, want 1", len(third))
		}
		if err := q.Delete(third[0].Receipt); err != nil {
			t.Errorf("delete: %v", err)
		}
		if a, b, c := q.Count(); a+b+c != 0 {
			t.Errorf("count: got %d, %d, %d, want none", a, b, c)
		}
	})
}

func TestDeadLetter(t *testing.T) {
	dead := newQueue(t, queue.Config{Name: "dead"})
	q := newQueue(t, queue.Config{Name: "q", DeadLetter: dead, MaxReceive: 2})
	id := send(t, q, "a")
	for range 2 {
		if got := q.Receive(1, 0); len(got) != 1 {
			t.Fatalf("receive: got %d messages, want 1", len(got))
		}
	}
	if got := q.Receive(1, 0); len(got) != 0 {
		t.Errorf("third receive: got %d messages, want none", len(got))
	}
	if got := dead.Receive(1, 0); len(got) != 1 || got[0].ID != id || got[0].Receives != 1 {
		t.Errorf("dead letter: got %+v, want the message", got)
	}
}

func TestAwaitWakesAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, queue.Config{Name: "q", Visibility: time.Minute})
		got := make(chan []queue.Message)
		go func() { got <- q.Await(t.Context(), 1, -1) }()
		synctest.Wait()
		send(t, q, "a")
		if m := <-got; len(m) != 1 {
			t.Errorf("got %d messages, want 1", len(m))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if m := q.Await(ctx, 1, -1); len(m) != 0 {
			t.Errorf("got %d messages, want none", len(m))
		}
	})
}

func TestJournalKeepsMessages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	for round := range 2 {
		j, err := journal.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		q := newQueue(t, queue.Config{Name: "q", Journal: j})
		if round == 0 {
			send(t, q, "gone")
			send(t, q, "kept")
			if err := q.Delete(q.Receive(1, time.Hour)[0].Receipt); err != nil {
				t.Fatal(err)
			}
		}
		if got := q.Receive(10, time.Hour); len(got) != 1 || got[0].Body != "kept" {
			t.Errorf("round %d: got %+v, want the message that was not deleted", round, got)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A message that was sent for later comes later, after a restart too.
func TestDelayOutlivesTheProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	synctest.Test(t, func(t *testing.T) {
		var q *queue.Queue
		for start := range 2 {
			j, err := journal.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer j.Close()
			if q = newQueue(t, queue.Config{Name: "q", Journal: j}); start == 0 {
				if _, err := q.Send("later", nil, time.Minute); err != nil {
					t.Fatal(err)
				}
			}
		}
		time.Sleep(time.Minute - time.Second)
		if got := q.Receive(1, -1); len(got) != 0 {
			t.Errorf("before its time: got %+v, want nothing", got)
		}
		time.Sleep(time.Second)
		if got := q.Receive(1, -1); len(got) != 1 || got[0].Body != "later" {
			t.Errorf("in its time: got %+v, want the message", got)
		}
	})
}

// invoker is a function.
type invoker func(events.SQSEvent) (string, error)

func (f invoker) Invoke(_ context.Context, event []byte) ([]byte, error) {
	var e events.SQSEvent
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, err
	}
	answer, err := f(e)
	return []byte(answer), err
}

func TestMapping(t *testing.T) {
	for _, test := range []struct {
		name    string
		partial bool
		answer  func(events.SQSEvent) (string, error)
		left    int // of three messages
	}{
		{"success", false, func(events.SQSEvent) (string, error) { return "null", nil }, 0},
		{"failure", false, func(events.SQSEvent) (string, error) { return "", errors.New("no") }, 3},
		{"one failed", true, func(e events.SQSEvent) (string, error) {
			return `{"batchItemFailures":[{"itemIdentifier":"` + e.Records[1].MessageId + `"}]}`, nil
		}, 1},
		{"none failed", true, func(events.SQSEvent) (string, error) { return `{"batchItemFailures":[]}`, nil }, 0},
		{"nothing said", true, func(events.SQSEvent) (string, error) { return "", nil }, 0},
		{"nonsense", true, func(events.SQSEvent) (string, error) { return `{"batchItemFailures":[{"itemIdentifier":"x"}]}`, nil }, 3},
		{"no JSON", true, func(events.SQSEvent) (string, error) { return "{", nil }, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newQueue(t, queue.Config{Name: "q", Visibility: time.Hour})
				for _, body := range []string{"a", "b", "c"} {
					send(t, q, body)
				}
				m := queue.Mapping{
					Queue: q, Function: invoker(test.answer), BatchSize: 10, PartialFailure: test.partial,
					RetryDelay: time.Minute, Log: slog.New(slog.DiscardHandler),
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				m.Run(ctx, t.Context())
				if visible, hidden, _ := q.Count(); visible != 0 || hidden != test.left {
					t.Errorf("left: got %d visible, %d hidden, want %d hidden", visible, hidden, test.left)
				}
				time.Sleep(time.Minute)
				if visible, _, _ := q.Count(); visible != test.left {
					t.Errorf("after the delay: got %d visible, want %d", visible, test.left)
				}
			})
		})
	}
}

func TestServer(t *testing.T) {
	q := newQueue(t, queue.Config{Name: "q", ARN: "arn", URL: "https://sqs/0/q", Visibility: 30 * time.Second})
	server := queue.NewServer([]*queue.Queue{q})
	call := func(operation, body string) (int, string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("X-Amz-Target", "AmazonSQS."+operation)
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	for _, test := range []struct {
		operation, body string
		status          int
		want            string
	}{
		{"SendMessage", `{"QueueUrl":"https://sqs/0/q","MessageBody":"hello"}`, 200, `"MD5OfMessageBody":"5d41402abc4b2a76b9719d911017c592"`},
		{"SendMessage", `{"QueueUrl":"https://sqs/0/q"}`, 400, "MissingParameter"},
		{"SendMessageBatch", `{"QueueUrl":"https://sqs/0/q","Entries":[{"Id":"1","MessageBody":"b"},{"Id":"2"}]}`, 200, `"Failed":[{"Code":"MissingParameter","Id":"2"`},
		{"SendMessage", `{"QueueUrl":"https://sqs/0/q","MessageBody":"x","DelaySeconds":901}`, 400, "InvalidParameterValue"},
		{"SendMessageBatch", `{"QueueUrl":"https://sqs/0/q","Entries":[{"Id":"1","MessageBody":"late","DelaySeconds":900}]}`, 200, `"Failed":[]`},
		{"GetQueueUrl", `{"QueueName":"q"}`, 200, "https://sqs/0/q"},
		{"ListQueues", `{}`, 200, "https://sqs/0/q"},
		{"GetQueueAttributes", `{"QueueUrl":"https://sqs/0/q","AttributeNames":["ApproximateNumberOfMessages","ApproximateNumberOfMessagesDelayed"]}`, 200, `{"Attributes":{"ApproximateNumberOfMessages":"2","ApproximateNumberOfMessagesDelayed":"1"}}`},
		{"ReceiveMessage", `{"QueueUrl":"https://sqs/0/q","WaitTimeSeconds":1}`, 200, `"Body":"hello"`},
		{"DeleteMessage", `{"QueueUrl":"https://sqs/0/q","ReceiptHandle":"x"}`, 400, "ReceiptHandleIsInvalid"},
		{"ChangeMessageVisibility", `{"QueueUrl":"https://sqs/0/q","ReceiptHandle":"x","VisibilityTimeout":0}`, 400, "ReceiptHandleIsInvalid"},
		{"PurgeQueue", `{"QueueUrl":"https://sqs/0/q"}`, 200, "{}"},
		{"ReceiveMessage", `{"QueueUrl":"https://sqs/0/q"}`, 200, `{"Messages":[]}`},
		{"SendMessage", `{"QueueUrl":"https://sqs/0/none","MessageBody":"x"}`, 400, "com.amazonaws.sqs#QueueDoesNotExist"},
		{"TagQueue", `{"QueueUrl":"https://sqs/0/q"}`, 400, "not supported"},
		{"SendMessage", `{`, 400, "InvalidAction"},
	} {
		if status, got := call(test.operation, test.body); status != test.status || !strings.Contains(got, test.want) {
			t.Errorf("%s %s: got %d %s, want %d %s", test.operation, test.body, status, got, test.status, test.want)
		}
	}
}

// Dead letters go back to where they came from, or where one says.
func TestMove(t *testing.T) {
	dead := newQueue(t, queue.Config{Name: "dead", Visibility: time.Minute})
	a := newQueue(t, queue.Config{Name: "a", DeadLetter: dead, MaxReceive: 1})
	b := newQueue(t, queue.Config{Name: "b", DeadLetter: dead, MaxReceive: 1})
	server := queue.NewServer([]*queue.Queue{a, b, dead})
	for _, test := range []struct {
		body   string
		status int
		a, b   int // messages afterwards
	}{
		{`{"SourceArn":"arn:aws:sqs:us-east-1:0:a"}`, 400, 0, 0},
		{`{"SourceArn":"arn:aws:sqs:us-east-1:0:dead","DestinationArn":"arn:aws:sqs:us-east-1:0:none"}`, 400, 0, 0},
		{`{"SourceArn":"arn:aws:sqs:us-east-1:0:none"}`, 400, 0, 0},
		{`{"SourceArn":"arn:aws:sqs:us-east-1:0:dead"}`, 200, 1, 1},
		{`{"SourceArn":"arn:aws:sqs:us-east-1:0:dead","DestinationArn":"arn:aws:sqs:us-east-1:0:b"}`, 200, 0, 2},
	} {
		for _, q := range []*queue.Queue{a, b, dead} {
			q.Purge()
		}
		for _, q := range []*queue.Queue{a, b} {
			send(t, q, "x")
			q.Receive(1, 0)
			q.Receive(1, 0) // once too often
		}
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(test.body))
		r.Header.Set("X-Amz-Target", "AmazonSQS.StartMessageMoveTask")
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		countA, _, _ := a.Count()
		countB, _, _ := b.Count()
		if w.Code != test.status || countA != test.a || countB != test.b {
			t.Errorf("%s: got %d, %d in a, %d in b, want %d, %d, %d", test.body, w.Code, countA, countB, test.status, test.a, test.b)
		}
	}
}

// The digest of attributes is the one that the AWS CLI computes.
func TestAttributes(t *testing.T) {
	server := queue.NewServer([]*queue.Queue{newQueue(t, queue.Config{Name: "q"})})
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(
		`{"QueueUrl":"/q","MessageBody":"x","MessageAttributes":{"k":{"DataType":"String","StringValue":"v"}}}`))
	r.Header.Set("X-Amz-Target", "AmazonSQS.SendMessage")
	w := httptest.NewRecorder()
	server.ServeHTTP(w, r)
	if want := `"MD5OfMessageAttributes":"0a77b0642718c3d9dd47090567d11e0d"`; !strings.Contains(w.Body.String(), want) {
		t.Errorf("got %s, want %s", w.Body, want)
	}
}
