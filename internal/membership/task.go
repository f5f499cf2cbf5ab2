package membership

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"lunogram-users/internal/list"
)

// Task is one piece of work on the queue.
type Task struct {
	Kind      Kind     `json:"kind"`
	ProjectID string   `json:"project"`
	ListID    string   `json:"list,omitempty"`     // of Fill, Prune and Copy
	Revision  int64    `json:"revision,omitempty"` // likewise: of the rule that the list had
	Segment   int      `json:"segment,omitempty"`  // likewise, and of Flip
	Users     []string `json:"users,omitempty"`    // ids, of Settle
	After     string   `json:"after,omitempty"`    // of Flip: where it goes on
	Stalled   int      `json:"stalled,omitempty"`  // how often in a row it was handed over with nothing done
}

// Kind tells what a task is.
type Kind string

// The kinds.
const (
	Fill  = Kind(list.Fill)
	Prune = Kind(list.Prune)
	Copy  = Kind(list.Copy)
	// Settle is to settle users who could not be settled when they changed.
	Settle Kind = "settle"
	// Due is to settle the users of a project whose moment has come.
	Due Kind = "due"
	// Flip is Due of one segment, in which there are many.
	Flip Kind = "flip"
)

// HandleTasks does the tasks of an SQS event, one after the other, and answers which failed, for the queue to deliver again
// (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting).
func (e *Engine) HandleTasks(ctx context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
	var response events.SQSEventResponse
	for _, message := range event.Records {
		var t Task
		if err := json.Unmarshal([]byte(message.Body), &t); err != nil {
			e.Log.ErrorContext(ctx, "ignored a message that is no task", "message", message.MessageId)
			continue
		}
		log := e.Log.With("kind", string(t.Kind), "project", t.ProjectID, "list", t.ListID, "segment", t.Segment)
		if err := e.Do(ctx, t, log); err != nil {
			log.WarnContext(ctx, "task interrupted", "error", err)
			response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: message.MessageId})
		}
	}
	return response, nil
}

// Do does one task, or sends what is left of it to the queue when the time is up. To repeat it does no harm.
func (e *Engine) Do(ctx context.Context, t Task, log *slog.Logger) error {
	switch t.Kind {
	case Settle:
		return e.Settle(ctx, t.ProjectID, t.Users)
	case Due:
		return e.wake(ctx, t)
	case Flip:
		return e.flip(ctx, t)
	case Fill, Prune, Copy:
		err := e.work(ctx, t)
		if errors.Is(err, errVoid) {
			log.InfoContext(ctx, "task is void")
			return nil
		}
		return err
	}
	return fmt.Errorf("a task of kind %q", t.Kind)
}

const (
	// lag is how long an index may take to show what was written, many times over.
	lag = 5 * time.Second
	// reserve is what is left of an invocation's time when the last page begins.
	reserve = time.Minute
)

// Begin implements change.Memberships: it sends the tasks of the list's status. They are done after a while: then the
// indexes show all that was written by the definition before, even by who died over it, so that whoever looks at all users
// or members finds what is to be mended. Of a new list there was no definition before.
func (e *Engine) Begin(ctx context.Context, l list.List) error {
	kind, ok := map[list.Status]Kind{list.Building: Fill, list.Pruning: Prune, list.Copying: Copy}[l.Status]
	if !ok {
		return nil
	}
	delay := lag
	if l.Revision > 1 {
		delay = settleTime + lag
	}
	tasks := make([]Task, list.Segments)
	for n := range tasks {
		tasks[n] = Task{Kind: kind, ProjectID: l.ProjectID, ListID: l.ID, Revision: l.Revision, Segment: n}
	}
	return e.Queue.SendLater(ctx, delay, tasks...)
}

// maxStalled is how often in a row a task is handed over with nothing done. A task that is handed over is another message,
// so the queue does not see that it gets nowhere.
const maxStalled = 8

// errStalled says that a task gets nowhere.
var errStalled = errors.New("a task gets nowhere, however often it is handed over")

// handOver sends what is left of a task to the queue, as there is too little time for it; ahead says whether something was
// done.
func (e *Engine) handOver(ctx context.Context, t Task, ahead bool) error {
	if t.Stalled++; ahead {
		t.Stalled = 0
	}
	if t.Stalled > maxStalled {
		return errStalled
	}
	return e.Queue.SendLater(ctx, 0, t)
}

// late reports whether there is too little time left for another page.
func late(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < reserve
}
