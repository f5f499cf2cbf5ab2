package dynamo

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"lunogram-users/internal/user"
)

// batchReaders is how many batches of one Prepare are read at a time.
const batchReaders = 8

// Prepare reads what up to 500 rows of an import concern, in batches of 100 items, strongly consistent, and decides what
// each will do; it writes nothing. It also returns the read units used. Decisions are as good
// as what was read: Apply holds each to the versions they were made from.
func (s *Store) Prepare(ctx context.Context, load user.Load, rows []user.Row) ([]user.Decision, user.Usage, error) {
	r := reading{store: s, project: load.ProjectID, known: user.Known{
		Owners: make(map[user.Pair]string, len(rows)),
		Users:  make(map[string]user.User, len(rows)),
		Absent: make(map[string]bool),
	}}
	if err := r.owners(ctx, rows); err != nil {
		return nil, r.usage, err
	}
	if err := r.users(ctx); err != nil {
		return nil, r.usage, err
	}
	if r.known.Restricts(rows) {
		groups, err := s.Groups(ctx, load.ProjectID)
		if err != nil {
			return nil, r.usage, err
		}
		r.known.Groups = groups
	}
	decisions := load.Decide(rows, &r.known, s.mint())
	for i := range decisions {
		estimate(&decisions[i])
	}
	return decisions, r.usage, nil
}

// reading collects what is known of the pairs of some rows.
type reading struct {
	store   *Store
	project string
	mu      sync.Mutex // guards what follows while batches are read
	known   user.Known
	usage   user.Usage
}

func (r *reading) owners(ctx context.Context, rows []user.Row) error {
	pairs := make(map[string]user.Pair, len(rows)) // by partition key
	keys := make([]key, 0, len(rows))
	for i := range rows {
		for _, sent := range rows[i].Identifiers {
			k := identKey(r.project, sent.Pair)
			if _, known := pairs[k.PK]; !known {
				pairs[k.PK] = sent.Pair
				keys = append(keys, k)
			}
		}
	}
	r.usage.Read += float64(len(keys))
	return r.store.batchGetAll(ctx, keys, "get identifiers", func(found []item) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, av := range found {
			r.known.Owners[pairs[text(av["pk"])]] = text(av["user"])
		}
		return nil
	})
}

func (r *reading) users(ctx context.Context) error {
	keys := make([]key, 0, len(r.known.Owners))
	for _, id := range r.known.Owners {
		if !r.known.Absent[id] {
			r.known.Absent[id] = true
			keys = append(keys, profileKey(r.project, id))
		}
	}
	return r.store.batchGetAll(ctx, keys, "get profiles", r.learn)
}

// learn notes profiles that were read.
func (r *reading) learn(found []item) error {
	profiles := make([]profileItem, len(found))
	users := make([]user.User, len(found))
	units := 0
	for i, av := range found {
		p, err := readProfile(av)
		if err != nil {
			return err
		}
		profiles[i], users[i] = p, p.user(r.project)
		units += (itemSize(av) + readUnit - 1) / readUnit
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.usage.Read += float64(units)
	for i := range profiles {
		delete(r.known.Absent, profiles[i].ID)
		if profiles[i].live() {
			r.known.Users[profiles[i].ID] = users[i]
		}
	}
	return nil
}

// batchGetAll reads items as batchGet does, several batches at a time, and hands what each found to visit, which may
// be called by several goroutines at once.
func (s *Store) batchGetAll(ctx context.Context, keys []key, doing string, visit func([]item) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(batchReaders)
	for len(keys) > 0 {
		chunk := keys[:min(maxBatchGet, len(keys))]
		keys = keys[len(chunk):]
		g.Go(func() error {
			found := make([]item, 0, len(chunk))
			err := s.batchGet(ctx, chunk, doing, func(av item) error {
				found = append(found, av)
				return nil
			})
			if err != nil {
				return err
			}
			return visit(found)
		})
	}
	return g.Wait()
}
