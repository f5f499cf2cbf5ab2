package dynamo

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// proofItem is what remains of the ledger of an erased user who had refused anything: what was refused, how and when, and
// how the ledger ended. It is found by a keyed hash of the user id and holds no id, address or evidence. Whoever shows a
// copy of the ledger that was made before the erasure can be proved right by its last hash; from the proof
// alone nobody can be found.
type proofItem struct {
	key
	Lines    int64         `dynamodbav:"ledger_lines"`
	Head     string        `dynamodbav:"ledger_head,omitempty"`
	Refusals []refusalItem `dynamodbav:"refusals"`
	ErasedAt millis        `dynamodbav:"erased_at"`
}

type refusalItem struct {
	Group string      `dynamodbav:"group"`
	How   consent.How `dynamodbav:"how"`
	At    millis      `dynamodbav:"at"`
}

// Proof returns what remains of the ledger of an erased user who had refused anything, or user.ErrNotFound.
func (s *Store) Proof(ctx context.Context, projectID, userID string) (consent.Proof, error) {
	proj, err := s.Project(ctx, projectID)
	if err != nil {
		return consent.Proof{}, err
	}
	p, err := get[proofItem](ctx, s, proofKey(projectID, proj.UserHash(userID)), "get proof")
	if err != nil {
		return consent.Proof{}, err
	}
	proof := consent.Proof{Ledger: consent.Ledger{Lines: p.Lines, Head: p.Head}, ErasedAt: p.ErasedAt.time()}
	for _, r := range p.Refusals {
		proof.Refusals = append(proof.Refusals, consent.Refusal{Group: r.Group, How: r.How, At: r.At.time()})
	}
	return proof, nil
}

// keepRefusals adds to an erasure what stays of a user who had left a group: the suppression of the addresses for those
// groups, and the proof. A group that a STOP of the user's number ended needs no suppression of its own: the number is
// suppressed already, where a START can lift it.
func (s *Store) keepRefusals(ctx context.Context, t *tx, projectID string, p profileItem, now time.Time) error {
	u := p.user(projectID)
	proof := proofItem{Lines: u.Ledger.Lines, Head: u.Ledger.Head, ErasedAt: toMillis(now)}
	for group, said := range u.Subscriptions {
		if said.State == consent.Unsubscribed {
			proof.Refusals = append(proof.Refusals, refusalItem{Group: group, How: said.How, At: toMillis(said.At)})
		}
	}
	if len(proof.Refusals) == 0 {
		return nil
	}
	proj, err := s.Project(ctx, projectID)
	if err != nil {
		return err
	}
	proof.key = proofKey(projectID, proj.UserHash(p.ID))
	t.overwrite(proof)
	left, err := s.leftBy(ctx, proj, u, p)
	if err != nil {
		return err
	}
	for pl, groups := range left {
		if err := s.enterFilter(ctx, projectID, pl.hash); err != nil {
			return err
		}
		t.leave(pl.key(projectID), groups, toMillis(now))
	}
	return nil
}

// leftBy returns the groups in use that the user had left, by the place of the address that is to be suppressed for them.
func (s *Store) leftBy(ctx context.Context, proj project.Project, u user.User, p profileItem) (map[place][]string, error) {
	groups, err := s.Groups(ctx, proj.ID)
	if err != nil {
		return nil, err
	}
	known, err := s.suppressions(ctx, proj.ID, p.places(proj))
	if err != nil {
		return nil, err
	}
	left := make(map[place][]string)
	for _, g := range inUse(groups) {
		pl, ok := p.placeOn(proj, g.Channel)
		said, _ := consent.Said(u.Subscriptions, g.ID)
		stopped := said.Prior != "" && known[pl].Inbound.Verdict == consent.Stop
		if ok && said.State == consent.Unsubscribed && !stopped {
			left[pl] = append(left[pl], g.ID)
		}
	}
	if u.Subscriptions[consent.AllGroups].State == consent.Unsubscribed {
		for _, c := range []consent.Channel{consent.Email, consent.SMS} {
			if pl, ok := p.placeOn(proj, c); ok {
				left[pl] = append(left[pl], consent.AllGroups)
			}
		}
	}
	return left, nil
}

// leave adds groups to the suppression of an address.
func (t *tx) leave(k key, groups []string, at millis) {
	up := expression.
		Add(expression.Name("groups"), expression.Value(&types.AttributeValueMemberSS{Value: groups})).
		Set(expression.Name("left_at"), expression.Value(at))
	expr, err := expression.NewBuilder().WithUpdate(up).Build()
	t.err = errors.Join(t.err, err)
	t.update(k, expr)
}
