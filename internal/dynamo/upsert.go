package dynamo

import (
	"context"

	"lunogram-users/internal/user"
)

// Upsert creates or updates the user who owns any of the sent pairs and attaches the pairs that nobody owns.
// The request must be normalized. An anonymous profile that owns a sent pair merges into the user whom
// another pair names.
//
// It returns *user.ConflictError when the pairs belong to users that must not be merged, user.ErrVersion when
// IfMatch does not hold (also when there is no user), *user.InvalidError when the user would have too
// many identifiers, user.ErrTooLarge, and user.ErrUnavailable.
func (s *Store) Upsert(ctx context.Context, req user.Upsert) (user.User, error) {
	w := newUpsert(s, req)
	return untilWon(ctx, func() (user.User, error) { return w.try(ctx) })
}

// upsert is one request on its way, over as many attempts as it takes.
type upsert struct {
	user.Upsert
	store   *Store
	writeID string // the same for every attempt, so that a persisted one is recognised
	userID  string // of the user it creates, if it creates one
	outcome user.Outcome
}

func newUpsert(s *Store, req user.Upsert) *upsert {
	return &upsert{Upsert: req, store: s, writeID: newWriteID(), userID: newID()}
}

// try resolves the pairs and writes what that asks for. It returns errLost when the world moved on meanwhile.
func (w *upsert) try(ctx context.Context) (user.User, error) {
	owners, err := w.store.owners(ctx, w.ProjectID, w.Pairs())
	if err != nil {
		return user.User{}, err
	}
	return w.apply(ctx, owners)
}

// apply writes the request, given who owns its pairs.
func (w *upsert) apply(ctx context.Context, owners map[user.Pair]string) (user.User, error) {
	w.outcome = user.Updated
	ids := distinct(owners)
	switch {
	case len(ids) == 0:
		return w.create(ctx)
	case len(ids) == 1 && len(owners) == len(w.Identifiers) && inPlace(w.Identifiers, w.Patch):
		return w.update(ctx, ids[0])
	default:
		return w.rewrite(ctx, ids)
	}
}

// create writes a new user and all its pairs in one transaction, each on condition that it does not exist.
func (w *upsert) create(ctx context.Context) (user.User, error) {
	if w.IfMatch != nil {
		return user.User{}, user.ErrVersion
	}
	w.outcome = user.Created
	u := user.Create(&w.Upsert, w.userID, w.store.mint())
	return u, w.store.commit(ctx, w.store.creation(u, w.writeID), w.writeID, "create user")
}

// creation returns the transaction that writes a new user.
func (s *Store) creation(u user.User, writeID string) *tx {
	t := s.begin()
	t.put(toProfile(u, writeID))
	for _, id := range u.Identifiers {
		t.put(ownerItem{key: identKey(u.ProjectID, id.Pair), User: u.ID})
	}
	return t
}

// update changes a user who owns every sent pair already: one call, no read.
func (w *upsert) update(ctx context.Context, userID string) (user.User, error) {
	p, err := w.store.update(ctx, change{
		project: w.ProjectID, userID: userID, identifiers: w.Identifiers,
		patch: w.Patch, ifMatch: w.IfMatch, writeID: w.writeID,
	})
	if refusal(err) && (p.Deleting || p.absent()) {
		err = w.clear(ctx, userID)
	}
	if err != nil {
		return user.User{}, err
	}
	return p.user(w.ProjectID), nil
}

// clear frees the pairs of the request that the id owns although it is no user (any more, or yet), after which the
// request is resolved anew.
func (w *upsert) clear(ctx context.Context, id string) error {
	if err := w.store.clear(ctx, w.ProjectID, id, w.Pairs(), false); err != nil {
		return err
	}
	return errLost
}

// rewrite handles what needs the stored profiles first: attaching pairs, merging anonymous profiles,
// patches too wide for one expression. It writes on condition of the versions it read.
func (w *upsert) rewrite(ctx context.Context, ids []string) (user.User, error) {
	found, err := w.store.profiles(ctx, w.ProjectID, ids)
	if err != nil {
		return user.User{}, err
	}
	users := make([]user.User, 0, len(ids))
	for _, id := range ids {
		p := found[id]
		switch {
		case p.Deleting || p.absent():
			return user.User{}, w.clear(ctx, id)
		case !p.live():
			return user.User{}, errLost
		case p.WriteID == w.writeID: // an earlier try got through
			return p.user(w.ProjectID), nil
		}
		users = append(users, p.user(w.ProjectID))
	}
	survivor, absorbed, ok := user.Survivor(users)
	switch {
	case !ok:
		return user.User{}, &user.ConflictError{UserIDs: ids}
	case w.IfMatch != nil && survivor.Version != *w.IfMatch:
		return user.User{}, user.ErrVersion
	case len(absorbed) == 0:
		return w.attach(ctx, user.Plan{Before: survivor, After: survivor})
	}
	return w.merge(ctx, survivor, absorbed)
}

// attach completes a plan with what the request itself asks, and writes it.
func (w *upsert) attach(ctx context.Context, p user.Plan) (user.User, error) {
	plan, err := p.Amend(&w.Upsert, w.store.mint())
	if err != nil {
		return user.User{}, err
	}
	t, err := w.store.transaction(plan, w.writeID)
	if err != nil {
		return user.User{}, err
	}
	return plan.After, w.store.commit(ctx, t, w.writeID, "rewrite user")
}
