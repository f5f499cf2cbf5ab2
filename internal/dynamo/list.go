package dynamo

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"lunogram-users/internal/list"
	"lunogram-users/internal/user"
)

// listRecord is a list as it is stored. The published rule is mostly the newest one, and stored only if it is another: all lists
// of a project are read for each batch of changes.
type listRecord struct {
	list.List
	RuleIsPublished bool `json:",omitempty"`
}

func toListRecord(l list.List) listRecord {
	r := listRecord{List: l, RuleIsPublished: l.Rule != "" && l.Published == l.Rule}
	if r.RuleIsPublished {
		r.Published = ""
	}
	return r
}

func (r listRecord) list() list.List {
	if r.RuleIsPublished {
		r.Published = r.Rule
	}
	return r.List
}

// readList returns the list in an item that was read.
func readList(av item) (list.List, error) {
	r, err := readRecord[listRecord](av)
	return r.list(), err
}

// PutList stores the list that compose makes in view of all lists of the project, archived ones too, and returns it: another
// one, or one of them as it is to be. Two calls at once never decide by the same lists: compose is called again for the later
// one. A list that is as it is stored is not written. It returns the error of compose, or one of list.Room.
func (s *Store) PutList(ctx context.Context, projectID string, compose func(all []list.List) (list.List, error)) (list.List, error) {
	return untilWon(ctx, func() (list.List, error) {
		// Whoever writes a list after this read changes the catalog, so it has to come before the lists are read.
		catalog, err := s.record(ctx, recordItem{key: catalogKey(projectID)})
		if err != nil {
			return list.List{}, err
		}
		all, stored, err := s.lists(ctx, projectID)
		if err != nil {
			return list.List{}, err
		}
		l, err := compose(all)
		if err != nil {
			return list.List{}, err
		}
		before, exists := stored[l.ID]
		if !exists {
			before = recordItem{key: listKey(projectID, l.ID)}
			if err := list.Room(all, l.Kind); err != nil {
				return list.List{}, err
			}
		}
		return l, s.putCatalogued(ctx, catalog, before, l)
	})
}

// putCatalogued writes a list in place of what is stored, and with it the next revision of the catalog.
func (s *Store) putCatalogued(ctx context.Context, catalog, stored recordItem, l list.List) error {
	body, err := encodeRecord(toListRecord(l))
	if err != nil || body == stored.Record {
		return err
	}
	tx := s.begin()
	tx.record(stored.next(body))
	tx.record(catalog.next(""))
	err = s.commit(ctx, tx, "", "put list")
	if r, ok := errors.AsType[*refused](err); ok && r.stored[0] != nil {
		there, wrong := decode[recordItem](r.stored[0])
		if wrong != nil || there.Record == body { // an earlier try was persisted, and its reply lost
			return wrong
		}
	}
	return err
}

// Lists returns the lists of a project, archived ones too, by name; strongly consistent, in one query.
func (s *Store) Lists(ctx context.Context, projectID string) ([]list.List, error) {
	all, _, err := s.lists(ctx, projectID)
	return all, err
}

// lists is Lists, with the records by id.
func (s *Store) lists(ctx context.Context, projectID string) (all []list.List, stored map[string]recordItem, err error) {
	stored = map[string]recordItem{}
	err = s.query(ctx, listsPK(projectID), skList, "list lists", func(av item) error {
		i, err := decode[recordItem](av)
		if err != nil {
			return err
		}
		r, err := decodeRecord[listRecord](i)
		all, stored[r.ID] = append(all, r.list()), i
		return err
	})
	slices.SortFunc(all, func(a, b list.List) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return all, stored, err
}

// ListsByID returns those lists of the project that have one of the ids, which must differ, in no order; strongly consistent,
// 100 in one call.
func (s *Store) ListsByID(ctx context.Context, projectID string, ids []string) ([]list.List, error) {
	keys := make([]key, len(ids))
	for i, id := range ids {
		keys[i] = listKey(projectID, id)
	}
	var lists []list.List
	err := s.batchGet(ctx, keys, "get lists", func(av item) error {
		l, err := readList(av)
		lists = append(lists, l)
		return err
	})
	return lists, err
}

// List returns a list of the project, strongly consistent, or list.ErrNotFound.
func (s *Store) List(ctx context.Context, projectID, listID string) (list.List, error) {
	i, err := get[recordItem](ctx, s, listKey(projectID, listID), "get list")
	if errors.Is(err, user.ErrNotFound) {
		return list.List{}, list.ErrNotFound
	}
	if err != nil {
		return list.List{}, err
	}
	r, err := decodeRecord[listRecord](i)
	return r.list(), err
}

// ChangeList lets change amend a list, writes it unless somebody else has changed it in between, and returns it. A list that
// is as it was is not written. change is called again after that, and may then meet its own work. It returns the error of change, with the list as it is, or
// list.ErrNotFound.
func (s *Store) ChangeList(ctx context.Context, projectID, listID string, change func(*list.List) error) (list.List, error) {
	first := recordItem{key: listKey(projectID, listID)}
	stored, err := changeRecord(ctx, s, first, listRecord{}, func(r *listRecord) error {
		l := r.list()
		if l.ID == "" {
			return list.ErrNotFound
		}
		err := change(&l)
		*r = toListRecord(l)
		return err
	})
	return stored.list(), err
}

// ChangeSegment lets change amend the progress of one part of the work on a list, writes it unless somebody else has changed
// it in between, and returns it. first says which part it is, and is what change meets before there is any. change is called
// again after a conflict, and may then meet its own work. Progress is forgotten after 40 days.
func (s *Store) ChangeSegment(ctx context.Context, projectID string, first list.Segment, change func(*list.Segment) error) (list.Segment, error) {
	return changeRecord(ctx, s, recordItem{key: segmentKey(projectID, first), Expires: s.now().Add(progressLife).Unix()}, first, change)
}

// ListSegments returns the progress of those parts of the work on a list that were begun, by number; strongly consistent.
func (s *Store) ListSegments(ctx context.Context, projectID, listID string, revision int64, phase list.Phase) ([]list.Segment, error) {
	var segments []list.Segment
	err := s.query(ctx, listsPK(projectID), segmentPrefix(listID, revision, phase), "list segments", func(av item) error {
		segment, err := readRecord[list.Segment](av)
		segments = append(segments, segment)
		return err
	})
	slices.SortFunc(segments, func(a, b list.Segment) int { return cmp.Compare(a.Number, b.Number) })
	return segments, err
}
