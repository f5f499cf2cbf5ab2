package dynamo

import (
	"context"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/user"
)

// mergeItem is the record of a merge: what is needed to undo it.
type mergeItem struct {
	key
	Absorbed  string      `dynamodbav:"absorbed"` // user id
	At        millis      `dynamodbav:"at"`
	Profile   profileItem `dynamodbav:"profile"`            // of the absorbed user, as it was
	Filled    []string    `dynamodbav:"filled,omitempty"`   // fields and data keys the survivor took over
	Released  []string    `dynamodbav:"released,omitempty"` // names of pairs that had no room
	Restricts []string    `dynamodbav:"restricts,omitempty"`
}

// tombstoneItem is what remains of an absorbed user, so that its id still resolves.
type tombstoneItem struct {
	key
	ID         string `dynamodbav:"id"`
	MergedInto string `dynamodbav:"merged_into"`
}

// merge absorbs one anonymous profile. The last one is absorbed in the same transaction that attaches and
// patches, if it fits into one; earlier ones each take a transaction of their own, and errLost
// starts over with one user less.
func (w *upsert) merge(ctx context.Context, survivor user.User, absorbed []user.User) (user.User, error) {
	var groups []consent.Group
	if absorbed[0].Restricts() {
		var err error
		if groups, err = w.store.Groups(ctx, w.ProjectID); err != nil {
			return user.User{}, err
		}
	}
	plan, err := user.Absorb(survivor, absorbed[0], w.Pairs(), groups, w.store.mint())
	if err != nil {
		return user.User{}, err
	}
	if len(absorbed) == 1 {
		full, err := plan.Amend(&w.Upsert, w.store.mint())
		if err != nil {
			return user.User{}, err
		}
		t, err := w.store.transaction(full, w.writeID)
		if err != nil {
			return user.User{}, err
		}
		if len(t.items) <= maxTransact {
			return full.After, w.store.commit(ctx, t, w.writeID, "merge users")
		}
	}
	step := newWriteID()
	t, err := w.store.transaction(plan, step)
	if err != nil {
		return user.User{}, err
	}
	if err := w.store.commit(ctx, t, step, "merge users"); err != nil {
		return user.User{}, err
	}
	if w.IfMatch != nil {
		w.IfMatch = new(plan.After.Version)
	}
	return user.User{}, errAgain
}

// transaction returns the transaction that carries out a plan. The profile is its first item.
func (s *Store) transaction(p user.Plan, writeID string) (*tx, error) {
	project, id := p.After.ProjectID, p.After.ID
	t := s.begin()
	t.replace(p.After, p.Before.Version, writeID)
	for _, i := range p.Added {
		t.put(ownerItem{key: identKey(project, i.Pair), User: id})
	}
	for _, i := range p.Moved {
		t.move(identKey(project, i.Pair), p.Absorbed.ID, id)
	}
	for _, i := range p.Released {
		owner := id
		if p.Absorbed != nil {
			if _, theirs := p.Absorbed.Identifier(i.Pair); theirs {
				owner = p.Absorbed.ID
			}
		}
		t.release(identKey(project, i.Pair), owner)
	}
	t.lines(project, id, p.Consent)
	if p.Absorbed != nil {
		t.put(toMerge(p))
		t.bury(*p.Absorbed, id)
		t.note(project, p.Absorbed.ID, p.After.UpdatedAt)
		if restricts(p.Consent) {
			t.note(project, id, p.After.UpdatedAt)
		}
	}
	return t, t.err
}

func toMerge(p user.Plan) mergeItem {
	m := mergeItem{
		key:      mergeKey(p.After.ProjectID, p.After.ID, p.Absorbed.ID),
		Absorbed: p.Absorbed.ID, At: toMillis(p.After.UpdatedAt),
		Profile: toProfile(*p.Absorbed, ""), Filled: p.Filled,
	}
	for _, id := range p.Released {
		m.Released = append(m.Released, pairName(id.Pair))
	}
	for _, c := range p.Consent {
		if !c.Keep {
			m.Restricts = append(m.Restricts, c.Event.Group)
		}
	}
	return m
}
