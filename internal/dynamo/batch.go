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
	b := batchRun{store: s, project: project, requests: batch, results: make([]user.Result, len(batch))}
	pending := make([]int, len(batch))
	for i := range batch {
		pending[i] = i
		batch[i].ProjectID = project
	}
	for len(pending) > 0 {
		pending = b.wave(ctx, pending)
	}
	return b.results
}

type batchRun struct {
	store    *Store
	project  string
	requests []user.Upsert
	results  []user.Result
}

// wave answers the first pending request of every user and returns the rest, which must see its effect.
func (b *batchRun) wave(ctx context.Context, pending []int) (rest []int) {
	owners, err := b.owners(ctx, pending)
	if err != nil {
		return b.fail(pending, err)
	}
	var now []int
	taken := make(map[any]bool) // pairs and user ids of this wave
	for _, i := range pending {
		claims := claims(&b.requests[i], owners)
		busy := slices.ContainsFunc(claims, func(c any) bool { return taken[c] })
		for _, c := range claims {
			taken[c] = true // also of one that waits, so that a third does not overtake it
		}
		if busy {
			rest = append(rest, i)
		} else {
			now = append(now, i)
		}
	}
	profiles, err := b.store.profiles(ctx, b.project, soleOwners(b.requests, now, owners))
	if err != nil {
		return b.fail(pending, err)
	}
	var g errgroup.Group
	g.SetLimit(batchWriters)
	for _, i := range now {
		g.Go(func() error {
			b.results[i] = b.one(ctx, b.requests[i], owners, profiles)
			return nil
		})
	}
	_ = g.Wait() // the results carry the errors
	return rest
}

func (b *batchRun) fail(pending []int, err error) []int {
	for _, i := range pending {
		b.results[i] = user.Result{Err: err}
	}
	return nil
}

// owners returns who owns the pairs of the pending requests.
func (b *batchRun) owners(ctx context.Context, pending []int) (map[user.Pair]string, error) {
	var pairs []user.Pair
	for _, i := range pending {
		pairs = append(pairs, b.requests[i].Pairs()...)
	}
	return b.store.owners(ctx, b.project, pairs)
}

// claims returns what a request may touch: its pairs and their owners.
func claims(req *user.Upsert, owners map[user.Pair]string) []any {
	var claims []any
	for _, p := range req.Pairs() {
		claims = append(claims, p)
		if owner, ok := owners[p]; ok {
			claims = append(claims, owner)
		}
	}
	return claims
}

// soleOwners returns the users that are the only owner of all pairs of their request: those to compare with.
func soleOwners(requests []user.Upsert, indices []int, owners map[user.Pair]string) []string {
	var ids []string
	for _, i := range indices {
		own := owned(&requests[i], owners)
		if len(own) == len(requests[i].Identifiers) {
			if distinct := slices.Compact(slices.Sorted(maps.Values(own))); len(distinct) == 1 {
				ids = append(ids, distinct[0])
			}
		}
	}
	return ids
}

func owned(req *user.Upsert, owners map[user.Pair]string) map[user.Pair]string {
	own := make(map[user.Pair]string, len(req.Identifiers))
	for _, p := range req.Pairs() {
		if owner, ok := owners[p]; ok {
			own[p] = owner
		}
	}
	return own
}

// one answers one request: nothing is written if the stored profile already says all of it, the rest is an upsert
// whose first attempt uses what the batch has read.
func (b *batchRun) one(ctx context.Context, req user.Upsert, owners map[user.Pair]string, profiles map[string]profileItem) user.Result {
	own := owned(&req, owners)
	if p, ok := profiles[own[req.Identifiers[0].Pair]]; ok && p.live() && p.owns(req.Identifiers) {
		u := p.user(b.project)
		if req = req.Against(u); req.Redundant() {
			return user.Result{UserID: u.ID, Outcome: user.Unchanged}
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
	return user.Result{UserID: u.ID, Outcome: w.outcome, Err: err}
}
