package dynamo

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"lunogram-users/internal/user"
)

// loadWriters is how many batches of one Apply are written at a time.
const loadWriters = 16

// Apply writes what Prepare decided and answers each row in order. A row that lost a race is answered user.ErrAgain, one
// that DynamoDB had no room for user.ErrUnavailable: whatever of it was written, it is to be prepared again, and then
// comes to what it would have. Rows may be left out, but those of one user must stay in order.
func (s *Store) Apply(ctx context.Context, load user.Load, decisions []user.Decision) []user.Result {
	a := application{store: s, load: load, decisions: decisions, results: make([]user.Result, len(decisions))}
	for _, wave := range waves(decisions) {
		a.write(ctx, wave)
	}
	for i := range decisions {
		if !decisions[i].Writes() {
			a.results[i] = decisions[i].Result()
		}
	}
	return a.results
}

type application struct {
	store     *Store
	load      user.Load
	decisions []user.Decision
	results   []user.Result // each is written by one goroutine
}

// waves cuts the rows that write into runs of different users, each of which must see the effect of the one before.
func waves(decisions []user.Decision) (waves [][]int) {
	seen := make(map[string]int, len(decisions)) // in how many waves a user is, by id
	for i := range decisions {
		d := &decisions[i]
		if !d.Writes() {
			continue
		}
		n := seen[d.UserID]
		for j := range d.Steps {
			if absorbed := d.Steps[j].Absorbed; absorbed != nil {
				n = max(n, seen[absorbed.ID])
				seen[absorbed.ID] = n + 1
			}
		}
		seen[d.UserID] = n + 1
		for len(waves) <= n {
			waves = append(waves, nil)
		}
		waves[n] = append(waves[n], i)
	}
	return waves
}

// write carries out one wave, the rows that can be in batches.
func (a *application) write(ctx context.Context, wave []int) {
	var created, updated, others []int
	for _, i := range wave {
		switch d := &a.decisions[i]; {
		case len(d.Stale) > 0 || len(d.Steps) > 1:
			others = append(others, i)
		case d.Steps[0].Before.ID == "":
			created = append(created, i)
		case narrow(d):
			updated = append(updated, i)
		default:
			others = append(others, i)
		}
	}
	var g errgroup.Group
	g.SetLimit(loadWriters)
	for batch := range slices.Chunk(created, maxStatements) {
		g.Go(func() error { a.create(ctx, batch); return nil })
	}
	for batch := range slices.Chunk(updated, maxStatements) {
		g.Go(func() error { a.update(ctx, batch); return nil })
	}
	for _, i := range others {
		g.Go(func() error { a.answer(i, a.steps(ctx, &a.decisions[i])); return nil })
	}
	_ = g.Wait() // the results carry the errors
}

// answer notes how the writing of a row ended.
func (a *application) answer(i int, err error) {
	if err == nil {
		a.results[i] = user.Result{UserID: a.decisions[i].UserID, Outcome: a.decisions[i].Outcome}
		return
	}
	if isLost(err) {
		err = user.ErrAgain
	}
	a.results[i] = user.Result{Err: err}
}

// create writes new users: first every pair, which claims it, then the profiles of those rows that got all of theirs.
// What a row has claimed in vain is found by its repeat, or by whoever else sends the pair; see abandon.
func (a *application) create(ctx context.Context, batch []int) {
	failed := a.claim(ctx, batch)
	var rows []int
	var statements []statement
	for _, i := range batch {
		if err := failed[i]; err != nil {
			a.answer(i, err)
			continue
		}
		rows = append(rows, i)
		statements = append(statements, a.store.insert(toProfile(a.decisions[i].Steps[0].After, newWriteID()).fields()))
	}
	for n, err := range a.store.execute(ctx, statements, "create users") {
		a.answer(rows[n], err)
	}
}

// claim takes every pair of the new users for them and returns what hindered which row.
func (a *application) claim(ctx context.Context, batch []int) map[int]error {
	var rows []int // of each statement
	var pairs []user.Pair
	var statements []statement
	for _, i := range batch {
		u := &a.decisions[i].Steps[0].After
		for j := range u.Identifiers {
			k := identKey(a.load.ProjectID, u.Identifiers[j].Pair)
			rows, pairs = append(rows, i), append(pairs, u.Identifiers[j].Pair)
			statements = append(statements, a.store.insert([]attribute{{"pk", str(k.PK)}, {"sk", str(k.SK)}, {"user", str(u.ID)}}))
		}
	}
	failed := make(map[int]error)
	var taken []user.Pair
	errs := a.store.execute(ctx, statements, "claim identifiers")
	for n, err := range errs {
		if errors.Is(err, user.ErrAgain) {
			taken = append(taken, pairs[n])
		} else if err != nil {
			failed[rows[n]] = err
		}
	}
	if len(taken) == 0 {
		return failed
	}
	owners, err := a.store.owners(ctx, a.load.ProjectID, taken)
	for n := range errs {
		mine := owners[pairs[n]] == a.decisions[rows[n]].UserID // an earlier try got through
		switch {
		case !errors.Is(errs[n], user.ErrAgain) || mine:
		case err != nil:
			failed[rows[n]] = err
		default:
			failed[rows[n]] = user.ErrAgain
		}
	}
	return failed
}

// update changes users who own every pair of their row, one conditional write each.
func (a *application) update(ctx context.Context, batch []int) {
	statements := make([]statement, len(batch))
	for n, i := range batch {
		d := &a.decisions[i]
		statements[n] = a.store.set(profileKey(a.load.ProjectID, d.UserID), d.Steps[0].Before.Version, changedFields(d))
	}
	for n, err := range a.store.execute(ctx, statements, "update users") {
		a.answer(batch[n], err)
	}
}

// steps writes a row that takes more than a statement: what is stale is cleared away, then each step is written, in a
// transaction if it concerns more than the profile. Each leaves a valid state, and a repeat goes on after it.
func (a *application) steps(ctx context.Context, d *user.Decision) error {
	for _, id := range d.Stale {
		if err := a.store.clear(ctx, a.load.ProjectID, id, d.Pairs(), id == a.load.UserID(d.Number)); err != nil {
			return err
		}
	}
	for i := range d.Steps {
		step := &d.Steps[i]
		write := func() (struct{}, error) { return struct{}{}, a.store.take(ctx, step) }
		if _, err := settle(ctx, write); err != nil {
			return err
		}
	}
	return nil
}

// take writes one step of a row.
func (s *Store) take(ctx context.Context, step *user.Plan) error {
	writeID := newWriteID()
	switch {
	case step.Before.ID == "":
		return s.commit(ctx, s.creation(step.After, writeID), writeID, "create user")
	case !touchesOthers(step):
		return s.rewrite(ctx, step, writeID)
	}
	t, err := s.transaction(*step, writeID)
	if err != nil {
		return err
	}
	return s.commit(ctx, t, writeID, "rewrite user")
}

// rewrite replaces a profile by one plain write, on condition of its version. It returns errLost when that failed.
func (s *Store) rewrite(ctx context.Context, step *user.Plan, writeID string) error {
	expr, err := replaceExpression(step.After, step.Before.Version, writeID)
	if err != nil {
		return err
	}
	_, err = s.client.UpdateItem(ctx, s.rewriteInput(step.After, expr))
	err = translate(err, "rewrite user")
	if stored, ok := stopped(err); ok {
		if p, decodeErr := decode[profileItem](stored); decodeErr == nil && p.WriteID == writeID {
			return nil // an earlier try got through
		}
	}
	return err
}

func (s *Store) rewriteInput(u user.User, expr expression.Expression) *dynamodb.UpdateItemInput {
	return &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: profileKey(u.ProjectID, u.ID).attributes(),
		ConditionExpression: expr.Condition(), UpdateExpression: expr.Update(),
		ExpressionAttributeNames: expr.Names(), ExpressionAttributeValues: expr.Values(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}
