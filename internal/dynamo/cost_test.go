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
		{"delete", func() {
			if err := s.Delete(ctx, p.ID, u.ID); err != nil {
				t.Fatal(err)
			}
		}, dynamotest.Usage{Calls: 3, Read: 1, Write: 11}},
	}
	for _, tt := range tests {
		m.Take()
		tt.do()
		if got := m.Take(); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
