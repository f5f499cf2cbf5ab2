package csvimport

import (
	"context"
	"time"

	"lunogram-users/internal/user"
)

// maxInFlight is how many batches are under way at a time.
const maxInFlight = 8

// pipeline sends batches, several at a time, and settles them in the order of the file. The later row of a user has to
// win, so two batches are under way together only if no pair is in both. Rows may be of one user without
// sharing a pair, because the store knows of further pairs: that shows in the answers, and then the later rows are sent
// once more after the earlier. Writing a row again changes nothing else, since an upsert says what shall be.
//
// What is settled is a prefix of the file at any time, which is what a checkpoint needs.
// A pipeline is used by one goroutine.
type pipeline struct {
	store   Store
	project string
	settled func(context.Context, *batch) error // is given each batch in order, by the caller's goroutine
	idle    func(context.Context) error         // is called now and then while a batch is awaited

	sent   int64
	queue  []*batch            // under way, oldest first
	last   map[user.Pair]int64 // the last batch under way that has the pair
	recent []recentUsers       // of settled batches that overlapped with one under way
}

// recentUsers is which users a settled batch had.
type recentUsers struct {
	number int64
	ids    map[string]bool
}

// idleEvery is how often pipeline.idle is called during a long wait.
const idleEvery = leaseTime / 4

func newPipeline(store Store, project string) *pipeline {
	return &pipeline{store: store, project: project, last: make(map[user.Pair]int64)}
}

// send starts a batch as soon as it may be under way.
func (p *pipeline) send(ctx context.Context, b *batch) error {
	p.sent++
	b.number, b.answers, b.done = p.sent, make([]answer, len(b.rows)), make(chan struct{})
	pending := b.sendable()
	for len(p.queue) == maxInFlight || p.shares(b, pending) {
		if err := p.settle(ctx); err != nil {
			return err
		}
	}
	b.oldest = b.number
	if len(p.queue) > 0 {
		b.oldest = p.queue[0].number
	}
	for _, i := range pending {
		for _, pair := range b.rows[i].req.Pairs() {
			p.last[pair] = b.number
		}
	}
	p.queue = append(p.queue, b)
	go func() {
		defer close(b.done)
		b.err = b.apply(ctx, p.store, p.project, pending)
	}()
	return nil
}

// shares reports whether a batch under way has a pair of the batch.
func (p *pipeline) shares(b *batch, pending []int) bool {
	for _, i := range pending {
		for _, pair := range b.rows[i].req.Pairs() {
			if _, ok := p.last[pair]; ok {
				return true
			}
		}
	}
	return false
}

// drain settles all batches under way.
func (p *pipeline) drain(ctx context.Context) error {
	for len(p.queue) > 0 {
		if err := p.settle(ctx); err != nil {
			return err
		}
	}
	return nil
}

// abandon waits for the batches under way without settling them. Their context should be cancelled.
func (p *pipeline) abandon() {
	for _, b := range p.queue {
		<-b.done
	}
	p.queue = nil
}

// settle waits for the oldest batch.
func (p *pipeline) settle(ctx context.Context) error {
	b := p.queue[0]
	if err := p.wait(ctx, b); err != nil {
		return err
	}
	if err := p.reorder(ctx, b); err != nil {
		return err
	}
	p.queue = p.queue[1:]
	for _, r := range b.rows {
		for _, pair := range r.req.Pairs() {
			if p.last[pair] == b.number {
				delete(p.last, pair)
			}
		}
	}
	return p.settled(ctx, b)
}

func (p *pipeline) wait(ctx context.Context, b *batch) error {
	ticker := time.NewTicker(idleEvery)
	defer ticker.Stop()
	for {
		select {
		case <-b.done:
			return b.err
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
			if err := p.idle(ctx); err != nil {
				return err
			}
		}
	}
}

// reorder sends those rows again whose users an earlier batch had at the same time.
func (p *pipeline) reorder(ctx context.Context, b *batch) error {
	users := recentUsers{number: b.number, ids: make(map[string]bool)}
	var again []int
	for i, a := range b.answers {
		if a.userID == "" {
			continue
		}
		users.ids[a.userID] = true
		for _, earlier := range p.recent {
			if earlier.number >= b.oldest && earlier.ids[a.userID] {
				again = append(again, i)
				break
			}
		}
	}
	p.remember(users)
	return b.apply(ctx, p.store, p.project, again)
}

// remember keeps the users of a batch for as long as a batch that overlapped with it is under way.
func (p *pipeline) remember(users recentUsers) {
	oldest := users.number
	for _, b := range p.queue {
		oldest = min(oldest, b.oldest)
	}
	kept := p.recent[:0]
	for _, r := range p.recent {
		if r.number >= oldest {
			kept = append(kept, r)
		}
	}
	p.recent = append(kept, users)
}
