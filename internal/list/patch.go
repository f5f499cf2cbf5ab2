package list

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrNotReady says that members are still being copied into a static list.
var ErrNotReady = errors.New("the members of the list are still being copied")

// Patch is a change of a list; nil keeps what is stored. The kind never changes.
type Patch struct {
	Name, Description *string
	Rule              *string // in canonical form
}

// Check returns what is wrong with name and description, as far as they are given, in this order; nothing if they are valid.
func (p Patch) Check() []Fault {
	var faults []Fault
	if p.Name != nil {
		faults = checkName(*p.Name)
	}
	if p.Description != nil {
		faults = append(faults, checkDescription(*p.Description)...)
	}
	return faults
}

// Apply changes the list. It returns ErrArchived, or ErrKind for a rule of a static list, and then the list is as it was.
func (p Patch) Apply(l *List, now time.Time) error {
	switch {
	case l.Archived():
		return ErrArchived
	case p.Rule != nil && l.Kind != Dynamic:
		return ErrKind
	}
	old := *l
	set(&l.Name, p.Name)
	set(&l.Description, p.Description)
	if p.Rule != nil {
		l.SetRule(*p.Rule)
	}
	if *l != old {
		l.UpdatedAt = now
	}
	return nil
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

// SetRule gives a dynamic list another rule, in canonical form, whose members have to be looked for. The rule that the
// list has changes nothing.
func (l *List) SetRule(rule string) {
	if rule != l.Rule {
		l.Rule, l.Revision, l.Status = rule, l.Revision+1, Building
	}
}

// Archive takes the list out of use. Again is no change.
func (l *List) Archive(now time.Time) {
	if !l.Archived() {
		l.ArchivedAt, l.UpdatedAt = now, now
	}
}

// Duplicate returns a list in use that still has to get the members of l: a static one copies them, a dynamic one looks
// for them by the same rule. A static list whose own members are still being copied is ErrNotReady.
func (l List) Duplicate(id, name string, now time.Time) (List, error) {
	d := List{
		ID: id, ProjectID: l.ProjectID, Kind: l.Kind, Name: name, Description: l.Description, CreatedAt: now, UpdatedAt: now,
	}
	switch {
	case l.Status == Copying:
		return List{}, ErrNotReady
	case l.Kind == Dynamic:
		d.SetRule(l.Rule)
	default:
		d.CopyOf, d.Status = l.ID, Copying
	}
	return d, nil
}

// CopyName returns a name for a duplicate that none of the lists in use has: "Copy of" the name, cut to the length that a
// name may have, with a number behind it where that is needed.
func CopyName(name string, all []List) string {
	for n := 1; ; n++ {
		end := ""
		if n > 1 {
			end = fmt.Sprintf(" %d", n)
		}
		text := []rune("Copy of " + name)
		c := List{Name: string(text[:min(len(text), maxName-len(end))]) + end}
		if !slices.ContainsFunc(all, c.Alike) {
			return c.Name
		}
	}
}

// Shows is the rule whose members the list shows. all says that it shows all who are in it; else it shows those of them
// whom the rule matches, and where the rule is "" nobody.
func (l List) Shows() (rule string, all bool) {
	if l.Kind == Static || l.Status == Ready {
		return "", true
	}
	return l.Published, false
}
