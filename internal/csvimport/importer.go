package csvimport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"lunogram-users/internal/csvimport/sheet"
	"lunogram-users/internal/user"
)

// Importer plans imports and does their tasks. Its fields are not changed once it is in use; all but those below the
// gap are needed. It is safe for concurrent use.
type Importer struct {
	Objects  Objects
	Queue    Queue
	Store    Store
	Records  Records
	Projects Projects
	Lists    Lists
	Phones   sheet.PhoneParser // reads national numbers
	Log      *slog.Logger

	Now           func() time.Time // nil for time.Now
	ChunkBytes    int64            // the least size of a chunk; 0 for 1 MB
	MaxDeliveries int              // of a task, as the queue's redrive policy says; 0 for 8
}

// Handle does what an event of S3 or SQS asks for. Lambda gives both to one function.
//
// Of an S3 event it returns an error only for what another delivery may mend: the store, the bucket or the queue could not
// be reached. Lambda delivers a failed event twice more
// (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html). Whatever is wrong with the
// file itself is recorded in its Import and acknowledged, and so is an event of an object that is no upload to a
// known project.
//
// Of an SQS event it answers which messages failed, for the queue to deliver again
// (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting).
func (i *Importer) Handle(ctx context.Context, raw json.RawMessage) (any, error) {
	var kind struct {
		Records []struct {
			EventSource string `json:"eventSource"`
		}
	}
	if err := json.Unmarshal(raw, &kind); err != nil || len(kind.Records) == 0 {
		i.Log.WarnContext(ctx, "ignored an event of an unknown kind")
		return nil, nil
	}
	if kind.Records[0].EventSource == "aws:sqs" {
		var event events.SQSEvent
		if err := json.Unmarshal(raw, &event); err != nil {
			return nil, fmt.Errorf("read the event: %w", err)
		}
		return i.HandleTasks(ctx, event), nil
	}
	var event events.S3Event
	if err := json.Unmarshal(raw, &event); err != nil {
		return nil, fmt.Errorf("read the event: %w", err)
	}
	return nil, i.HandleUploads(ctx, event)
}

// HandleUploads plans the imports of the objects that an S3 event tells of.
func (i *Importer) HandleUploads(ctx context.Context, event events.S3Event) error {
	var errs []error
	for _, record := range event.Records {
		if err := i.upload(ctx, record); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// HandleTasks does the tasks of an SQS event, one after the other.
func (i *Importer) HandleTasks(ctx context.Context, event events.SQSEvent) events.SQSEventResponse {
	var response events.SQSEventResponse
	for _, message := range event.Records {
		var t Task
		if err := json.Unmarshal([]byte(message.Body), &t); err != nil {
			i.Log.ErrorContext(ctx, "ignored a message that is no task", "message", message.MessageId)
			continue
		}
		log := i.Log.With("import", t.ImportID, "project", t.ProjectID, "phase", string(t.Phase), "chunk", t.Chunk)
		if err := i.task(ctx, t, receives(message), log); err != nil {
			log.WarnContext(ctx, "task interrupted", "error", err)
			response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: message.MessageId})
		}
	}
	return response
}

// receives returns how often a message was delivered, this time included.
func receives(m events.SQSMessage) int {
	n, _ := strconv.Atoi(m.Attributes["ApproximateReceiveCount"]) // 0 if the queue does not say
	return n
}

// upload plans the import of one object and puts its tasks on the queue.
func (i *Importer) upload(ctx context.Context, event events.S3EventRecord) error {
	in, ok := parseUpload(event)
	if !ok {
		i.Log.WarnContext(ctx, "ignored an object that is no upload to a project")
		return nil
	}
	in, err := i.identify(ctx, in)
	if err != nil {
		return err
	}
	log := i.Log.With("import", in.ID, "project", in.ProjectID)
	switch _, err := i.Projects.Project(ctx, in.ProjectID); {
	case errors.Is(err, user.ErrNotFound):
		log.WarnContext(ctx, "ignored an upload to an unknown project")
		return nil
	case err != nil:
		return fmt.Errorf("import %s: %w", in.ID, err)
	}
	err = i.plan(ctx, in, log)
	if errors.Is(err, errAnother) { // it came before this one, through the same link
		in.ID = importID(event)
		log = i.Log.With("import", in.ID, "project", in.ProjectID)
		err = i.plan(ctx, in, log)
	}
	if err != nil {
		log.WarnContext(ctx, "planning interrupted", "error", err)
		return fmt.Errorf("import %s: plan: %w", in.ID, err)
	}
	return nil
}

// identify gives an upload to an import of the API that import's id and options. A second upload to the same address is
// an import of its own with the same options: whoever asked for a dry run shall get one.
func (i *Importer) identify(ctx context.Context, in Import) (Import, error) {
	id, ok := in.created()
	if !ok {
		return in, nil
	}
	known, err := i.Records.Import(ctx, in.ProjectID, id)
	switch {
	case errors.Is(err, user.ErrNotFound):
		return in, nil
	case err != nil:
		return in, fmt.Errorf("import %s: %w", id, err)
	}
	in.Options = known.Options
	if known.ETag == "" || known.ETag == in.ETag {
		in.ID, in.CreatedAt = id, known.CreatedAt
	}
	return in, nil
}

func (i *Importer) now() time.Time {
	if i.Now == nil {
		return time.Now().UTC()
	}
	return i.Now().UTC()
}

func (i *Importer) maxDeliveries() int {
	if i.MaxDeliveries == 0 {
		return 8
	}
	return i.MaxDeliveries
}
