package membership_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/list"
	"lunogram-users/internal/membership"
	"lunogram-users/internal/user"
)

const (
	premium = `user.data.plan = "premium"`
	free    = `user.data.plan = "free"`
	// renewed is about the time: whoever renewed within 30 days.
	renewed = `user.data.renewed > now - 30 days`
)

func ids(users []user.User) []string {
	var ids []string
	for _, u := range users {
		ids = append(ids, u.ID)
	}
	return ids
}

func (r *rig) checkMembers(what string, l list.List, want ...string) {
	r.t.Helper()
	if diff := cmp.Diff(fmt.Sprint(want), fmt.Sprint(r.members(l))); diff != "" {
		r.t.Errorf("%s: members (-want +got):\n%s", what, diff)
	}
}

// TestLife follows a dynamic list from its first rule on: built, followed, given another rule, archived.
func TestLife(t *testing.T) {
	r := newRig(t)
	r.crowd(7, map[string]any{"plan": "free"})
	r.crowd(5, map[string]any{"plan": "premium"})
	r.rest()
	l := r.list("A", premium)
	r.checkMembers("before it is built", l)
	r.rest()
	got := r.stored(l)
	if got.Status != list.Ready || got.Published != got.Rule || got.Count == nil || got.Count.Members != 5 {
		t.Errorf("built: got %+v, want ready, published, 5 members", got)
	}
	r.checkMembers("built", l, r.matching(l)...)

	u := r.upsert(map[string]any{"plan": "premium"}, pair("new"))
	r.rest()
	r.checkMembers("a user more", l, r.matching(l)...)
	r.upsert(map[string]any{"plan": "free"}, pair("new"))
	r.rest()
	r.checkMembers("a user less", l, r.matching(l)...)
	if len(r.matching(l)) != 5 {
		t.Errorf("got %d members, want 5", len(r.matching(l)))
	}

	before := r.members(l)
	r.rewrite(l, free)
	for _, raw := range r.read() {
		r.deliver(append(r.read(), raw))
	}
	for n, task := range r.queue.take() {
		r.do(task)
		if n < list.Segments-1 {
			for _, id := range before {
				if s, err := r.store.Standing(t.Context(), r.project.ID, id); err != nil || len(s.Lists) != 1 {
					t.Fatalf("being built: a member by the published rule is gone: %+v, %v", s.Lists, err)
				}
			}
		}
	}
	if got := r.stored(l); got.Status != list.Pruning || got.Published != got.Rule {
		t.Errorf("filled: got %+v, want pruning and published", got)
	}
	r.rest()
	if got := r.stored(l); got.Status != list.Ready || got.Count == nil || got.Count.Members != 8 {
		t.Errorf("pruned: got %+v, want ready with 8 members", got)
	}
	r.checkMembers("another rule", l, r.matching(l)...)

	r.change(l, func(l *list.List) { l.ArchivedAt = r.clock() })
	frozen := r.members(l)
	r.upsert(map[string]any{"plan": "premium"}, pair("new"))
	r.upsert(map[string]any{"plan": "free"}, pair("newer"))
	r.rest()
	r.checkMembers("archived", l, frozen...)
	r.must(r.store.Delete(t.Context(), r.project.ID, u.ID))
	r.rest()
	if got := len(r.members(l)); got != 7 {
		t.Errorf("archived, a member erased: got %d members, want 7", got)
	}
}

// TestWorkIsVoid checks that tasks of an older rule, and of an archived list, do nothing.
func TestWorkIsVoid(t *testing.T) {
	r := newRig(t)
	r.crowd(3, map[string]any{"plan": "premium"})
	r.rest()
	l := r.list("A", premium)
	for _, raw := range r.read() {
		r.deliver(append(r.read(), raw))
	}
	old := r.queue.take()
	r.rewrite(l, free)
	for _, task := range old {
		r.do(task)
	}
	r.checkMembers("by an older rule", l)
	r.rest()
	if got := r.stored(l); got.Status != list.Ready || got.Revision != 2 {
		t.Errorf("got %+v, want ready with revision 2", got)
	}
	r.rewrite(l, premium)
	r.change(l, func(l *list.List) { l.ArchivedAt = r.clock() })
	r.rest()
	r.checkMembers("archived while it was built", l)
}

// TestCopy checks that a duplicate of a static list gets its members.
func TestCopy(t *testing.T) {
	r := newRig(t)
	original := r.list("A", "")
	var names []user.Name
	for _, id := range ids(r.crowd(250, nil)) {
		names = append(names, user.Name{ID: id})
	}
	for n := 0; n < len(names); n += list.MaxBatch {
		_, err := r.store.AddMembers(t.Context(), r.project.ID, original.ID, names[n:min(n+list.MaxBatch, len(names))])
		r.must(err)
	}
	r.rest()
	twin := r.list("B", "")
	r.change(twin, func(l *list.List) { l.CopyOf, l.Status = original.ID, list.Copying })
	r.rest()
	r.checkMembers("a copy", twin, r.members(original)...)
	if got := r.stored(twin); got.Status != list.Ready || got.Count == nil || got.Count.Members != 250 {
		t.Errorf("got %+v, want ready with 250 members", got)
	}
}

// TestNobodyStays checks what becomes of the memberships of who is absorbed or erased.
func TestNobodyStays(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	static, archived, dynamic := r.list("A", ""), r.list("B", ""), r.list("C", premium)
	a := r.upsert(map[string]any{"plan": "premium"}, anonymous("a"))
	r.rest()
	r.checkMembers("anonymous", dynamic, a.ID)
	for _, l := range []list.List{static, archived} {
		_, err := r.store.AddMembers(ctx, r.project.ID, l.ID, []user.Name{{ID: a.ID}})
		r.must(err)
	}
	r.change(archived, func(l *list.List) { l.ArchivedAt = r.clock() })

	known := r.upsert(map[string]any{"plan": "free"}, pair("known"))
	r.upsert(nil, pair("known"), anonymous("a"))
	r.rest()
	r.checkMembers("absorbed: static", static, known.ID)
	r.checkMembers("absorbed: archived", archived, known.ID)
	r.checkMembers("absorbed: dynamic", dynamic)

	// One that was absorbed twice over passes on at the end of the chain.
	b, c := r.upsert(nil, anonymous("b")), r.upsert(nil, anonymous("c"))
	_, err := r.store.AddMembers(ctx, r.project.ID, static.ID, []user.Name{{ID: b.ID}})
	r.must(err)
	r.upsert(nil, anonymous("b"), anonymous("c"))
	r.upsert(nil, pair("last"))
	last := r.upsert(nil, pair("last"), anonymous("b"))
	r.rest()
	want := []string{known.ID, last.ID}
	r.checkMembers("absorbed twice", static, want...)
	for _, id := range []string{a.ID, b.ID, c.ID} {
		if s, err := r.store.Standing(ctx, r.project.ID, id); err != nil || len(s.Lists) > 0 || !s.Due.IsZero() {
			t.Errorf("of an absorbed user are left: %+v, %v", s, err)
		}
	}

	for _, id := range want {
		r.must(r.store.Delete(ctx, r.project.ID, id))
	}
	// What a write that came late left of somebody who is gone goes too, if anybody looks.
	late := list.Change{Add: []list.Membership{{ListID: static.ID, At: r.clock()}}, Due: new(r.clock())}
	r.must(r.store.ChangeMembership(ctx, r.project.ID, known.ID, late))
	r.rest()
	r.checkMembers("erased", static)
}

// TestUnaffected checks that a change that no rule asks about costs one read of the lists and nothing else.
func TestUnaffected(t *testing.T) {
	var m dynamotest.Meter
	r := newRig(t, m.Option())
	r.list("A", premium)
	r.list("B", renewed)
	r.upsert(map[string]any{"plan": "premium", "renewed": "2026-11-20"}, pair("u"))
	r.rest()
	r.upsert(map[string]any{"city": "Paris"}, pair("u"))
	r.upsert(map[string]any{"renewed": "2026-11-21"}, pair("u")) // later, so the moment that is stored will do
	batch := r.read()
	m.Take()
	r.deliver(batch)
	if got, want := m.Take(), (dynamotest.Usage{Calls: 1, Read: 1}); got != want {
		t.Errorf("got %+v for a batch of two changes, want %+v: the lists", got, want)
	}
}

// TestDue lets the time come at which a rule changes its mind.
func TestDue(t *testing.T) {
	r := newRig(t)
	l := r.list("A", renewed)
	u := r.upsert(map[string]any{"renewed": "2026-11-20T08:00:10Z"}, pair("u"))
	other := r.upsert(map[string]any{"renewed": "2026-10-01"}, pair("other"))
	r.rest()
	r.checkMembers("at first", l, u.ID)
	r.pass(time.Date(2026, 12, 20, 8, 0, 0, 0, time.UTC))
	r.rest()
	r.checkMembers("just before", l, u.ID)
	r.pass(time.Date(2026, 12, 20, 8, 1, 0, 0, time.UTC))
	r.checkMembers("within a minute", l)
	if s, err := r.store.Standing(t.Context(), r.project.ID, u.ID); err != nil || !s.Due.IsZero() {
		t.Errorf("got %+v, %v; want no moment any more", s, err)
	}

	// Of many changes, a moment that is too early is moved on once, when it comes.
	for day := 20; day < 30; day++ {
		r.upsert(map[string]any{"renewed": fmt.Sprintf("2026-12-%d", day)}, pair("other"))
		r.rest()
	}
	r.checkMembers("renewed", l, other.ID)
	made := r.plans.made
	r.pass(time.Date(2027, 1, 27, 0, 0, 0, 0, time.UTC))
	r.checkMembers("renewed again", l, other.ID)
	r.pass(time.Date(2027, 1, 28, 0, 1, 0, 0, time.UTC))
	r.checkMembers("in the end", l)
	if got := r.plans.made - made; got != 1 {
		t.Errorf("got %d more wakes planned, want 1", got)
	}
	if at, _, ok := r.plans.next(r.clock().AddDate(10, 0, 0)); ok {
		t.Errorf("a wake is planned for %v, want none: nobody has a moment left", at)
	}
}

// TestFarMoment: a moment beyond what a key can hold is looked at again in a year.
func TestFarMoment(t *testing.T) {
	r := newRig(t)
	r.list("A", renewed)
	r.rest()
	u := r.upsert(map[string]any{"renewed": "9999-12-31"}, pair("u"))
	r.rest()
	s, err := r.store.Standing(t.Context(), r.project.ID, u.ID)
	if earliest, latest := r.clock().AddDate(1, 0, 0), r.clock().AddDate(2, 0, 0); err != nil || s.Due.Before(earliest) || s.Due.After(latest) {
		t.Errorf("due %v, %v; want a moment from %v to %v", s.Due, err, earliest, latest)
	}
}

// TestDueOfMany lets one moment come for more users of a segment than one page has. They are users of whom a moment is all
// that is left.
func TestDueOfMany(t *testing.T) {
	r := newRig(t)
	l := r.list("A", renewed)
	u := r.upsert(map[string]any{"renewed": "2026-11-20"}, pair("u"))
	r.rest()
	many := r.dueInSegment7(130)
	r.pass(time.Date(2026, 12, 21, 0, 0, 0, 0, time.UTC))
	r.checkMembers("in the end", l)
	for _, id := range append(many, u.ID) {
		if s, err := r.store.Standing(t.Context(), r.project.ID, id); err != nil || !s.Due.IsZero() {
			t.Fatalf("a moment was passed over: %+v, %v", s, err)
		}
	}
}

// dueInSegment7 makes up users of one segment, of whom a moment that has come is all that is left.
func (r *rig) dueInSegment7(n int) (ids []string) {
	r.t.Helper()
	for len(ids) < n {
		if id := uuid.NewString(); segmentOf(id) == 7 {
			r.must(r.store.ChangeMembership(r.t.Context(), r.project.ID, id, list.Change{Due: new(r.clock())}))
			ids = append(ids, id)
		}
	}
	return ids
}

// segmentOf returns the segment that a user is in.
func segmentOf(userID string) int {
	sum := sha256.Sum256([]byte(userID))
	return int(sum[0]) % list.Segments
}

// TestHeir checks what the absorber of a user gets who was in lists by hand and by import.
func TestHeir(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	imported, byHand := r.list("A", ""), r.list("B", "")
	a := r.upsert(nil, anonymous("a"))
	known := r.upsert(nil, pair("known"))
	add := func(l list.List, userID string) {
		_, err := r.store.AddMembers(ctx, r.project.ID, l.ID, []user.Name{{ID: userID}})
		r.must(err)
	}
	bring := func(l list.List, userID string) {
		_, err := r.store.ImportMembers(ctx, r.project.ID, l.ID, "i", []string{userID})
		r.must(err)
	}
	bring(imported, a.ID)
	add(byHand, a.ID)
	bring(byHand, known.ID)
	r.rest()
	r.upsert(nil, pair("known"), anonymous("a"))
	batch := r.read()
	// The list is younger than the rules by which the follower begins.
	var young list.List
	r.handler.Memberships = &membership.Engine{
		Queue: r.queue, Wakes: r.plans, Log: slog.New(slog.DiscardHandler), Now: r.clock,
		Store: &younger{r.store, func() {
			young = r.list("C", "")
			r.must(r.store.ChangeMembership(ctx, r.project.ID, a.ID, list.Change{Add: []list.Membership{{ListID: young.ID, At: r.clock()}}}))
		}},
	}
	r.deliver(batch)
	r.rest()
	for _, l := range []list.List{imported, byHand} {
		r.checkMembers(l.Name, l, known.ID)
		r.must(r.store.DropImported(ctx, r.project.ID, l.ID, "i", []string{known.ID}))
	}
	r.checkMembers("by import only, undone", imported)
	r.checkMembers("by hand too, undone", byHand, known.ID)
	r.checkMembers("the young one", young, known.ID)
}

// TestHeirIsGone erases the absorber just before it gets the lists of the absorbed user, and lets whoever is at it die.
func TestHeirIsGone(t *testing.T) {
	for _, f := range []fault{healthy, killed, blinded, slow} {
		r := newRig(t)
		l := r.list("A", "")
		a := r.upsert(nil, anonymous("a"))
		_, err := r.store.AddMembers(t.Context(), r.project.ID, l.ID, []user.Name{{ID: a.ID}})
		r.must(err)
		known := r.upsert(nil, pair("known"))
		r.rest()
		r.upsert(nil, pair("known"), anonymous("a"))
		w := work{batch: r.read()}
		r.late(f, w, func() {
			r.must(r.store.Delete(t.Context(), r.project.ID, known.ID))
			r.restNow()
		})
		r.deliver(w.batch)
		r.rest()
		r.checkMembers(string(f), l)
	}
}

// younger is a store in which a list comes into being just after the lists were read.
type younger struct {
	*dynamo.Store
	create func()
}

func (y *younger) Lists(ctx context.Context, projectID string) ([]list.List, error) {
	lists, err := y.Store.Lists(ctx, projectID)
	if create := y.create; create != nil {
		y.create = nil
		create()
	}
	return lists, err
}
