package consent

import "time"

// Message is what somebody wants to send.
type Message struct {
	Channel Channel
	// Group is what the message belongs to; nil for a transactional one (a receipt, a password reset), which belongs to none.
	Group *Group
	// OptIn says that the project sends to nobody who did not ask for it: its default is Unsubscribed.
	OptIn bool
}

// Recipient is what decides whether a user may be sent something.
type Recipient struct {
	// Address says that the user can be reached on the channel: has an e-mail address or a phone number. The other
	// channels need no address of ours.
	Address bool
	// Subscriptions is what the user said, by group id.
	Subscriptions map[string]Subscription
	// Suppressions is what is known of the user's address on the channel, and of all addresses on AnyChannel.
	Suppressions []Suppression
}

// Decision is the answer to "may I send?". It has a reason for every obstacle, and none when it allows.
type Decision struct {
	Allowed bool
	Reasons []Reason
}

// Reason is one obstacle.
type Reason struct {
	Code Code
	Kind Kind      // of a suppression
	How  How       // by which way the user unsubscribed
	From Source    // whose default it is, of who did not opt in
	At   time.Time // since when; zero if that is not known
}

// Code names an obstacle.
type Code string

// The codes.
const (
	NoUser        Code = "no_user"        // nobody is known by that name
	NoAddress     Code = "no_address"     // the user has no address on the channel
	IsSuppressed  Code = "suppressed"     // the address is suppressed
	LeftBefore    Code = "left_before"    // an erased user of the same address had left the group
	HasLeft       Code = "unsubscribed"   // the user left the group
	NotOptedIn    Code = "not_opted_in"   // the user said nothing, and the default is unsubscribed
	GroupArchived Code = "group_archived" // the group is out of use
	OtherChannel  Code = "other_channel"  // the group is of another channel than the message
)

// Deny returns a decision against sending for one reason.
func Deny(r Reason) Decision { return Decision{Reasons: []Reason{r}} }

// MaySend decides whether the message may be sent to the recipient. Whatever filters recipients calls it, so that there is
// one answer. It denies when in doubt.
//
// A message of a group needs a group in use, of its channel, that the user is subscribed to, by own word or by default,
// and an address that is not suppressed. A transactional message is held back by complaints, by legal reasons and
// for want of an address only: who unsubscribed from everything still gets the password reset.
func MaySend(m Message, r Recipient) Decision {
	var reasons []Reason
	if !r.Address {
		reasons = append(reasons, Reason{Code: NoAddress})
	}
	for _, s := range r.Suppressions {
		reasons = append(reasons, m.holds(s)...)
	}
	if m.Group != nil {
		reasons = append(reasons, m.obstacles(r)...)
	}
	return Decision{Allowed: len(reasons) == 0, Reasons: reasons}
}

// holds returns the holds of a suppression that stop the message.
func (m Message) holds(s Suppression) []Reason {
	var reasons []Reason
	for _, h := range s.Holds() {
		if m.Group != nil || h.Kind.Absolute() {
			reasons = append(reasons, Reason{Code: IsSuppressed, Kind: h.Kind, At: h.Since})
		}
	}
	return reasons
}

// obstacles returns what stops a message of a group, suppressed addresses aside.
func (m Message) obstacles(r Recipient) []Reason {
	var reasons []Reason
	if m.Group.Archived() {
		reasons = append(reasons, Reason{Code: GroupArchived, At: m.Group.ArchivedAt})
	}
	if m.Group.Channel != m.Channel {
		reasons = append(reasons, Reason{Code: OtherChannel})
	}
	for _, s := range r.Suppressions {
		if s.left(m.Group.ID) && !returned(r.Subscriptions, m.Group.ID, s.LeftAt) {
			reasons = append(reasons, Reason{Code: LeftBefore, At: s.LeftAt})
		}
	}
	own, from := Effective(r.Subscriptions, *m.Group, m.OptIn)
	switch {
	case own.State == Subscribed:
	case from == FromUser:
		reasons = append(reasons, Reason{Code: HasLeft, How: own.How, At: own.At})
	default:
		reasons = append(reasons, Reason{Code: NotOptedIn, From: from})
	}
	return reasons
}

// returned reports whether the recipient, on the preference page, joined a group after an erased user of the same
// address had left it. An API call of whoever holds the list does not count: that is what the refusal is against.
func returned(subscriptions map[string]Subscription, group string, since time.Time) bool {
	own, _ := Said(subscriptions, group)
	return own.State == Subscribed && own.How == ByPage && own.At.After(since)
}

// Said returns what the user said of the group: of the group itself, or else of AllGroups; false if of neither.
func Said(subscriptions map[string]Subscription, group string) (Subscription, bool) {
	if s, ok := subscriptions[group]; ok {
		return s, true
	}
	s, ok := subscriptions[AllGroups]
	return s, ok
}

// Effective returns the subscription that applies to a user in a group, and where it comes from: what the user said,
// else the group's default, else the project's. Its state is never NotSet; of a default it has no way and no time.
func Effective(subscriptions map[string]Subscription, g Group, optIn bool) (Subscription, Source) {
	if s, ok := Said(subscriptions, g.ID); ok && s.State != NotSet {
		return s, FromUser
	}
	if g.Default == Subscribed || g.Default == Unsubscribed {
		return Subscription{State: g.Default}, FromGroupDefault
	}
	if optIn {
		return Subscription{State: Unsubscribed}, FromProjectDefault
	}
	return Subscription{State: Subscribed}, FromProjectDefault
}

// StandingOf returns where a user stands with a group, given all that is known of the user's addresses there.
func StandingOf(subscriptions map[string]Subscription, g Group, optIn bool, suppressions []Suppression) Standing {
	own, from := Effective(subscriptions, g, optIn)
	st := Standing{Group: g, State: StateOf(subscriptions, g.ID), Effective: own.State, Source: from}
	for _, s := range suppressions {
		st.Suppressed = st.Suppressed || len(s.Holds()) > 0
		st.LeftBefore = st.LeftBefore || s.left(g.ID) && !returned(subscriptions, g.ID, s.LeftAt)
	}
	if st.Suppressed || st.LeftBefore {
		st.Effective, st.Source = Unsubscribed, FromSuppression
	}
	return st
}
