package membership_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"lunogram-users/internal/change"
	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/list"
	"lunogram-users/internal/membership"
	"lunogram-users/internal/user"
)

// mortal is a store in which something happens just before the first membership is written, and which breaks just after.
type mortal struct {
	*dynamo.Store
	meddle func() // nil once it has happened
	fault  fault
	kill   context.CancelFunc
	blind  bool // the next read of lists or users fails
}

// fault is what happens to the writer after its first write.
type fault string

const (
	healthy fault = "nothing"
	killed  fault = "it is killed"
	blinded fault = "it cannot read again"
	slow    fault = "it is told that the time is up"
)

// write does a write in the way that is told.
func (m *mortal) write(write func() error) error {
	first := m.meddle != nil
	if meddle := m.meddle; first {
		m.meddle = nil
		meddle()
	}
	err := write()
	switch {
	case !first || err != nil:
	case m.fault == killed:
		m.kill()
	case m.fault == blinded:
		m.blind = true
	case m.fault == slow:
		return context.DeadlineExceeded
	}
	return err
}

func (m *mortal) ChangeMembership(ctx context.Context, projectID, userID string, c list.Change) error {
	return m.write(func() error { return m.Store.ChangeMembership(ctx, projectID, userID, c) })
}

func (m *mortal) EnterMembers(ctx context.Context, projectID, listID string, ids []string, at time.Time) error {
	return m.write(func() error { return m.Store.EnterMembers(ctx, projectID, listID, ids, at) })
}

func (m *mortal) ExpelMembers(ctx context.Context, projectID, listID string, ids []string) error {
	return m.write(func() error { return m.Store.ExpelMembers(ctx, projectID, listID, ids) })
}

var errBlind = errors.New("as told")

func (m *mortal) Lists(ctx context.Context, projectID string) ([]list.List, error) {
	if m.blind {
		m.blind = false
		return nil, errBlind
	}
	return m.Store.Lists(ctx, projectID)
}

func (m *mortal) Profiles(ctx context.Context, projectID string, ids []string) (map[string]user.User, error) {
	if m.blind {
		m.blind = false
		return nil, errBlind
	}
	return m.Store.Profiles(ctx, projectID, ids)
}

// news is what may happen while the membership of a user is written.
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

// ways are those in which the membership of a user comes to be written, by work that is to be done in a fresh project.
var ways = map[string]func(r *rig) (list.List, user.User, work){
	"settled": func(r *rig) (list.List, user.User, work) {
		l, u, _ := joins(r)
		return l, u, work{tasks: []membership.Task{{Kind: membership.Settle, ProjectID: r.project.ID, Users: []string{u.ID}}}}
	},
	"followed": joins,
	"filled": func(r *rig) (list.List, user.User, work) {
		u := r.upsert(map[string]any{"plan": "premium"}, anonymous("u"))
		r.rest()
		l := r.list("A", premium)
		r.deliver(r.read())
		return l, u, r.onlyOf(u)
	},
	"pruned": func(r *rig) (list.List, user.User, work) {
		u := r.upsert(map[string]any{"plan": "premium"}, anonymous("u"))
		l := r.list("A", premium)
		r.rest()
		r.rewrite(l, free)
		r.deliver(r.read())
		for _, t := range r.queue.take() {
			r.do(t)
		}
		r.deliver(r.read())
		return l, u, r.onlyOf(u)
	},
	"woken for": func(r *rig) (list.List, user.User, work) {
		l := r.list("A", renewed+" OR "+free)
		u := r.upsert(map[string]any{"renewed": "2026-11-20"}, anonymous("u"))
		r.rest()
		var task membership.Task
		r.now, task, _ = r.plans.next(r.clock().AddDate(0, 1, 0))
		return l, u, work{tasks: []membership.Task{task}}
	},
	"filled and has a moment": func(r *rig) (list.List, user.User, work) {
		u := r.upsert(map[string]any{"renewed": "2026-11-20", "plan": "premium"}, anonymous("u"))
		r.rest()
		l := r.list("A", renewed+" AND "+premium)
		r.deliver(r.read())
		return l, u, r.onlyOf(u)
	},
}

// onlyOf does the tasks of the segments that the user is not in, and returns the one that is left.
func (r *rig) onlyOf(u user.User) (w work) {
	for _, t := range r.queue.take() {
		if t.Segment == segmentOf(u.ID) {
			w.tasks = append(w.tasks, t)
		} else {
			r.do(t)
		}
	}
	return w
}

// joins is a change by which a user joins a list.
func joins(r *rig) (list.List, user.User, work) {
	l := r.list("A", premium)
	u := r.upsert(nil, anonymous("u"))
	r.rest()
	r.upsert(map[string]any{"plan": "premium"}, anonymous("u"))
	return l, u, work{batch: r.read()}
}

// TestReadAgain lets the membership of a user be written by what is not so any more, while somebody else does all there is to
// do about the news. Whoever comes late must see it too, or if it cannot, whoever does its work again.
func TestReadAgain(t *testing.T) {
	r := newRig(t)
	for way, prepare := range ways {
		for name, meddle := range news {
			for _, f := range []fault{healthy, killed, blinded, slow} {
				what := fmt.Sprintf("%s, %s, %s", way, name, f)
				r.project, r.now = dynamotest.Project(t, r.store), newRigTime
				r.read()
				l, u, w := prepare(r)
				met := false
				r.late(f, w, func() {
					met = true
					meddle(r, l, u)
					r.deliver(w.batch)
					r.restNow()
				})
				if f == healthy && r.stored(l).Status == list.Ready {
					r.checkMembers(what, l, r.matching(l)...)
				}
				r.deliver(w.batch)
				for _, task := range w.tasks {
					r.do(task)
				}
				r.rest()
				r.checkMembers(what+", in the end", l, r.matching(l)...)
				r.checkReady(l)
				r.pass(r.clock().AddDate(0, 2, 0))
				r.checkMembers(what+", later", l, r.matching(l)...)
				if s, err := r.store.Standing(t.Context(), r.project.ID, u.ID); err != nil || s.User == nil && len(s.Lists) > 0 {
					t.Errorf("%s: of who is gone are left %+v, %v", what, s.Lists, err)
				}
				if !met {
					t.Errorf("%s: nothing was written", what)
				}
			}
		}
	}
}

// late does the work with an engine that something gets ahead of, and to which a fault happens.
func (r *rig) late(f fault, w work, first func()) {
	r.t.Helper()
	ctx, kill := context.WithCancel(r.t.Context())
	defer kill()
	e := &membership.Engine{
		Queue: r.queue, Wakes: r.plans, Log: slog.New(slog.DiscardHandler), Now: r.clock,
		Store: &mortal{Store: r.store, meddle: first, fault: f, kill: kill},
	}
	h := change.Handler{Read: dynamo.ReadChange, Memberships: e, Log: e.Log}
	_, err := h.Handle(ctx, events.DynamoDBEvent{Records: w.batch})
	for _, task := range w.tasks {
		err = errors.Join(err, e.Do(ctx, task, e.Log))
	}
	if f == healthy {
		r.must(err)
	}
}

// TestHalfWritten kills whoever makes a user a member for a minute, in the midst of it, and does it again when the minute is
// over: by then the rule wants nothing of the user any more.
func TestHalfWritten(t *testing.T) {
	for name, part := range map[string]func(*list.Change){
		"nothing":    func(c *list.Change) { *c = list.Change{} },
		"the moment": func(c *list.Change) { c.Add = nil },
		"all":        func(c *list.Change) {},
	} {
		r := newRig(t)
		l := r.list("A", renewed)
		r.rest()
		r.upsert(map[string]any{"renewed": r.clock().AddDate(0, 0, -30).Add(time.Minute).Format(time.RFC3339)}, pair("u"))
		batch := r.read()
		ctx, kill := context.WithCancel(t.Context())
		e := &membership.Engine{
			Queue: r.queue, Wakes: r.plans, Log: slog.New(slog.DiscardHandler), Now: r.clock, Store: &halver{r.store, part, kill},
		}
		h := change.Handler{Read: dynamo.ReadChange, Memberships: e, Log: e.Log}
		response, err := h.Handle(ctx, events.DynamoDBEvent{Records: batch})
		if err != nil || len(response.BatchItemFailures) == 0 {
			t.Errorf("%s is written: got %+v, %v; want the record to come again", name, response, err)
		}
		r.pass(r.clock().Add(time.Hour))
		r.deliver(batch)
		r.rest()
		r.checkMembers(name+" was written", l)
	}
}

// TestMomentStays kills whoever follows a change after a moment of the user has come, and before anybody has woken for it. The
// record comes again when, by time alone, the rule wants the same of both sides.
func TestMomentStays(t *testing.T) {
	r := newRig(t)
	ago := func(d time.Duration) string { return r.clock().AddDate(0, 0, -30).Add(d).Format(time.RFC3339) }
	l := r.list("A", renewed)
	u := r.list("B", `user.data.left < now - 30 days OR user.data.plan = "free"`)
	r.rest()
	r.upsert(map[string]any{"renewed": ago(time.Minute), "left": ago(10 * time.Minute)}, pair("u"))
	r.rest()
	_, wake, _ := r.plans.next(r.clock().AddDate(0, 1, 0))
	r.now = r.clock().Add(2 * time.Minute)
	r.upsert(map[string]any{"plan": "free"}, pair("u"))
	batch := r.read()
	ctx, kill := context.WithCancel(t.Context())
	e := &membership.Engine{
		Queue: r.queue, Wakes: r.plans, Log: slog.New(slog.DiscardHandler), Now: r.clock,
		Store: &halver{r.store, func(c *list.Change) { c.Add, c.Remove = nil, nil }, kill},
	}
	h := change.Handler{Read: dynamo.ReadChange, Memberships: e, Log: e.Log}
	if _, err := h.Handle(ctx, events.DynamoDBEvent{Records: batch}); err != nil {
		t.Fatal(err)
	}
	r.now = r.clock().Add(20 * time.Minute)
	r.deliver(batch)
	r.do(wake)
	r.rest()
	r.checkMembers("of a time", l, r.matching(l)...)
	r.checkMembers("free", u, r.matching(u)...)
}

// halver writes a part of each change, and is killed.
type halver struct {
	*dynamo.Store
	part func(*list.Change)
	kill context.CancelFunc
}

func (h *halver) ChangeMembership(ctx context.Context, projectID, userID string, c list.Change) error {
	h.part(&c)
	err := h.Store.ChangeMembership(ctx, projectID, userID, c)
	h.kill()
	return err
}

// TestTakenOver lets a task be delivered twice at once: whoever comes second takes the page over, and the first must not go on
// with it.
func TestTakenOver(t *testing.T) {
	r := newRig(t)
	l := r.list("A", premium)
	r.rest()
	users := r.crowd(40, map[string]any{"plan": "premium"})
	r.read() // nobody follows
	r.rewrite(l, premium+` OR user.data.x = 1`)
	r.deliver(r.read())
	tasks := r.queue.take()
	var settled []string
	e := &membership.Engine{
		Queue: r.queue, Wakes: r.plans, Log: slog.New(slog.DiscardHandler), Now: r.clock,
		Store: &mortal{Store: r.store, meddle: func() {
			r.tick() // the engine tells progress by the time
			for _, task := range tasks {
				r.do(task)
			}
			r.tick()
		}},
	}
	failed := 0
	for _, task := range tasks {
		if err := e.Do(t.Context(), task, e.Log); err != nil {
			failed++
		}
	}
	for _, task := range r.queue.take() {
		if task.Kind == membership.Settle {
			settled = append(settled, task.Users...)
		}
		r.do(task)
	}
	if failed != 1 || len(settled) == 0 || !slices.Contains(ids(users), settled[0]) {
		t.Errorf("%d tasks failed and %d users were settled; want the one that was taken over, and those of its page", failed, len(settled))
	}
	r.rest()
	r.checkMembers("in the end", l, r.matching(l)...)
	r.checkReady(l)
}

// tick lets a millisecond pass.
func (r *rig) tick() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(time.Millisecond)
}
