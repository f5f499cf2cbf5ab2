package dynamo

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/user"
)

// millis is a time stored as Unix milliseconds, 0 for the zero time.
type millis int64

func toMillis(t time.Time) millis {
	if t.IsZero() {
		return 0
	}
	return millis(t.UnixMilli())
}

func (m millis) time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(m)).UTC()
}

// profileItem is a profile as it is stored. A tombstone of an absorbed user has MergedInto and little else.
type profileItem struct {
	key
	ID string `dynamodbav:"id"`
	// index keys
	ListPK   string `dynamodbav:"list_pk,omitempty"`
	EmailPK  string `dynamodbav:"email_pk,omitempty"`
	EmailKey string `dynamodbav:"email_key,omitempty"`
	PhonePK  string `dynamodbav:"phone_pk,omitempty"`
	// the profile
	Identifiers   map[string]identifierItem   `dynamodbav:"identifiers"` // by pairName
	Email         string                      `dynamodbav:"email,omitempty"`
	Phone         string                      `dynamodbav:"phone,omitempty"`
	Timezone      string                      `dynamodbav:"timezone,omitempty"`
	Locale        string                      `dynamodbav:"locale,omitempty"`
	Data          object                      `dynamodbav:"data"`
	Subscriptions map[string]subscriptionItem `dynamodbav:"subscriptions"` // by group id
	LedgerLines   int64                       `dynamodbav:"ledger_lines,omitempty"`
	LedgerHead    string                      `dynamodbav:"ledger_head,omitempty"`
	Version       int64                       `dynamodbav:"version"`
	CreatedAt     millis                      `dynamodbav:"created_at"`
	UpdatedAt     millis                      `dynamodbav:"updated_at"`
	// WriteID names the newest write, so that a write whose reply was lost knows itself again.
	WriteID string `dynamodbav:"write_id,omitempty"`
	// Deleting is set while the user's other items are removed; nobody sees the user any more.
	Deleting bool `dynamodbav:"deleting,omitempty"`
	// MergedInto is the user that absorbed this one.
	MergedInto string `dynamodbav:"merged_into,omitempty"`
	// Mark is what the newest import left, see user.Mark.
	Mark []byte `dynamodbav:"mark,omitempty"`
	// ExpiresAt, in Unix seconds, is set of no user but of what abandon leaves.
	ExpiresAt int64 `dynamodbav:"expires_at,omitempty"`

	size int // bytes as stored, of a profile that was read in a batch
}

type identifierItem struct {
	ID        string `dynamodbav:"id"`
	Metadata  object `dynamodbav:"metadata"`
	CreatedAt millis `dynamodbav:"created_at"`
	UpdatedAt millis `dynamodbav:"updated_at"`
}

type subscriptionItem struct {
	State consent.State `dynamodbav:"state"`
	How   consent.How   `dynamodbav:"how"`
	At    millis        `dynamodbav:"at"`
	Prior consent.State `dynamodbav:"prior,omitempty"`
}

// ownerItem is an identifier: who owns the pair, and nothing that can go stale.
type ownerItem struct {
	key
	User string `dynamodbav:"user"`
}

func toProfile(u user.User, writeID string) profileItem {
	p := profileHead(&u)
	p.WriteID = writeID
	p.ListPK = listPK(u.ProjectID, u.ID)
	p.Identifiers = make(map[string]identifierItem, len(u.Identifiers))
	p.Subscriptions = make(map[string]subscriptionItem, len(u.Subscriptions))
	for _, id := range u.Identifiers {
		p.Identifiers[pairName(id.Pair)] = toIdentifier(id)
	}
	for group, s := range u.Subscriptions {
		p.Subscriptions[group] = toSubscription(s)
	}
	return p
}

// profileHead returns all of a profile but what is written once in a user's life, identifiers and subscriptions.
func profileHead(u *user.User) profileItem {
	p := profileItem{
		key: profileKey(u.ProjectID, u.ID), ID: u.ID,
		Email: u.Email, Phone: u.Phone, Timezone: u.Timezone, Locale: u.Locale,
		Data:        stored(u.Data),
		LedgerLines: u.Ledger.Lines, LedgerHead: u.Ledger.Head,
		Version: u.Version, CreatedAt: toMillis(u.CreatedAt), UpdatedAt: toMillis(u.UpdatedAt),
		Mark: toMark(u.Mark),
	}
	if u.Email != "" {
		folded := user.FoldEmail(u.Email)
		p.EmailPK, p.EmailKey = emailPK(u.ProjectID, folded), emailKey(folded, u.ID)
	}
	if u.Phone != "" {
		p.PhonePK = phonePK(u.ProjectID, u.Phone)
	}
	return p
}

func toMark(m user.Mark) []byte {
	b, err := m.MarshalBinary()
	if err != nil {
		panic(err) // a mark is made by Load, or was read
	}
	return b
}

func toIdentifier(id user.Identifier) identifierItem {
	return identifierItem{
		ID: id.ID, Metadata: stored(id.Metadata),
		CreatedAt: toMillis(id.CreatedAt), UpdatedAt: toMillis(id.UpdatedAt),
	}
}

func toSubscription(s consent.Subscription) subscriptionItem {
	return subscriptionItem{State: s.State, How: s.How, At: toMillis(s.At), Prior: s.Prior}
}

func (p profileItem) user(project string) user.User {
	u := user.User{
		ID: p.ID, ProjectID: project,
		Identifiers: make([]user.Identifier, 0, len(p.Identifiers)),
		Email:       p.Email, Phone: p.Phone, Timezone: p.Timezone, Locale: p.Locale,
		Data:          p.Data,
		Subscriptions: make(map[string]consent.Subscription, len(p.Subscriptions)),
		Ledger:        consent.Ledger{Lines: p.LedgerLines, Head: p.LedgerHead},
		Version:       p.Version, CreatedAt: p.CreatedAt.time(), UpdatedAt: p.UpdatedAt.time(),
	}
	for name, id := range p.Identifiers {
		u.Identifiers = append(u.Identifiers, user.Identifier{
			ID: id.ID, Pair: parsePairName(name), Metadata: id.Metadata,
			CreatedAt: id.CreatedAt.time(), UpdatedAt: id.UpdatedAt.time(),
		})
	}
	user.SortIdentifiers(u.Identifiers)
	_ = u.Mark.UnmarshalBinary(p.Mark) // one that cannot be read is none
	for group, s := range p.Subscriptions {
		u.Subscriptions[group] = consent.Subscription{State: s.State, How: s.How, At: s.At.time(), Prior: s.Prior}
	}
	return u
}

// live reports whether the profile is a user, neither absorbed nor being deleted.
func (p profileItem) live() bool { return p.ID != "" && !p.Deleting && p.MergedInto == "" }

type item = map[string]types.AttributeValue

func encode(v any) (item, error) { return attributevalue.MarshalMap(v) }

func decode[T any](av item) (T, error) {
	var v T
	err := attributevalue.UnmarshalMap(av, &v)
	return v, err
}
