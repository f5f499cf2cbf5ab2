package membership

import (
	"context"
	"errors"
	"slices"

	"lunogram-users/internal/list"
)

// page is how many users or members of a segment are looked at between two checkpoints.
const page = 500

var (
	// errVoid says that a list has moved on since a task was sent.
	errVoid = errors.New("the list has moved on")
	// errUnreadable says that a list has a rule that only newer code can read.
	errUnreadable = errors.New("a rule cannot be read")
	// errAhead says that another delivery of the task is at the segment.
	errAhead = errors.New("another delivery is ahead")
)

// work does what is left of a segment of a list, and ends the phase if it was the last one. A page that fails, or takes longer
// than writeTime, is done again: by a new task if others were done before it, else when the queue delivers this one again.
func (e *Engine) work(ctx context.Context, t Task) error {
	s, err := e.segment(ctx, t)
	if err == nil && len(s.Pending) > 0 {
		s, err = e.takeOver(ctx, t, s)
	}
	ahead := false
	for err == nil && !s.Done {
		if late(ctx) {
			return e.handOver(ctx, t, ahead)
		}
		var j job
		if j, err = e.current(ctx, t); err == nil {
			s, err = e.step(ctx, j, s)
		}
		ahead = ahead || err == nil
	}
	switch {
	case err == nil:
		return e.end(ctx, t)
	case !ahead, errors.Is(err, errVoid), errors.Is(err, errAhead):
		return err
	}
	return e.handOver(ctx, t, true) // the queue is to count those deliveries only that get nowhere
}

// takeOver takes a segment over from a delivery that died over a page, or is slow: that may have written by what is not so any
// more, and not have read again. So its users are settled once it cannot write any more. The page is begun anew, and whoever
// it is taken from gets no further with it.
func (e *Engine) takeOver(ctx context.Context, t Task, s list.Segment) (list.Segment, error) {
	left := Task{Kind: Settle, ProjectID: t.ProjectID, Users: s.Pending}
	if err := e.Queue.SendLater(ctx, writeTime+lag, left); err != nil {
		return s, err
	}
	again := s
	again.Pending = nil
	return e.advance(ctx, t.ProjectID, s, again)
}

// job is a task, with the list as it was read just now.
type job struct {
	*Engine
	task Task
	set  *ruleSet
	list list.List
}

// segment returns how far a task has come.
func (e *Engine) segment(ctx context.Context, t Task) (list.Segment, error) {
	first := list.Segment{ListID: t.ListID, Revision: t.Revision, Phase: list.Phase(t.Kind), Number: t.Segment}
	begun, err := e.Store.ListSegments(ctx, t.ProjectID, t.ListID, t.Revision, first.Phase)
	if i := slices.IndexFunc(begun, func(s list.Segment) bool { return s.Number == t.Segment }); i >= 0 {
		return begun[i], err
	}
	return first, err
}

// current returns the job that a task is, or errVoid if the task is not of what the list is at.
func (e *Engine) current(ctx context.Context, t Task) (job, error) {
	set, err := e.readRules(ctx, t.ProjectID)
	if err != nil {
		return job{}, err
	}
	l := set.lists[t.ListID]
	if !t.of(l) {
		return job{}, errVoid
	}
	return job{e, t, set, l}, nil
}

// of reports whether the task is of what the list is at.
func (t Task) of(l list.List) bool {
	status := map[Kind]list.Status{Fill: list.Building, Prune: list.Pruning, Copy: list.Copying}[t.Kind]
	return l.Status == status && l.Revision == t.Revision && !l.Archived()
}

// step does one page of a segment and stores the progress. Whom it is about to touch is stored before: if it dies after it
// wrote and before it has read again, nobody else would know.
func (e *Engine) step(ctx context.Context, j job, s list.Segment) (list.Segment, error) {
	read := map[Kind]func(context.Context, list.Segment) (*draft, error){Fill: j.fill, Prune: j.prune, Copy: j.copy}[j.task.Kind]
	d, err := read(ctx, s)
	if err != nil {
		return s, err
	}
	if len(d.touched) > 0 {
		begun := s
		begun.Pending = d.touched
		if s, err = e.advance(ctx, j.list.ProjectID, s, begun); err != nil {
			return s, err
		}
		writing, cancel := context.WithTimeout(ctx, writeTime)
		err := d.write(writing)
		cancel()
		if err != nil {
			return s, err
		}
	}
	return e.advance(ctx, j.list.ProjectID, s, d.to)
}

// advance stores progress, unless another delivery of the task has stored some meanwhile: of two, one gives up, and is
// delivered again.
func (e *Engine) advance(ctx context.Context, projectID string, from, to list.Segment) (list.Segment, error) {
	to.At = e.now()
	return e.Store.ChangeSegment(ctx, projectID, from, func(s *list.Segment) error {
		own := s.At.Equal(to.At) && s.After == to.After // stored by a try whose reply was lost
		if !own && (s.Done || s.After != from.After || !s.At.Equal(from.At)) {
			return errAhead
		}
		*s = to
		return nil
	})
}

// end moves the list on if all segments of the phase are done. Whoever finds that they are does so: the one that did the last
// of them may have died.
func (e *Engine) end(ctx context.Context, t Task) error {
	segments, err := e.Store.ListSegments(ctx, t.ProjectID, t.ListID, t.Revision, list.Phase(t.Kind))
	done := slices.DeleteFunc(segments, func(s list.Segment) bool { return !s.Done })
	if err != nil || len(done) < list.Segments {
		return err
	}
	next := func(l *list.List) { l.Status = list.Pruning }
	if t.Kind != Fill || t.Revision == 1 { // by the first rule, nobody is a member whom it does not match
		count, err := e.Store.CountMembers(ctx, t.ProjectID, t.ListID)
		if err != nil {
			return err
		}
		next = func(l *list.List) { l.Status, l.Count = list.Ready, &list.Count{Members: count, At: e.now()} }
	}
	_, err = e.Store.ChangeList(ctx, t.ProjectID, t.ListID, func(l *list.List) error {
		if !t.of(*l) {
			return errVoid
		}
		if t.Kind == Fill {
			l.Published = l.Rule
		}
		next(l)
		return nil
	})
	return err
}
