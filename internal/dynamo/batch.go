package dynamo

import (
	"context"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"lunogram-users/internal/user"
)

// batchWriters is how many users of one batch are written at a time.
const batchWriters = 16

// UpsertBatch upserts up to 100 normalized requests of one project and answers each in order. Requests that
// concern the same user are applied in order; one that fails does not hold up the others. A request that changes nothing
// is answered user.Unchanged and writes nothing, so that the same batch can be sent again for its reads alone.
// The errors are those of Upsert.
func (s *Store) UpsertBatch(ctx context.Context, project string, batch []user.Upsert) []user.Result {
	b := batchRun{store: s, project: project, requests: slices.Clone(batch), results: make([]user.Result, len(batch))}
	pending := make([]int, len(batch))
	for i := range batch {
		pending[i] = i
		b.requests[i].ProjectID = project
	}
	err := b.resolve(ctx, pending)
	for err == nil && len(pending) > 0 {
		pending, err = b.wave(ctx, pending)
	}
	b.fail(pending, err)
	return b.results
}

type batchRun struct {
	store    *Store
	project  string
	requests []user.Upsert
	results  []user.Result
	owners   map[user.Pair]string // of the pairs of pending requests, as far as the batch knows
}

// resolve reads who owns the pairs of the pending requests.
func (b *batchRun) resolve(ctx context.Context, pending []int) (err error) {
	var pairs []user.Pair
	for _, i := range pending {
		pairs = append(pairs, b.requests[i].Pairs()...)
	}
	b.owners, err = b.store.owners(ctx, b.project, pairs)
	return err
}

// wave answers the first pending request of every user and returns the rest, which must see its effect.
func (b *batchRun) wave(ctx context.Context, pending []int) (rest []int, err error) {
	now, rest := b.split(pending)
	profiles, err := b.store.profiles(ctx, b.project, b.soleOwners(now))
	if err != nil {
		return pending, err
	}
	var g errgroup.Group
	g.SetLimit(batchWriters)
	for _, i := range now {
		g.Go(func() error {
			b.results[i] = b.one(ctx, b.requests[i], profiles)
			return nil
		})
	}
	_ = g.Wait() // the results carry the errors
	if b.learn(now) {
		return rest, nil
	}
	return rest, b.resolve(ctx, rest)
}

// split returns the requests that may be applied at once, and those that share a pair or a user with an earlier one.
func (b *batchRun) split(pending []int) (now, rest []int) {
	pairs, users := make(map[user.Pair]bool), make(map[string]bool)
	for _, i := range pending {
		busy := false
		for _, p := range b.requests[i].Pairs() {
			owner, owned := b.owners[p]
			busy = busy || pairs[p] || owned && users[owner]
		}
		// A request that waits takes its pairs and users too, so that a third does not overtake it.
		for _, p := range b.requests[i].Pairs() {
			pairs[p] = true
			if owner, owned := b.owners[p]; owned {
				users[owner] = true
			}
		}
		if busy {
			rest = append(rest, i)
		} else {
			now = append(now, i)
		}
	}
	return now, rest
}

// learn notes who owns the pairs of the applied requests now. It returns false when a merge may have moved others.
func (b *batchRun) learn(applied []int) bool {
	for _, i := range applied {
		if len(distinct(b.owned(b.requests[i]))) > 1 {
			return false
		}
		if b.results[i].Err != nil {
			continue
		}
		for _, p := range b.requests[i].Pairs() {
			b.owners[p] = b.results[i].UserID
		}
	}
	return true
}

func (b *batchRun) fail(pending []int, err error) {
	for _, i := range pending {
		b.results[i] = user.Result{Err: err}
	}
}

// soleOwners returns the users that are the only owner of all pairs of their request: those to compare with.
func (b *batchRun) soleOwners(indices []int) []string {
	var ids []string
	for _, i := range indices {
		own := b.owned(b.requests[i])
		if all := distinct(own); len(own) == len(b.requests[i].Identifiers) && len(all) == 1 {
			ids = append(ids, all[0])
		}
	}
	return ids
}

// owned returns the owners of those pairs of the request that have one.
func (b *batchRun) owned(req user.Upsert) map[user.Pair]string {
	own := make(map[user.Pair]string, len(req.Identifiers))
	for _, p := range req.Pairs() {
		if owner, ok := b.owners[p]; ok {
			own[p] = owner
		}
	}
	return own
}

// distinct returns the different owners, oldest first.
func distinct(owners map[user.Pair]string) []string {
	return slices.Compact(slices.Sorted(maps.Values(owners)))
}

// one answers one request: nothing is written if the stored profile already says all of it, the rest is an upsert
// whose first attempt uses what the batch has read.
func (b *batchRun) one(ctx context.Context, req user.Upsert, profiles map[string]profileItem) user.Result {
	own := b.owned(req)
	if p, ok := profiles[own[req.Identifiers[0].Pair]]; ok && p.live() && p.owns(req.Identifiers) {
		u := p.user(b.project)
		if req = req.Against(u); req.Redundant() {
			return batchResult(u, user.Unchanged, nil)
		}
	}
	w := newUpsert(b.store, req)
	first := true
	u, err := untilWon(ctx, func() (user.User, error) {
		if first {
			first = false
			return w.apply(ctx, own)
		}
		return w.try(ctx)
	})
	return batchResult(u, w.outcome, err)
}

func batchResult(u user.User, outcome user.Outcome, err error) user.Result {
	return user.Result{
		UserID: u.ID, Outcome: outcome, Err: err, Version: u.Version, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}
}
