// Package bus is EventBridge as far as functions use it: event buses that take events, and a memory of the newest of
// them to be looked at. There are no rules, so nobody gets an event.
//
// Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
package bus

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"lunogram-users/internal/local/sam"
)

// What is kept: the newest events, as far as both bounds allow.
const (
	maxEvents = 10_000
	maxBytes  = 64 << 20
)

// Event is an event as a target of a rule would get it.
type Event struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       time.Time       `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

// Buses are the event buses of a template. Its methods may be called concurrently.
type Buses struct {
	names map[string]bool // names and ARNs
	now   func() time.Time

	mu     sync.Mutex
	events []Event // oldest first
	bytes  int     // of their details
	total  int     // that ever came
}

// New returns the buses that a template has, and the default one of the account. now tells the time of events that have
// none of their own; time.Now if nil.
func New(buses []*sam.Bus, now func() time.Time) *Buses {
	if now == nil {
		now = time.Now
	}
	b := &Buses{names: map[string]bool{"": true, "default": true}, now: now}
	for _, bus := range buses {
		b.names[bus.Name], b.names[bus.ARN] = true, true
	}
	return b
}

// put keeps the event of an entry and returns its id.
func (b *Buses) put(e entry) string {
	event := Event{
		Version: "0", ID: uuid.NewString(), DetailType: e.DetailType, Source: e.Source, Account: sam.AccountID,
		Time: e.at(b.now()).UTC().Truncate(time.Second), Region: sam.Region, Resources: append([]string{}, e.Resources...),
		Detail: json.RawMessage(e.Detail),
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.total++
	b.bytes += len(event.Detail)
	b.events = append(b.events, event)
	for len(b.events) > maxEvents || b.bytes > maxBytes {
		b.bytes -= len(b.events[0].Detail)
		b.events = b.events[1:]
	}
	return event.ID
}

// Events returns the events that are kept, oldest first, and how many ever came. A detail type that is not "" leaves the
// others out; so does after, the id of an event, with all up to that one. An id that is not known, or not any more, leaves
// none out.
func (b *Buses) Events(detailType, after string) (events []Event, total int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	first := slices.IndexFunc(b.events, func(e Event) bool { return after != "" && e.ID == after }) + 1
	events = slices.Clone(b.events[first:])
	return slices.DeleteFunc(events, func(e Event) bool { return detailType != "" && e.DetailType != detailType }), b.total
}
