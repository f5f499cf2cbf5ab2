package membership

import (
	"context"
	"errors"
	"slices"

	"lunogram-users/internal/list"
	"lunogram-users/internal/rule"
	"lunogram-users/internal/user"
)

// page is how many users or members of a segment are looked at between two checkpoints.
const page = 500

var (
	// errVoid says that a list has moved on since a task was sent.
	errVoid = errors.New("the list has moved on")
	// errAhead says that another delivery of the task has got ahead.
	errAhead = errors.New("another delivery is ahead")
)

// work does what is left of a segment of a list, and ends the phase if it was the last one.
func (e *Engine) work(ctx context.Context, t Task) error {
	s, err := e.segment(ctx, t)
	for err == nil && !s.Done {
		if late(ctx) {
			return e.Queue.SendLater(ctx, 0, t)
		}
		var l list.List
		if l, err = e.current(ctx, t); err == nil {
			s, err = e.step(ctx, l, s)
		}
	}
	if err != nil {
		return err
	}
	return e.end(ctx, t)
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

// current returns the list of a task, or errVoid if the task is not of what the list is at.
func (e *Engine) current(ctx context.Context, t Task) (list.List, error) {
	l, err := e.Store.List(ctx, t.ProjectID, t.ListID)
	if errors.Is(err, list.ErrNotFound) || err == nil && !t.of(l) {
		return l, errVoid
	}
	return l, err
}

// of reports whether the task is of what the list is at.
func (t Task) of(l list.List) bool {
	status := map[Kind]list.Status{Fill: list.Building, Prune: list.Pruning, Copy: list.Copying}[t.Kind]
	return l.Status == status && l.Revision == t.Revision && !l.Archived()
}

// step does one page of a segment and stores the progress, which only goes forward.
func (e *Engine) step(ctx context.Context, l list.List, from list.Segment) (list.Segment, error) {
	do := map[list.Phase]func(context.Context, list.List, list.Segment) (list.Segment, error){
		list.Fill: e.fill, list.Prune: e.prune, list.Copy: e.copy,
	}[from.Phase]
	to, err := do(ctx, l, from)
	if err != nil {
		return from, err
	}
	to.At = e.now()
	stored, err := e.Store.ChangeSegment(ctx, l.ProjectID, from, func(s *list.Segment) error {
		if s.Done || s.After != from.After {
			return errAhead
		}
		*s = to
		return nil
	})
	if errors.Is(err, errAhead) {
		err = nil
	}
	return stored, err
}

// fill holds a page of the project's users against the newest rule. Those whom it matches and who are no members are
// settled, and those of whom it may change its mind later.
func (e *Engine) fill(ctx context.Context, l list.List, s list.Segment) (list.Segment, error) {
	r, err := e.rules.parse(l.Rule)
	if err != nil {
		return s, err
	}
	ids, next, err := e.Store.UserIDs(ctx, l.ProjectID, s.Number, s.After, page)
	if err != nil || len(ids) == 0 {
		s.Done = err == nil
		return s, err
	}
	s.Done = next == ""
	last := ids[len(ids)-1]
	members, err := e.members(ctx, l, s, last)
	if err != nil {
		return s, err
	}
	users, err := e.Store.Profiles(ctx, l.ProjectID, ids)
	if err != nil {
		return s, err
	}
	var unsettled []string
	for _, id := range ids {
		u, there := users[id]
		if !there {
			continue
		}
		if e.matches(r, u) && !members[id] {
			s.Added++
			unsettled = append(unsettled, id)
		} else if !nextOf(r, &u, e.now()).IsZero() {
			unsettled = append(unsettled, id)
		}
	}
	s.Users += int64(len(ids))
	s.After = last
	return s, e.Settle(ctx, l.ProjectID, unsettled)
}

// members returns the members of the list from where the segment goes on up to an id.
func (e *Engine) members(ctx context.Context, l list.List, s list.Segment, last string) (map[string]bool, error) {
	members := map[string]bool{}
	for after := s.After; ; {
		ids, next, err := e.Store.MemberIDs(ctx, l.ProjectID, l.ID, s.Number, after, page)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			members[id] = true
		}
		if next == "" || next >= last {
			return members, nil
		}
		after = next
	}
}

// prune settles those of a page of members whom the rule does not match, or who are gone.
func (e *Engine) prune(ctx context.Context, l list.List, s list.Segment) (list.Segment, error) {
	r, err := e.rules.parse(l.Rule)
	if err != nil {
		return s, err
	}
	ids, next, err := e.Store.MemberIDs(ctx, l.ProjectID, l.ID, s.Number, s.After, page)
	if err != nil || len(ids) == 0 {
		s.Done = err == nil
		return s, err
	}
	s.Done = next == ""
	users, err := e.Store.Profiles(ctx, l.ProjectID, ids)
	if err != nil {
		return s, err
	}
	var unsettled []string
	for _, id := range ids {
		if u, there := users[id]; !there || !e.matches(r, u) {
			unsettled = append(unsettled, id)
		}
	}
	s.Users += int64(len(ids))
	s.Removed += int64(len(unsettled))
	s.After = ids[len(ids)-1]
	return s, e.Settle(ctx, l.ProjectID, unsettled)
}

// copy makes a page of the members of the original members of the list.
func (e *Engine) copy(ctx context.Context, l list.List, s list.Segment) (list.Segment, error) {
	ids, next, err := e.Store.MemberIDs(ctx, l.ProjectID, l.CopyOf, s.Number, s.After, list.MaxBatch)
	if err != nil || len(ids) == 0 {
		s.Done = err == nil
		return s, err
	}
	names := make([]user.Name, len(ids))
	for i, id := range ids {
		names[i].ID = id
	}
	outcomes, err := e.Store.AddMembers(ctx, l.ProjectID, l.ID, names)
	if err != nil {
		return s, err
	}
	for _, o := range outcomes {
		if o.Err != nil && !errors.Is(o.Err, user.ErrNotFound) {
			return s, o.Err
		}
		if o.Changed {
			s.Added++
		}
	}
	s.Done, s.After, s.Users = next == "", ids[len(ids)-1], s.Users+int64(len(ids))
	return s, nil
}

func (e *Engine) matches(r *rule.Rule, u user.User) bool {
	return r.Match(rule.Subject{User: &u}, e.now())
}

// end moves the list on if all segments of the phase are done. Whoever finds that they are does so: the one that did the last
// of them may have died.
func (e *Engine) end(ctx context.Context, t Task) error {
	segments, err := e.Store.ListSegments(ctx, t.ProjectID, t.ListID, t.Revision, list.Phase(t.Kind))
	done := slices.DeleteFunc(segments, func(s list.Segment) bool { return !s.Done })
	if err != nil || len(done) < list.Segments {
		return err
	}
	count, err := e.Store.CountMembers(ctx, t.ProjectID, t.ListID)
	if err != nil {
		return err
	}
	_, err = e.Store.ChangeList(ctx, t.ProjectID, t.ListID, func(l *list.List) error {
		if !t.of(*l) {
			return errVoid
		}
		if t.Kind == Fill {
			l.Published = l.Rule
		}
		if t.Kind == Fill && l.Revision > 1 { // by the first rule, nobody is a member whom it does not match
			l.Status = list.Pruning
			return nil
		}
		l.Status, l.Count = list.Ready, &list.Count{Members: count, At: e.now()}
		return nil
	})
	return err
}
