package change

import (
	"context"
	"errors"
	"slices"
	"time"

	"lunogram-users/internal/pause"
)

// Publisher takes events. It must be safe for concurrent use.
type Publisher interface {
	// Put publishes up to 10 entries of 256 KB in all. It returns, for each entry, why it was not published, or an error if
	// it is not known of any whether it was.
	Put(ctx context.Context, entries []Entry) ([]error, error)
}

const (
	// maxEntries and maxBytes are what one call takes
	// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html). The size of an entry is that of
	// detail, source and type, and 14 bytes of the time.
	maxEntries = 10
	maxBytes   = 256 << 10
	// overhead is more than an entry has besides its detail.
	overhead = 100
	// tries is how often in a row a call may publish nothing.
	tries = 4
	// firstPause is waited after such a call, and twice as long after the next.
	firstPause = 50 * time.Millisecond
	// spare is the time of an invocation that is left to answer when the bus does not.
	spare = 5 * time.Second
)

// pending is an event that is not published yet.
type pending struct {
	record int // its number in the batch
	userID string
	entry  Entry
}

// publish publishes what the records say, and returns how many of them, from the first on, are done with: on an error
// less than all. The events of one user are published in order: one call has at most one of them, and what failed comes
// before what follows. A bus that hangs is an error a little before the deadline of ctx: Lambda would take a function that
// is out of time to have done nothing at all.
func (h *Handler) publish(ctx context.Context, records []Record) (int, error) {
	if h.Publisher == nil {
		return len(records), nil
	}
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-spare))
		defer cancel()
	}
	left := eventsOf(records)
	for failures := 0; len(left) > 0; {
		places := next(left)
		failed := h.put(ctx, left, places)
		rest := remove(left, places, failed)
		if len(rest) < len(left) {
			left, failures = rest, 0
			continue
		}
		if failures++; failures == tries {
			return left[0].record, errors.Join(failed...)
		}
		if err := pause.For(ctx, firstPause<<(failures-1)); err != nil {
			return left[0].record, err
		}
	}
	return len(records), nil
}

// eventsOf returns the events of the records in order.
func eventsOf(records []Record) []pending {
	var all []pending
	for i, r := range records {
		if e, ok := r.Event(); ok {
			all = append(all, pending{i, r.UserID, e.entry()})
		}
	}
	return all
}

// next returns the places of those events that the next call takes: the first of each user, as many as there is room for.
func next(left []pending) []int {
	var places []int
	users, size := map[string]bool{}, 0
	for i, p := range left {
		if users[p.userID] {
			continue
		}
		size += len(p.entry.Detail) + overhead
		if len(places) == maxEntries || size > maxBytes && len(places) > 0 {
			break
		}
		users[p.userID] = true
		places = append(places, i)
	}
	return places
}

// put makes one call for the events in the places, and returns why each was not published. Of a call without an answer
// that is not known: to publish an event twice does no harm.
func (h *Handler) put(ctx context.Context, left []pending, places []int) []error {
	entries := make([]Entry, len(places))
	for n, i := range places {
		entries[n] = left[i].entry
	}
	failed, err := h.Publisher.Put(ctx, entries)
	if err != nil {
		failed = slices.Repeat([]error{err}, len(places))
	}
	return failed
}

// remove returns what is left once the events in the places are published but for those that failed.
func remove(left []pending, places []int, failed []error) []pending {
	gone := map[int]bool{}
	for n, i := range places {
		gone[i] = failed[n] == nil
	}
	var rest []pending
	for i, p := range left {
		if !gone[i] {
			rest = append(rest, p)
		}
	}
	return rest
}
