package api

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"lunogram-users/internal/list"
)

// createList makes a list. Whom the rule of a dynamic one matches is looked for once it is stored, by who reads the
// stream of the table.
func (s *service) createList(ctx context.Context, l list.List) (newListView, error) {
	l, err := s.lists.PutList(ctx, l.ProjectID, func(all []list.List) (list.List, error) { return l, unlike(l, all) })
	return newListView{viewList(l)}, err
}

// unlike returns list.ErrExists if another of the lists is like the one that is to be stored.
func unlike(l list.List, all []list.List) error {
	if slices.ContainsFunc(all, func(o list.List) bool { return o.ID != l.ID && o.Alike(l) }) {
		return list.ErrExists
	}
	return nil
}

// listLists reads a page of the lists of the project, by name.
func (s *service) listLists(ctx context.Context, q listsRequest) (listPageView, error) {
	all, err := s.lists.Lists(ctx, q.projectID)
	if err != nil {
		return listPageView{}, err
	}
	all = slices.DeleteFunc(all, func(l list.List) bool { return !q.wants(l) || place(l) <= q.after })
	slices.SortFunc(all, func(a, b list.List) int { return cmp.Compare(place(a), place(b)) })
	v := listPageView{Results: []listView{}, Limit: q.limit}
	for n, l := range all {
		if n == q.limit {
			v.NextCursor = q.seal.seal(place(all[n-1]))
			break
		}
		v.Results = append(v.Results, viewList(l))
	}
	return v, nil
}

// place is where a list stands in the order of names, which no two lists share: names hold no control characters.
func place(l list.List) string { return strings.ToLower(l.Name) + "\x00" + l.ID }

// getList reads one list, and how far the work on its members is.
func (s *service) getList(ctx context.Context, in listPath) (listView, error) {
	l, err := s.lists.List(ctx, in.projectID, in.listID)
	if err != nil {
		return listView{}, err
	}
	v := viewList(l)
	if phase, ok := phases[l.Status]; ok && !l.Archived() {
		segments, err := s.lists.ListSegments(ctx, l.ProjectID, l.ID, l.Revision, phase)
		if err != nil {
			return listView{}, err
		}
		v.Progress = new(viewProgress(phase, segments))
	}
	return v, nil
}

// phases is the work that each status but list.Ready waits for.
var phases = map[list.Status]list.Phase{list.Building: list.Fill, list.Pruning: list.Prune, list.Copying: list.Copy}

// patchList changes one list.
func (s *service) patchList(ctx context.Context, in listChange) (listView, error) {
	if in.patch.Name != nil {
		return s.renameList(ctx, in)
	}
	return s.changeList(ctx, in.listPath, func(l *list.List) error { return in.patch.Apply(l, s.now().UTC()) })
}

// renameList is patchList where the other lists have a say.
func (s *service) renameList(ctx context.Context, in listChange) (listView, error) {
	l, err := s.lists.PutList(ctx, in.projectID, func(all []list.List) (list.List, error) {
		l, err := among(all, in.listID)
		if err == nil {
			err = in.patch.Apply(&l, s.now().UTC())
		}
		if err == nil {
			err = unlike(l, all)
		}
		return l, err
	})
	return viewList(l), err
}

// among returns one of the lists of a project.
func among(all []list.List, id string) (list.List, error) {
	i := slices.IndexFunc(all, func(l list.List) bool { return l.ID == id })
	if i < 0 {
		return list.List{}, list.ErrNotFound
	}
	return all[i], nil
}

// archiveList takes one list out of use.
func (s *service) archiveList(ctx context.Context, in listPath) (listView, error) {
	return s.changeList(ctx, in, func(l *list.List) error {
		l.Archive(s.now().UTC())
		return nil
	})
}

func (s *service) changeList(ctx context.Context, in listPath, change func(*list.List) error) (listView, error) {
	l, err := s.lists.ChangeList(ctx, in.projectID, in.listID, change)
	return viewList(l), err
}

// duplicateList makes another list of the same members or the same rule.
func (s *service) duplicateList(ctx context.Context, in duplicateRequest) (newListView, error) {
	l, err := s.lists.PutList(ctx, in.projectID, func(all []list.List) (list.List, error) {
		original, err := among(all, in.listID)
		if err != nil {
			return list.List{}, err
		}
		name := in.name
		if name == nil { // as of the lists that there are now: this may be a second try
			name = new(list.CopyName(original.Name, all))
		}
		l, err := original.Duplicate(uuid.Must(uuid.NewV7()).String(), *name, s.now().UTC())
		if err != nil {
			return list.List{}, err
		}
		return l, unlike(l, all)
	})
	return newListView{viewList(l)}, err
}
