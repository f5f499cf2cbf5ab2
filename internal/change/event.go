package change

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/user"
)

// The types of events.
const (
	UserCreated         = "user.created"
	UserUpdated         = "user.updated"
	UserDeleted         = "user.deleted"
	UserMerged          = "user.merged"
	SubscriptionChanged = "subscription.changed"
	ListUserAdded       = "list.user.added"
	ListUserRemoved     = "list.user.removed"
)

// Event is what is published of one record. It names users by id, and holds no address, no external id and no value of a
// field.
type Event struct {
	Type string `json:"-"`
	// ID is the same on every delivery of the event: a receiver that has seen it drops the event.
	ID        string `json:"id"`
	ProjectID string `json:"project_id"`
	UserID    string `json:"user_id"`
	// Sequence orders the events of one user, which may arrive in any order: it is a whole number of up to 40 digits, so
	// of two the longer is the later one, and of two of the same length that which sorts later.
	Sequence string    `json:"sequence"`
	At       time.Time `json:"at"` // about, to the second

	Version    *int64   `json:"version,omitempty"`     // of the profile, of events about it
	Changed    []string `json:"changed,omitempty"`     // names of fields; of data with the key, as data.plan
	More       bool     `json:"more,omitempty"`        // Changed is cut short
	MergedInto string   `json:"merged_into,omitempty"` // user id
	Group      string   `json:"group,omitempty"`       // subscription group id, or "*"

	From   consent.State `json:"from,omitempty"`
	To     consent.State `json:"to,omitempty"`
	How    consent.How   `json:"how,omitempty"`
	ListID string        `json:"list_id,omitempty"`
}

// Entry is an event in the form in which it is published.
type Entry struct {
	Type   string
	Detail string // JSON
	At     time.Time
}

// entry returns the event in the form in which it is published.
func (e Event) entry() Entry {
	detail, err := json.Marshal(e)
	if err != nil {
		panic(err) // texts, numbers and a time of this century
	}
	return Entry{Type: e.Type, Detail: string(detail), At: e.At}
}

// Event returns what is published of the record, and whether anything is. Nothing is if nobody could see a difference.
func (r Record) Event() (Event, bool) {
	e := Event{ID: r.ID, ProjectID: r.ProjectID, UserID: r.UserID, Sequence: r.Sequence, At: r.At}
	switch {
	case r.Profile != nil:
		e.profile(*r.Profile)
	case r.Consent != nil && r.Consent.Group != "" && r.Consent.From != r.Consent.To:
		e.Type = SubscriptionChanged
		e.Group, e.From, e.To, e.How = r.Consent.Group, r.Consent.From, r.Consent.To, r.Consent.How
	case r.Member != nil:
		e.ListID, e.Type = r.Member.ListID, ListUserRemoved
		if r.Member.Added {
			e.Type = ListUserAdded
		}
	}
	return e, e.Type != ""
}

// profile makes the event that of a change of a profile; of one that nobody sees it has no type.
func (e *Event) profile(p Profile) {
	switch {
	case p.Before == nil && p.After == nil:
	case p.Before == nil:
		e.Type, e.Version = UserCreated, &p.After.Version
	case p.After != nil:
		if e.Changed, e.More = changed(*p.Before, *p.After); len(e.Changed) > 0 {
			e.Type, e.Version = UserUpdated, &p.After.Version
		}
	case p.MergedInto != "":
		e.Type, e.MergedInto, e.Version = UserMerged, p.MergedInto, &p.Before.Version
	default:
		e.Type, e.Version = UserDeleted, &p.Before.Version
	}
}

// maxNames is how many bytes the keys of data take at most: an event holds 256 KB, a profile may have keys of 400 KB, and
// a byte takes up to six in JSON.
const maxNames = 32 << 10

// changed returns the names of the fields that differ, contact fields first and keys of data sorted, and whether there are
// more than an event can hold. States of subscriptions have events of their own.
func changed(before, after user.User) (names []string, more bool) {
	for _, field := range []struct {
		name    string
		differs bool
	}{
		{"email", before.Email != after.Email},
		{"phone", before.Phone != after.Phone},
		{"timezone", before.Timezone != after.Timezone},
		{"locale", before.Locale != after.Locale},
		{"identifiers", !sameIdentifiers(before.Identifiers, after.Identifiers)},
	} {
		if field.differs {
			names = append(names, field.name)
		}
	}
	size := 0
	for _, key := range changedKeys(before.Data, after.Data) {
		if size += len(key); size > maxNames {
			return names, true
		}
		names = append(names, "data."+key)
	}
	return names, false
}

// changedKeys returns the keys that one of the objects lacks or whose values differ, sorted.
func changedKeys(before, after map[string]any) []string {
	keys := map[string]bool{}
	for k, v := range after {
		if old, ok := before[k]; !ok || !user.Equal(old, v) {
			keys[k] = true
		}
	}
	for k := range before {
		if _, ok := after[k]; !ok {
			keys[k] = true
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

func sameIdentifiers(before, after []user.Identifier) bool {
	return slices.EqualFunc(before, after, func(a, b user.Identifier) bool {
		return a.ID == b.ID && a.Pair == b.Pair && len(changedKeys(a.Metadata, b.Metadata)) == 0
	})
}
