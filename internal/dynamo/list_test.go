package dynamo_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/list"
)

// newList returns a list of the project that is in use.
func newList(projectID, name string, kind list.Kind) list.List {
	now := time.UnixMilli(1_800_000_000_000).UTC()
	return list.List{
		ID: uuid.Must(uuid.NewV7()).String(), ProjectID: projectID, Kind: kind, Name: name, CreatedAt: now, UpdatedAt: now, Status: list.Ready,
	}
}

// TestPublishedRules: which rule is published is what was stored, whether it is the newest one or not.
func TestPublishedRules(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	for _, rules := range [][2]string{{"b", "b"}, {"b", "a"}, {"b", ""}, {"", ""}} {
		l := newList(p.ID, "l", list.Dynamic)
		l.Rule, l.Published = rules[0], rules[1]
		if err := dynamotest.CreateList(t.Context(), s, l); err != nil {
			t.Fatal(err)
		}
		if got, err := s.List(t.Context(), p.ID, l.ID); err != nil || !cmp.Equal(l, got) {
			t.Errorf("got %+v, %v, want %+v", got, err, l)
		}
		changed, err := s.ChangeList(t.Context(), p.ID, l.ID, func(l *list.List) error { l.Rule = "c"; return nil })
		l.Rule = "c"
		if err != nil || !cmp.Equal(l, changed) {
			t.Errorf("another rule: got %+v, %v, want %+v", changed, err, l)
		}
		if got, err := s.ListsByID(t.Context(), p.ID, []string{l.ID}); err != nil || !cmp.Equal([]list.List{l}, got) {
			t.Errorf("by id: got %+v, %v, want %+v", got, err, l)
		}
	}
}

func TestListDefinitions(t *testing.T) {
	s := dynamotest.New(t)
	p, other := dynamotest.Project(t, s), dynamotest.Project(t, s)
	ctx := t.Context()
	b, a := newList(p.ID, "b", list.Static), newList(p.ID, "a", list.Dynamic)
	a.Rule, a.Revision, a.Count = `user.data.plan == "pro"`, 1, &list.Count{Members: 3, At: a.CreatedAt}
	for _, l := range []list.List{b, a, b} {
		if err := dynamotest.CreateList(ctx, s, l); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Lists(ctx, p.ID)
	if diff := cmp.Diff([]list.List{a, b}, got); diff != "" || err != nil {
		t.Errorf("lists, %v (-want +got):\n%s", err, diff)
	}
	if got, err := s.List(ctx, p.ID, a.ID); err != nil || !cmp.Equal(a, got) {
		t.Errorf("list %+v, %v", got, err)
	}
	if _, err := s.List(ctx, other.ID, a.ID); !errors.Is(err, list.ErrNotFound) {
		t.Errorf("the list of another project: %v", err)
	}
	if got, err := s.Lists(ctx, other.ID); err != nil || len(got) != 0 {
		t.Errorf("the lists of another project: %v, %v", got, err)
	}

	parallel(10, func(int) {
		_, err := s.ChangeList(ctx, p.ID, b.ID, func(l *list.List) error {
			l.Revision++
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	if got, err := s.List(ctx, p.ID, b.ID); err != nil || got.Revision != 10 {
		t.Errorf("after 10 changes at once: %+v, %v", got, err)
	}
	refused := func(*list.List) error { return list.ErrArchived }
	if got, err := s.ChangeList(ctx, p.ID, a.ID, refused); err != list.ErrArchived || !cmp.Equal(a, got) {
		t.Errorf("a change that was refused: %+v, %v", got, err)
	}
	if _, err := s.ChangeList(ctx, p.ID, "none", refused); !errors.Is(err, list.ErrNotFound) {
		t.Errorf("a change of no list: %v", err)
	}
}

// TestTooManyLists: what is refused is another list, not a repeat.
func TestTooManyLists(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	var last list.List
	for n := range list.MaxDynamic {
		last = newList(p.ID, fmt.Sprint(n), list.Dynamic)
		if err := dynamotest.CreateList(t.Context(), s, last); err != nil {
			t.Fatal(err)
		}
	}
	if err := dynamotest.CreateList(t.Context(), s, last); err != nil {
		t.Errorf("the last one again: %v", err)
	}
	if err := dynamotest.CreateList(t.Context(), s, newList(p.ID, "one more", list.Dynamic)); !errors.Is(err, list.ErrTooManyDynamic) {
		t.Errorf("one more dynamic list: %v, want ErrTooManyDynamic", err)
	}
	if err := dynamotest.CreateList(t.Context(), s, newList(p.ID, "one more", list.Static)); err != nil {
		t.Errorf("a static list: %v", err)
	}
}

func TestSegments(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	ctx := t.Context()
	look := func(first list.Segment, users int64) list.Segment {
		t.Helper()
		got, err := s.ChangeSegment(ctx, p.ID, first, func(s *list.Segment) error {
			s.Users += users
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for _, n := range []int{10, 9, 2} {
		first := list.Segment{ListID: "l", Revision: 1, Phase: list.Fill, Number: n}
		look(first, 3)
		if got := look(first, 4); got.Users != 7 || got.Number != n {
			t.Errorf("after 3 and 4 users: %+v", got)
		}
	}
	look(list.Segment{ListID: "l", Revision: 1, Phase: list.Prune}, 1)
	look(list.Segment{ListID: "l", Revision: 10, Phase: list.Fill}, 1)
	segments, err := s.ListSegments(ctx, p.ID, "l", 1, list.Fill)
	var numbers []int
	for _, segment := range segments {
		numbers = append(numbers, segment.Number)
	}
	if got := fmt.Sprint(numbers); err != nil || got != "[2 9 10]" {
		t.Errorf("segments %s, %v", got, err)
	}
	if lists, err := s.Lists(ctx, p.ID); err != nil || len(lists) != 0 {
		t.Errorf("segments are listed as %v, %v", lists, err)
	}
}
