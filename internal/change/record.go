// Package change follows the table's stream: it keeps memberships up to date with what changed, and publishes what a
// receiver outside may want to know. It knows the table, the rules and the bus by interfaces and functions.
package change

import (
	"time"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/list"
	"lunogram-users/internal/user"
)

// Record is one change of the table in terms of the domain. Exactly one of Profile, Consent, Member and List is set.
type Record struct {
	ID        string    // the same on every delivery, and of no other record
	Sequence  string    // of the stream; see Event
	At        time.Time // about when it happened, to the second
	ProjectID string
	UserID    string // "" of a list

	Profile *Profile
	Consent *consent.Event // a line that was added to the user's ledger
	Member  *Member
	List    *List
}

// Profile is a change of a profile. Both sides are nil where there was no user whom anybody saw: none, one that is being
// erased, or one that was absorbed.
type Profile struct {
	Before, After *user.User
	MergedInto    string // who absorbed the user; "" if nobody did
}

// Gone reports whether there is a user no more.
func (p Profile) Gone() bool { return p.Before != nil && p.After == nil }

// Member is a membership that began or ended.
type Member struct {
	ListID string
	Added  bool
}

// List is a change of a list's definition. Before is nil of a new one.
type List struct {
	Before *list.List
	After  list.List
}

// Begins reports whether the change asks for work on the members of the list.
func (l List) Begins() bool {
	return l.After.Status != list.Ready && !l.After.Archived() &&
		(l.Before == nil || l.Before.Revision != l.After.Revision || l.Before.Status != l.After.Status)
}
