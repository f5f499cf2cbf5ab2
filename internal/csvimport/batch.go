package csvimport

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"lunogram-users/internal/user"
)

const (
	// batchRows and batchBytes bound a batch, so that long rows do not add up to much memory.
	batchRows  = 100
	batchBytes = 1 << 20
	// patience is how long a batch waits for a store that answers none of its rows before the import is left to the
	// next delivery of its event.
	patience   = 2 * time.Minute
	maxBackoff = 5 * time.Second
	// stubborn is how often an error of unknown kind is tried, where the store answers other rows, before it is held to
	// be the row's.
	stubborn = 5
)

// batch is a run of rows that are sent together. Refused and blank rows travel along, so that rows settle
// in the order of the file.
type batch struct {
	number  int64
	oldest  int64 // the first batch that was still under way when this one was sent
	rows    []row
	size    int
	answers []answer // by row
	done    chan struct{}
	err     error // what kept the batch from being answered; set before done is closed
}

// answer is what the store made of a row.
type answer struct {
	userID  string
	outcome user.Outcome
	err     error
}

func (b *batch) add(r row) {
	b.rows = append(b.rows, r)
	b.size += r.size
}

func (b *batch) full() bool { return len(b.rows) == batchRows || b.size >= batchBytes }

// sendable returns the indexes of the rows that ask for something.
func (b *batch) sendable() []int {
	var out []int
	for i, r := range b.rows {
		if r.fault == nil && !r.blank {
			out = append(out, i)
		}
	}
	return out
}

// apply sends the rows with the given indexes until each has its answer. When one must be sent again so are all
// after it, because some may be of the same user and the later has to win.
func (b *batch) apply(ctx context.Context, store Store, project string, pending []int) error {
	began, tries, alive := time.Now(), 0, false
	for len(pending) > 0 {
		results := store.UpsertBatch(ctx, project, b.requests(pending))
		again := b.take(pending, results)
		if again == len(pending) {
			return nil
		}
		if again > 0 {
			began, tries = time.Now(), 0
		}
		alive = alive || answered(results)
		pending = pending[again:]
		cause := results[again].Err
		tries++
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case tries >= stubborn && !errors.Is(cause, user.ErrUnavailable) && alive:
			b.answers[pending[0]].err = cause
			pending, tries = pending[1:], 0
		case time.Since(began) > patience:
			return fmt.Errorf("upsert a batch: %w", cause)
		default:
			if err := sleep(ctx, backoff(tries)); err != nil {
				return err
			}
		}
	}
	return nil
}

// requests returns the requests of the rows.
func (b *batch) requests(pending []int) []user.Upsert {
	out := make([]user.Upsert, len(pending))
	for i, at := range pending {
		out[i] = b.rows[at].req
	}
	return out
}

// take keeps the results and returns the position of the first that must be tried again, len(pending) if none.
func (b *batch) take(pending []int, results []user.Result) (again int) {
	again = len(pending)
	for i, at := range pending {
		a, r := &b.answers[at], results[i]
		if r.Err != nil && !final(r.Err) {
			again = min(again, i)
			continue
		}
		*a = answer{userID: r.UserID, outcome: stronger(a.outcome, r.Outcome), err: r.Err}
	}
	return again
}

// final reports whether sending the row again would be in vain.
func final(err error) bool {
	if _, ok := errors.AsType[*user.ConflictError](err); ok {
		return true
	}
	return invalidOf(err) != nil || errors.Is(err, user.ErrTooLarge)
}

// answered reports whether the store dealt with any of the rows.
func answered(results []user.Result) bool {
	for _, r := range results {
		if r.Err == nil || final(r.Err) {
			return true
		}
	}
	return false
}

// stronger returns what a row did of what each of its attempts did: a repetition changes nothing, but it changed something.
func stronger(a, b user.Outcome) user.Outcome {
	for _, o := range []user.Outcome{user.Created, user.Updated} {
		if a == o || b == o {
			return o
		}
	}
	return b
}

// backoff returns how long to wait before the nth repetition: up to 50 ms, doubled with each up to maxBackoff.
func backoff(n int) time.Duration {
	return rand.N(min(maxBackoff, 50*time.Millisecond<<min(n, 10)))
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
