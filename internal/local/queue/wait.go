package queue

import (
	"context"
	"time"
)

// Await is Receive that waits for a first message until ctx ends; then it returns none.
func (q *Queue) Await(ctx context.Context, limit int, visibility time.Duration) []Message {
	for {
		changed, in := q.next()
		if messages := q.Receive(limit, visibility); len(messages) > 0 {
			return messages
		}
		timer := time.NewTimer(max(in, time.Millisecond))
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
		timer.Stop()
	}
}
