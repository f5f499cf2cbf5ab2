package dynamo

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/user"
)

// Record carries out a STOP or START from a number: the number is suppressed or freed first, then every user of the
// project with that number gets its states and ledger lines. It may be repeated, and must be when it returns
// an error: what was done is recognised. A message older than one already applied is written to the
// ledgers and changes nothing. In between, a newer one that comes in wins.
func (s *Store) Record(ctx context.Context, projectID, phone string, in consent.Inbound) error {
	proj, err := s.Project(ctx, projectID)
	if err != nil {
		return err
	}
	groups, err := s.Groups(ctx, projectID)
	if err != nil {
		return err
	}
	if in.At, err = s.firstSeen(ctx, projectID, in); err != nil {
		return err
	}
	at := placeOf(proj, consent.SMS, phone)
	if in.Verdict == consent.Stop {
		if err := s.enterFilter(ctx, projectID, at.hash); err != nil {
			return err
		}
	}
	r := record{store: s, project: projectID, phone: phone, groups: groups, in: in, suppression: at.key(projectID)}
	if err := r.suppress(ctx); err != nil {
		return err
	}
	return r.users(ctx)
}

// inboundItem remembers a message, so that one that is published again, with a later time, keeps its own.
type inboundItem struct {
	key
	At        millis `dynamodbav:"at"`
	ExpiresAt int64  `dynamodbav:"expires_at"` // Unix seconds
}

// rememberFor is how long a message is known: longer than a queue keeps one.
const rememberFor = 30 * 24 * time.Hour

// firstSeen returns the time at which the message was published first.
func (s *Store) firstSeen(ctx context.Context, projectID string, in consent.Inbound) (time.Time, error) {
	seen := s.seen(projectID, in.MessageID, in.At)
	err := s.put(ctx, seen, dynamodb.PutItemInput{
		ConditionExpression:                 new("attribute_not_exists(pk)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, "remember message")
	if old, ok := stopped(err); ok {
		seen, err = decode[inboundItem](old)
	}
	return seen.At.time(), err
}

// seen returns what remembers a message that was published at a time.
func (s *Store) seen(projectID, messageID string, at time.Time) inboundItem {
	return inboundItem{key: inboundKey(projectID, messageID), At: toMillis(at), ExpiresAt: s.now().Add(rememberFor).Unix()}
}

// record is one STOP or START on its way.
type record struct {
	store          *Store
	project, phone string
	groups         []consent.Group
	in             consent.Inbound
	suppression    key
	late           bool // a newer message has been applied
}

// suppress makes the message the newest of its number, or learns that it is late. Of two in the same
// millisecond the STOP wins.
func (r *record) suppress(ctx context.Context) error {
	at := expression.Name("inbound_at")
	older := at.LessThan(expression.Value(toMillis(r.in.At)))
	if r.in.Verdict == consent.Stop {
		older = at.LessThanEqual(expression.Value(toMillis(r.in.At)))
	}
	same := expression.Name("inbound_message").Equal(expression.Value(r.in.MessageID))
	up := expression.
		Set(at, expression.Value(toMillis(r.in.At))).
		Set(expression.Name("inbound_message"), expression.Value(r.in.MessageID)).
		Set(expression.Name("inbound_verdict"), expression.Value(r.in.Verdict))
	if r.in.Verdict == consent.Start {
		up = up.Remove(expression.Name("stop_answered")) // the next STOP is answered again
	}
	expr, err := expression.NewBuilder().WithCondition(at.AttributeNotExists().Or(older, same)).WithUpdate(up).Build()
	if err != nil {
		return err
	}
	_, err = r.store.updateItem(ctx, r.suppression, expr, "suppress number")
	if refusal(err) {
		r.late = true
		return nil
	}
	return err
}

// users applies the message to every user with the number.
func (r *record) users(ctx context.Context) error {
	var errs []error
	for after := ""; ; {
		page, err := r.store.UsersByPhone(ctx, r.project, r.phone, after, maxBatchGet)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		for _, u := range page.Users {
			_, err := untilWon(ctx, func() (struct{}, error) { return struct{}{}, r.user(ctx, u.ID) })
			errs = append(errs, err)
		}
		if after = page.Next; after == "" {
			return errors.Join(errs...)
		}
	}
}

// user applies the message to one user in one transaction: states, ledger lines, and a check that no newer
// message has come in.
func (r *record) user(ctx context.Context, userID string) error {
	p, err := r.store.liveProfile(ctx, r.project, userID)
	if errors.Is(err, user.ErrNotFound) || err == nil && p.Phone != r.phone {
		return nil // deleted, or the number was given up, since the index was read
	}
	if err != nil {
		return err
	}
	u := p.user(r.project)
	changes := consent.ApplyInbound(u.Subscriptions, r.groups, r.in, r.late)
	if len(changes) == 0 {
		return nil
	}
	t := r.store.begin()
	writeID := newWriteID()
	t.change(u, changes, r.store.mint().Now, writeID)
	if !r.late {
		t.newest(r.suppression, r.in.MessageID)
	}
	return r.outcome(r.store.commit(ctx, t, writeID, "record consent"), len(changes))
}

// outcome reads why the transaction of one user was stopped. Its items are the profile, n ledger
// lines, perhaps a note, and, unless it is late, the check.
func (r *record) outcome(err error, n int) error {
	why, ok := errors.AsType[*refused](err)
	if !ok {
		return err
	}
	for i := 1; i <= n; i++ {
		if why.failed[i] {
			return nil // the lines of this message are there: it was applied before
		}
	}
	if !r.late && why.failed[len(why.failed)-1] {
		r.late = true
	}
	return errLost
}

// newest adds a check that the message is still the newest of its number.
func (t *tx) newest(k key, messageID string) {
	t.items = append(t.items, types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &t.table, Key: k.attributes(), ConditionExpression: new("inbound_message = :message"),
		ExpressionAttributeValues: item{":message": str(messageID)},
	}})
}
