package membership

import (
	"context"
	"fmt"
	"time"

	"lunogram-users/internal/list"
)

const (
	// wakeLead is how far ahead a recorded wake must be for a writer to rely on it. The writer's moment must be in the index
	// when the wake looks there: within settleTime it is written, and milliseconds later in the index.
	wakeLead = 2 * time.Minute
	// duePage is how many users are settled at a time whose moment has come.
	duePage = 100
)

// ensureWake makes sure that the project wakes no later than at, or in a minute if that is past. A plan is made before it
// is recorded, never changed and never taken back: whoever reads a record that is far enough ahead relies on it, whoever
// loses a race makes a plan too many, and a wake too many finds nothing to do.
func (e *Engine) ensureWake(ctx context.Context, projectID string, at time.Time) error {
	now := e.now()
	recorded, err := e.Store.Wake(ctx, projectID)
	if err != nil {
		return err
	}
	if recorded.After(now.Add(wakeLead)) && !recorded.After(at) {
		return nil
	}
	if soon := now.Add(time.Minute); at.Before(soon) {
		at = soon // the scheduler takes no plan for the past
	}
	at = wholeMinute(at)
	name := fmt.Sprintf("due-%s-%s", projectID, at.UTC().Format("20060102T1504"))
	if err := e.Wakes.Plan(ctx, name, at, Task{Kind: Due, ProjectID: projectID}); err != nil {
		return err
	}
	return e.Store.SetWake(ctx, projectID, at, now.Add(wakeLead))
}

// wake settles the users of a project whose moment has come, and plans the next wake. Segments with many of them are left to
// tasks of their own, side by side.
func (e *Engine) wake(ctx context.Context, t Task) error {
	var many []Task
	for n := range list.Segments {
		more, err := e.settleDue(ctx, t.ProjectID, n)
		if err != nil {
			return err
		}
		if more {
			many = append(many, Task{Kind: Flip, ProjectID: t.ProjectID, Segment: n})
		}
	}
	if err := e.Queue.SendLater(ctx, 0, many...); err != nil {
		return err
	}
	return e.sleep(ctx, t.ProjectID)
}

// flip settles the users of one segment whose moment has come, then plans the next wake.
func (e *Engine) flip(ctx context.Context, t Task) error {
	for more := true; more; {
		if late(ctx) {
			return e.Queue.SendLater(ctx, 0, t)
		}
		var err error
		if more, err = e.settleDue(ctx, t.ProjectID, t.Segment); err != nil {
			return err
		}
	}
	return e.sleep(ctx, t.ProjectID)
}

// settleDue settles a page of users whose moment has come, and reports whether there may be more.
func (e *Engine) settleDue(ctx context.Context, projectID string, segment int) (more bool, err error) {
	users, err := e.Store.DueUsers(ctx, projectID, segment, e.now(), duePage)
	if err != nil {
		return false, err
	}
	return len(users) == duePage, e.Settle(ctx, projectID, users)
}

// sleep makes sure that the project wakes for its next moment. One that is past is an entry of an index that lags behind, or
// of a segment that somebody else is at: a wake in a minute will tell.
func (e *Engine) sleep(ctx context.Context, projectID string) error {
	next, err := e.Store.NextDue(ctx, projectID)
	if err != nil || next.IsZero() {
		return err
	}
	return e.ensureWake(ctx, projectID, next)
}
