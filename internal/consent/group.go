package consent

import (
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"lunogram-users/internal/label"
)

// Group is a subscription group: one kind of message on one channel.
type Group struct {
	ID        string // UUIDv7
	ProjectID string
	Name      string
	// Description tells recipients what they get; "" says nothing.
	Description string
	Channel     Channel
	Public      bool // shown to recipients
	// Default is Subscribed or Unsubscribed: what applies to who said nothing. "" leaves it to the project.
	Default   State
	CreatedAt time.Time
	UpdatedAt time.Time
	// ArchivedAt is when the group was archived, for good; zero while it is in use. Nothing is sent to an archived
	// group, and what users said of it stays readable.
	ArchivedAt time.Time
}

// Archived reports whether the group is out of use.
func (g Group) Archived() bool { return !g.ArchivedAt.IsZero() }

// Alike reports whether people could not tell the groups apart: both are in use, on one channel and under one name, case
// and space around it aside.
func (g Group) Alike(o Group) bool {
	fold := func(name string) string { return strings.ToLower(strings.TrimSpace(name)) }
	return !g.Archived() && !o.Archived() && g.Channel == o.Channel && fold(g.Name) == fold(o.Name)
}

const (
	// MaxGroups is how many groups in use a project has at most, so that all of a user's states change in one transaction.
	MaxGroups = 50
	// MaxArchived is how many groups a project has at most with those that are archived: all are read at once.
	MaxArchived = 500

	maxName        = 255  // characters
	maxDescription = 1000 // characters
)

// Errors that callers branch on. A store returns them bare or wrapped; test with errors.Is.
var (
	// ErrNoGroup says that a group is not one of the project.
	ErrNoGroup = errors.New("there is no such group in the project")
	// ErrArchived says that a group is archived, and so cannot change any more.
	ErrArchived = errors.New("the group is archived")
	// ErrGroupExists says that a group in use has that channel and name.
	ErrGroupExists = errors.New("the project has a group in use of that channel and name")
	// ErrNotSuppressed says that there is nothing to lift.
	ErrNotSuppressed = errors.New("the address is not suppressed for that reason")
	// ErrTooManyGroups says that the project has as many groups as it may.
	ErrTooManyGroups = errors.New("a project has at most 50 groups in use, and 500 with those that are archived")
)

// GroupPatch is a change to a group; nil keeps what is stored. The channel never changes: people consented to it.
type GroupPatch struct {
	Name, Description *string
	Public            *bool
	Default           *State // a pointer to "" leaves it to the project
}

// Apply returns the group as the patch leaves it, its times untouched.
func (p GroupPatch) Apply(g Group) Group {
	set(&g.Name, p.Name)
	set(&g.Description, p.Description)
	set(&g.Public, p.Public)
	set(&g.Default, p.Default)
	return g
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

// Fault is one thing that is wrong with what somebody sent: the name of the field on the wire, and what.
type Fault struct{ Field, Detail string }

// Check returns what is wrong with the group, in the order of its fields; nothing if it is valid.
func (g Group) Check() []Fault {
	var faults []Fault
	if n := utf8.RuneCountInString(g.Name); n < 1 || n > maxName {
		faults = append(faults, Fault{"name", "must have 1 to 255 characters"})
	} else if err := label.Check(g.Name); err != nil {
		faults = append(faults, Fault{"name", err.Error()})
	}
	if utf8.RuneCountInString(g.Description) > maxDescription {
		faults = append(faults, Fault{"description", "must have at most 1,000 characters"})
	}
	if !g.Channel.Valid() {
		faults = append(faults, Fault{"channel", "must be email, sms, push or in_app"})
	}
	if g.Default != "" && g.Default != Subscribed && g.Default != Unsubscribed {
		faults = append(faults, Fault{"default", "must be subscribed, unsubscribed or null"})
	}
	return faults
}
