package list

import "time"

// Segments is into how many parts the work on a list is cut: the users of a project are spread over that many partitions.
const Segments = 16

// Phase is one kind of work on the members of a list.
type Phase string

// The phases.
const (
	// Fill holds all users of the project against the rule, and adds.
	Fill Phase = "fill"
	// Prune holds all members against the published rule, and removes.
	Prune Phase = "prune"
	// Copy adds the members of another list.
	Copy Phase = "copy"
)

// Segment is how far the work on one part of a list has come.
type Segment struct {
	ListID   string
	Revision int64
	Phase    Phase
	Number   int    // from 0 to Segments-1
	After    string // the user id after which it goes on; "" at the start
	Users    int64  // that were looked at
	Added    int64
	Removed  int64
	Done     bool
	// Pending are ids of users whose memberships a page is about to write. They stay until it has written and read again: who
	// finds them in its way, as the one before died over them, is to have them settled.
	Pending []string  `json:",omitempty"`
	At      time.Time // of the newest progress, which tells it from what was stored before
}
