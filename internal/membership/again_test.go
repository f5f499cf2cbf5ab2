package membership_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"lunogram-users/internal/change"
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

func (m *meddler) once() {
	if meddle := m.meddle; meddle != nil {
		m.meddle = nil
		meddle()
	}
}

func (m *meddler) ChangeMembership(ctx context.Context, projectID, userID string, c list.Change) error {
	m.once()
	return m.Store.ChangeMembership(ctx, projectID, userID, c)
}

func (m *meddler) EnterMembers(ctx context.Context, projectID, listID string, ids []string, at time.Time) error {
	m.once()
	return m.Store.EnterMembers(ctx, projectID, listID, ids, at)
}

// news is what may happen while a user is made a member of a list.
var news = map[string]func(r *rig, l list.List, u user.User){
	"the user changes": func(r *rig, l list.List, u user.User) {
		r.upsert(map[string]any{"plan": "free"}, anonymous("u"))
	},
	"the rule changes": func(r *rig, l list.List, u user.User) { r.rewrite(l, `user.data.plan = "gold"`) },
	"the user is erased": func(r *rig, l list.List, u user.User) {
		r.must(r.store.Delete(r.t.Context(), r.project.ID, u.ID))
	},
	"the user is absorbed": func(r *rig, l list.List, u user.User) {
		r.upsert(map[string]any{"plan": "free"}, pair("known"))
		r.upsert(nil, pair("known"), anonymous("u"))
	},
}

// TestReadAgain lets a user be dealt with by what is not so any more, while somebody else does all there is to do about the
// news: whoever comes late must see it too.
func TestReadAgain(t *testing.T) {
	for way, come := range map[string]func(late *membership.Engine, r *rig, u user.User, batch []events.DynamoDBEventRecord) error{
		"settled": func(late *membership.Engine, r *rig, u user.User, _ []events.DynamoDBEventRecord) error {
			return late.Settle(t.Context(), r.project.ID, []string{u.ID})
		},
		"followed": func(late *membership.Engine, r *rig, u user.User, batch []events.DynamoDBEventRecord) error {
			h := change.Handler{Read: dynamo.ReadChange, Memberships: late, Log: late.Log}
			_, err := h.Handle(t.Context(), events.DynamoDBEvent{Records: batch})
			return err
		},
	} {
		for name, meddle := range news {
			r := newRig(t)
			l := r.list("A", premium)
			u := r.upsert(nil, anonymous("u"))
			r.rest()
			r.upsert(map[string]any{"plan": "premium"}, anonymous("u"))
			batch, met := r.read(), false
			late := r.late(func() {
				met = true
				meddle(r, l, u)
				r.deliver(batch)
				r.rest()
			})
			r.must(come(late, r, u, batch))
			r.checkMembers(way+", "+name, l)
			r.rest()
			r.checkMembers(way+", "+name+", in the end", l)
			if !met {
				t.Errorf("%s, %s: nobody was added", way, name)
			}
		}
	}
}

// TestFillReadsAgain is the same while a list is filled.
func TestFillReadsAgain(t *testing.T) {
	for name, meddle := range news {
		r := newRig(t)
		u := r.upsert(map[string]any{"plan": "premium"}, anonymous("u"))
		r.rest()
		l := r.list("A", premium)
		r.deliver(r.read())
		tasks, met := r.queue.take(), false
		late := r.late(func() {
			met = true
			meddle(r, l, u)
			r.rest()
		})
		for _, task := range tasks {
			r.must(late.Do(t.Context(), task, slog.New(slog.DiscardHandler)))
		}
		r.checkMembers(name, l)
		r.rest()
		r.checkMembers(name+", in the end", l)
		r.checkReady(l)
		if !met {
			t.Errorf("%s: nobody was added", name)
		}
	}
}

// late returns an engine that comes late, as something happens first.
func (r *rig) late(first func()) *membership.Engine {
	return &membership.Engine{
		Queue: r.queue, Wakes: r.plans, Log: slog.New(slog.DiscardHandler), Now: r.clock, Store: &meddler{r.store, first},
	}
}
