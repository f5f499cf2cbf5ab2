package consent

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/google/uuid"
)

// Verdict is what an inbound message asks for.
type Verdict string

// The verdicts.
const (
	None  Verdict = ""      // nothing: an ordinary message
	Stop  Verdict = "stop"  // no more messages
	Start Verdict = "start" // take the stop back
	Help  Verdict = "help"  // say who this is
	// Unclear is the verdict on a message that holds words of refusal and matches no rule. A person must read it: see Review.
	Unclear Verdict = "unclear"
)

// ApplyInbound returns what a STOP or START does to the SMS groups in use among groups, given a user's current
// subscriptions: one change per SMS group, in the order of groups, for each writes a ledger line also when the
// state stays as it is. Any other verdict returns nil. Nothing is modified.
//
// STOP unsubscribes and remembers the state that it replaced. START gives that state back, and only that: a
// group that the user left in another way stays left. Late says that a newer STOP or START of the same
// address has been applied, so that this one is recorded and changes nothing; so is a message that is older
// than what the user said of the group since.
//
// A message applied twice gives lines of the same ids (see EventID), of which a store keeps the first.
func ApplyInbound(current map[string]Subscription, groups []Group, in Inbound, late bool) []Change {
	if in.Verdict != Stop && in.Verdict != Start {
		return nil
	}
	var changes []Change
	for _, g := range groups {
		if g.Channel != SMS || g.Archived() {
			continue
		}
		sub, set := current[g.ID]
		c := Change{Keep: true}
		if !late && !(set && sub.At.After(in.At)) {
			c = in.change(sub, StateOf(current, g.ID))
		}
		c.Event = in.event(g, StateOf(current, g.ID), c)
		changes = append(changes, c)
	}
	return changes
}

// change returns the effect on one subscription, the zero value when the state is NotSet.
func (in Inbound) change(sub Subscription, state State) Change {
	switch {
	case in.Verdict == Stop && state != Unsubscribed:
		return Change{To: &Subscription{State: Unsubscribed, How: ByInboundSMS, At: in.At, Prior: state}}
	case in.Verdict == Start && state == Unsubscribed && sub.How == ByInboundSMS && sub.Prior == Subscribed:
		return Change{To: &Subscription{State: Subscribed, How: ByInboundSMS, At: in.At}}
	case in.Verdict == Start && state == Unsubscribed && sub.How == ByInboundSMS && sub.Prior == NotSet:
		return Change{}
	default:
		return Change{Keep: true}
	}
}

// event returns the ledger line of a change from the state.
func (in Inbound) event(g Group, from State, c Change) Event {
	to := from
	switch {
	case c.Keep:
	case c.To == nil:
		to = NotSet
	default:
		to = c.To.State
	}
	return Event{
		ID: EventID(in.At, in.MessageID, g.ID), Group: g.ID, Channel: g.Channel, From: from, To: to,
		How: ByInboundSMS, At: in.At,
		Evidence: Evidence{MessageID: in.MessageID, Rule: in.Rule, Actor: in.Actor, RequestID: in.RequestID},
	}
}

// EventID returns the id of the ledger line of something that happened at a time and is named by the parts: a
// UUIDv7 (RFC 9562, section 5.7) whose 74 free bits are not random but a hash of the parts, so that ids sort
// by time to the millisecond and the same occurrence, delivered again, has the same id.
func EventID(at time.Time, parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		hashField(h, p)
	}
	var stamp [8]byte
	binary.BigEndian.PutUint64(stamp[:], uint64(at.UnixMilli()))
	var id uuid.UUID
	copy(id[:6], stamp[2:]) // 48 bits
	copy(id[6:], h.Sum(nil))
	id[6] = id[6]&0x0f | 0x70 // version 7
	id[8] = id[8]&0x3f | 0x80 // variant of RFC 9562
	return id.String()
}
