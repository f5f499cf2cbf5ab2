package dynamo

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

type eventItem struct {
	key
	Group     string          `dynamodbav:"group"`
	Channel   consent.Channel `dynamodbav:"channel"`
	From      consent.State   `dynamodbav:"from"`
	To        consent.State   `dynamodbav:"to"`
	How       consent.How     `dynamodbav:"how"`
	MessageID string          `dynamodbav:"message_id,omitempty"`
	RequestID string          `dynamodbav:"request_id,omitempty"`
	UserID    string          `dynamodbav:"user_id,omitempty"`
	At        millis          `dynamodbav:"at"`
}

func toEvent(project, userID string, e consent.Event) eventItem {
	return eventItem{
		key: consentKey(project, userID, e.ID), Group: e.Group, Channel: e.Channel, From: e.From, To: e.To,
		How: e.How, MessageID: e.Evidence.MessageID, RequestID: e.Evidence.RequestID,
		UserID: e.Evidence.UserID, At: toMillis(e.At),
	}
}

// suppressItem is what is known of an address, found by its keyed hash.
type suppressItem struct {
	key
	Verdict   consent.Verdict `dynamodbav:"inbound_verdict,omitempty"`
	MessageID string          `dynamodbav:"inbound_message,omitempty"`
	At        millis          `dynamodbav:"inbound_at,omitempty"`
	Groups    []string        `dynamodbav:"groups,omitempty,stringset"`
}

func (i suppressItem) suppression() consent.Suppression {
	return consent.Suppression{
		Inbound: consent.Inbound{Verdict: i.Verdict, MessageID: i.MessageID, At: i.At.time()},
		Groups:  i.Groups,
	}
}

// addressKey returns the key of the suppression of the profile's address on a channel, and false when it has none.
func addressKey(p project.Project, c consent.Channel, profile profileItem) (key, bool) {
	switch {
	case c == consent.Email && profile.Email != "":
		return suppressKey(p.ID, string(c), p.AddressHash(string(c), user.FoldEmail(profile.Email))), true
	case c == consent.SMS && profile.Phone != "":
		return suppressKey(p.ID, string(c), p.AddressHash(string(c), profile.Phone)), true
	}
	return key{}, false
}

// Events returns the ledger of the user, oldest first. The lines of a user that was absorbed stay with its id.
func (s *Store) Events(ctx context.Context, project, userID string) ([]consent.Event, error) {
	var events []consent.Event
	err := s.query(ctx, profileKey(project, userID).PK, skConsent, "list consent events", func(av item) error {
		e, err := decode[eventItem](av)
		events = append(events, consent.Event{
			ID: e.SK[len(skConsent):], Group: e.Group, Channel: e.Channel, From: e.From, To: e.To, How: e.How,
			Evidence: consent.Evidence{MessageID: e.MessageID, RequestID: e.RequestID, UserID: e.UserID},
			At:       e.At.time(),
		})
		return err
	})
	return events, err
}

// Subscriptions returns where the user with the id stands with each group of the project, by name of the
// group. It returns user.ErrNotFound.
func (s *Store) Subscriptions(ctx context.Context, projectID, userID string) ([]consent.Standing, error) {
	profile, err := s.liveProfile(ctx, projectID, userID)
	if err != nil {
		return nil, err
	}
	proj, err := s.Project(ctx, projectID)
	if err != nil {
		return nil, err
	}
	groups, err := s.Groups(ctx, projectID)
	if err != nil {
		return nil, err
	}
	suppressions, err := s.suppressions(ctx, proj, profile)
	if err != nil {
		return nil, err
	}
	u := profile.user(projectID)
	standings := make([]consent.Standing, len(groups))
	for i, g := range groups {
		standings[i] = consent.Standing{
			Group: g, State: consent.StateOf(u.Subscriptions, g.ID),
			Suppressed: suppressions[g.Channel].Suppresses(g.ID),
		}
	}
	return standings, nil
}

// suppressions returns what is known of the profile's addresses, by channel.
func (s *Store) suppressions(ctx context.Context, proj project.Project, profile profileItem) (map[consent.Channel]consent.Suppression, error) {
	channels := make(map[key]consent.Channel)
	var keys []key
	for _, c := range []consent.Channel{consent.Email, consent.SMS} {
		if k, ok := addressKey(proj, c, profile); ok {
			channels[k] = c
			keys = append(keys, k)
		}
	}
	found := make(map[consent.Channel]consent.Suppression, len(keys))
	err := s.batchGet(ctx, keys, "get suppressions", func(av item) error {
		i, err := decode[suppressItem](av)
		found[channels[i.key]] = i.suppression()
		return err
	})
	return found, err
}

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
	r := record{
		store: s, project: projectID, phone: phone, groups: groups, in: in,
		suppression: suppressKey(projectID, string(consent.SMS), proj.AddressHash(string(consent.SMS), phone)),
	}
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
	seen := inboundItem{key: inboundKey(projectID, in.MessageID), At: toMillis(in.At), ExpiresAt: s.now().Add(rememberFor).Unix()}
	err := s.put(ctx, seen, dynamodb.PutItemInput{
		ConditionExpression:                 new("attribute_not_exists(pk)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, "remember message")
	if old, ok := stopped(err); ok {
		seen, err = decode[inboundItem](old)
	}
	return seen.At.time(), err
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
	expr, err := expression.NewBuilder().
		WithCondition(at.AttributeNotExists().Or(older, same)).
		WithUpdate(expression.
			Set(at, expression.Value(toMillis(r.in.At))).
			Set(expression.Name("inbound_message"), expression.Value(r.in.MessageID)).
			Set(expression.Name("inbound_verdict"), expression.Value(r.in.Verdict))).
		Build()
	if err != nil {
		return err
	}
	_, err = settle(ctx, func() (*dynamodb.UpdateItemOutput, error) {
		out, err := r.store.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &r.store.table, Key: r.suppression.attributes(),
			ConditionExpression: expr.Condition(), UpdateExpression: expr.Update(),
			ExpressionAttributeNames: expr.Names(), ExpressionAttributeValues: expr.Values(),
		})
		return out, translate(err, "suppress number")
	})
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
	u.Subscriptions = consent.Apply(u.Subscriptions, changes)
	before := u.Version
	u.Version, u.UpdatedAt = before+1, r.store.mint().Now
	t := r.store.begin()
	writeID := newWriteID()
	t.replace(u, before, writeID)
	for _, c := range changes {
		t.put(toEvent(r.project, u.ID, c.Event))
	}
	if !r.late {
		t.newest(r.suppression, r.in.MessageID)
	}
	return r.outcome(r.store.commit(ctx, t, writeID, "record consent"), len(changes))
}

// outcome reads why the transaction of one user was stopped. Its items are the profile, n ledger lines and the check.
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
	if !r.late && why.failed[n+1] {
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
