package dynamo

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// suppressItem is what is known of an address, found by its keyed hash.
type suppressItem struct {
	key
	Held map[consent.Kind]holdItem `dynamodbav:"held,omitempty"`
	// Lines and Head are how far the ledger of what was Held goes.
	Lines int64  `dynamodbav:"ledger_lines,omitempty"`
	Head  string `dynamodbav:"ledger_head,omitempty"`

	Verdict   consent.Verdict `dynamodbav:"inbound_verdict,omitempty"`
	MessageID string          `dynamodbav:"inbound_message,omitempty"`
	At        millis          `dynamodbav:"inbound_at,omitempty"`

	Groups []string `dynamodbav:"groups,omitempty,stringset"`
	LeftAt millis   `dynamodbav:"left_at,omitempty"`
}

type holdItem struct {
	Source string `dynamodbav:"source,omitempty"`
	Reason string `dynamodbav:"reason,omitempty"`
	Since  millis `dynamodbav:"since"`
}

func (i suppressItem) suppression(channel consent.Channel) consent.Suppression {
	s := consent.Suppression{
		Channel: channel,
		Inbound: consent.Inbound{Verdict: i.Verdict, MessageID: i.MessageID, At: i.At.time()},
		Groups:  i.Groups, LeftAt: i.LeftAt.time(),
	}
	for kind, h := range i.Held {
		if s.Held == nil {
			s.Held = make(map[consent.Kind]consent.Hold, len(i.Held))
		}
		s.Held[kind] = consent.Hold{Kind: kind, Source: h.Source, Reason: h.Reason, Since: h.Since.time()}
	}
	return s
}

// place is where the suppression of an address is.
type place struct {
	channel consent.Channel
	hash    string
}

func (pl place) key(project string) key { return suppressKey(project, string(pl.channel), pl.hash) }

// placeOf returns the place of an address, in any spelling.
func placeOf(p project.Project, c consent.Channel, address string) place {
	return place{c, p.AddressHash(string(c), user.FoldEmail(address))} // a number has one spelling
}

// places returns where the suppressions of a profile's addresses are.
func (p profileItem) places(proj project.Project) []place {
	var all []place
	if p.Email != "" {
		all = append(all, placeOf(proj, consent.Email, p.Email), placeOf(proj, consent.AnyChannel, p.Email))
	}
	if p.Phone != "" {
		all = append(all, placeOf(proj, consent.SMS, p.Phone), placeOf(proj, consent.AnyChannel, p.Phone))
	}
	return all
}

// placeOn returns the place of the profile's address on a channel, and false when it has none.
func (p profileItem) placeOn(proj project.Project, c consent.Channel) (place, bool) {
	switch {
	case c == consent.Email && p.Email != "":
		return placeOf(proj, c, p.Email), true
	case c == consent.SMS && p.Phone != "":
		return placeOf(proj, c, p.Phone), true
	}
	return place{}, false
}

// reachable reports whether the profile has what a message on the channel needs. Only e-mail and SMS need an address of
// ours: push and in-app messages go to the user.
func (p profileItem) reachable(c consent.Channel) bool {
	if c == consent.Email || c == consent.SMS {
		return p.address(c) != ""
	}
	return c.Valid()
}

// address returns the address of the profile on the channel, "" where there is none.
func (p profileItem) address(c consent.Channel) string {
	switch c {
	case consent.Email:
		return p.Email
	case consent.SMS:
		return p.Phone
	}
	return ""
}

// suppressions returns what is known of the addresses at the places, strongly consistent.
func (s *Store) suppressions(ctx context.Context, project string, places []place) (map[place]consent.Suppression, error) {
	at := make(map[key]place, len(places))
	keys := make([]key, 0, len(places))
	for _, pl := range places {
		if k := pl.key(project); at[k] == (place{}) {
			at[k] = pl
			keys = append(keys, k)
		}
	}
	found := make(map[place]consent.Suppression, len(keys))
	err := s.batchGet(ctx, keys, "get suppressions", func(av item) error {
		i, err := decode[suppressItem](av)
		pl := at[i.key]
		found[pl] = i.suppression(pl.channel)
		return err
	})
	return found, err
}

// concerning returns those of the found suppressions that concern a message on the channel to the profile.
func (p profileItem) concerning(proj project.Project, c consent.Channel, found map[place]consent.Suppression) []consent.Suppression {
	var all []consent.Suppression
	for _, pl := range p.places(proj) {
		if s, ok := found[pl]; ok && (pl.channel == c || pl.channel == consent.AnyChannel) {
			all = append(all, s)
		}
	}
	return all
}

// Suppression returns what is known of an address (an e-mail address or an E.164 number) on a channel or on
// consent.AnyChannel, and the ledger of what was set by hand, oldest first. Both are empty if nothing is.
func (s *Store) Suppression(ctx context.Context, projectID string, c consent.Channel, address string) (consent.Suppression, []consent.Event, error) {
	proj, err := s.Project(ctx, projectID)
	if err != nil {
		return consent.Suppression{}, nil, err
	}
	k := placeOf(proj, c, address).key(projectID)
	stored, err := get[suppressItem](ctx, s, k, "get suppression")
	if err != nil && !errors.Is(err, user.ErrNotFound) {
		return consent.Suppression{}, nil, err
	}
	events, err := s.eventsIn(ctx, k.PK)
	return stored.suppression(c), events, err
}

// ChangeSuppression suppresses an address on a channel, or on consent.AnyChannel, for one more kind of reason, or lifts
// one kind, and writes a line to the ledger of the address, in one transaction. A hold that is there already is replaced,
// and keeps the time since when it is. To lift a STOP counts as a START of now for the address; the states that it took
// from users stay. It returns consent.ErrNotSuppressed when
// there is nothing to lift, and user.ErrUnavailable.
func (s *Store) ChangeSuppression(ctx context.Context, projectID string, c consent.Channel, address string, change consent.SuppressionChange) (consent.Suppression, error) {
	proj, err := s.Project(ctx, projectID)
	if err != nil {
		return consent.Suppression{}, err
	}
	w := suppressing{
		store: s, project: projectID, place: placeOf(proj, c, address), change: change, occurrence: newWriteID(), now: s.mint().Now,
	}
	if !change.Lift {
		if err := s.enterFilter(ctx, projectID, w.place.hash); err != nil {
			return consent.Suppression{}, err
		}
	}
	return untilWon(ctx, func() (consent.Suppression, error) { return w.try(ctx) })
}

// suppressing is one change of a suppression on its way.
type suppressing struct {
	store      *Store
	project    string
	place      place
	change     consent.SuppressionChange
	occurrence string // the same for every attempt, so that a persisted one is recognised
	now        time.Time
}

func (w suppressing) try(ctx context.Context) (consent.Suppression, error) {
	k := w.place.key(w.project)
	stored, err := get[suppressItem](ctx, w.store, k, "get suppression")
	if err != nil && !errors.Is(err, user.ErrNotFound) {
		return consent.Suppression{}, err
	}
	before := stored
	old, held := stored.held(w.change.Hold.Kind)
	id := consent.EventID(w.now, w.occurrence)
	if w.change.Lift && !held {
		if w.written(ctx, k, id) {
			return stored.suppression(w.place.channel), nil
		}
		return consent.Suppression{}, consent.ErrNotSuppressed
	}
	ledger, lines := consent.Ledger{Lines: stored.Lines, Head: stored.Head}.
		Append(w.change.Event(id, w.place.channel, held, w.now))
	stored.Lines, stored.Head = ledger.Lines, ledger.Head
	stored.apply(w.change, old, id, toMillis(w.now))

	t := w.store.begin()
	t.hold(k, before, stored)
	t.put(toEvent(suppressChangeKey(k, id), lines[0]))
	err = w.store.commit(ctx, t, "", "change suppression")
	if why, ok := errors.AsType[*refused](err); ok && why.failed[1] {
		err = nil // the line is there: an earlier try got through
	}
	return stored.suppression(w.place.channel), err
}

// written reports whether the line of the change is there: it was lifted by an earlier try.
func (w suppressing) written(ctx context.Context, k key, id string) bool {
	_, err := get[eventItem](ctx, w.store, suppressChangeKey(k, id), "get line")
	return err == nil
}

// held returns the hold of a kind, and whether the address has it.
func (i suppressItem) held(kind consent.Kind) (holdItem, bool) {
	if kind == consent.Stopped {
		return holdItem{}, i.Verdict == consent.Stop
	}
	h, ok := i.Held[kind]
	return h, ok
}

// apply makes the change to the item.
func (i *suppressItem) apply(c consent.SuppressionChange, old holdItem, id string, now millis) {
	held := maps.Clone(i.Held)
	if held == nil {
		held = map[consent.Kind]holdItem{}
	}
	switch {
	case c.Hold.Kind == consent.Stopped:
		i.Verdict, i.MessageID, i.At = consent.Start, id, max(now, i.At+1)
	case c.Lift:
		delete(held, c.Hold.Kind)
	default:
		since := cmp.Or(old.Since, toMillis(c.Hold.Since), now)
		held[c.Hold.Kind] = holdItem{Source: c.Hold.Source, Reason: c.Hold.Reason, Since: since}
	}
	i.Held = held
}

// hold adds the change of a suppression, on condition that nobody else changed it since it was read.
func (t *tx) hold(k key, before, after suppressItem) {
	same := func(name string, value any, zero bool) expression.ConditionBuilder {
		if zero {
			return expression.Name(name).AttributeNotExists()
		}
		return expression.Name(name).Equal(expression.Value(value))
	}
	cond := same("ledger_head", before.Head, before.Head == "")
	up := expression.
		Set(expression.Name("held"), expression.Value(after.Held)).
		Set(expression.Name("ledger_lines"), expression.Value(after.Lines)).
		Set(expression.Name("ledger_head"), expression.Value(after.Head))
	if after.MessageID != before.MessageID {
		cond = cond.And(same("inbound_message", before.MessageID, before.MessageID == ""))
		up = up.
			Set(expression.Name("inbound_verdict"), expression.Value(after.Verdict)).
			Set(expression.Name("inbound_message"), expression.Value(after.MessageID)).
			Set(expression.Name("inbound_at"), expression.Value(after.At)).
			Remove(expression.Name("stop_answered"))
	}
	expr, err := expression.NewBuilder().WithCondition(cond).WithUpdate(up).Build()
	t.err = errors.Join(t.err, err)
	t.update(k, expr)
}
