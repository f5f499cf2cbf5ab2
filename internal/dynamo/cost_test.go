package dynamo_test

import (
	"fmt"
	"strings"
	"testing"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/project"
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
	groups(t, s, p)
	set := func(u user.User, group string, state consent.State) {
		t.Helper()
		_, err := s.SetSubscriptions(ctx, p.ID, u.ID, consent.Setting{Choices: []consent.Choice{{Group: group, State: state}}, How: consent.ByPage})
		if err != nil {
			t.Fatal(err)
		}
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
		{"set a state", func() { set(u, "letter", consent.Subscribed) }, dynamotest.Usage{Calls: 2, Read: 2, Write: 4}},
		{"leave a group", func() { set(u, "letter", consent.Unsubscribed) }, dynamotest.Usage{Calls: 2, Read: 2, Write: 6}},
		{"leave all of two groups", func() { set(u, consent.AllGroups, consent.Unsubscribed) }, dynamotest.Usage{Calls: 3, Read: 2, Write: 10}},
		{"may I send, one user", func() {
			if _, err := s.MaySend(ctx, audience(p, u)); err != nil {
				t.Fatal(err)
			}
		}, dynamotest.Usage{Calls: 3, Read: 5}},
		{"a page of a ledger", func() {
			if _, err := s.History(ctx, p.ID, u.ID, "", 10); err != nil {
				t.Fatal(err)
			}
		}, dynamotest.Usage{Calls: 3, Read: 3}},
		{"suppress an address", func() {
			if err := holding(false)(t, s, p); err != nil {
				t.Fatal(err)
			}
		}, dynamotest.Usage{Calls: 4, Read: 2, Write: 5}},
		{"delete of a user who left everything", func() {
			if err := s.Delete(ctx, p.ID, u.ID); err != nil {
				t.Fatal(err)
			}
		}, dynamotest.Usage{Calls: 8, Read: 5, Write: 21}},
		{"delete", func() {
			if err := s.DeleteByPairs(ctx, p.ID, request(t, p.ID, "big").Pairs()); err != nil {
				t.Fatal(err)
			}
		}, dynamotest.Usage{Calls: 4, Read: 2, Write: 17}},
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

// audience asks of users whether an e-mail of the group letter may be sent.
func audience(p project.Project, users ...user.User) user.Audience {
	q := user.Audience{ProjectID: p.ID, Channel: consent.Email, Group: "letter"}
	for _, u := range users {
		q.Names = append(q.Names, user.Name{ID: u.ID})
	}
	return q
}

// TestCostOfAudience: a thousand users of 4 KB, of whom some are suppressed and some have just left.
func TestCostOfAudience(t *testing.T) {
	var m dynamotest.Meter
	s := dynamotest.New(t, m.Option())
	p := dynamotest.Project(t, s)
	groups(t, s, p)
	users := crowd(t, s, p, user.MaxAudience, strings.Repeat("x", 3300))
	for _, u := range users[:20] {
		if _, err := s.SetSubscriptions(t.Context(), p.ID, u.ID, consent.Setting{Choices: []consent.Choice{{Group: "letter", State: consent.Unsubscribed}}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, u := range users[20:40] {
		change := consent.SuppressionChange{Hold: consent.Hold{Kind: consent.Complaint}}
		if _, err := s.ChangeSuppression(t.Context(), p.ID, consent.Email, u.Email, change); err != nil {
			t.Fatal(err)
		}
	}
	m.Take()
	answers, err := s.Audience(t.Context(), audience(p, users...))
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range answers {
		address := users[i].Email
		if i < 40 {
			address = "" // nobody is to send to it
		}
		if a.Allowed != (i >= 40) || a.UserID != users[i].ID || a.Address != address {
			t.Errorf("user %d: %+v", i, a)
		}
	}
	// Profiles 500 in 10 calls, project and group 2 in one, filter and recent refusals 1 each, the suppressions of 20.
	want := dynamotest.Usage{Calls: 14, Read: 500 + 2 + 1 + 1 + 20}
	if got := m.Take(); got != want {
		t.Errorf("an audience of %d: %+v, want %+v", len(users), got, want)
	}
}

// crowd makes n users with e-mail addresses and some data.
func crowd(t *testing.T, s *dynamo.Store, p project.Project, n int, bio string) []user.User {
	t.Helper()
	users := make([]user.User, n)
	for at := 0; at < n; at += 100 {
		var batch []user.Upsert
		for i := at; i < min(n, at+100); i++ {
			req := request(t, p.ID, fmt.Sprint("u", i))
			req.Patch = user.Patch{Email: new(fmt.Sprintf("u%d@example.com", i)), Data: map[string]any{"bio": bio}}
			batch = append(batch, req)
		}
		for i, r := range s.UpsertBatch(t.Context(), p.ID, batch) {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			users[at+i] = user.User{ID: r.UserID, Email: *batch[i].Patch.Email}
		}
	}
	return users
}
