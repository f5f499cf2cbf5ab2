package api

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"lunogram-users/internal/list"
	"lunogram-users/internal/user"
)

// listsOf reads the lists in use that show a user.
func (s *service) listsOf(ctx context.Context, in userPath) (userListsView, error) {
	st, err := s.standing(ctx, in)
	if err != nil {
		return userListsView{}, err
	}
	since := map[string]time.Time{}
	for _, m := range st.Lists {
		since[m.ListID] = m.At
	}
	theirs, err := s.lists.ListsByID(ctx, in.projectID, slices.Collect(maps.Keys(since)))
	if err != nil {
		return userListsView{}, err
	}
	v := userListsView{Results: []userListView{}, Limit: list.MaxLists}
	slices.SortFunc(theirs, func(a, b list.List) int { return strings.Compare(place(a), place(b)) })
	for _, l := range theirs {
		if l.Archived() {
			continue
		}
		shown, err := s.shown(l)
		if err != nil {
			return userListsView{}, err
		}
		if shown(st.User) {
			v.Results = append(v.Results, userListView{ID: l.ID, Name: l.Name, Type: l.Kind, Since: moment(since[l.ID])})
		}
	}
	return v, nil
}

// maxMerges is how many times one user may have been absorbed by the next until the last is not looked for.
const maxMerges = 5

// standing returns the memberships of a user, or of whoever absorbed that user.
func (s *service) standing(ctx context.Context, in userPath) (list.Standing, error) {
	id := in.userID
	for range maxMerges {
		st, err := s.lists.Standing(ctx, in.projectID, id)
		if err != nil || st.User != nil {
			return st, err
		}
		if id = st.MergedInto; id == "" {
			break
		}
	}
	return list.Standing{}, user.ErrNotFound
}

// userListsView is the lists of one user, by name. It is never cut into pages.
type userListsView struct {
	Results []userListView `json:"results"`
	Limit   int            `json:"limit"`
}

type userListView struct {
	ID    string    `json:"id"`
	Name  string    `json:"name"`
	Type  list.Kind `json:"type"`
	Since moment    `json:"since"`
}
