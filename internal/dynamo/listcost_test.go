package dynamo_test

import (
	"context"
	"testing"
	"time"

	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/list"
	"lunogram-users/internal/user"
)

// TestCostsOfLists is TestCosts for lists and their members.
func TestCostsOfLists(t *testing.T) {
	var m dynamotest.Meter
	s := dynamotest.New(t, m.Option())
	p := dynamotest.Project(t, s)
	ctx := t.Context()
	users := ids(crowd(t, s, p, 202, ""))
	l := newList(p.ID, "letter", list.Static)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	add := func(ids ...string) func() {
		return func() {
			_, err := s.AddMembers(ctx, p.ID, l.ID, named(ids...))
			must(err)
		}
	}
	estimated := func(f func(ctx context.Context, projectID, listID, importID string, ids []string) (user.Usage, error), want user.Usage) func() {
		return func() {
			used, err := f(ctx, p.ID, l.ID, "i", users[101:201])
			must(err)
			if used != want {
				t.Errorf("estimated %+v, want %+v", used, want)
			}
		}
	}
	importing := func(want user.Usage) func() { return estimated(s.ImportMembers, want) }
	foresee := func(want user.Usage) func() { return estimated(s.ForeseeMembers, want) }
	segment := func() {
		_, err := s.ChangeSegment(ctx, p.ID, list.Segment{ListID: l.ID, Revision: 1, Phase: list.Fill}, func(s *list.Segment) error {
			s.Users++
			return nil
		})
		must(err)
	}
	at := time.UnixMilli(1_800_000_000_000)
	change := func(c list.Change) func() { return func() { must(s.ChangeMembership(ctx, p.ID, users[0], c)) } }

	for _, tt := range []struct {
		name string
		do   func()
		want dynamotest.Usage
	}{
		{"create a list", func() { must(dynamotest.CreateList(ctx, s, l)) }, dynamotest.Usage{Calls: 3, Read: 2, Write: 4}},
		{"the lists of a project", func() { _, err := s.Lists(ctx, p.ID); must(err) }, dynamotest.Usage{Calls: 1, Read: 1}},
		{"one list by its id", func() { _, err := s.ListsByID(ctx, p.ID, []string{l.ID, "none"}); must(err) }, dynamotest.Usage{Calls: 1, Read: 2}},
		{"change a list", func() {
			_, err := s.ChangeList(ctx, p.ID, l.ID, func(l *list.List) error { l.Name = "news"; return nil })
			must(err)
		}, dynamotest.Usage{Calls: 2, Read: 1, Write: 1}},
		{"change nothing of a list", func() {
			_, err := s.ChangeList(ctx, p.ID, l.ID, func(l *list.List) error { l.Name = "news"; return nil })
			must(err)
		}, dynamotest.Usage{Calls: 1, Read: 1}},
		{"add one member", add(users[0]), dynamotest.Usage{Calls: 3, Read: 2, Write: 2}},
		{"add a member again", add(users[0]), dynamotest.Usage{Calls: 3, Read: 2}}, // and one to write, which the engine does not count
		{"count one member", func() { _, err := s.CountMembers(ctx, p.ID, l.ID); must(err) }, dynamotest.Usage{Calls: 16, Read: 8}},
		{"add 100 members", add(users[1:101]...), dynamotest.Usage{Calls: 6, Read: 200, Write: 200}},
		{"foresee an import of 100 members", foresee(user.Usage{Read: 150, Write: 200}), dynamotest.Usage{Calls: 1, Read: 50}},
		{"import 100 members", importing(user.Usage{Read: 150, Write: 200}), dynamotest.Usage{Calls: 6, Read: 150, Write: 200}},
		{"import 100 members again", importing(user.Usage{Read: 50}), dynamotest.Usage{Calls: 1, Read: 50}},
		{"a page of 20 ids of members", func() { _, _, err := s.MemberPage(ctx, p.ID, l.ID, "", 20); must(err) }, dynamotest.Usage{Calls: 16, Read: 8}},
		{"a page of 20 members", func() { _, err := s.Members(ctx, p.ID, l.ID, "", 20); must(err) }, dynamotest.Usage{Calls: 18, Read: 8 + 21}},
		{"a page of a segment", func() { _, _, err := s.MemberIDs(ctx, p.ID, l.ID, 3, "", 10); must(err) }, dynamotest.Usage{Calls: 1, Read: 0.5}},
		{"undo the import of 100 members", func() { must(s.DropImported(ctx, p.ID, l.ID, "i", users[101:201])) }, dynamotest.Usage{Calls: 4, Write: 200}},
		{"remove 100 members", func() {
			_, err := s.RemoveMembers(ctx, p.ID, l.ID, named(users[1:101]...))
			must(err)
		}, dynamotest.Usage{Calls: 6, Read: 200, Write: 200}},
		{"standing", func() { _, err := s.Standing(ctx, p.ID, users[0]); must(err) }, dynamotest.Usage{Calls: 2, Read: 2}},
		{"profiles of 100", func() { _, err := s.Profiles(ctx, p.ID, users[:100]); must(err) }, dynamotest.Usage{Calls: 1, Read: 100}},
		{"100 named users", func() { _, err := s.Named(ctx, p.ID, named(users[:100]...)); must(err) }, dynamotest.Usage{Calls: 1, Read: 100}},
		{"become a member", change(list.Change{Add: []list.Membership{{ListID: "m", At: at}}}), dynamotest.Usage{Calls: 1, Write: 2}},
		{"be one no more", change(list.Change{Remove: []string{"m"}}), dynamotest.Usage{Calls: 1, Write: 2}},
		{"become due", change(list.Change{Due: &at}), dynamotest.Usage{Calls: 1, Write: 2}},
		{"become due earlier", change(list.Change{Due: new(at.Add(-time.Hour)), Was: at}), dynamotest.Usage{Calls: 1, Write: 3}},
		{"be due no more", change(list.Change{Due: new(time.Time), Was: at.Add(-time.Hour)}), dynamotest.Usage{Calls: 1, Write: 2}},
		{"due users of a segment", func() { _, _, err := s.DueUsers(ctx, p.ID, 3, at, "", 100); must(err) }, dynamotest.Usage{Calls: 1, Read: 0.5}},
		{"next due moment of a segment", func() { _, err := s.NextDue(ctx, p.ID, 3, at); must(err) }, dynamotest.Usage{Calls: 1, Read: 0.5}},
		{"set the wake", func() { must(s.SetWake(ctx, p.ID, at, at.Add(-time.Hour))) }, dynamotest.Usage{Calls: 1, Write: 1}},
		{"begin a segment", segment, dynamotest.Usage{Calls: 2, Read: 1, Write: 1}},
		{"progress of a segment", segment, dynamotest.Usage{Calls: 2, Read: 1, Write: 1}},
	} {
		m.Take()
		tt.do()
		if got := m.Take(); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
