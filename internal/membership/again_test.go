package membership_test

import (
	"context"
	"log/slog"
	"testing"

	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/list"
	"lunogram-users/internal/membership"
	"lunogram-users/internal/user"
)

// meddler is a store in which something happens between the reads of a user and the first write.
type meddler struct {
	*dynamo.Store
	meddle func()
}

func (m *meddler) ChangeMembership(ctx context.Context, projectID, userID string, c list.Change) error {
	if meddle := m.meddle; meddle != nil {
		m.meddle = nil
		meddle()
	}
	return m.Store.ChangeMembership(ctx, projectID, userID, c)
}

// TestReadAgain lets a user be settled by what is not so any more, while somebody else does all there is to do about the
// news: whoever comes late must see it too.
func TestReadAgain(t *testing.T) {
	for name, meddle := range map[string]func(r *rig, l list.List, u user.User){
		"the user changes": func(r *rig, l list.List, u user.User) {
			r.upsert(map[string]any{"plan": "free"}, pair("u"))
		},
		"the rule changes": func(r *rig, l list.List, u user.User) { r.rewrite(l, `user.data.plan = "gold"`) },
		"the user is erased": func(r *rig, l list.List, u user.User) {
			r.must(r.store.Delete(r.t.Context(), r.project.ID, u.ID))
		},
		"the user is absorbed": func(r *rig, l list.List, u user.User) {
			r.upsert(nil, pair("known"))
			r.upsert(nil, pair("known"), anonymous("u"))
			r.upsert(map[string]any{"plan": "free"}, pair("known"))
		},
	} {
		r := newRig(t)
		l := r.list("A", premium)
		who := pair("u")
		if name == "the user is absorbed" {
			who = anonymous("u")
		}
		u := r.upsert(nil, who)
		r.rest()
		r.upsert(map[string]any{"plan": "premium"}, who)
		batch := r.read()
		late := &membership.Engine{
			Queue: r.queue, Wakes: r.plans, Log: slog.New(slog.DiscardHandler), Now: r.clock,
			Store: &meddler{r.store, func() {
				meddle(r, l, u)
				r.deliver(batch)
				r.rest()
			}},
		}
		r.must(late.Settle(t.Context(), r.project.ID, []string{u.ID}))
		r.checkMembers(name, l)
		r.rest()
		r.checkMembers(name+", in the end", l)
	}
}
