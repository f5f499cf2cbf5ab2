package membership

import (
	"context"
	"errors"
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
// tasks of their own, side by side, each of which plans for its segment. Whatever fails in one segment, the others are looked
// at, and what was found to be next is planned.
func (e *Engine) wake(ctx context.Context, t Task) error {
	var flips []Task
	var next time.Time
	var errs []error
	for n := range list.Segments {
		flip := Task{Kind: Flip, ProjectID: t.ProjectID, Segment: n}
		if late(ctx) {
			flips = append(flips, flip)
			continue
		}
		after, at, err := e.settleDue(ctx, flip)
		if after != "" {
			flip.After = after
			flips = append(flips, flip)
		}
		next, errs = earlier(next, at), append(errs, err)
	}
	if err := e.Queue.SendLater(ctx, 0, flips...); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(append(errs, e.sleep(ctx, t.ProjectID, next))...)
}

// flip settles the users of one segment whose moment has come, then plans for the next one.
func (e *Engine) flip(ctx context.Context, t Task) error {
	for ahead := false; ; ahead = true {
		if late(ctx) {
			return e.handOver(ctx, t, ahead)
		}
		after, next, err := e.settleDue(ctx, t)
		if err != nil {
			return err
		}
		if after == "" {
			return e.sleep(ctx, t.ProjectID, next)
		}
		t.After = after
	}
}

// settleDue settles a page of users of a segment whose moment has come. It returns where to go on, or, if that were all, the
// next moment in the segment, zero if there is none. They are left to the queue as well, and settled once more when nothing is
// written here any more: if this dies, or fails, a repeat may not find them, as somebody else has moved their moments.
func (e *Engine) settleDue(ctx context.Context, t Task) (after string, next time.Time, err error) {
	now := e.now()
	users, after, err := e.Store.DueUsers(ctx, t.ProjectID, t.Segment, now, t.After, duePage)
	if err != nil {
		return "", next, err
	}
	if len(users) > 0 {
		again := Task{Kind: Settle, ProjectID: t.ProjectID, Users: users}
		if err := e.Queue.SendLater(ctx, writeTime+lag, again); err != nil {
			return "", next, err
		}
		writing, cancel := context.WithTimeout(ctx, writeTime)
		defer cancel()
		if err := e.Settle(writing, t.ProjectID, users); err != nil {
			e.Log.WarnContext(ctx, "users are left to the queue", "project", t.ProjectID, "users", len(users), "error", err)
		}
	}
	if after == "" {
		next, err = e.Store.NextDue(ctx, t.ProjectID, t.Segment, now)
	}
	return after, next, err
}

// sleep makes sure that the project wakes at a moment, if it is one.
func (e *Engine) sleep(ctx context.Context, projectID string, next time.Time) error {
	if next.IsZero() {
		return nil
	}
	return e.ensureWake(ctx, projectID, next)
}
