// Package consent is the domain of permission: subscription groups and their three states, the ledger of
// changes, suppressed addresses, and the meaning of inbound SMS words. It knows nothing of HTTP, storage
// or profiles, and its functions are pure.
package consent

import (
	"maps"
	"slices"
	"time"
)

// State is what a user said of a subscription group.
type State string

// The three states.
const (
	Subscribed   State = "subscribed"
	Unsubscribed State = "unsubscribed"
	// NotSet is the state of who said nothing: the group's default applies, then the project's.
	NotSet State = "not_set"
)

// Channel is a way to reach a person.
type Channel string

// The channels.
const (
	Email Channel = "email"
	SMS   Channel = "sms"
	Push  Channel = "push"
	InApp Channel = "in_app"
)

// Valid reports whether c is one of the channels.
func (c Channel) Valid() bool {
	return c == Email || c == SMS || c == Push || c == InApp
}

// Group is a subscription group: one kind of message on one channel.
type Group struct {
	ID        string // UUIDv7
	ProjectID string
	Name      string
	// Description tells recipients what they get; "" says nothing.
	Description string
	Channel     Channel
	Public      bool // shown to recipients
	CreatedAt   time.Time
}

// MaxGroups is how many groups a project has at most, so that all of a user's states change in one transaction.
const MaxGroups = 50

// How says by which way a change came.
type How string

// The ways.
const (
	ByAPI        How = "api"
	ByPage       How = "preference_center"
	ByOneClick   How = "one_click"
	ByInboundSMS How = "inbound_sms"
	ByImport     How = "import"
	ByAdmin      How = "admin"
	ByMerge      How = "merge"
)

// Subscription is what is stored of a user and a group whose state is set.
type Subscription struct {
	State State // Subscribed or Unsubscribed
	How   How
	At    time.Time // when the user said so
	// Prior is the state that an inbound STOP replaced, and a START gives back; "" when no STOP is in force.
	Prior State
}

// Stricter reports whether s is a refusal that goes further than t, the zero value standing for not set:
// a refusal goes further than none, and one that only the recipient's own choice lifts further than a STOP,
// which a START lifts.
func (s Subscription) Stricter(t Subscription) bool {
	if s.State != Unsubscribed {
		return false
	}
	return t.State != Unsubscribed || s.Prior == "" && t.Prior != ""
}

// StateOf returns the state of the group among the subscriptions of a user.
func StateOf(subscriptions map[string]Subscription, group string) State {
	if s, ok := subscriptions[group]; ok {
		return s.State
	}
	return NotSet
}

// Event is one line of the append-only ledger.
type Event struct {
	ID       string // time-ordered, see EventID
	Group    string // group id
	Channel  Channel
	From, To State // equal when nothing changed
	How      How
	Evidence Evidence
	At       time.Time // when it happened
}

// Evidence is what proves a change.
type Evidence struct {
	MessageID string // of the provider, for an inbound message
	RequestID string // of our own API
	UserID    string // the absorbed user, for a merge
	Address   string // the IP address of who used a link, if the project keeps it
	UserAgent string // the browser, if the project keeps it
}

// Change is a new state of one group and the ledger line that records it.
type Change struct {
	// To replaces the stored subscription; nil makes the group not set. It is ignored when Keep is true.
	To    *Subscription
	Keep  bool // the stored subscription stays as it is; only the line is written
	Event Event
}

// Suppression is an address that must not be messaged on a channel, whoever has it.
type Suppression struct {
	// Inbound is the newest STOP or START that came from the address; zero when none did.
	Inbound Inbound
	// Groups are the ids of groups that an erased user of this address had left.
	Groups []string
}

// Inbound is a STOP or START of a recipient.
type Inbound struct {
	Verdict   Verdict // Stop or Start; "" when there was none
	MessageID string
	At        time.Time
}

// Suppresses reports whether the address must not get messages of the group.
func (s Suppression) Suppresses(group string) bool {
	if s.Inbound.Verdict == Stop {
		return true
	}
	return slices.Contains(s.Groups, group)
}

// Standing is where a user stands with one group.
type Standing struct {
	Group Group
	State State // what the user said
	// Effective is Subscribed or Unsubscribed: State, or what applies where it is NotSet.
	Effective State
	Source    Source // where Effective comes from
	// Suppressed reports whether the user's address on the group's channel is suppressed for it.
	Suppressed bool
}

// Apply returns a new map of the subscriptions as the changes leave them.
func Apply(current map[string]Subscription, changes []Change) map[string]Subscription {
	out := make(map[string]Subscription, len(current)+len(changes))
	maps.Copy(out, current)
	for _, c := range changes {
		switch {
		case c.Keep:
		case c.To == nil:
			delete(out, c.Event.Group)
		default:
			out[c.Event.Group] = *c.To
		}
	}
	return out
}
