// Package consent is the domain of permission: subscription groups and their three states, the ledger of
// changes, suppressed addresses, and the meaning of inbound SMS words. It knows nothing of HTTP, storage
// or profiles, and its functions are pure.
package consent

import (
	"maps"
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

// How says by which way a change came.
type How string

// The ways.
const (
	ByAPI        How = "api"
	ByPage       How = "preference_center"
	ByOneClick   How = "one_click"
	ByInboundSMS How = "inbound_sms"
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

// Change is a new state of one group and the ledger line that records it.
type Change struct {
	// To replaces the stored subscription; nil makes the group not set. It is ignored when Keep is true.
	To    *Subscription
	Keep  bool // the stored subscription stays as it is; only the line is written
	Event Event
}

// Standing is where a user stands with one group.
type Standing struct {
	Group Group
	State State // what the user said
	// Effective is Subscribed or Unsubscribed: State, or what applies where it is NotSet.
	Effective State
	Source    Source // where Effective comes from
	// Suppressed reports whether the user's address on the group's channel is held: no word of the user's helps.
	Suppressed bool
	// LeftBefore reports whether an erased user of the same address had left the group: the user's own word on the
	// preference page brings it back, and nothing else does.
	LeftBefore bool
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
