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
	// errUnreadable says that a list has a rule that only newer code can read.
	errUnreadable = errors.New("a rule cannot be read")
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
		var j job
		if j, err = e.current(ctx, t); err == nil {
			s, err = e.step(ctx, j, s)
		}
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			err = nil // a page took longer than settleTime: what it wrote is there when it is read again
		}
	}
	if err != nil {
		return err
	}
	return e.end(ctx, t)
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

// step does one page of a segment and stores the progress, which only goes forward.
func (e *Engine) step(ctx context.Context, j job, from list.Segment) (list.Segment, error) {
	do := map[Kind]func(context.Context, list.Segment) (list.Segment, error){Fill: j.fill, Prune: j.prune, Copy: j.copy}[j.task.Kind]
	to, err := do(ctx, from)
	if err != nil {
		return from, err
	}
	to.At = e.now()
	stored, err := e.Store.ChangeSegment(ctx, j.list.ProjectID, from, func(s *list.Segment) error {
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

// fill holds a page of the project's users against the newest rule, and adds those whom it matches and who are no members.
// Of whom the rule may change its mind later is settled, which notes when.
func (j job) fill(ctx context.Context, s list.Segment) (list.Segment, error) {
	r, err := j.rules.parse(j.list.Rule)
	if err != nil {
		return s, err
	}
	ids, next, err := j.Store.UserIDs(ctx, j.list.ProjectID, s.Number, s.After, page)
	if err != nil || len(ids) == 0 {
		s.Done = err == nil
		return s, err
	}
	last := ids[len(ids)-1]
	members, err := j.members(ctx, s, last)
	if err != nil {
		return s, err
	}
	users, err := j.Store.Profiles(ctx, j.list.ProjectID, ids)
	if err != nil {
		return s, err
	}
	var add, settle []string
	for _, id := range ids {
		u, there := users[id]
		matches := there && j.matches(r, u) && !members[id]
		if matches {
			s.Added++
		}
		if there && !nextOf(r, &u, j.now()).IsZero() {
			settle = append(settle, id)
		} else if matches {
			add = append(add, id)
		}
	}
	s.Users, s.After, s.Done = s.Users+int64(len(ids)), last, next == ""
	return s, errors.Join(j.amend(ctx, users, add), j.Settle(ctx, j.list.ProjectID, settle))
}

// amend brings the membership of users up to date.
func (j job) amend(ctx context.Context, users map[string]user.User, ids []string) error {
	a := amendment{Engine: j.Engine, projectID: j.list.ProjectID, set: j.set, users: users, lists: map[string][]dynamic{}}
	i := slices.IndexFunc(j.set.dynamic, func(d dynamic) bool { return d.listID == j.list.ID })
	if i < 0 {
		return errUnreadable
	}
	for _, id := range ids {
		a.lists[id] = j.set.dynamic[i : i+1]
	}
	return a.run(ctx)
}

// members returns the members of the list from where the segment goes on up to an id.
func (j job) members(ctx context.Context, s list.Segment, last string) (map[string]bool, error) {
	members := map[string]bool{}
	for after := s.After; ; {
		ids, next, err := j.Store.MemberIDs(ctx, j.list.ProjectID, j.list.ID, s.Number, after, page)
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

// prune removes those of a page of members whom the rule does not match, or who are gone.
func (j job) prune(ctx context.Context, s list.Segment) (list.Segment, error) {
	r, err := j.rules.parse(j.list.Rule)
	if err != nil {
		return s, err
	}
	ids, next, err := j.Store.MemberIDs(ctx, j.list.ProjectID, j.list.ID, s.Number, s.After, page)
	if err != nil || len(ids) == 0 {
		s.Done = err == nil
		return s, err
	}
	users, err := j.Store.Profiles(ctx, j.list.ProjectID, ids)
	if err != nil {
		return s, err
	}
	var remove []string
	for _, id := range ids {
		if u, there := users[id]; !there || !j.matches(r, u) {
			remove = append(remove, id)
		}
	}
	s.Users, s.Removed = s.Users+int64(len(ids)), s.Removed+int64(len(remove))
	s.After, s.Done = ids[len(ids)-1], next == ""
	return s, j.amend(ctx, users, remove)
}

// copy makes a page of the members of the original members of the list.
func (j job) copy(ctx context.Context, s list.Segment) (list.Segment, error) {
	ids, next, err := j.Store.MemberIDs(ctx, j.list.ProjectID, j.list.CopyOf, s.Number, s.After, list.MaxBatch)
	if err != nil || len(ids) == 0 {
		s.Done = err == nil
		return s, err
	}
	names := make([]user.Name, len(ids))
	for i, id := range ids {
		names[i].ID = id
	}
	outcomes, err := j.Store.AddMembers(ctx, j.list.ProjectID, j.list.ID, names)
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
	s.Users, s.After, s.Done = s.Users+int64(len(ids)), ids[len(ids)-1], next == ""
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
