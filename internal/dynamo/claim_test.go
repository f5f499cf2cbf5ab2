package dynamo_test

import (
	"errors"
	"sync"
	"testing"

	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/user"
)

// TestDanglingClaim: nobody is found by a claim whose user was never written; whoever writes to it takes it over, and
// the row that had left it then means the user who has it.
func TestDanglingClaim(t *testing.T) {
	s := dynamotest.New(t)
	takers := map[string]func(user.Upsert) error{
		"upsert": func(req user.Upsert) error {
			_, err := s.Upsert(t.Context(), req)
			return err
		},
		"batch": func(req user.Upsert) error {
			return s.UpsertBatch(t.Context(), req.ProjectID, []user.Upsert{req})[0].Err
		},
		"another import": func(req user.Upsert) error {
			load := user.Load{ProjectID: req.ProjectID, Import: "01a20aad-0000-7000-8000-00000000000a"}
			return doLoad(t, s, load, user.Row{Number: 9, Upsert: req})[0].Err
		},
	}
	for name, take := range takers {
		t.Run(name, func(t *testing.T) {
			p := dynamotest.Project(t, s)
			load := theLoad(p)
			claimed(t, p, load.UserID(1), "n1", "crm:1")
			pairs := request(t, p.ID, "n1").Pairs()
			if _, err := s.UserByPair(t.Context(), p.ID, pairs[0]); !errors.Is(err, user.ErrNotFound) {
				t.Errorf("get by pair: %v, want ErrNotFound", err)
			}
			if err := s.DeleteByPairs(t.Context(), p.ID, pairs); !errors.Is(err, user.ErrNotFound) {
				t.Errorf("delete by pair: %v, want ErrNotFound", err)
			}
			if err := take(request(t, p.ID, "n1")); err != nil {
				t.Fatal(err)
			}
			taken := userBy(t, s, p, "n1")
			if _, err := s.User(t.Context(), p.ID, load.UserID(1)); !errors.Is(err, user.ErrNotFound) {
				t.Errorf("get of the user who was not created: %v, want ErrNotFound", err)
			}
			if err := s.Delete(t.Context(), p.ID, load.UserID(1)); !errors.Is(err, user.ErrNotFound) {
				t.Errorf("delete of the user who was not created: %v, want ErrNotFound", err)
			}
			if got := outcomes(doLoad(t, s, load, row(t, 1, "pro", "n1", "crm:1"))); got[0] != "updated" {
				t.Errorf("the row that had left the claim: %s", got)
			}
			if got := userBy(t, s, p, "crm:1"); got.ID != taken.ID || got.Data["plan"] != "pro" {
				t.Errorf("crm:1 belongs to %s with %v, want %s", got.ID, got.Data, taken.ID)
			}
			if err := s.Delete(t.Context(), p.ID, taken.ID); err != nil {
				t.Fatal(err)
			}
			// The id of the row is used up; a delivery after the delete makes another user.
			if got := outcomes(doLoad(t, s, load, row(t, 1, "pro", "n1", "crm:1"))); got[0] != "created" {
				t.Errorf("the row after the user was deleted: %s", got)
			}
			whole(t, s, p, map[string]int64{"n1": 0, "crm:1": 0})
		})
	}
}

// TestLoadsRace: imports, delivered twice, and the API meet at the same new pairs. There is one user for each in the end.
func TestLoadsRace(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	rows := []user.Row{row(t, 1, "a", "n1", "crm:1"), row(t, 2, "a", "n2"), row(t, 3, "a", "n3"), row(t, 4, "a", "n4", "crm:4")}
	var wg sync.WaitGroup
	for i, load := range []user.Load{theLoad(p), theLoad(p), newLoad(p)} {
		wg.Go(func() {
			for n, r := range doLoad(t, s, load, rows...) {
				// Where the API was quicker, n1 and crm:1 are two users by now, whom row 1 must not glue together.
				if _, conflict := errors.AsType[*user.ConflictError](r.Err); r.Err != nil && (!conflict || n > 0) {
					t.Errorf("load %d, row %d: %v", i, n+1, r.Err)
				}
			}
		})
	}
	for _, pair := range []string{"n1", "crm:1", "n2", "n3", "n4"} {
		wg.Go(func() {
			if _, err := s.Upsert(t.Context(), request(t, p.ID, pair)); err != nil {
				if _, conflict := errors.AsType[*user.ConflictError](err); !conflict {
					t.Errorf("upsert %s: %v", pair, err)
				}
			}
		})
	}
	wg.Wait()
	whole(t, s, p, nil)
	for _, pair := range []string{"n2", "n3"} {
		if got := userBy(t, s, p, pair).Data["plan"]; got != "a" {
			t.Errorf("plan of %s: %v", pair, got)
		}
	}
}
