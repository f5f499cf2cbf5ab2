package membership_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/list"
	"lunogram-users/internal/membership"
)

// throttled is a store in which every third page of members fails. Its pages are small.
type throttled struct {
	*dynamo.Store
	pages int
}

func (s *throttled) EnterMembers(ctx context.Context, projectID, listID string, userIDs []string, at time.Time) error {
	if s.pages++; s.pages%3 == 0 {
		return context.DeadlineExceeded
	}
	return s.Store.EnterMembers(ctx, projectID, listID, userIDs, at)
}

func (s *throttled) UserIDs(ctx context.Context, projectID string, segment int, after string, _ int) ([]string, string, error) {
	return s.Store.UserIDs(ctx, projectID, segment, after, 2)
}

// TestAhead checks that a task of which each delivery gets ahead before it fails is handed over, and so never given up.
func TestAhead(t *testing.T) {
	r := newRig(t)
	users := r.crowd(400, map[string]any{"plan": "premium"})
	r.rest()
	l := r.list("A", premium)
	r.deliver(r.read())
	tasks := r.queue.take()
	i := slices.IndexFunc(tasks, func(t membership.Task) bool { return t.Segment == segmentOf(users[0].ID) })
	task := tasks[i]
	e := &membership.Engine{
		Store: &throttled{Store: r.store}, Queue: r.queue, Wakes: r.plans, Log: slog.New(slog.DiscardHandler), Now: r.clock,
	}
	deliveries := 0
	for again := true; again; deliveries++ {
		if err := e.Do(t.Context(), task, e.Log); err != nil {
			t.Fatalf("delivery %d: got %v, want the rest handed over", deliveries, err)
		}
		again = slices.ContainsFunc(r.queue.take(), func(t membership.Task) bool { return t.Kind == membership.Fill })
	}
	segments, err := r.store.ListSegments(t.Context(), r.project.ID, l.ID, 1, list.Fill)
	r.must(err)
	if deliveries < 2 || len(segments) != 1 || !segments[0].Done {
		t.Errorf("got %+v after %d deliveries, want the segment done by several", segments, deliveries)
	}
}
