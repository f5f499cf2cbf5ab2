package consent

import (
	"maps"
	"slices"
	"time"
)

// AnyChannel, in place of a channel, suppresses an address wherever it is met: whoever has it gets nothing on any
// channel.
const AnyChannel Channel = "*"

// Kind says why an address is suppressed.
type Kind string

// The kinds.
const (
	Complaint Kind = "complaint" // the recipient reported a message as spam
	Legal     Kind = "legal"     // a court, an authority or a lawyer says so
	Bounce    Kind = "bounce"    // the address takes no mail
	Manual    Kind = "manual"    // somebody decided
	Stopped   Kind = "stop"      // the recipient answered STOP; only a START, or a person with a reason, lifts it
)

// Valid reports whether k is one of the kinds.
func (k Kind) Valid() bool {
	return k == Complaint || k == Legal || k == Bounce || k == Manual || k == Stopped
}

// Absolute reports whether the kind holds back transactional messages too.
func (k Kind) Absolute() bool { return k == Complaint || k == Legal }

// Hold is one reason for which an address is suppressed. An address may have one of each kind.
type Hold struct {
	Kind   Kind
	Source string // who says so: a provider, a system, a team
	Reason string // as it was stated
	Since  time.Time
}

// Suppression is all that is known of one address on one channel, or on AnyChannel, whoever has it.
type Suppression struct {
	Channel Channel
	// Held are the holds that somebody set, by kind; never one of kind Stopped.
	Held map[Kind]Hold
	// Inbound is the newest STOP or START that came from the address; zero when none did.
	Inbound Inbound
	// Groups are the ids of groups that an erased user of this address had left, AllGroups among them for one who had
	// left everything; LeftAt is when the newest of them was erased.
	Groups []string
	LeftAt time.Time
}

// Holds returns the holds of the address as a whole, by kind.
func (s Suppression) Holds() []Hold {
	holds := slices.SortedFunc(maps.Values(s.Held), func(a, b Hold) int { return compareKinds(a.Kind, b.Kind) })
	if s.Inbound.Verdict == Stop {
		holds = append(holds, Hold{Kind: Stopped, Source: string(ByInboundSMS), Since: s.Inbound.At})
	}
	return holds
}

func compareKinds(a, b Kind) int {
	order := []Kind{Complaint, Legal, Bounce, Manual, Stopped}
	return slices.Index(order, a) - slices.Index(order, b)
}

// left reports whether an erased user of the address had left the group.
func (s Suppression) left(group string) bool {
	return slices.Contains(s.Groups, group) || slices.Contains(s.Groups, AllGroups)
}

// Inbound is a STOP or START of a recipient.
type Inbound struct {
	Verdict   Verdict // Stop or Start; "" when there was none
	MessageID string
	Rule      string // which word or phrase was read so; evidence for the ledger, and not kept with the address
	At        time.Time
	// Actor and RequestID say who decided what the text means, and in which request; "" when a rule did. They are
	// evidence as well.
	Actor, RequestID string
}

// SuppressionChange asks to suppress an address, or to lift that.
type SuppressionChange struct {
	Lift     bool
	Hold     Hold
	Evidence Evidence
}

// Event returns the ledger line of the change, given whether the address was held for that kind before.
func (c SuppressionChange) Event(id string, channel Channel, held bool, at time.Time) Event {
	state := func(held bool) State {
		if held {
			return Unsubscribed
		}
		return NotSet
	}
	e := Event{ID: id, Channel: channel, From: state(held), To: state(!c.Lift), How: ByAdmin, Evidence: c.Evidence, At: at}
	e.Evidence.Kind, e.Evidence.Reason = c.Hold.Kind, c.Hold.Reason
	return e
}
