package api

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"lunogram-users/internal/list"
	"lunogram-users/internal/rule"
	"lunogram-users/internal/user"
)

// membersRequest asks for a page of the members of a list.
type membersRequest struct {
	pageRequest
	listID string
}

func (s *service) decodeMembers(r *http.Request) (membersRequest, error) {
	path, err := decodeListPath(r)
	if err != nil {
		return membersRequest{}, err
	}
	p, err := readQuery(r)
	if err != nil {
		return membersRequest{}, err
	}
	page, err := s.decodePage(r, p, pageRequest{filter: []string{path.listID}})
	return membersRequest{page, path.listID}, err
}

// members reads a page of the users whom a list shows.
func (s *service) members(ctx context.Context, in membersRequest) (pageView, error) {
	l, err := s.lists.List(ctx, in.projectID, in.listID)
	if err != nil {
		return pageView{}, err
	}
	shown, err := s.shown(l)
	if err != nil {
		return pageView{}, err
	}
	p, err := s.lists.Members(ctx, in.projectID, in.listID, in.after, in.limit)
	p.Users = slices.DeleteFunc(p.Users, func(u user.User) bool { return !shown(&u) })
	return pageOf(in.pageRequest, p), err
}

// shown returns whether a list shows a user who is in it.
func (s *service) shown(l list.List) (func(*user.User) bool, error) {
	text, all := l.Shows()
	if all || text == "" {
		return func(*user.User) bool { return all }, nil
	}
	published, err := rule.Parse(text)
	now := s.now()
	return func(u *user.User) bool { return published.Match(rule.Subject{User: u}, now) }, err
}

// membersChange names users who are to be put into a list, or taken out of it.
type membersChange struct {
	listPath
	names []user.Name
}

// decodeMembersChange reads {user_ids, identifiers}.
func decodeMembersChange(r *http.Request) (membersChange, error) {
	path, err := decodeListPath(r)
	if err != nil {
		return membersChange{}, err
	}
	b := &badRequest{}
	o, err := decodeBody(r, b)
	if err != nil {
		return membersChange{}, err
	}
	o.only("user_ids", "identifiers")
	return membersChange{path, readNames(o, list.MaxBatch, true)}, b.err()
}

// decodeMember reads the ids of a path that names a list and a user.
func decodeMember(r *http.Request) (membersChange, error) {
	path, err := decodeListPath(r)
	if err != nil {
		return membersChange{}, err
	}
	u, err := decodeUserPath(r)
	return membersChange{path, []user.Name{{ID: u.userID}}}, err
}

// addMembers puts users into a static list.
func (s *service) addMembers(ctx context.Context, in membersChange) (addedView, error) {
	outcomes, err := s.putMembers(ctx, in)
	v := addedView{Results: make([]addedMemberView, len(outcomes))}
	for i, o := range outcomes {
		v.Results[i] = addedMemberView{viewMember(in.names[i], o), o.Changed}
	}
	return v, err
}

// removeMembers takes users out of a static list.
func (s *service) removeMembers(ctx context.Context, in membersChange) (removedView, error) {
	outcomes, err := s.takeMembers(ctx, in)
	v := removedView{Results: make([]removedMemberView, len(outcomes))}
	for i, o := range outcomes {
		v.Results[i] = removedMemberView{viewMember(in.names[i], o), o.Changed}
	}
	return v, err
}

// addMember puts one user into a static list.
func (s *service) addMember(ctx context.Context, in membersChange) (nothing, error) {
	return single(s.putMembers(ctx, in))
}

// removeMember takes one user out of a static list.
func (s *service) removeMember(ctx context.Context, in membersChange) (nothing, error) {
	return single(s.takeMembers(ctx, in))
}

// single answers a request that names one user: who is no one is an error.
func single(outcomes []list.Outcome, err error) (nothing, error) {
	for _, o := range outcomes {
		err = errors.Join(err, o.Err)
	}
	return nothing{}, err
}

func (s *service) putMembers(ctx context.Context, in membersChange) ([]list.Outcome, error) {
	if _, err := s.staticList(ctx, in.listPath); err != nil {
		return nil, err
	}
	return s.lists.AddMembers(ctx, in.projectID, in.listID, in.names)
}

// takeMembers refuses while members are being copied: whoever is taken out might come back with a later part of the copy.
func (s *service) takeMembers(ctx context.Context, in membersChange) ([]list.Outcome, error) {
	l, err := s.staticList(ctx, in.listPath)
	if err == nil && l.Status == list.Copying {
		err = list.ErrNotReady
	}
	if err != nil {
		return nil, err
	}
	return s.lists.RemoveMembers(ctx, in.projectID, in.listID, in.names)
}

// staticList returns a list whose members may be changed by hand.
func (s *service) staticList(ctx context.Context, in listPath) (list.List, error) {
	l, err := s.lists.List(ctx, in.projectID, in.listID)
	switch {
	case err != nil:
	case l.Archived():
		err = list.ErrArchived
	case l.Kind != list.Static:
		err = list.ErrKind
	}
	return l, err
}

// count counts the members of a list, and remembers how many they are if it shows all of them.
func (s *service) count(ctx context.Context, in listPath) (countView, error) {
	l, err := s.lists.List(ctx, in.projectID, in.listID)
	if err != nil {
		return countView{}, err
	}
	at := s.now().UTC()
	n, err := s.lists.CountMembers(ctx, in.projectID, in.listID)
	if err != nil {
		return countView{}, err
	}
	v := countView{MembersCount: n, Exact: l.Status == list.Ready, CountedAt: moment(at)}
	if !v.Exact {
		return v, nil
	}
	newest := list.Count{Members: n, At: at}
	if !newest.News(l.Count) {
		return v, nil
	}
	_, err = s.lists.ChangeList(ctx, in.projectID, in.listID, func(l *list.List) error {
		if newest.News(l.Count) {
			l.Count = &newest
		}
		return nil
	})
	return v, err
}

// memberView is what became of one of the users that a request names.
type memberView struct {
	namedView
	Reason string `json:"reason,omitempty"`
}

type addedMemberView struct {
	memberView
	Added bool `json:"added"`
}

type removedMemberView struct {
	memberView
	Removed bool `json:"removed"`
}

type addedView struct {
	Results []addedMemberView `json:"results"`
}

type removedView struct {
	Results []removedMemberView `json:"results"`
}

func viewMember(name user.Name, o list.Outcome) memberView {
	v := memberView{namedView: namedView{viewName(name), filled(o.UserID)}}
	if o.Err != nil {
		v.UserID, v.Reason = nil, "no_user"
	}
	return v
}

// countView is how many members a list has. It is exact if the list shows all of them.
type countView struct {
	MembersCount int64  `json:"members_count"`
	Exact        bool   `json:"exact"`
	CountedAt    moment `json:"counted_at"`
}
