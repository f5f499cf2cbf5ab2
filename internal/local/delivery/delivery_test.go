package delivery_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"lunogram-users/internal/local/delivery"
	"lunogram-users/internal/local/journal"
	"lunogram-users/internal/local/lambda"
)

// attempts is an Invoker that fails a number of times and remembers when it was called.
type attempts struct {
	fail  int
	times []time.Time
}

func (a *attempts) Invoke(context.Context, []byte) ([]byte, error) {
	a.times = append(a.times, time.Now())
	if len(a.times) <= a.fail {
		return nil, &lambda.Error{Type: "Some.Error", Payload: []byte(`{"errorType":"Some.Error"}`)}
	}
	return nil, nil
}

func TestRetryWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		function := &attempts{fail: 2}
		q := delivery.New(delivery.Config{Function: function, Retries: 2, RetryDelay: time.Minute})
		start := time.Now()
		if err := q.Send([]byte("{}")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		var got []time.Duration
		for _, at := range function.times {
			got = append(got, at.Sub(start))
		}
		if len(got) != 3 || got[0] != 0 || got[1] != time.Minute || got[2] != 3*time.Minute {
			t.Errorf("attempts after: got %v, want 0, 1 and 3 minutes", got)
		}
		q.Close(t.Context())
		if err := q.Send([]byte("{}")); !errors.Is(err, delivery.ErrClosed) {
			t.Errorf("send after close: got %v, want ErrClosed", err)
		}
	})
}

func TestGiveUp(t *testing.T) {
	for _, test := range []struct {
		name      string
		maxAge    time.Duration
		condition string
		count     int
	}{
		{"retries", 0, "RetriesExhausted", 3},
		{"age", time.Minute, "EventAgeExceeded", 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var record struct {
					RequestContext struct {
						Condition              string
						ApproximateInvokeCount int
					}
					RequestPayload  json.RawMessage
					ResponsePayload struct{ ErrorType string }
				}
				q := delivery.New(delivery.Config{
					Function: &attempts{fail: 9}, Retries: 2, RetryDelay: time.Minute, MaxAge: test.maxAge,
					OnFailure: func(b []byte) error { return json.Unmarshal(b, &record) },
				})
				defer q.Close(t.Context())
				if err := q.Send([]byte(`{"a":1}`)); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				got := record.RequestContext
				if got.Condition != test.condition || got.ApproximateInvokeCount != test.count {
					t.Errorf("got %+v, want %s after %d attempts", got, test.condition, test.count)
				}
				if string(record.RequestPayload) != `{"a":1}` || record.ResponsePayload.ErrorType != "Some.Error" {
					t.Errorf("payloads: got %s and %+v", record.RequestPayload, record.ResponsePayload)
				}
			})
		})
	}
}

// A queue that closes between two attempts does not wait for the next, which is left to the journal.
func TestJournalTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, err := journal.Open(filepath.Join(t.TempDir(), "journal"))
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		config := delivery.Config{Function: &attempts{fail: 1}, FunctionARN: "f", Retries: 2, RetryDelay: time.Minute, Journal: j}
		q := delivery.New(config)
		if err := q.Send([]byte("{}")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		start := time.Now()
		q.Close(t.Context())
		if time.Since(start) != 0 || len(j.Waiting("function f")) != 1 {
			t.Errorf("after %v: got %d events in the journal, want 1 at once", time.Since(start), len(j.Waiting("function f")))
		}
		q = delivery.New(config)
		synctest.Wait()
		q.Close(t.Context())
		if got := len(j.Waiting("function f")); got != 0 {
			t.Errorf("after the next start: got %d events in the journal, want none", got)
		}
	})
}
