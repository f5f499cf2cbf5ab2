package membership_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/list"
	"lunogram-users/internal/membership"
	"lunogram-users/internal/user"
)

// poison is a store in which one user cannot be read, or one segment.
type poison struct {
	*dynamo.Store
	userID  string
	segment int // -1 for none
}

var errPoison = errors.New("as told")

func (p *poison) Standing(ctx context.Context, projectID, userID string) (list.Standing, error) {
	if userID == p.userID {
		return list.Standing{}, errPoison
	}
	return p.Store.Standing(ctx, projectID, userID)
}

func (p *poison) DueUsers(ctx context.Context, projectID string, segment int, until time.Time, after string, limit int) (
	[]string, string, error) {
	if segment == p.segment {
		return nil, "", errPoison
	}
	return p.Store.DueUsers(ctx, projectID, segment, until, after, limit)
}

// TestPoison checks that neither a user who cannot be settled nor a segment that cannot be read keeps the others from what
// is due to them, nor the project from its next wake.
func TestPoison(t *testing.T) {
	for name, test := range map[string]struct {
		spoil   func(p *poison, users []user.User)
		wantErr bool // the wake is to come again
	}{
		"a user": {func(p *poison, users []user.User) { p.userID = users[0].ID }, false},
		// Not the segment of the last one, whose moment is to come: the wake would not see it.
		"a segment": {func(p *poison, users []user.User) {
			later := segmentOf(users[len(users)-1].ID)
			i := slices.IndexFunc(users, func(u user.User) bool { return segmentOf(u.ID) != later })
			p.segment = segmentOf(users[i].ID)
		}, true},
	} {
		r := newRig(t)
		l := r.list("A", renewed)
		users := r.crowd(40, map[string]any{"renewed": "2026-11-20"})
		users = append(users, r.upsert(map[string]any{"renewed": "2026-11-25"}, pair("later")))
		r.rest()
		at, task, _ := r.plans.next(r.clock().AddDate(0, 1, 0))
		r.now = at
		p := &poison{Store: r.store, segment: -1}
		test.spoil(p, users)
		e := &membership.Engine{Queue: r.queue, Wakes: r.plans, Log: slog.New(slog.DiscardHandler), Now: r.clock, Store: p}
		if err := e.Do(t.Context(), task, e.Log); (err != nil) != test.wantErr {
			t.Errorf("%s: got %v, want an error: %v", name, err, test.wantErr)
		}
		if left := len(r.members(l)); left < 2 || left > 20 {
			t.Errorf("%s: %d members are left, want those who cannot be settled, and the one whose moment is to come", name, left)
		}
		wakes := 0
		for _, ok := r.planned(at.Add(time.Hour)); ok; _, ok = r.planned(at.Add(time.Hour)) {
			wakes++
		}
		if wakes > 0 {
			t.Errorf("%s: %d wakes are planned for now, want none: whoever is left has a task", name, wakes)
		}
		if next, ok := r.planned(at.AddDate(0, 1, 0)); !ok || next.Before(at.AddDate(0, 0, 4)) {
			t.Errorf("%s: the next wake is %v, want one for who has a moment to come", name, next)
		}
		if test.wantErr {
			r.do(task)
		}
		r.rest()
		r.checkMembers(name+", mended", l, r.matching(l)...)
	}
}

// planned takes the earliest wake that is planned by then.
func (r *rig) planned(by time.Time) (time.Time, bool) {
	at, _, ok := r.plans.next(by)
	return at, ok
}

// TestFlips checks that while a moment of very many is worked off, no wake is planned that would find them all again, and
// that none of them is passed over.
func TestFlips(t *testing.T) {
	r := newRig(t)
	r.dueInSegment7(130)
	at := r.clock()
	r.do(membership.Task{Kind: membership.Due, ProjectID: r.project.ID})
	flips := slices.DeleteFunc(r.queue.take(), func(t membership.Task) bool { return t.Kind != membership.Flip })
	if len(flips) != 1 || flips[0].Segment != 7 || flips[0].After == "" {
		t.Fatalf("got %+v, want a task that goes on in segment 7", flips)
	}
	if next, ok := r.planned(at.AddDate(1, 0, 0)); ok {
		t.Errorf("a wake is planned for %v, want none", next)
	}
	r.do(flips[0])
	r.rest()
	for n := range list.Segments {
		left, _, err := r.store.DueUsers(t.Context(), r.project.ID, n, at, "", 1)
		if err != nil || len(left) > 0 {
			t.Errorf("segment %d: %v are left, %v", n, left, err)
		}
	}
}

// TestStalled checks that a task that gets nowhere is handed over a few times, and then left to the queue to count.
func TestStalled(t *testing.T) {
	r := newRig(t)
	late, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	for _, task := range []membership.Task{
		{Kind: membership.Flip, ProjectID: r.project.ID, Segment: 7, After: "1"},
		{Kind: membership.Fill, ProjectID: r.project.ID, ListID: "l", Revision: 1},
	} {
		for n := range 9 {
			err := r.engine.Do(late, task, slog.New(slog.DiscardHandler))
			sent := r.queue.take()
			if n == 8 {
				if err == nil || len(sent) > 0 {
					t.Errorf("%s, the ninth time: got %+v, %v; want it given up", task.Kind, sent, err)
				}
				break
			}
			if err != nil || len(sent) != 1 || sent[0].After != task.After || sent[0].Kind != task.Kind {
				t.Fatalf("%s: got %+v, %v; want it handed over", task.Kind, sent, err)
			}
			task = sent[0]
		}
	}
}
