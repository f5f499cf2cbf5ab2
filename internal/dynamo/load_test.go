package dynamo_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// newLoad returns a load of the project that defers nothing.
func newLoad(p project.Project) user.Load {
	return user.Load{ProjectID: p.ID, Import: uuid.NewString(), Started: time.UnixMilli(1_800_000_000_000)}
}

// row returns a row that names the pairs and sets data.plan.
func row(t testing.TB, number int64, plan string, pairs ...string) user.Row {
	t.Helper()
	r := user.Row{Number: number, Upsert: request(t, "", pairs...)}
	r.Patch.Data = map[string]any{"plan": plan}
	return r
}

// doLoad prepares and applies rows as an import does, each again as long as it is told to, and returns the results.
func doLoad(t testing.TB, s *dynamo.Store, load user.Load, rows ...user.Row) []user.Result {
	t.Helper()
	results := make([]user.Result, len(rows))
	pending := make([]int, len(rows))
	for i := range rows {
		pending[i] = i
	}
	for n := 0; len(pending) > 0 && n < 20; n++ {
		batch := make([]user.Row, len(pending))
		for i, at := range pending {
			batch[i] = rows[at]
		}
		decisions, _, err := s.Prepare(t.Context(), load, batch)
		if err != nil {
			results[pending[0]].Err = err
			continue
		}
		var again []int
		for i, r := range s.Apply(t.Context(), load, decisions) {
			results[pending[i]] = r
			if errors.Is(r.Err, user.ErrAgain) || errors.Is(r.Err, user.ErrUnavailable) {
				again = append(again, pending[i])
			}
		}
		pending = again
	}
	return results
}

// outcomes returns the outcome or the error of each result.
func outcomes(results []user.Result) (out []string) {
	for _, r := range results {
		_, conflict := errors.AsType[*user.ConflictError](r.Err)
		switch {
		case conflict:
			out = append(out, "conflict")
		case r.Err != nil:
			out = append(out, r.Err.Error())
		default:
			out = append(out, string(r.Outcome))
		}
	}
	return out
}

func userBy(t testing.TB, s *dynamo.Store, p project.Project, pair string) user.User {
	t.Helper()
	u, err := s.UserByPair(t.Context(), p.ID, request(t, p.ID, pair).Identifiers[0].Pair)
	if err != nil {
		t.Errorf("get %s: %v", pair, err)
	}
	return u
}

// TestLoad applies rows of every kind, and then all of them once more: the answers are the same and nothing is written.
func TestLoad(t *testing.T) {
	var m dynamotest.Meter
	s := dynamotest.New(t, m.Option())
	p := dynamotest.Project(t, s)
	for _, pairs := range [][]string{{"old"}, {"same"}, {"attach"}, {"named"}, {"anonymous:x"}, {"anonymous:y"}, {"two"}, {"three"}, {"dots"}, {"odd"}, {"twin", "crm:twin"}} {
		req := request(t, p.ID, pairs...)
		req.Patch.Data = map[string]any{"plan": "free", "address": map[string]any{"city": "Austin", "state": "TX"}, "n": json.Number("1.0")}
		if _, err := s.Upsert(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
	load := newLoad(p)
	rows := []user.Row{
		row(t, 1, "pro", "new", "crm:1"),
		row(t, 2, "pro", "old"),
		row(t, 3, "free", "same"),
		row(t, 4, "pro", "attach", "crm:2"),
		row(t, 5, "pro", "named", "anonymous:x", "anonymous:y"),
		row(t, 6, "pro", "two", "three"),
		row(t, 7, "pro", "dots"),
		row(t, 8, "pro", "odd"),
		row(t, 9, "pro", "twin"),
		row(t, 10, "gold", "crm:twin"),
	}
	rows[1].Patch.Email, rows[1].Patch.Phone = new("Old@Example.com"), new("+15550101234")
	rows[6].Patch.MergeData = map[string]any{"address": map[string]any{"city": "Dallas"}}
	rows[7].Patch.Data[`it's "odd" [0].x`] = json.Number("12345678901234567890")
	want := []string{"created", "updated", "unchanged", "updated", "updated", "conflict", "updated", "updated", "updated", "skipped"}
	for _, when := range []string{"first", "again"} {
		m.Take()
		if diff := cmp.Diff(want, outcomes(doLoad(t, s, load, rows...))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
		if used := m.Take(); when == "again" && used.Write != 0 {
			t.Errorf("the repeat wrote %v units", used.Write)
		}
	}
	for pair, plan := range map[string]string{"new": "pro", "crm:1": "pro", "old": "pro", "same": "free", "crm:2": "pro", "anonymous:y": "pro", "two": "free", "twin": "gold"} {
		if got := userBy(t, s, p, pair).Data["plan"]; got != plan {
			t.Errorf("plan of %s: %v, want %s", pair, got, plan)
		}
	}
	if got, want := userBy(t, s, p, "dots").Data["address"], any(map[string]any{"city": "Dallas", "state": "TX"}); !cmp.Equal(got, want) {
		t.Errorf("merged address %v, want %v", got, want)
	}
	if got := userBy(t, s, p, "odd").Data[`it's "odd" [0].x`]; got != json.Number("12345678901234567890") {
		t.Errorf("odd key: %v", got)
	}
	old := userBy(t, s, p, "old")
	if page, err := s.UsersByPhone(t.Context(), p.ID, "+15550101234", "", 10); err != nil || len(page.Users) != 1 || old.Email != "Old@Example.com" || old.Version != 1 {
		t.Errorf("by phone: %v, %v; stored %q, version %d", page.Users, err, old.Email, old.Version)
	}
	created := userBy(t, s, p, "new")
	if created.ID != load.UserID(1) || len(created.Identifiers) != 2 || created.Mark.First != 1 {
		t.Errorf("created %s with %v, mark %+v", created.ID, names(created), created.Mark)
	}
}

// TestLoadIsAppliedOnce: the API leaves the mark alone, and what it wrote after the import stays when the import is repeated.
func TestLoadIsAppliedOnce(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	load := newLoad(p)
	rows := []user.Row{row(t, 1, "a", "u1"), row(t, 2, "a", "u2")}
	doLoad(t, s, load, rows...)
	patch := request(t, p.ID, "u1", "crm:9") // a rewrite
	patch.Patch.Data = map[string]any{"plan": "by API"}
	if _, err := s.Upsert(t.Context(), patch); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"created", "created"}, outcomes(doLoad(t, s, load, rows...))); diff != "" {
		t.Errorf("repeated (-want +got):\n%s", diff)
	}
	u := userBy(t, s, p, "u1")
	if u.Data["plan"] != "by API" || u.Mark.Import != load.Import {
		t.Errorf("after the repeat: plan %v, mark %+v", u.Data["plan"], u.Mark)
	}
	later := row(t, 7, "c", "u2")
	if diff := cmp.Diff([]string{"skipped"}, outcomes(doLoad(t, s, load, later))); diff != "" {
		t.Errorf("later row (-want +got):\n%s", diff)
	}
	if got := outcomes(doLoad(t, s, load, row(t, 5, "b", "u2"))); got[0] != "skipped" {
		t.Errorf("a row before the last: %s", got)
	}
	if got := userBy(t, s, p, "u2").Data["plan"]; got != "c" {
		t.Errorf("plan %v, want that of the last row", got)
	}
	if got := outcomes(doLoad(t, s, newLoad(p), row(t, 1, "d", "u2"))); got[0] != "updated" {
		t.Errorf("another import: %s", got)
	}
}

// TestDeferredAndModes: rows that a load leaves alone write nothing.
func TestDeferredAndModes(t *testing.T) {
	var m dynamotest.Meter
	s := dynamotest.New(t, m.Option())
	p := dynamotest.Project(t, s)
	if _, err := s.Upsert(t.Context(), request(t, p.ID, "u1", "crm:1")); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name      string
		mode      user.Mode
		deferring []string
		pairs     []string
		want      string
	}{
		{"another pair of a column", user.ModeUpsert, []string{"default", "crm"}, []string{"u1"}, "deferred"},
		{"all pairs named", user.ModeCreateOnly, []string{"default", "crm"}, []string{"u1", "crm:1"}, "skipped"},
		{"no column", user.ModeCreateOnly, []string{"default"}, []string{"u1"}, "skipped"},
		{"nobody", user.ModeUpdateOnly, nil, []string{"u2"}, "skipped"},
	}
	for _, tt := range tests {
		load := newLoad(p)
		load.Mode, load.Deferring = tt.mode, tt.deferring
		m.Take()
		got := outcomes(doLoad(t, s, load, row(t, 1, "x", tt.pairs...)))
		if used := m.Take(); got[0] != tt.want || used.Write != 0 {
			t.Errorf("%s: %s with %v write units, want %s", tt.name, got, used.Write, tt.want)
		}
	}
}

// TestLedgerAfterRowsThatMerge: what rows of an import merge, in one step or several, in one wave or several, leaves
// every ledger whole.
func TestLedgerAfterRowsThatMerge(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	groups(t, s, p)
	ids := make(map[string]string)
	for _, pair := range []string{"a", "anonymous:x", "anonymous:y", "anonymous:z"} {
		u, err := s.Upsert(t.Context(), request(t, p.ID, pair))
		if err != nil {
			t.Fatal(err)
		}
		ids[pair] = u.ID
		set := consent.Setting{How: consent.ByAPI, Choices: []consent.Choice{{Group: "letter", State: consent.Subscribed}}}
		if pair != "a" {
			set.Choices = []consent.Choice{{Group: consent.AllGroups, State: consent.Unsubscribed}}
		}
		if _, err := s.SetSubscriptions(t.Context(), p.ID, u.ID, set); err != nil {
			t.Fatal(err)
		}
	}
	// The second import absorbs whom the first one merged.
	rows := []user.Row{row(t, 1, "pro", "anonymous:x", "anonymous:y"), row(t, 2, "pro", "a", "anonymous:z"), row(t, 3, "max", "crm:1")}
	for i, r := range doLoad(t, s, newLoad(p), rows...) {
		if r.Err != nil {
			t.Fatalf("row %d: %v", i+1, r.Err)
		}
	}
	for i, r := range doLoad(t, s, newLoad(p), row(t, 1, "max", "a", "anonymous:x", "crm:9"), row(t, 2, "max", "crm:1")) {
		if r.Err != nil {
			t.Fatalf("row %d of the second import: %v", i+1, r.Err)
		}
	}
	broken, err := s.VerifyUser(t.Context(), p.ID, ids["a"])
	if err != nil || len(broken) > 0 {
		t.Errorf("ledger of the survivor: %+v, %v; want it whole", broken, err)
	}
	events, err := s.Events(t.Context(), p.ID, ids["a"])
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Group == "letter" && e.Channel != consent.Email {
			t.Errorf("a line of %q has channel %q", e.Group, e.Channel)
		}
	}
}
