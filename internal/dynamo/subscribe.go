package dynamo

import (
	"context"
	"errors"
	"slices"
	"time"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/user"
)

// SetSubscriptions sets the states of groups of the user with the id, or who absorbed that user, with a ledger line for each,
// also for those that stay as they are, in one transaction. consent.AllGroups stands for every group that the project
// has or gets. No choice lifts a suppression. Two calls, and one more for AllGroups.
//
// It returns the user as it then is; *user.InvalidError for more groups than fit into a transaction, consent.ErrNoGroup if a group is not of the project, user.ErrNotFound and
// user.ErrUnavailable, and then nothing has changed. It may be repeated: the states come out the same.
func (s *Store) SetSubscriptions(ctx context.Context, projectID, userID string, set consent.Setting) (user.User, error) {
	w := setting{store: s, project: projectID, userID: userID, Setting: set, writeID: newWriteID()}
	return untilWon(ctx, func() (user.User, error) { return w.try(ctx) })
}

// setting is one call on its way.
type setting struct {
	consent.Setting
	store           *Store
	project, userID string
	writeID         string // the same for every attempt, so that a persisted one is recognised
}

func (w *setting) try(ctx context.Context) (user.User, error) {
	p, groups, err := w.read(ctx)
	switch {
	case err != nil:
		return user.User{}, err
	case p.MergedInto != "":
		w.userID = p.MergedInto
		return user.User{}, errAgain
	case !p.live():
		return user.User{}, user.ErrNotFound
	}
	u := p.user(w.project)
	if p.WriteID == w.writeID {
		return u, nil
	}
	now := w.store.mint().Now
	changes, err := w.Changes(u.Subscriptions, groups, now, w.writeID)
	if err != nil {
		return user.User{}, err
	}
	// More than all groups in use: archived ones may be named beside them, and two groups that are made at once may both
	// have found room.
	if len(changes) > maxTransact-2 { // the profile, and a note
		return user.User{}, user.Invalid("", "too many groups at once")
	}
	t := w.store.begin()
	u = t.change(u, changes, now, w.writeID)
	return u, w.store.commit(ctx, t, w.writeID, "set states")
}

// change adds the rewrite of a user by changes of its states, the lines that record them, and a note if they restrict.
// It returns the user as it then is. The profile is the first item; the lines follow.
func (t *tx) change(u user.User, changes []consent.Change, now time.Time, writeID string) user.User {
	before := u.Version
	changes = slices.Clone(changes)
	u.Ledger, u.Subscriptions = u.Ledger.Record(changes), consent.Apply(u.Subscriptions, changes)
	u.Version, u.UpdatedAt = before+1, now
	t.replace(u, before, writeID)
	t.lines(u.ProjectID, u.ID, changes)
	if restricts(changes) {
		t.note(u.ProjectID, u.ID, now)
	}
	return u
}

// read returns the profile and the groups that the setting names, as far as they exist: one call, and one more if it
// names all.
func (w *setting) read(ctx context.Context) (profileItem, []consent.Group, error) {
	all := slices.ContainsFunc(w.Choices, func(c consent.Choice) bool { return c.Group == consent.AllGroups })
	keys := []key{profileKey(w.project, w.userID)}
	for _, c := range w.Choices {
		if k := groupKey(w.project, c.Group); !all && !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	var p profileItem
	var groups []consent.Group
	err := w.store.batchGet(ctx, keys, "get profile and groups", func(av item) error {
		k, err := decode[key](av)
		if err == nil && k.SK == skProfile {
			p, err = decode[profileItem](av)
			return err
		}
		g, groupErr := decode[groupItem](av)
		groups = append(groups, g.group(w.project))
		return errors.Join(err, groupErr)
	})
	if err == nil && all {
		groups, err = w.store.Groups(ctx, w.project)
	}
	return p, groups, err
}
