package dynamo

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"lunogram-users/internal/consent"
)

// eventItem is a line of a ledger. All that its hash covers is stored.
type eventItem struct {
	key
	Group     string          `dynamodbav:"group"`
	Channel   consent.Channel `dynamodbav:"channel"`
	From      consent.State   `dynamodbav:"from"`
	To        consent.State   `dynamodbav:"to"`
	How       consent.How     `dynamodbav:"how"`
	At        millis          `dynamodbav:"at"`
	MessageID string          `dynamodbav:"message_id,omitempty"`
	Rule      string          `dynamodbav:"rule,omitempty"`
	RequestID string          `dynamodbav:"request_id,omitempty"`
	Notice    string          `dynamodbav:"notice,omitempty"`
	Address   string          `dynamodbav:"address,omitempty"`
	UserAgent string          `dynamodbav:"user_agent,omitempty"`
	Actor     string          `dynamodbav:"actor,omitempty"`
	Reason    string          `dynamodbav:"reason,omitempty"`
	Kind      consent.Kind    `dynamodbav:"kind,omitempty"`

	UserID        string `dynamodbav:"user_id,omitempty"`
	AbsorbedLines int64  `dynamodbav:"absorbed_lines,omitempty"`
	AbsorbedHead  string `dynamodbav:"absorbed_head,omitempty"`

	Line int64  `dynamodbav:"line,omitempty"`
	Prev string `dynamodbav:"prev,omitempty"`
	Hash string `dynamodbav:"hash,omitempty"`
}

func toEvent(k key, e consent.Event) eventItem {
	v := e.Evidence
	return eventItem{
		key: k, Group: e.Group, Channel: e.Channel, From: e.From, To: e.To, How: e.How, At: toMillis(e.At),
		MessageID: v.MessageID, Rule: v.Rule, RequestID: v.RequestID, Notice: v.Notice, Address: v.Address,
		UserAgent: v.UserAgent, Actor: v.Actor, Reason: v.Reason, Kind: v.Kind,
		UserID: v.UserID, AbsorbedLines: v.Absorbed.Lines, AbsorbedHead: v.Absorbed.Head,
		Line: e.Line, Prev: e.Prev, Hash: e.Hash,
	}
}

func (i eventItem) event() consent.Event {
	return consent.Event{
		ID: i.SK[len(skConsent):], Group: i.Group, Channel: i.Channel, From: i.From, To: i.To, How: i.How, At: i.At.time(),
		Evidence: consent.Evidence{
			MessageID: i.MessageID, Rule: i.Rule, RequestID: i.RequestID, Notice: i.Notice, Address: i.Address,
			UserAgent: i.UserAgent, Actor: i.Actor, Reason: i.Reason, Kind: i.Kind,
			UserID: i.UserID, Absorbed: consent.Ledger{Lines: i.AbsorbedLines, Head: i.AbsorbedHead},
		},
		Line: i.Line, Prev: i.Prev, Hash: i.Hash,
	}
}

// lines adds the lines of a ledger that are new, in order.
func (t *tx) lines(project, userID string, changes []consent.Change) {
	for _, c := range changes {
		t.put(toEvent(consentKey(project, userID, c.Event.ID), c.Event))
	}
}

// Events returns the ledger of the user, oldest first. The lines of a user that was absorbed stay with its id.
func (s *Store) Events(ctx context.Context, project, userID string) ([]consent.Event, error) {
	return s.eventsIn(ctx, profileKey(project, userID).PK)
}

// eventsIn returns the ledger lines of one partition, oldest first.
func (s *Store) eventsIn(ctx context.Context, pk string) ([]consent.Event, error) {
	var events []consent.Event
	err := s.query(ctx, pk, skConsent, "list consent events", func(av item) error {
		e, err := decode[eventItem](av)
		events = append(events, e.event())
		return err
	})
	return events, err
}

// History returns a page of the ledger of the user with the id, or who absorbed that user, with the ledgers of those
// that the user absorbed: newest first, those after the position, or the newest if it is "". At most limit lines; fewer
// only at the end. It returns user.ErrNotFound.
func (s *Store) History(ctx context.Context, project, userID, after string, limit int) (consent.Page, error) {
	p, err := s.liveProfile(ctx, project, userID)
	if err != nil {
		return consent.Page{}, err
	}
	family, err := s.family(ctx, project, p.ID)
	if err != nil {
		return consent.Page{}, err
	}
	var entries []consent.Entry
	for _, id := range family {
		lines, err := s.newest(ctx, project, id, after, limit+1)
		if err != nil {
			return consent.Page{}, err
		}
		entries = append(entries, lines...)
	}
	slices.SortFunc(entries, func(a, b consent.Entry) int { return cmp.Compare(position(b), position(a)) })
	page := consent.Page{Events: entries[:min(limit, len(entries))]}
	if len(entries) > limit {
		page.Next = position(page.Events[limit-1])
	}
	return page, nil
}

// position orders lines by time, then by user: two users of one number have lines of the same id.
func position(e consent.Entry) string { return e.ID + "#" + e.UserID }

// family returns the user and all whom it absorbed, and whom those had absorbed.
func (s *Store) family(ctx context.Context, project, userID string) ([]string, error) {
	family := []string{userID}
	for i := 0; i < len(family); i++ {
		err := s.keysOf(ctx, profileKey(project, family[i]).PK, skMerge, "list merges", func(k key) {
			if id := strings.TrimPrefix(k.SK, skMerge); !slices.Contains(family, id) {
				family = append(family, id)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return family, nil
}

// newest returns up to n lines of one user's own ledger before a position, newest first.
func (s *Store) newest(ctx context.Context, project, userID, before string, n int) ([]consent.Entry, error) {
	upper := highest
	if before != "" {
		upper, _, _ = strings.Cut(before, "#")
	}
	in := &dynamodb.QueryInput{
		TableName: &s.table, ConsistentRead: new(true), ScanIndexForward: new(false),
		KeyConditionExpression: new("pk = :pk AND sk BETWEEN :lower AND :upper"),
		ExpressionAttributeValues: item{
			":pk": str(profileKey(project, userID).PK), ":lower": str(skConsent), ":upper": str(skConsent + upper),
		},
		Limit: new(int32(n + 1)), // one more, as the first may be at the position itself
	}
	var entries []consent.Entry
	pages := s.pages(in)
	for pages.HasMorePages() && len(entries) < n {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, translate(err, "query consent events")
		}
		for _, av := range out.Items {
			stored, err := decode[eventItem](av)
			if err != nil {
				return nil, err
			}
			if e := (consent.Entry{Event: stored.event(), UserID: userID}); before == "" || position(e) < before {
				entries = append(entries, e)
			}
		}
	}
	return entries[:min(n, len(entries))], nil
}
