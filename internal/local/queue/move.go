package queue

import (
	"cmp"
	"math"
	"strings"

	"github.com/google/uuid"
)

// serveMove moves the visible messages of a dead-letter queue, all before it answers, where SQS takes its time.
// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
func (s *Server) serveMove(source *Queue, in input) (any, error) {
	isDead := false
	for _, q := range s.queues {
		isDead = isDead || q.DeadLetter == source
	}
	if !isDead {
		return nil, &fault{"InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue."}
	}
	destination := s.queues[in.DestinationARN[strings.LastIndexByte(in.DestinationARN, ':')+1:]]
	if destination == nil && in.DestinationARN != "" {
		return nil, &fault{"ResourceNotFoundException", "The destination queue does not exist."}
	}
	err := source.moveAll(func(m Message) *Queue { return cmp.Or(destination, s.queues[m.Origin]) })
	return map[string]string{"TaskHandle": uuid.NewString()}, err
}

// moveAll moves the visible messages to the queues that to says; those for which it says nil stay.
func (q *Queue) moveAll(to func(Message) *Queue) error {
	messages := q.Receive(math.MaxInt, -1)
	for _, m := range messages {
		destination := to(m)
		if destination == nil {
			_ = q.ChangeVisibility(m.Receipt, 0) // somebody else received it
			continue
		}
		if err := destination.add(kept{ID: m.ID, Body: m.Body, Attributes: m.Attributes, Sent: q.Now()}); err != nil {
			return err
		}
		_ = q.Delete(m.Receipt) // if somebody received it in between, both have it
	}
	return nil
}
