package stream

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"lunogram-users/internal/local/lambda"
	"lunogram-users/internal/local/pattern"
	"lunogram-users/internal/pause"
)

// How long Mapping waits before it looks again at a stream that had nothing new, and between two tries of a batch.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = 100 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// maxBatch is the size in bytes of the records of one event, which leaves room for what is around them.
const maxBatch = lambda.MaxPayload - 64<<10

// Invoker runs a function on an event. *lambda.Function is one.
type Invoker interface {
	Invoke(ctx context.Context, event []byte) ([]byte, error)
}

// Mapping feeds a stream to a function (an event source mapping), one batch at a time, as if the stream had one shard.
type Mapping struct {
	Reader         *Reader
	Cursor         *Cursor
	Function       Invoker
	FunctionARN    string
	BatchSize      int               // at most so many records at a time
	Window         time.Duration     // to wait for a full batch
	Filters        []pattern.Pattern // a record must match one, if there are any; the others are passed over
	PartialFailure bool              // the function answers with batchItemFailures
	Bisect         bool              // a batch on which the function fails is tried again in halves
	Retries        int               // of a batch after the first attempt; negative for as many as it takes
	MaxAge         time.Duration     // of a record that is still tried; 0 for any
	RetryDelay     time.Duration     // before the first retry, twice as long before the next, at most 30 seconds
	OnFailure      func(record []byte) error
	Copies         int                  // how often each batch is handed to the function, as one may come twice; 1 if 0
	Delay          func() time.Duration // asked before each batch how late it is to be; nil for not at all
	Log            *slog.Logger

	read    Position // up to which records were read
	pending []Record // that were read and match
}

// Run feeds the function until ctx ends, and returns when no batch is under way. A batch under way is waited for until
// force ends. What was not dealt with is read again by the next Run.
func (m *Mapping) Run(ctx, force context.Context) {
	m.read, m.pending = m.Cursor.At(), nil
	for {
		batch, err := m.next(ctx)
		if err == nil && m.Delay != nil {
			err = pause.For(ctx, m.Delay())
		}
		if err != nil {
			return
		}
		if !m.deliver(ctx, force, batch) {
			return
		}
	}
}

// next waits for records and returns them as one batch. It returns an error only when ctx has ended.
func (m *Mapping) next(ctx context.Context) ([]Record, error) {
	var due time.Time
	for wait := firstPause; ; wait = min(2*wait, lastPause) {
		if len(m.pending) > 0 && due.IsZero() {
			due = time.Now().Add(m.Window)
		}
		if len(m.pending) >= m.BatchSize || len(m.pending) > 0 && !time.Now().Before(due) {
			return m.cut(), ctx.Err()
		}
		found, err := m.fill(ctx)
		if found {
			wait = firstPause
			continue
		}
		if err != nil && ctx.Err() == nil {
			m.Log.Warn("a stream could not be read", "error", err)
			wait = lastPause
		}
		if err := pause.For(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// fill reads on, and reports whether it came further. Records that no filter lets pass are dealt with.
func (m *Mapping) fill(ctx context.Context) (bool, error) {
	records, next, err := m.Reader.Records(ctx, m.read)
	if err != nil {
		return false, err
	}
	moved := next != m.read
	m.read = next
	for _, r := range records {
		if m.wanted(r) {
			m.pending = append(m.pending, r)
		}
	}
	if moved && len(m.pending) == 0 {
		m.save(m.read)
	}
	return moved, nil
}

func (m *Mapping) wanted(r Record) bool {
	if len(m.Filters) == 0 {
		return true
	}
	var event any
	if json.Unmarshal(r.JSON, &event) != nil {
		return false
	}
	return slices.ContainsFunc(m.Filters, func(p pattern.Pattern) bool { return p.Match(event) })
}

// cut takes a batch off the pending records: as many as may go in one event, and at least one.
func (m *Mapping) cut() []Record {
	n, size := 0, 0
	for n < len(m.pending) && n < m.BatchSize {
		if size += len(m.pending[n].JSON) + 1; size > maxBatch && n > 0 {
			break
		}
		n++
	}
	batch := m.pending[:n:n]
	m.pending = m.pending[n:]
	return batch
}

// deliver runs the function on a batch until it is dealt with, and reports whether it is. It is not when ctx ends
// before.
func (m *Mapping) deliver(ctx, force context.Context, batch []Record) bool {
	for attempt := 1; ; attempt++ {
		if old := m.expired(batch); old > 0 {
			m.giveUp(batch[:old], "RecordAgeExceeded", attempt-1)
			batch = m.done(batch, old)
		}
		if len(batch) == 0 {
			return true
		}
		n, err := m.invokeAll(force, batch)
		if force.Err() != nil || errors.Is(err, lambda.ErrClosed) {
			return false
		}
		if batch = m.done(batch, n); len(batch) == 0 {
			return true
		}
		m.Log.Warn("a batch of a stream failed", "records", len(batch), "attempt", attempt, "error", err)
		if n > 0 {
			attempt = 1 // it is another batch now
		}
		split := err != nil && m.Bisect && len(batch) > 1
		if !split && m.Retries >= 0 && attempt > m.Retries {
			m.giveUp(batch, "RetryAttemptsExhausted", attempt)
			m.done(batch, len(batch))
			return true
		}
		if pause.For(ctx, m.backoff(attempt)) != nil {
			return false
		}
		if split {
			half := len(batch) / 2
			return m.deliver(ctx, force, batch[:half]) && m.deliver(ctx, force, batch[half:])
		}
	}
}

func (m *Mapping) backoff(attempt int) time.Duration {
	return min(m.RetryDelay<<min(attempt-1, 16), lastRetry)
}

// expired returns how many records at the head of a batch are too old to be tried.
func (m *Mapping) expired(batch []Record) int {
	if m.MaxAge == 0 {
		return 0
	}
	fresh := slices.IndexFunc(batch, func(r Record) bool { return time.Since(r.Created) <= m.MaxAge })
	if fresh < 0 {
		return len(batch)
	}
	return fresh
}

// done moves the cursor past the first n records of a batch and returns the others.
func (m *Mapping) done(batch []Record, n int) []Record {
	if n == 0 {
		return batch
	}
	m.save(batch[n-1].At)
	return batch[n:]
}

func (m *Mapping) save(p Position) {
	if err := m.Cursor.Save(p); err != nil {
		m.Log.Error("the place in a stream is not kept: the next start repeats what follows the last one", "error", err)
	}
}

// invokeAll hands a batch to the function as often as Copies says, and returns how far it came the last time.
func (m *Mapping) invokeAll(ctx context.Context, batch []Record) (n int, err error) {
	for range max(m.Copies, 1) {
		if n, err = m.invoke(ctx, batch); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// invoke returns how many records from the first on the function has dealt with.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
func (m *Mapping) invoke(ctx context.Context, batch []Record) (int, error) {
	answer, err := m.Function.Invoke(ctx, event(batch))
	if err != nil {
		return 0, err
	}
	if !m.PartialFailure || len(answer) == 0 || string(answer) == "null" {
		return len(batch), nil
	}
	var response events.DynamoDBEventResponse
	if json.Unmarshal(answer, &response) != nil {
		return 0, errors.New("its answer has not the form of batchItemFailures")
	}
	n := len(batch)
	for _, failed := range response.BatchItemFailures {
		i := slices.IndexFunc(batch, func(r Record) bool { return r.At.Sequence == failed.ItemIdentifier })
		if i < 0 {
			return 0, errors.New("its answer names a record that is not in the batch")
		}
		n = min(n, i)
	}
	return n, nil
}

func event(batch []Record) []byte {
	var b strings.Builder
	b.WriteString(`{"Records":[`)
	for i, r := range batch {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(r.JSON)
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}
