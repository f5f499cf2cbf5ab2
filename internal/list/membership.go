package list

import (
	"errors"
	"time"

	"lunogram-users/internal/user"
)

// Membership is one user's place in one list.
type Membership struct {
	ListID string
	// Import is the import that made the user a member; "" if none did.
	Import string
	At     time.Time // since when
}

// Standing is all that is stored of one user's memberships, read strongly consistent.
type Standing struct {
	// User is the profile; nil if there is none: never was, erased, or absorbed.
	User *user.User
	// MergedInto is the user who absorbed this one; "" if nobody did.
	MergedInto string
	Lists      []Membership
	// Due is the moment at which a rule may next change for the user, as it was stored last; zero if none is. It may be
	// earlier than it need be, and never later.
	Due time.Time
}

// Change is what is to be written of one user's memberships. To repeat it does no harm.
type Change struct {
	Add    []Membership
	Remove []string // ids of lists
	// Due replaces what is stored; nil keeps it, a pointer to the zero time removes it.
	Due *time.Time
	// Was is the due moment that was read. If another one is stored, nothing is written: see ErrMoved.
	Was time.Time
}

// ErrMoved says that somebody else has written a user's due moment since it was read.
var ErrMoved = errors.New("the due moment is another one by now")

// Empty reports whether there is nothing to write.
func (c Change) Empty() bool { return len(c.Add) == 0 && len(c.Remove) == 0 && c.Due == nil }

// Outcome is what became of one user who was to be added to a list or removed from it.
type Outcome struct {
	UserID  string // of the user who was meant, an absorbed one followed; "" if there is none
	Changed bool   // whether the call changed the membership; false for one that was so already
	Err     error  // user.ErrNotFound, or nil
}
