package membership

import (
	"context"
	"errors"
	"slices"

	"lunogram-users/internal/list"
	"lunogram-users/internal/rule"
	"lunogram-users/internal/user"
)

// draft is a page of a segment that was read: what it asks for.
type draft struct {
	to      list.Segment // how far the segment is then
	touched []string     // ids of users of whom something may be written
	write   func(context.Context) error
}

// fill holds a page of the project's users against the newest rule, to add those whom it matches and who are no members.
// Of whom the rule may change its mind later is to be settled, which notes when.
func (j job) fill(ctx context.Context, s list.Segment) (*draft, error) {
	r, err := j.rules.parse(j.list.Rule)
	if err != nil {
		return nil, err
	}
	ids, next, err := j.Store.UserIDs(ctx, j.list.ProjectID, s.Number, s.After, page)
	if err != nil || len(ids) == 0 {
		s.Done = true
		return &draft{to: s}, err
	}
	last := ids[len(ids)-1]
	members, err := j.members(ctx, s, last)
	if err != nil {
		return nil, err
	}
	users, err := j.Store.Profiles(ctx, j.list.ProjectID, ids)
	if err != nil {
		return nil, err
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
	return j.draft(s, users, add, settle), nil
}

// draft returns a page of which some users are to be amended, and others, of whom the rule may change its mind, to be settled.
func (j job) draft(to list.Segment, users map[string]user.User, amend, settle []string) *draft {
	return &draft{to, slices.Concat(amend, settle), func(ctx context.Context) error {
		return errors.Join(j.amend(ctx, users, amend), j.Settle(ctx, j.list.ProjectID, settle))
	}}
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

// prune holds a page of members against the rule, to remove those whom it does not match, or who are gone.
func (j job) prune(ctx context.Context, s list.Segment) (*draft, error) {
	r, err := j.rules.parse(j.list.Rule)
	if err != nil {
		return nil, err
	}
	ids, next, err := j.Store.MemberIDs(ctx, j.list.ProjectID, j.list.ID, s.Number, s.After, page)
	if err != nil || len(ids) == 0 {
		s.Done = true
		return &draft{to: s}, err
	}
	users, err := j.Store.Profiles(ctx, j.list.ProjectID, ids)
	if err != nil {
		return nil, err
	}
	var remove, settle []string
	for _, id := range ids {
		u, there := users[id]
		switch {
		case there && j.matches(r, u):
		case there && !nextOf(r, &u, j.now()).IsZero():
			settle = append(settle, id)
		default:
			remove = append(remove, id)
		}
	}
	s.Users, s.Removed = s.Users+int64(len(ids)), s.Removed+int64(len(remove)+len(settle))
	s.After, s.Done = ids[len(ids)-1], next == ""
	return j.draft(s, users, remove, settle), nil
}

// copy makes a page of the members of the original members of the list.
func (j job) copy(ctx context.Context, s list.Segment) (*draft, error) {
	ids, next, err := j.Store.MemberIDs(ctx, j.list.ProjectID, j.list.CopyOf, s.Number, s.After, list.MaxBatch)
	if err != nil || len(ids) == 0 {
		s.Done = true
		return &draft{to: s}, err
	}
	names := make([]user.Name, len(ids))
	for i, id := range ids {
		names[i].ID = id
	}
	s.Users, s.After, s.Done = s.Users+int64(len(ids)), ids[len(ids)-1], next == ""
	d := &draft{to: s, touched: ids}
	d.write = func(ctx context.Context) error {
		outcomes, err := j.Store.AddMembers(ctx, j.list.ProjectID, j.list.ID, names)
		for _, o := range outcomes {
			if o.Err != nil && !errors.Is(o.Err, user.ErrNotFound) {
				return o.Err
			}
			if o.Changed {
				d.to.Added++
			}
		}
		return err
	}
	return d, nil
}

func (e *Engine) matches(r *rule.Rule, u user.User) bool {
	return r.Match(rule.Subject{User: &u}, e.now())
}
