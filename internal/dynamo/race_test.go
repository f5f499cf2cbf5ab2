package dynamo_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/list"
	"lunogram-users/internal/user"
)

// parallel runs f n times at once and waits for all.
func parallel(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

func TestParallelUpsertsOfOneNewPairMakeOneUser(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	ids := make([]string, 100)
	parallel(100, func(i int) {
		u, err := s.Upsert(t.Context(), request(t, p.ID, "shared", fmt.Sprintf("device:%02d", i%40)))
		if err != nil {
			t.Error(err)
		}
		ids[i] = u.ID
	})
	u, err := s.UserByPair(t.Context(), p.ID, user.Pair{Source: "default", ExternalID: "shared"})
	if err != nil {
		t.Fatal(err)
	}
	if len(u.Identifiers) != 41 {
		t.Errorf("%d identifiers, want 41", len(u.Identifiers))
	}
	for i, id := range ids {
		if id != u.ID {
			t.Errorf("upsert %d answered user %s, want %s", i, id, u.ID)
		}
	}
}

func TestParallelUpsertsLoseNoKey(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	if _, err := s.Upsert(t.Context(), request(t, p.ID, "u")); err != nil {
		t.Fatal(err)
	}
	parallel(100, func(i int) {
		req := request(t, p.ID, "u")
		req.Patch.Data = map[string]any{fmt.Sprintf("k%d", i): true}
		if _, err := s.Upsert(t.Context(), req); err != nil {
			t.Error(err)
		}
	})
	u, err := s.UserByPair(t.Context(), p.ID, user.Pair{Source: "default", ExternalID: "u"})
	if err != nil {
		t.Fatal(err)
	}
	if len(u.Data) != 100 || u.Version != 100 {
		t.Errorf("%d keys at version %d, want 100 at 100", len(u.Data), u.Version)
	}
}

func TestParallelAttachEndsWithOneOwner(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	for round := range 10 {
		a, b, shared := fmt.Sprintf("a%d", round), fmt.Sprintf("b%d", round), fmt.Sprintf("crm:n%d", round)
		for _, id := range []string{a, b} {
			if _, err := s.Upsert(t.Context(), request(t, p.ID, id)); err != nil {
				t.Fatal(err)
			}
		}
		var won [2]user.User
		parallel(2, func(i int) {
			u, err := s.Upsert(t.Context(), request(t, p.ID, []string{a, b}[i], shared))
			if _, conflict := errors.AsType[*user.ConflictError](err); err != nil && !conflict {
				t.Error(err)
			}
			won[i] = u
		})
		if (won[0].ID == "") == (won[1].ID == "") {
			t.Errorf("round %d: winners %q and %q, want exactly one", round, won[0].ID, won[1].ID)
		}
		owner, err := s.UserByPair(t.Context(), p.ID, request(t, p.ID, shared).Identifiers[0].Pair)
		if err != nil || owner.ID != won[0].ID+won[1].ID {
			t.Errorf("round %d: owner %s, %v; want the winner", round, owner.ID, err)
		}
	}
}

// TestParallelListsSeeEachOther: of two lists that are stored at once, the later one is composed in view of the other.
func TestParallelListsSeeEachOther(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	var errs [20]error
	var all [len(errs)]list.List
	for i := range all {
		all[i] = newList(p.ID, "old", list.Static)
		if i%2 == 0 {
			continue // is to be created
		}
		if err := dynamotest.CreateList(t.Context(), s, all[i]); err != nil {
			t.Fatal(err)
		}
	}
	parallel(len(errs), func(i int) {
		l := all[i]
		l.Name = "new"
		_, errs[i] = s.PutList(t.Context(), p.ID, func(all []list.List) (list.List, error) {
			if slices.ContainsFunc(all, func(o list.List) bool { return o.Name == "new" }) {
				return list.List{}, list.ErrExists
			}
			return l, nil
		})
	})
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, list.ErrExists) {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d took the name, want 1", won, len(errs))
	}
}

// TestParallelListsKeepTheLimit: the last place goes to one of those who ask for it at once.
func TestParallelListsKeepTheLimit(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	for n := range list.MaxDynamic - 1 {
		if err := dynamotest.CreateList(t.Context(), s, newList(p.ID, fmt.Sprint(n), list.Dynamic)); err != nil {
			t.Fatal(err)
		}
	}
	parallel(5, func(i int) {
		err := dynamotest.CreateList(t.Context(), s, newList(p.ID, fmt.Sprint("more ", i), list.Dynamic))
		if err != nil && !errors.Is(err, list.ErrTooManyDynamic) {
			t.Error(err)
		}
	})
	if lists, err := s.Lists(t.Context(), p.ID); err != nil || len(lists) != list.MaxDynamic {
		t.Errorf("%d lists, %v; want %d", len(lists), err, list.MaxDynamic)
	}
}
