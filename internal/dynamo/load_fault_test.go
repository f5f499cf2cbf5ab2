package dynamo_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// theLoad is the one load of a project in the fault table, the same for its repeat.
func theLoad(p project.Project) user.Load {
	return user.Load{ProjectID: p.ID, Import: p.ID, Started: time.UnixMilli(1_800_000_000_000)}
}

// loading applies the rows, which must come out as in a quiet run however often they are tried.
func loading(want []string, rows func(t *testing.T) []user.Row) func(t *testing.T, s *dynamo.Store, p project.Project) error {
	return func(t *testing.T, s *dynamo.Store, p project.Project) error {
		results := doLoad(t, s, theLoad(p), rows(t)...)
		var err error
		for _, r := range results {
			err = errors.Join(err, r.Err)
		}
		if diff := cmp.Diff(want, outcomes(results)); err == nil && diff != "" {
			t.Errorf("outcomes (-want +got):\n%s", diff)
		}
		return err
	}
}

// whole checks that each pair leads to a user of the version who owns it, and that every user of the project is found
// by every pair it has: no claim dangles, no profile is without an owner.
func whole(t *testing.T, s *dynamo.Store, p project.Project, versions map[string]int64) {
	t.Helper()
	for pair, version := range versions {
		applied(t, s, p, pair, version, 0)
	}
	page, err := s.Users(t.Context(), p.ID, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range page.Users {
		for _, name := range names(u) {
			if owner := userBy(t, s, p, name); owner.ID != u.ID {
				t.Errorf("user %s has %s, which belongs to %s", u.ID, name, owner.ID)
			}
		}
	}
}

// claimed puts claims of pairs for a user who does not exist, as a creation leaves them that was cut short.
func claimed(t *testing.T, p project.Project, id string, pairs ...string) {
	t.Helper()
	cfg, table := dynamotest.Config(t)
	str := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	for _, pair := range request(t, p.ID, pairs...).Pairs() {
		_, err := dynamodb.NewFromConfig(cfg).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: map[string]types.AttributeValue{
			"pk": str("IDENT#" + p.ID + "#" + pair.Source + "#" + pair.ExternalID), "sk": str("IDENT"), "user": str(id),
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func loadScenarios() []scenario {
	return []scenario{
		{"load of new rows", seed(), loading([]string{"created", "created", "created"}, func(t *testing.T) []user.Row {
			return []user.Row{row(t, 1, "a", "n1", "crm:1"), row(t, 2, "a", "n2"), row(t, 3, "a", "n3")}
		}), func(t *testing.T, s *dynamo.Store, p project.Project, _ int64) {
			whole(t, s, p, map[string]int64{"n1": 0, "crm:1": 0, "n2": 0, "n3": 0})
		}, true},
		{"load of known rows", func(t *testing.T, s *dynamo.Store, p project.Project) {
			seed("b", "c")(t, s, p)
			if _, err := s.Upsert(t.Context(), request(t, p.ID, "a", "crm:4")); err != nil {
				t.Fatal(err)
			}
		}, loading([]string{"updated", "unchanged", "updated", "skipped"}, func(t *testing.T) []user.Row {
			rows := []user.Row{row(t, 1, "a", "a"), row(t, 2, "", "b"), row(t, 3, "a", "c", "crm:3"), row(t, 4, "b", "crm:4")}
			rows[1].Patch = user.Patch{Phone: new("+15550101234")}
			return rows
		}), func(t *testing.T, s *dynamo.Store, p project.Project, _ int64) {
			whole(t, s, p, map[string]int64{"a": 2, "b": 0, "c": 1, "crm:3": 1})
		}, true},
		{"load that merges", seed("a", "anonymous:x", "anonymous:y"), loading([]string{"updated"}, func(t *testing.T) []user.Row {
			return []user.Row{row(t, 1, "a", "a", "anonymous:x", "anonymous:y", "crm:1")}
		}), func(t *testing.T, s *dynamo.Store, p project.Project, _ int64) {
			whole(t, s, p, map[string]int64{"a": 3, "anonymous:x": 3, "anonymous:y": 3, "crm:1": 3})
		}, true},
		{"load of rows with odd names", seed("a"), loading([]string{"updated"}, func(t *testing.T) []user.Row {
			rows := []user.Row{row(t, 1, "a", "a")}
			rows[0].Patch.Data["[0]"] = "x"
			return rows
		}), func(t *testing.T, s *dynamo.Store, p project.Project, _ int64) {
			whole(t, s, p, map[string]int64{"a": 1})
		}, true},
		{"load that goes on", func(t *testing.T, s *dynamo.Store, p project.Project) {
			seed("a")(t, s, p)
			claimed(t, p, theLoad(p).UserID(1), "n1") // the row stopped between its claims
			claimed(t, p, theLoad(p).UserID(2), "n2") // and this one before a claim that it could not have got
		}, loading([]string{"created", "updated"}, func(t *testing.T) []user.Row {
			return []user.Row{row(t, 1, "a", "n1", "crm:1"), row(t, 2, "a", "n2", "a")}
		}), func(t *testing.T, s *dynamo.Store, p project.Project, _ int64) {
			whole(t, s, p, map[string]int64{"n1": 0, "crm:1": 0, "n2": 1, "a": 1})
		}, true},
		{"upsert of an abandoned claim", func(t *testing.T, _ *dynamo.Store, p project.Project) {
			claimed(t, p, uuid.NewString(), "n1")
		}, upserting("n1", "crm:1"), func(t *testing.T, s *dynamo.Store, p project.Project, repeats int64) {
			applied(t, s, p, "n1", 0, repeats)
			whole(t, s, p, nil)
		}, false},
		{"undo", func(t *testing.T, s *dynamo.Store, p project.Project) {
			seed("a", "b")(t, s, p)
			recorded(t, s, theLoad(p), undoRows(t))
		}, func(t *testing.T, s *dynamo.Store, p project.Project) error {
			return undoing(t, s, p)
		}, func(t *testing.T, s *dynamo.Store, p project.Project, _ int64) {
			whole(t, s, p, map[string]int64{"a": 2, "b": 2})
			for _, pair := range []string{"n1", "crm:1", "crm:2"} {
				if _, err := s.UserByPair(t.Context(), p.ID, request(t, p.ID, pair).Identifiers[0].Pair); !errors.Is(err, user.ErrNotFound) {
					t.Errorf("%s: %v, want that nobody owns it", pair, err)
				}
			}
		}, true},
	}
}

func undoRows(t *testing.T) []user.Row {
	return []user.Row{row(t, 1, "a", "a"), row(t, 2, "a", "b", "crm:2"), row(t, 3, "a", "n1", "crm:1")}
}

// undoing takes the load of undoRows back. What undo must know is made up anew: it is the same whenever rows are decided.
func undoing(t *testing.T, s *dynamo.Store, p project.Project) error {
	plan := user.Change{Pointer: "/data/plan", New: "a"}
	ids := func(pair string) string {
		cfg, table := dynamotest.Config(t)
		u, err := dynamo.New(cfg, table).UserByPair(t.Context(), p.ID, request(t, p.ID, pair).Identifiers[0].Pair)
		if err != nil {
			t.Fatal(err)
		}
		return u.ID
	}
	results := s.Undo(t.Context(), p.ID, theLoad(p).Import, []user.Before{
		{UserID: ids("a"), Row: 1, After: 1, Changes: []user.Change{plan}},
		{UserID: ids("b"), Row: 2, After: 1, Changes: []user.Change{plan}, Attached: request(t, "", "crm:2").Pairs()},
		{UserID: theLoad(p).UserID(3), Row: 3, Created: true},
	})
	var got []string
	var err error
	for _, r := range results {
		got = append(got, fmt.Sprint(r.Fate, r.Reason))
		err = errors.Join(err, r.Err)
	}
	if want := []string{"restored", "restored", "deleted"}; err == nil && !slices.Equal(got, want) {
		t.Errorf("undo: %s, want %s", got, want)
	}
	return err
}
