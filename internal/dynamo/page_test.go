package dynamo_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/user"
)

// pages collects all users of a listing, reading limit at a time.
func pages(t *testing.T, limit int, read func(after string) (user.Page, error)) []user.User {
	t.Helper()
	var all []user.User
	for after := ""; ; {
		page, err := read(after)
		if err != nil {
			t.Fatal(err)
		}
		if page.Next != "" && len(page.Users) < limit {
			t.Errorf("a page of %d users, want %d as there are more", len(page.Users), limit)
		}
		all = append(all, page.Users...)
		if after = page.Next; after == "" {
			return all
		}
	}
}

func externalIDs(users []user.User) []string {
	var ids []string
	for _, u := range users {
		ids = append(ids, u.Identifiers[0].ExternalID)
	}
	return ids
}

func TestLists(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	other := dynamotest.Project(t, s)
	ctx := t.Context()
	var want []string
	for i := range 40 {
		req := request(t, p.ID, fmt.Sprintf("u%02d", i))
		req.Patch.Email = new(fmt.Sprintf("Team%02d@Example.com", i%20))
		if i%4 == 0 {
			req.Patch.Phone = new("+15550101234")
		}
		if _, err := s.Upsert(ctx, req); err != nil {
			t.Fatal(err)
		}
		want = append(want, fmt.Sprintf("u%02d", i))
	}
	if _, err := s.Upsert(ctx, request(t, other.ID, "foreign")); err != nil {
		t.Fatal(err)
	}

	got := externalIDs(pages(t, 7, func(after string) (user.Page, error) { return s.Users(ctx, p.ID, after, 7) }))
	slices.Reverse(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("list, newest first (-want +got):\n%s", diff)
	}
	got = externalIDs(pages(t, 1, func(after string) (user.Page, error) {
		return s.UsersByEmail(ctx, p.ID, "TEAM03@example.com", after, 1)
	}))
	if diff := cmp.Diff([]string{"u03", "u23"}, got); diff != "" {
		t.Errorf("by e-mail (-want +got):\n%s", diff)
	}
	got = externalIDs(pages(t, 3, func(after string) (user.Page, error) {
		return s.UsersByPhone(ctx, p.ID, "+15550101234", after, 3)
	}))
	if len(got) != 10 || got[0] != "u00" || got[9] != "u36" {
		t.Errorf("by phone: %v", got)
	}
	searches := []struct {
		term string
		want []string
	}{
		{"team1", nil}, // ten addresses, two users each
		{"TEAM05@", []string{"u05", "u25"}},
		{"u07", []string{"u07"}},
		{"default:u07", []string{"u07"}},
		{"posthog:u07", nil},
		{"foreign", nil},
		{"nobody", nil},
		{"0", nil},
		{strings.Repeat("🦊", 512), nil},
	}
	for _, tt := range searches {
		got := externalIDs(pages(t, 0, func(after string) (user.Page, error) { return s.Search(ctx, p.ID, tt.term, after, 6) }))
		if tt.term == "team1" {
			if len(got) != 20 || got[0] != "u10" || got[1] != "u30" || got[19] != "u39" {
				t.Errorf("search %q: %v", tt.term, got)
			}
		} else if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("search %q (-want +got):\n%s", tt.term, diff)
		}
	}
	if got := pages(t, 0, func(after string) (user.Page, error) { return s.Search(ctx, p.ID, "+15550101234", after, 3) }); len(got) != 10 {
		t.Errorf("search by phone: %d users, want 10", len(got))
	}
}

func TestBatch(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	ctx := t.Context()
	if _, err := s.Upsert(ctx, request(t, p.ID, "known", "crm:1")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Upsert(ctx, request(t, p.ID, "second")); err != nil {
		t.Fatal(err)
	}
	row := func(plan string, pairs ...string) user.Upsert {
		req := request(t, p.ID, pairs...)
		req.Patch.Data = map[string]any{"plan": plan}
		return req
	}
	batch := func() []user.Upsert {
		return []user.Upsert{
			row("a", "known"), row("b", "new"), row("c", "crm:1"), // the third is the first's user
			row("x", "known", "second"), row("d", "new", "crm:2"), row("e", "crm:2"),
		}
	}
	outcomes := func(results []user.Result) (got []string) {
		for _, r := range results {
			if r.Err != nil {
				got = append(got, r.Err.Error())
			} else {
				got = append(got, string(r.Outcome))
			}
		}
		return got
	}
	conflict := "the identifiers belong to 2 different users"
	got := outcomes(s.UpsertBatch(ctx, p.ID, batch()))
	want := []string{"updated", "created", "updated", conflict, "updated", "updated"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	last := []user.Upsert{row("c", "known"), row("e", "new"), row("e", "crm:2")}
	got = outcomes(s.UpsertBatch(ctx, p.ID, last))
	if diff := cmp.Diff([]string{"unchanged", "unchanged", "unchanged"}, got); diff != "" {
		t.Errorf("outcomes of what is stored already (-want +got):\n%s", diff)
	}
}

func TestBatchOfManyPairs(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	var batch []user.Upsert
	for i := range 100 {
		batch = append(batch, request(t, p.ID, fmt.Sprintf("u%d", i), fmt.Sprintf("crm:c%d", i)))
	}
	for _, want := range []user.Outcome{user.Created, user.Unchanged} {
		for i, r := range s.UpsertBatch(t.Context(), p.ID, batch) {
			if r.Err != nil || r.Outcome != want {
				t.Errorf("row %d: %s, %v; want %s", i, r.Outcome, r.Err, want)
			}
		}
	}
}

// TestPagesAreBounded: large profiles make short pages.
func TestPagesAreBounded(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	for i := range 14 {
		req := request(t, p.ID, fmt.Sprintf("u%02d", i))
		req.Patch.Data = map[string]any{"text": strings.Repeat("x", 380<<10)}
		if _, err := s.Upsert(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
	largest := 0
	got := pages(t, 0, func(after string) (user.Page, error) {
		page, err := s.Users(t.Context(), p.ID, after, 100)
		largest = max(largest, len(page.Users))
		return page, err
	})
	if len(got) != 14 || largest > 8 {
		t.Errorf("%d users, up to %d on a page; want 14 and at most 8", len(got), largest)
	}
}

// TestBatchOfOneUser: rows of one user are applied in order, and their identifiers read once.
func TestBatchOfOneUser(t *testing.T) {
	var m dynamotest.Meter
	s := dynamotest.New(t, m.Option())
	p := dynamotest.Project(t, s)
	var batch []user.Upsert
	for i := range 50 {
		req := request(t, p.ID, "same")
		req.Patch.Data = map[string]any{"row": fmt.Sprint(i)}
		batch = append(batch, req)
	}
	m.Take()
	for i, r := range s.UpsertBatch(t.Context(), p.ID, batch) {
		if r.Err != nil {
			t.Errorf("row %d: %v", i, r.Err)
		}
	}
	usage := m.Take()
	u, err := s.UserByPair(t.Context(), p.ID, batch[0].Identifiers[0].Pair)
	if err != nil || u.Data["row"] != "49" || u.Version != 49 || usage.Read > 51 {
		t.Errorf("row %v version %d, %v, %v read units", u.Data["row"], u.Version, err, usage.Read)
	}
}
