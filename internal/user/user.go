// Package user is the domain of customer profiles: what a user is, what an upsert may ask, which user a
// set of identifiers means, and what a merge of anonymous profiles keeps. It knows nothing of HTTP or
// storage, and its functions are pure: safe for concurrent use, and they modify no argument unless they say so.
package user

import (
	"log/slog"
	"time"

	"lunogram-users/internal/consent"
)

// User is a stored profile.
type User struct {
	ID        string // UUIDv7, lower case
	ProjectID string
	// Identifiers holds at least one identifier, oldest first.
	Identifiers []Identifier
	// Email, Phone, Timezone and Locale are "" when not set.
	Email    string
	Phone    string // E.164
	Timezone string // IANA name
	Locale   string // canonical BCP 47 tag
	// Data holds JSON values: nil, bool, string, json.Number, []any and map[string]any.
	Data map[string]any
	// Subscriptions is what the user said of each group, by group id; a group that is missing is not set.
	// That of consent.AllGroups applies to every group that is missing.
	Subscriptions map[string]consent.Subscription
	// Ledger is how far the ledger of the user's consent goes.
	Ledger    consent.Ledger
	Version   int64 // 0 when created, one more after every write
	CreatedAt time.Time
	UpdatedAt time.Time
	// Mark is what the newest import of the user left. It is not part of what the API shows.
	Mark Mark
}

// LogValue keeps personal data out of logs.
func (u User) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", u.ID), slog.Int64("version", u.Version))
}

// Identifier is a pair attached to a user.
type Identifier struct {
	ID string // UUIDv7
	Pair
	Metadata  map[string]any // JSON values as in User.Data; may be nil
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Pair names a user in one source system. Pairs compare exactly and case-sensitively; a pair belongs to
// at most one user of a project.
type Pair struct {
	Source     string
	ExternalID string
}

// LogValue keeps external ids, which may be personal, out of logs.
func (p Pair) LogValue() slog.Value { return slog.StringValue(p.Source + ":…") }

// Anonymous reports whether the pair was generated for an unknown visitor.
func (p Pair) Anonymous() bool { return p.Source == AnonymousSource }

// AnonymousOnly reports whether nobody has said who the user is: every identifier is anonymous.
func (u User) AnonymousOnly() bool {
	for _, id := range u.Identifiers {
		if !id.Anonymous() {
			return false
		}
	}
	return true
}

// Identifier returns the user's identifier with the given pair, and whether there is one.
func (u User) Identifier(p Pair) (Identifier, bool) {
	for _, id := range u.Identifiers {
		if id.Pair == p {
			return id, true
		}
	}
	return Identifier{}, false
}

// Page is one page of users.
type Page struct {
	Users []User
	// Next is the position after the last user, "" when there are no more. It names users and must be
	// sealed before it leaves the system.
	Next string
}

// Outcome says what an upsert of a batch did.
type Outcome string

// The outcomes.
const (
	Created   Outcome = "created"
	Updated   Outcome = "updated"
	Unchanged Outcome = "unchanged" // the profile already held all that was sent; nothing was written
	// Skipped is a row of an import that its mode rules out, or whose user another row of the file has counted for.
	Skipped Outcome = "skipped"
	// Deferred is a row of an import whose user another row of the file may mean too, see Load.Deferring.
	Deferred Outcome = "deferred"
)

// Result is the answer to one upsert of a batch. UserID and Outcome are set when Err is nil.
type Result struct {
	UserID  string
	Outcome Outcome
	Err     error
	// Version, CreatedAt and UpdatedAt are those that the user has afterwards. Rows of an import are answered without.
	Version              int64
	CreatedAt, UpdatedAt time.Time
}
