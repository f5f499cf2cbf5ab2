package dynamo_test

import (
	"testing"
	"time"

	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/list"
	"lunogram-users/internal/project"
)

// listScenarios are the write paths of lists.
func listScenarios() []scenario {
	at := time.UnixMilli(1_800_000_000_000).UTC()
	letter := newList("", "letter", list.Static)
	create := func(t *testing.T, s *dynamo.Store, p project.Project) error {
		letter.ProjectID = p.ID
		return dynamotest.CreateList(t.Context(), s, letter)
	}
	add := func(t *testing.T, s *dynamo.Store, p project.Project) error {
		_, err := s.AddMembers(t.Context(), p.ID, letter.ID, named(owner(t, p, "a"), owner(t, p, "b")))
		return err
	}
	seeded := func(then ...func(t *testing.T, s *dynamo.Store, p project.Project) error) func(t *testing.T, s *dynamo.Store, p project.Project) {
		return func(t *testing.T, s *dynamo.Store, p project.Project) {
			seed("a", "b")(t, s, p)
			for _, do := range then {
				if err := do(t, s, p); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	members := func(want int) func(t *testing.T, s *dynamo.Store, p project.Project, _ int64) {
		return func(t *testing.T, s *dynamo.Store, p project.Project, _ int64) {
			if got := listed(t, s, p, letter.ID); len(got) != want {
				t.Errorf("members %v, want %d", got, want)
			}
		}
	}
	importing := func(t *testing.T, s *dynamo.Store, p project.Project) error {
		_, err := s.ImportMembers(t.Context(), p.ID, letter.ID, "i", []string{owner(t, p, "a"), owner(t, p, "b")})
		return err
	}
	return []scenario{
		{"create a list", seed(), create, func(t *testing.T, s *dynamo.Store, p project.Project, _ int64) {
			if lists, err := s.Lists(t.Context(), p.ID); err != nil || len(lists) != 1 {
				t.Errorf("lists %+v, %v", lists, err)
			}
		}, false},
		{"change a list", seeded(create), func(t *testing.T, s *dynamo.Store, p project.Project) error {
			_, err := s.ChangeList(t.Context(), p.ID, letter.ID, func(l *list.List) error {
				l.ArchivedAt = at
				return nil
			})
			return err
		}, func(t *testing.T, s *dynamo.Store, p project.Project, _ int64) {
			if l, err := s.List(t.Context(), p.ID, letter.ID); err != nil || !l.Archived() {
				t.Errorf("list %+v, %v", l, err)
			}
		}, false},
		{"note progress", seed(), func(t *testing.T, s *dynamo.Store, p project.Project) error {
			_, err := s.ChangeSegment(t.Context(), p.ID, list.Segment{ListID: letter.ID, Phase: list.Fill}, func(s *list.Segment) error {
				s.Done = true
				return nil
			})
			return err
		}, func(t *testing.T, s *dynamo.Store, p project.Project, _ int64) {
			if got, err := s.ListSegments(t.Context(), p.ID, letter.ID, 0, list.Fill); err != nil || len(got) != 1 || !got[0].Done {
				t.Errorf("segments %+v, %v", got, err)
			}
		}, false},
		{"wake", seed(), func(t *testing.T, s *dynamo.Store, p project.Project) error {
			return s.SetWake(t.Context(), p.ID, at, at.Add(-time.Hour))
		}, func(t *testing.T, s *dynamo.Store, p project.Project, _ int64) {
			if got, err := s.Wake(t.Context(), p.ID); err != nil || !got.Equal(at) {
				t.Errorf("wake %v, %v", got, err)
			}
		}, false},
		{"add members", seeded(), add, members(2), true},
		{"remove members", seeded(add), func(t *testing.T, s *dynamo.Store, p project.Project) error {
			_, err := s.RemoveMembers(t.Context(), p.ID, letter.ID, named(owner(t, p, "a"), owner(t, p, "b")))
			return err
		}, members(0), false},
		{"import members", seeded(), importing, members(2), true},
		{"adopt an imported member", seeded(importing), add, members(2), true},
		{"undo an import of members", seeded(importing), func(t *testing.T, s *dynamo.Store, p project.Project) error {
			return s.DropImported(t.Context(), p.ID, letter.ID, "i", []string{owner(t, p, "a"), owner(t, p, "b")})
		}, members(0), true},
		{"change a membership", seeded(add), func(t *testing.T, s *dynamo.Store, p project.Project) error {
			return s.ChangeMembership(t.Context(), p.ID, owner(t, p, "a"), list.Change{
				Add: []list.Membership{{ListID: "m", At: at}}, Remove: []string{letter.ID}, Due: &at,
			})
		}, func(t *testing.T, s *dynamo.Store, p project.Project, _ int64) {
			got, err := s.Standing(t.Context(), p.ID, owner(t, p, "a"))
			if err != nil || len(got.Lists) != 1 || got.Lists[0] != (list.Membership{ListID: "m", At: at}) || !got.Due.Equal(at) {
				t.Errorf("standing %+v, %v", got, err)
			}
		}, true},
	}
}

// owner returns the id of the user with the pair, past the faults.
func owner(t *testing.T, p project.Project, pair string) string {
	t.Helper()
	id, err := dynamotest.New(t).Owner(t.Context(), p.ID, request(t, p.ID, pair).Pairs())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestAddedThoughTheReplyWasLost: whose membership a call wrote is answered as added, though it learned so only from a repeat.
func TestAddedThoughTheReplyWasLost(t *testing.T) {
	var f dynamotest.Faults
	s := dynamotest.New(t, f.Option(3))
	for exchange := 1; ; exchange++ {
		p := dynamotest.Project(t, s)
		seed("a")(t, s, p)
		f.Arm(dynamotest.After, exchange, 1)
		outcomes, err := s.AddMembers(t.Context(), p.ID, "l", named(owner(t, p, "a")))
		reached := len(f.Seen()) >= exchange
		f.Arm("", 0, 0)
		if err != nil || !outcomes[0].Changed {
			t.Errorf("the reply to exchange %d lost: %+v, %v", exchange, outcomes, err)
		}
		if !reached {
			break
		}
	}
}
