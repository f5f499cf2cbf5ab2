// Package list is the domain of lists: named sets of users. The members of a static list are put into it one by one or
// from a file; those of a dynamic list are the users whom its rule matches, kept up to date as they change. The package
// knows nothing of HTTP or storage, and its functions are pure.
package list

import (
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"lunogram-users/internal/label"
)

// List is a named set of users.
type List struct {
	ID          string // UUIDv7
	ProjectID   string
	Kind        Kind
	Name        string
	Description string
	CreatedAt   time.Time
	UpdatedAt   time.Time
	// ArchivedAt is when the list was archived; zero while it is in use. The members of an archived list stay as they were,
	// and nothing is sent to them.
	ArchivedAt time.Time

	// Rule is the newest rule of a dynamic list, in canonical form.
	Rule string
	// Revision counts the rules that the list has had, from 1. Work on an older one than this is void.
	Revision int64
	// Published is the rule whose members the list shows: the newest one whose back-fill is done; "" before the first.
	Published string
	// CopyOf is the static list whose members a duplicate takes over; "" for others.
	CopyOf string
	// Status says what work on the members is under way.
	Status Status
	// Count is how many members there were when they were last counted; nil if they never were.
	Count *Count
}

// Kind tells where the members of a list come from.
type Kind string

// The kinds.
const (
	Static  Kind = "static"
	Dynamic Kind = "dynamic"
)

// Valid reports whether k is one of the kinds.
func (k Kind) Valid() bool { return k == Static || k == Dynamic }

// Status is how far the members are those that the list should have.
type Status string

// The statuses. A static list is Copying, then Ready; a dynamic one Building, Pruning, Ready.
const (
	Ready Status = "ready"
	// Building looks for the users whom the newest rule matches. The list shows those of the published one.
	Building Status = "building"
	// Pruning removes those whom only an older rule matched. The list does not show them any more.
	Pruning Status = "pruning"
	// Copying takes over the members of the list of which this one is a duplicate.
	Copying Status = "copying"
)

// Count is a number of members.
type Count struct {
	Members int64
	At      time.Time
}

// countLife is for how long an equal count is not worth a write: who asks for the number does so again and again.
const countLife = time.Minute

// News reports whether the count is to be remembered in place of the one that is stored, which may be nil: another number,
// or the same one a minute later.
func (c Count) News(stored *Count) bool {
	return stored == nil || stored.At.Before(c.At) && (stored.Members != c.Members || c.At.Sub(stored.At) > countLife)
}

// Archived reports whether the list is out of use.
func (l List) Archived() bool { return !l.ArchivedAt.IsZero() }

// Alike reports whether people could not tell the lists apart: both are in use, under one name, case and space around it aside.
func (l List) Alike(o List) bool {
	fold := func(name string) string { return strings.ToLower(strings.TrimSpace(name)) }
	return !l.Archived() && !o.Archived() && fold(l.Name) == fold(o.Name)
}

// Room returns ErrTooMany, ErrTooManyDynamic or ErrTooManyArchived if a project with the lists has no room for another of the kind.
func Room(lists []List, k Kind) error {
	used, dynamic := 0, 0
	for _, l := range lists {
		if !l.Archived() {
			used++
		}
		if !l.Archived() && l.Kind == Dynamic {
			dynamic++
		}
	}
	switch {
	case used >= MaxLists:
		return ErrTooMany
	case k == Dynamic && dynamic >= MaxDynamic:
		return ErrTooManyDynamic
	case len(lists) >= MaxArchived:
		return ErrTooManyArchived
	}
	return nil
}

const (
	// MaxLists is how many lists in use a project has at most.
	MaxLists = 500
	// MaxDynamic is how many dynamic lists in use a project has at most: each change of a user is held against every rule.
	MaxDynamic = 100
	// MaxArchived is how many lists a project has at most with those that are archived: all are read at once.
	MaxArchived = 1000
	// MaxBatch is how many members one call adds or removes at most.
	MaxBatch = 100

	maxName        = 255  // characters
	maxDescription = 1000 // characters
)

// Errors that callers branch on. A store returns them bare or wrapped; test with errors.Is.
var (
	// ErrNotFound says that a list is not one of the project.
	ErrNotFound = errors.New("there is no such list in the project")
	// ErrExists says that a list in use has that name.
	ErrExists = errors.New("the project has a list in use of that name")
	// ErrArchived says that a list is archived, and so cannot change any more.
	ErrArchived = errors.New("the list is archived")
	// ErrTooMany says that the project has MaxLists lists in use.
	ErrTooMany = errors.New("the project has 500 lists in use, and may have no more; archive one first")
	// ErrTooManyDynamic says that the project has MaxDynamic dynamic lists in use.
	ErrTooManyDynamic = errors.New("the project has 100 dynamic lists in use, and may have no more; archive one first")
	// ErrTooManyArchived says that the project has MaxArchived lists with those that are archived.
	ErrTooManyArchived = errors.New("the project has 1,000 lists with those that are archived, and may have no more")
	// ErrKind says that a list is of another kind than the call is for.
	ErrKind = errors.New("the list is of the wrong kind")
)

// Fault is one thing that is wrong with what somebody sent: the name of the field on the wire, and what.
type Fault struct{ Field, Detail string }

// Check returns what is wrong with name, description and kind, in the order of the fields; nothing if they are valid.
func (l List) Check() []Fault {
	faults := append(checkName(l.Name), checkDescription(l.Description)...)
	if !l.Kind.Valid() {
		faults = append(faults, Fault{"type", "must be static or dynamic"})
	}
	return faults
}

func checkName(name string) []Fault {
	if n := utf8.RuneCountInString(name); n < 1 || n > maxName {
		return []Fault{{"name", "must have 1 to 255 characters"}}
	}
	if err := label.Check(name); err != nil {
		return []Fault{{"name", err.Error()}}
	}
	return nil
}

func checkDescription(description string) []Fault {
	if utf8.RuneCountInString(description) > maxDescription {
		return []Fault{{"description", "must have at most 1,000 characters"}}
	}
	return nil
}
