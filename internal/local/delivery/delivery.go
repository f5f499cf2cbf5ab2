// Package delivery hands asynchronous events to a function as Lambda does for S3 and SNS: at least once, again
// after a failure, and to a failure destination when the attempts are used up.
//
// Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"lunogram-users/internal/local/journal"
	"lunogram-users/internal/local/lambda"
)

// ErrClosed says that the queue takes no more events.
var ErrClosed = errors.New("the delivery queue is closed")

// Invoker runs a function on an event. *lambda.Function is one.
type Invoker interface {
	Invoke(ctx context.Context, event []byte) ([]byte, error)
}

// Config makes a Queue.
type Config struct {
	Function    Invoker
	FunctionARN string
	Retries     int                       // attempts after the first
	MaxAge      time.Duration             // of an event that is still tried; 6 hours if 0
	RetryDelay  time.Duration             // before the first retry, twice as long before the next; AWS waits 1 and 2 minutes
	OnFailure   func(record []byte) error // gets the record of an event that was given up; nil drops it
	Journal     *journal.Journal          // keeps events across restarts; nil keeps none
	Log         *slog.Logger
	Now         func() time.Time // time.Now if nil
}

// Queue delivers the events of one function. Its methods may be called concurrently.
type Queue struct {
	config Config
	target string
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	closed  bool
	closing chan struct{} // closed by Close, to end waits for a next attempt
	events  sync.WaitGroup
}

// New returns a queue and starts to deliver what its journal kept. Close it.
func New(c Config) *Queue {
	if c.MaxAge == 0 {
		c.MaxAge = 6 * time.Hour
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	ctx, cancel := context.WithCancel(context.Background())
	q := &Queue{config: c, target: "function " + c.FunctionARN, ctx: ctx, cancel: cancel, closing: make(chan struct{})}
	for _, e := range c.Journal.Waiting(q.target) {
		q.start(e.ID, e.Body)
	}
	return q
}

// Send accepts an event. When it returns nil the event will be delivered, by the next process if this one dies.
// It returns ErrClosed, or an error of the journal.
func (q *Queue) Send(event []byte) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrClosed
	}
	id, err := q.config.Journal.Add(q.target, event)
	if err != nil {
		return err
	}
	q.start(id, event)
	return nil
}

func (q *Queue) start(id string, event []byte) {
	accepted := q.config.Now()
	q.events.Go(func() {
		if q.deliver(id, event, accepted) {
			q.config.Journal.Done(id)
		}
	})
}

// deliver tries an event until it succeeds or is given up, and reports whether it is dealt with. It is not when
// the queue closes before.
func (q *Queue) deliver(id string, event []byte, accepted time.Time) bool {
	for attempt := 1; ; attempt++ {
		_, err := q.config.Function.Invoke(lambda.WithRequestID(q.ctx, id), event)
		if err == nil {
			return true
		}
		if q.ctx.Err() != nil || errors.Is(err, lambda.ErrClosed) {
			return false
		}
		log := q.config.Log.With("event", id, "attempt", attempt, "error", err)
		expired := q.config.Now().Sub(accepted) >= q.config.MaxAge
		if attempt > q.config.Retries || expired {
			log.Error("an event was given up")
			return q.giveUp(id, event, attempt, expired, err)
		}
		log.Warn("an event will be tried again")
		if !q.wait(q.config.RetryDelay << (attempt - 1)) {
			return false
		}
	}
}

func (q *Queue) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-q.closing:
		return false
	}
}

// giveUp hands the record of an event to the failure destination.
func (q *Queue) giveUp(id string, event []byte, attempts int, expired bool, cause error) bool {
	if q.config.OnFailure == nil {
		return true
	}
	record, err := q.record(id, event, attempts, expired, cause)
	if err == nil {
		err = q.config.OnFailure(record)
	}
	if err != nil {
		q.config.Log.Error("an event did not reach its failure destination", "event", id, "error", err)
		return false // the journal keeps it for the next start
	}
	return true
}

// record is what Lambda sends to a destination.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
func (q *Queue) record(id string, event []byte, attempts int, expired bool, cause error) ([]byte, error) {
	condition := "RetriesExhausted"
	if expired {
		condition = "EventAgeExceeded"
	}
	r := map[string]any{
		"version":   "1.0",
		"timestamp": q.config.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		"requestContext": map[string]any{
			"requestId":              id,
			"functionArn":            q.config.FunctionARN + ":$LATEST",
			"condition":              condition,
			"approximateInvokeCount": attempts,
		},
		"requestPayload": json.RawMessage(event),
	}
	if e, ok := errors.AsType[*lambda.Error](cause); ok {
		r["responseContext"] = map[string]any{"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
		r["responsePayload"] = json.RawMessage(e.Payload)
	}
	record, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("marshal the record of an event: %w", err)
	}
	return record, nil
}

// Close refuses further events and waits until ctx ends for the attempts under way; the rest stays in the
// journal. It must be called once.
func (q *Queue) Close(ctx context.Context) {
	q.mu.Lock()
	q.closed = true
	close(q.closing)
	q.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		q.events.Wait()
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	q.cancel()
	<-done
}
