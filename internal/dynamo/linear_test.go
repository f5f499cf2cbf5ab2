package dynamo_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/user"
)

// operation is one call of a client: an upsert of one or two pairs (the second attaches), a delete or a get.
type operation struct {
	kind  string
	pairs []string
}

// answer is what the call returned: a user id, or why there is none.
type answer struct {
	id       string
	conflict bool
	missing  bool
	pairs    string // of a get, sorted
}

// world is the state of the model: who owns each pair. It is compared by its text.
type world map[string]string

func (w world) String() string {
	keys := slices.Sorted(maps.Keys(w))
	var b strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&b, "%s=%s;", k, w[k])
	}
	return b.String()
}

// step says whether the operation may have had the answer in the world, and what the world is then.
func step(w world, op operation, a answer) (bool, world) {
	owners := map[string]bool{}
	for _, p := range op.pairs {
		if id := w[p]; id != "" {
			owners[id] = true
		}
	}
	switch op.kind {
	case "upsert":
		if len(owners) > 1 {
			return a.conflict, w
		}
		if a.conflict || len(owners) == 1 && !owners[a.id] {
			return false, w
		}
		if len(owners) == 0 && slices.Contains(slices.Collect(maps.Values(w)), a.id) {
			return false, w // a new user has a new id
		}
		next := maps.Clone(w)
		for _, p := range op.pairs {
			next[p] = a.id
		}
		return true, next
	case "delete": // which of two deletes found the user is not told: one may finish the other
		next := maps.Clone(w)
		for id := range owners {
			maps.DeleteFunc(next, func(_, owner string) bool { return owner == id })
		}
		return true, next
	default:
		id := w[op.pairs[0]]
		if id == "" {
			return a.missing, w
		}
		var pairs []string
		for p, owner := range w {
			if owner == id {
				pairs = append(pairs, p)
			}
		}
		slices.Sort(pairs)
		return a.id == id && a.pairs == strings.Join(pairs, " "), w
	}
}

func model() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return world{} },
		Step: func(state, input, output any) (bool, any) {
			return step(state.(world), input.(operation), output.(answer))
		},
		Equal: func(a, b any) bool { return a.(world).String() == b.(world).String() },
		DescribeOperation: func(in, out any) string {
			return fmt.Sprintf("%v -> %+v", in, out)
		},
	}
}

// call carries out an operation on the store.
func call(t *testing.T, s *dynamo.Store, project string, op operation) answer {
	req := request(t, project, op.pairs...)
	var u user.User
	var err error
	switch op.kind {
	case "upsert":
		u, err = s.Upsert(t.Context(), req)
	case "delete":
		err = s.DeleteByPairs(t.Context(), project, req.Pairs())
	default:
		u, err = s.UserByPair(t.Context(), project, req.Identifiers[0].Pair)
	}
	a := answer{id: u.ID}
	_, a.conflict = errors.AsType[*user.ConflictError](err)
	a.missing = errors.Is(err, user.ErrNotFound)
	if err != nil && !a.conflict && !a.missing {
		t.Errorf("%s: %v", op.kind, err)
	}
	if op.kind == "get" {
		var pairs []string
		for _, id := range u.Identifiers {
			pairs = append(pairs, id.ExternalID)
		}
		slices.Sort(pairs)
		a.pairs = strings.Join(pairs, " ")
	}
	return a
}

func randomOperation(r *rand.Rand, pairs []string) operation {
	one, other := pairs[r.IntN(len(pairs))], pairs[r.IntN(len(pairs))]
	switch n := r.IntN(10); {
	case n < 3:
		return operation{"upsert", []string{one}}
	case n < 5 && one != other:
		return operation{"upsert", []string{one, other}}
	case n < 7:
		return operation{"delete", []string{one}}
	default:
		return operation{"get", []string{one}}
	}
}

// TestHistoriesAreLinearizable lets several clients upsert, attach, delete and get a few pairs at once and asks
// whether there is an order of the calls, each at one instant while it ran, that explains all answers.
func TestHistoriesAreLinearizable(t *testing.T) {
	s := dynamotest.New(t)
	pairs := []string{"p", "q", "r"}
	for round := range 20 {
		p := dynamotest.Project(t, s)
		history := make([][]porcupine.Operation, 6)
		start := time.Now()
		parallel(len(history), func(client int) {
			r := rand.New(rand.NewPCG(uint64(round), uint64(client)))
			for range 15 {
				op := randomOperation(r, pairs)
				from := time.Since(start).Nanoseconds()
				a := call(t, s, p.ID, op)
				history[client] = append(history[client], porcupine.Operation{
					ClientId: client, Input: op, Output: a, Call: from, Return: time.Since(start).Nanoseconds(),
				})
			}
		})
		ops := slices.Concat(history...)
		if got := porcupine.CheckOperationsTimeout(model(), ops, time.Minute); got != porcupine.Ok {
			t.Errorf("round %d: the history of %d calls is %s", round, len(ops), got)
		}
	}
}
