package change

import (
	"context"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"lunogram-users/internal/list"
)

// Memberships keeps the members of lists. It must be safe for concurrent use, and its methods may be repeated.
type Memberships interface {
	// Follow brings the memberships of the users of a project up to date with what became of their profiles. All records
	// are of profiles of the project, in order.
	Follow(ctx context.Context, projectID string, records []Record) error
	// Begin starts the work that the status of the list stands for.
	Begin(ctx context.Context, l list.List) error
}

// Reader reads a record of the stream; false for one that says nothing of the domain. Its error is of a record that cannot
// be read now or ever.
type Reader func(events.DynamoDBEventRecord) (Record, bool, error)

// Handler does what batches of the stream ask for. Its fields are not changed once it is in use. It is safe for
// concurrent use.
type Handler struct {
	Read        Reader
	Memberships Memberships
	Publisher   Publisher // nil publishes nothing
	Log         *slog.Logger
}

// Handle brings memberships up to date with a batch of records, then publishes what they say, in order. It answers with
// the first record that it could not finish: Lambda delivers that one and all after it again
// (https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html). A repeat does no harm. A record
// that cannot be read is passed over: no repeat would mend it, and all after it would wait.
func (h *Handler) Handle(ctx context.Context, event events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	records := h.read(ctx, event)
	done, err := h.settle(ctx, records)
	published, failed := h.publish(ctx, records[:done])
	if failed != nil {
		done, err = published, failed
	}
	if err == nil {
		return events.DynamoDBEventResponse{}, nil
	}
	h.Log.WarnContext(ctx, "batch interrupted", "record", records[done].ID, "error", err)
	return events.DynamoDBEventResponse{
		BatchItemFailures: []events.DynamoDBBatchItemFailure{{ItemIdentifier: records[done].Sequence}},
	}, nil
}

// read returns what the records say of the domain.
func (h *Handler) read(ctx context.Context, event events.DynamoDBEvent) []Record {
	records := make([]Record, 0, len(event.Records))
	for _, raw := range event.Records {
		r, ok, err := h.Read(raw)
		if err != nil {
			h.Log.ErrorContext(ctx, "passed over a record that cannot be read", "record", raw.EventID, "error", err)
		} else if ok {
			records = append(records, r)
		}
	}
	return records
}

// settle follows the records and returns how many of them, from the first on, are done with. On an error that is less than
// all.
func (h *Handler) settle(ctx context.Context, records []Record) (int, error) {
	profiles := map[string][]Record{} // by project
	for _, r := range records {
		if r.Profile != nil {
			profiles[r.ProjectID] = append(profiles[r.ProjectID], r)
		}
	}
	settled := map[string]bool{}
	for i, r := range records {
		var err error
		switch {
		case r.List != nil && r.List.Begins():
			err = h.Memberships.Begin(ctx, r.List.After)
		case r.Profile != nil && !settled[r.ProjectID]:
			err = h.Memberships.Follow(ctx, r.ProjectID, profiles[r.ProjectID])
			settled[r.ProjectID] = true
		}
		if err != nil {
			return i, err
		}
	}
	return len(records), nil
}
