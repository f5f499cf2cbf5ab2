// Package queue is SQS in memory: standard queues with visibility timeouts, receive counts and dead-letter
// queues, the event source mapping that feeds them to functions, and as much of the HTTP protocol as senders
// and tests need.
//
// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues.html
package queue

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"lunogram-users/internal/local/journal"
)

// MaxBody is the size of the largest message, in bytes.
// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const MaxBody = 1 << 20

// ErrTooLarge says that a message exceeds MaxBody.
var ErrTooLarge = errors.New("the message is larger than 1 MB")

// ErrReceipt says that a receipt handle is not one of a message in flight.
var ErrReceipt = errors.New("the receipt handle is not valid")

// Attribute is a message attribute, as SendMessage takes it.
type Attribute struct {
	DataType    string `json:"DataType"`
	StringValue string `json:"StringValue,omitempty"`
	BinaryValue []byte `json:"BinaryValue,omitempty"`
}

// Message is a message of a queue, as a receiver gets it.
type Message struct {
	ID           string
	Receipt      string
	Body         string
	MD5          string // of the body, hex
	Attributes   map[string]Attribute
	Sent         time.Time
	FirstReceive time.Time
	Receives     int
	Origin       string // name of the queue whose dead letter it is; "" if it is none
}

// Config makes a Queue.
type Config struct {
	Name       string
	ARN        string
	URL        string
	Visibility time.Duration // of a received message, until it may be received again
	Delay      time.Duration // until a sent message may be received
	DeadLetter *Queue        // gets messages that were received MaxReceive times; nil keeps them
	MaxReceive int
	Copies     int              // how often each sent message is there, as a standard queue may deliver one twice; 1 if 0
	Journal    *journal.Journal // keeps messages across restarts; nil keeps none
	Now        func() time.Time // time.Now if nil
}

// Queue is a standard queue. Its methods may be called concurrently.
type Queue struct {
	Config

	mu       sync.Mutex
	messages []*stored
	changed  chan struct{} // closed and replaced when a message may have become visible
}

// stored is a message with what only the queue knows of it.
type stored struct {
	Message
	entry   string // of the journal
	visible time.Time
}

// kept is the form of a message in the journal.
type kept struct {
	ID         string
	Body       string
	Attributes map[string]Attribute
	Sent       time.Time
	Visible    time.Time // at first; zero for at once
	Origin     string
}

// New returns a queue with the messages that its journal kept. It returns an error if one cannot be read.
func New(c Config) (*Queue, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	q := &Queue{Config: c, changed: make(chan struct{})}
	for _, e := range c.Journal.Waiting(q.target()) {
		var k kept
		if err := json.Unmarshal(e.Body, &k); err != nil {
			return nil, fmt.Errorf("read a message of queue %s: %w", c.Name, err)
		}
		q.messages = append(q.messages, &stored{Message: k.message(), entry: e.ID, visible: k.Visible})
	}
	return q, nil
}

func (q *Queue) target() string { return "queue " + q.Name }

func (k kept) message() Message {
	return Message{ID: k.ID, Body: k.Body, MD5: checksum(k.Body), Attributes: k.Attributes, Sent: k.Sent, Origin: k.Origin}
}

func checksum(body string) string {
	sum := md5.Sum([]byte(body))
	return hex.EncodeToString(sum[:])
}

// Send adds a message and returns its id. A negative delay means the queue's own. It returns ErrTooLarge, or an
// error of the journal.
func (q *Queue) Send(body string, attributes map[string]Attribute, delay time.Duration) (id string, err error) {
	if len(body) > MaxBody {
		return "", ErrTooLarge
	}
	if delay < 0 {
		delay = q.Delay
	}
	now := q.Now()
	k := kept{ID: uuid.NewString(), Body: body, Attributes: attributes, Sent: now, Visible: now.Add(delay)}
	for range max(q.Copies, 1) {
		if err := q.add(k); err != nil {
			return "", err
		}
	}
	return k.ID, nil
}

// add appends a message and wakes receivers.
func (q *Queue) add(k kept) error {
	body, err := json.Marshal(k)
	if err != nil {
		return err
	}
	entry, err := q.Journal.Add(q.target(), body)
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.messages = append(q.messages, &stored{Message: k.message(), entry: entry, visible: k.Visible})
	q.wake()
	return nil
}

// wake tells waiting receivers to look again.
func (q *Queue) wake() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// Receive returns at most limit visible messages and hides them for the visibility timeout; a negative one
// means the queue's own. A message that was received MaxReceive times before goes to the dead-letter queue
// instead.
func (q *Queue) Receive(limit int, visibility time.Duration) []Message {
	if visibility < 0 {
		visibility = q.Visibility
	}
	received, dead := q.take(limit, visibility)
	for _, m := range dead {
		k := kept{ID: m.ID, Body: m.Body, Attributes: m.Attributes, Sent: m.Sent, Origin: q.Name}
		if q.DeadLetter.add(k) == nil {
			q.Journal.Done(m.entry)
		}
	}
	return received
}

func (q *Queue) take(limit int, visibility time.Duration) (received []Message, dead []*stored) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.Now()
	q.messages = slices.DeleteFunc(q.messages, func(m *stored) bool {
		if len(received) == limit || m.visible.After(now) {
			return false
		}
		if q.DeadLetter != nil && m.Receives >= q.MaxReceive {
			dead = append(dead, m)
			return true
		}
		m.Receives++
		m.Receipt = uuid.NewString()
		m.visible = now.Add(visibility)
		if m.FirstReceive.IsZero() {
			m.FirstReceive = now
		}
		received = append(received, m.Message)
		return false
	})
	return received, dead
}

// Delete removes a received message. It returns ErrReceipt if the handle is not that of its last receive.
func (q *Queue) Delete(receipt string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := q.find(receipt)
	if i < 0 {
		return ErrReceipt
	}
	q.Journal.Done(q.messages[i].entry)
	q.messages = slices.Delete(q.messages, i, i+1)
	return nil
}

// ChangeVisibility hides a received message for d from now; 0 lets it be received at once. It returns ErrReceipt
// as Delete does.
func (q *Queue) ChangeVisibility(receipt string, d time.Duration) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := q.find(receipt)
	if i < 0 {
		return ErrReceipt
	}
	q.messages[i].visible = q.Now().Add(d)
	q.wake()
	return nil
}

func (q *Queue) find(receipt string) int {
	return slices.IndexFunc(q.messages, func(m *stored) bool { return receipt != "" && m.Receipt == receipt })
}

// Count returns how many messages may be received now and how many are hidden: in flight, or delayed.
func (q *Queue) Count() (visible, inFlight, delayed int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.Now()
	for _, m := range q.messages {
		switch {
		case !m.visible.After(now):
			visible++
		case m.Receives > 0:
			inFlight++
		default:
			delayed++
		}
	}
	return visible, inFlight, delayed
}

// Purge removes all messages.
func (q *Queue) Purge() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.messages {
		q.Journal.Done(m.entry)
	}
	q.messages = nil
}

// next returns a channel that is closed when something changed, and how long until a hidden message shows.
func (q *Queue) next() (changed <-chan struct{}, in time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	in = time.Hour
	for _, m := range q.messages {
		in = min(in, max(0, m.visible.Sub(q.Now())))
	}
	return q.changed, in
}
