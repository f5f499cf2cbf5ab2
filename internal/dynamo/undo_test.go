package dynamo_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/user"
)

// recorded applies rows, one batch after the other, and returns what undo must know of each that wrote.
func recorded(t testing.TB, s *dynamo.Store, load user.Load, batches ...[]user.Row) (before []user.Before) {
	t.Helper()
	for _, rows := range batches {
		decisions, _, err := s.Prepare(t.Context(), load, rows)
		if err != nil {
			t.Fatal(err)
		}
		for i := range decisions {
			if decisions[i].Writes() {
				before = append(before, decisions[i].Before())
			}
		}
		for i, r := range s.Apply(t.Context(), load, decisions) {
			if r.Err != nil {
				t.Fatalf("row %d: %v", rows[i].Number, r.Err)
			}
		}
	}
	return before
}

// TestUndo takes an import back, twice: the second time answers the same and writes nothing.
func TestUndo(t *testing.T) {
	var m dynamotest.Meter
	s := dynamotest.New(t, m.Option())
	p := dynamotest.Project(t, s)
	seeds := map[string]user.User{}
	for _, pair := range []string{"restored", "attached", "twice", "changed", "merged", "anonymous:m", "deleted"} {
		req := request(t, p.ID, pair)
		req.Patch = user.Patch{Email: new("old@example.com"), Data: map[string]any{"plan": "free", "a/b~c": nil}}
		u, err := s.Upsert(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		seeds[pair] = u
	}
	load := newLoad(p)
	first := []user.Row{
		row(t, 1, "pro", "restored"), row(t, 2, "pro", "attached", "crm:1"), row(t, 3, "pro", "twice"), row(t, 4, "pro", "changed"),
		row(t, 5, "pro", "merged", "anonymous:m"), row(t, 6, "pro", "created", "crm:2"), row(t, 7, "pro", "touched"), row(t, 8, "pro", "deleted"),
	}
	first[0].Patch.Email, first[0].Patch.Data["a/b~c"], first[0].Patch.Phone = new("new@example.com"), "x", new("+15550101234")
	before := recorded(t, s, load, first, []user.Row{row(t, 9, "gold", "twice")})
	for _, pair := range []string{"changed", "touched"} {
		if _, err := s.Upsert(t.Context(), request(t, p.ID, pair)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Delete(t.Context(), p.ID, seeds["deleted"].ID); err != nil {
		t.Fatal(err)
	}
	want := []string{"restored", "restored", "restored", "kept: changed since the import", "kept: merged with another user", "deleted",
		"kept: changed since the import", "kept: deleted since the import"}
	for _, when := range []string{"first", "again"} {
		m.Take()
		var got []string
		for _, r := range s.Undo(t.Context(), p.ID, load.Import, before) {
			text := string(r.Fate)
			if r.Reason != "" {
				text += ": " + r.Reason
			}
			if r.Err != nil {
				text = r.Err.Error()
			}
			got = append(got, text)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
		if used := m.Take(); when == "again" && used.Write != 0 {
			t.Errorf("the repeat wrote %v units", used.Write)
		}
	}
	for _, pair := range []string{"restored", "attached", "twice"} {
		got, old := userBy(t, s, p, pair), seeds[pair]
		if got.Email != old.Email || got.Phone != old.Phone || !cmp.Equal(got.Data, old.Data) || len(got.Identifiers) != 1 {
			t.Errorf("%s restored as %q, %q, %v, %v", pair, got.Email, got.Phone, got.Data, names(got))
		}
	}
	for _, pair := range []string{"crm:1", "created", "crm:2"} {
		if _, err := s.UserByPair(t.Context(), p.ID, request(t, p.ID, pair).Identifiers[0].Pair); !errors.Is(err, user.ErrNotFound) {
			t.Errorf("%s: %v, want that nobody owns it", pair, err)
		}
		if _, err := s.Upsert(t.Context(), request(t, p.ID, pair)); err != nil {
			t.Errorf("%s cannot be used again: %v", pair, err)
		}
	}
	if got := outcomes(doLoad(t, s, load, first[0])); got[0] != "updated" {
		t.Errorf("a row that is delivered after the undo: %s", got)
	}
	if got := userBy(t, s, p, "restored").Data["plan"]; got != "free" {
		t.Errorf("a row that is delivered after the undo was applied: plan %v", got)
	}
}
