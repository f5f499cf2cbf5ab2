package membership

import (
	"context"
	"maps"
	"slices"

	"lunogram-users/internal/user"
)

// amendment makes many users members of lists, or ends that, by what was read of all of them at once. It is for rules that
// do not change their minds of these users with time.
type amendment struct {
	*Engine
	projectID string
	set       *ruleSet
	users     map[string]user.User // as they were read after the rules; who is missing is not there
	lists     map[string][]dynamic // to look at, by user
}

// run writes what the rules want of the users, whatever is stored. Then it reads anew all that this was decided by, as settle
// does, and settles whom it may have got wrong: who changed meanwhile or is not there, or everybody if a list changed. In
// batches, that takes a hundredth of the calls and half of the read units of settling each.
func (a amendment) run(ctx context.Context) error {
	if len(a.lists) == 0 {
		return nil
	}
	if err := a.write(ctx); err != nil {
		return err
	}
	ids := slices.Collect(maps.Keys(a.lists))
	again, err := a.Store.Profiles(ctx, a.projectID, ids)
	if err != nil {
		return err
	}
	set, err := a.readRules(ctx, a.projectID)
	if err != nil {
		return err
	}
	moved := !set.same(a.set)
	suspects := slices.DeleteFunc(ids, func(id string) bool {
		before, there := a.users[id]
		after, still := again[id]
		return !moved && there && still && before.Version == after.Version
	})
	return a.Settle(ctx, a.projectID, suspects)
}

// write adds and removes members, list by list.
func (a amendment) write(ctx context.Context) error {
	ctx, cancel := context.WithDeadline(ctx, a.set.readAt.Add(settleTime))
	defer cancel()
	now := a.now()
	add, remove := map[string][]string{}, map[string][]string{}
	for userID, lists := range a.lists {
		u, there := a.users[userID]
		for _, d := range lists {
			if there && d.wants(&u, now) {
				add[d.listID] = append(add[d.listID], userID)
			} else {
				remove[d.listID] = append(remove[d.listID], userID)
			}
		}
	}
	for listID, users := range add {
		if err := a.Store.EnterMembers(ctx, a.projectID, listID, distinct(users), now); err != nil {
			return err
		}
	}
	for listID, users := range remove {
		if err := a.Store.ExpelMembers(ctx, a.projectID, listID, distinct(users)); err != nil {
			return err
		}
	}
	return nil
}

// distinct returns the ids sorted, each once: one batch takes no item twice.
func distinct(ids []string) []string {
	slices.Sort(ids)
	return slices.Compact(ids)
}
