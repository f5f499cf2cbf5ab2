package dynamo_test

import (
	"fmt"
	"strings"
	"testing"

	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/user"
)

// TestCosts holds every operation to the calls and units that docs/data-model.md promises. A figure that
// grows needs a reason; one that shrinks is to be written down here and there.
func TestCosts(t *testing.T) {
	var m dynamotest.Meter
	s := dynamotest.New(t, m.Option())
	p := dynamotest.Project(t, s)
	ctx := t.Context()

	var estimated user.Usage // of an import
	upsert := func(req user.Upsert) user.User {
		t.Helper()
		u, err := s.Upsert(ctx, req)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	pairs := func(n int, prefix string) (names []string) {
		for i := range n {
			names = append(names, fmt.Sprintf("%s:n%d", prefix, i))
		}
		return names
	}
	known := request(t, p.ID, "known")
	known.Patch = user.Patch{Email: new("k@example.com"), Data: map[string]any{"plan": "free"}}
	u := upsert(known)
	big := request(t, p.ID, "big")
	big.Patch.Data = map[string]any{"bio": strings.Repeat("x", 3000)} // a profile of 4 KB
	upsert(big)

	// load applies rows of an import of their own, whose estimate must be what is counted.
	load := func(want string, rows []user.Row) {
		t.Helper()
		l := newLoad(p)
		decisions, used, err := s.Prepare(ctx, l, rows)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range decisions {
			used.Write += d.WriteUnits
		}
		for _, r := range s.Apply(ctx, l, decisions) {
			if r.Err != nil || string(r.Outcome) != want {
				t.Fatalf("%s, %v; want %s", r.Outcome, r.Err, want)
			}
		}
		estimated = used
	}
	fresh, changed, attached := make([]user.Row, 100), make([]user.Row, 100), make([]user.Row, 100)
	for i := range fresh {
		id := fmt.Sprintf("row%d", i)
		fresh[i], changed[i], attached[i] = row(t, int64(i+1), "free", id), row(t, int64(i+1), "pro", id), row(t, int64(i+1), "gold", id, "crm:"+id)
		fresh[i].Patch.Email = new(id + "@example.com")
	}

	tests := []struct {
		name string
		do   func()
		want dynamotest.Usage
	}{
		{"upsert of a known user by one pair", func() {
			req := request(t, p.ID, "known")
			req.Patch.Data = map[string]any{"plan": "premium"}
			upsert(req)
		}, dynamotest.Usage{Calls: 2, Read: 1, Write: 1}},
		{"upsert of a known user of 4 KB", func() {
			req := request(t, p.ID, "big")
			req.Patch.Data = map[string]any{"plan": "premium"}
			upsert(req)
		}, dynamotest.Usage{Calls: 2, Read: 1, Write: 4}},
		{"upsert with the same e-mail", func() {
			upsert(known)
		}, dynamotest.Usage{Calls: 2, Read: 1, Write: 1}},
		{"create with one pair", func() { upsert(request(t, p.ID, "new")) }, dynamotest.Usage{Calls: 2, Read: 1, Write: 5}},
		{"create with 25 pairs", func() { upsert(request(t, p.ID, pairs(25, "many")...)) }, dynamotest.Usage{Calls: 2, Read: 25, Write: 57}},
		{"attach one pair", func() { upsert(request(t, p.ID, "known", "crm:1")) }, dynamotest.Usage{Calls: 3, Read: 3, Write: 4}},
		{"patch by id", func() {
			if _, err := s.Patch(ctx, p.ID, u.ID, user.Patch{Timezone: new("Europe/Paris")}, nil); err != nil {
				t.Fatal(err)
			}
		}, dynamotest.Usage{Calls: 1, Write: 1}},
		{"get by id", func() {
			if _, err := s.User(ctx, p.ID, u.ID); err != nil {
				t.Fatal(err)
			}
		}, dynamotest.Usage{Calls: 1, Read: 1}},
		{"get by pair", func() {
			if _, err := s.UserByPair(ctx, p.ID, known.Identifiers[0].Pair); err != nil {
				t.Fatal(err)
			}
		}, dynamotest.Usage{Calls: 2, Read: 2}},
		{"an unchanged batch of one", func() {
			r := s.UpsertBatch(ctx, p.ID, []user.Upsert{known})
			if r[0].Outcome != user.Unchanged {
				t.Fatal(r[0])
			}
		}, dynamotest.Usage{Calls: 2, Read: 2}},
		{"100 new rows of an import", func() { load("created", fresh) }, dynamotest.Usage{Calls: 9, Read: 100, Write: 400}},
		{"100 unchanged rows of an import", func() { load("unchanged", fresh) }, dynamotest.Usage{Calls: 2, Read: 200}},
		{"100 changed rows of an import", func() { load("updated", changed) }, dynamotest.Usage{Calls: 6, Read: 200, Write: 100}},
		{"100 rows of an import that attach a pair", func() { load("updated", attached) }, dynamotest.Usage{Calls: 103, Read: 300, Write: 400}},
		{"create with one pair and an e-mail, in a transaction", func() {
			req := request(t, p.ID, "mail")
			req.Patch.Email = new("m@example.com")
			upsert(req)
		}, dynamotest.Usage{Calls: 2, Read: 1, Write: 6}},
		{"delete", func() {
			if err := s.Delete(ctx, p.ID, u.ID); err != nil {
				t.Fatal(err)
			}
		}, dynamotest.Usage{Calls: 3, Read: 1, Write: 9}},
	}
	for _, tt := range tests {
		m.Take()
		estimated = user.Usage{}
		tt.do()
		got := m.Take()
		if got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
		if want := (user.Usage{Read: got.Read, Write: got.Write}); estimated != (user.Usage{}) && estimated != want {
			t.Errorf("%s: estimated %+v, used %+v", tt.name, estimated, want)
		}
	}
}
