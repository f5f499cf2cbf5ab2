package dynamo

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

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

// CreateList stores the list that compose makes in view of all lists of the project, archived ones too, and returns it.
// Storing the same id again replaces it. Two calls at once do not see each other. It returns the error of compose, or
// list.ErrTooMany.
func (s *Store) CreateList(ctx context.Context, projectID string, compose func(all []list.List) (list.List, error)) (list.List, error) {
	all, err := s.Lists(ctx, projectID)
	if err != nil {
		return list.List{}, err
	}
	l, err := compose(all)
	if err != nil {
		return list.List{}, err
	}
	others := slices.DeleteFunc(all, func(o list.List) bool { return o.ID == l.ID })
	if list.Full(others, l.Kind) {
		return list.List{}, list.ErrTooMany
	}
	body, err := encodeRecord(toListRecord(l))
	if err != nil {
		return list.List{}, err
	}
	return l, s.put(ctx, recordItem{key: listKey(projectID, l.ID), Revision: 1, Record: body}, dynamodb.PutItemInput{}, "create list")
}

// Lists returns the lists of a project, archived ones too, by name; strongly consistent, in one query.
func (s *Store) Lists(ctx context.Context, projectID string) ([]list.List, error) {
	var lists []list.List
	err := s.query(ctx, listsPK(projectID), skList, "list lists", func(av item) error {
		l, err := readList(av)
		lists = append(lists, l)
		return err
	})
	slices.SortFunc(lists, func(a, b list.List) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return lists, err
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
