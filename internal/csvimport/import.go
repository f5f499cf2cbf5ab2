package csvimport

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// Status says how far an import is.
type Status string

// The statuses. Completed and Failed are final.
const (
	Running   Status = "running"
	Completed Status = "completed" // every row was tried; Counters.Failed of them are in the error file
	Failed    Status = "failed"    // stopped for good; Import.Reason says why, Counters what was done before
)

// Import is the record of one upload: one object as it was created once. The same object delivered twice is
// the same import; a later upload under the same key is another.
type Import struct {
	ID        string // UUIDv5 of bucket, key and what tells this upload from others, lower case
	ProjectID string
	Key       string // of the object; its name is the customer's and stays out of logs
	ETag      string // of the object, without quotes
	Status    Status
	Counters
	Reason     string // one sentence when Status is Failed, else ""; holds nothing of the file's cells
	StartedAt  time.Time
	UpdatedAt  time.Time
	FinishedAt time.Time // zero while Status is Running
	Owner      string    // the invocation that works on it; its retries have the same name
	LeaseUntil time.Time // until when nobody else may take it over, unless Owner renews it
}

// Finished reports whether the import is over, for better or worse.
func (i Import) Finished() bool { return i.Status == Completed || i.Status == Failed }

// Counters says what became of the rows so far. Rows is always the sum of the others. A run that is repeated
// counts anew: what an earlier try had written it finds unchanged.
type Counters struct {
	Rows      int64 // settled; the header and empty lines are no rows
	Created   int64 // made a user
	Updated   int64 // changed a user
	Unchanged int64 // said what was known
	Skipped   int64 // blank: a line with no text but commas and space
	Failed    int64 // refused, and in the error file if the upload was there to the end
}

// LogValue logs the counters as a group.
func (c Counters) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Int64("rows", c.Rows), slog.Int64("created", c.Created), slog.Int64("updated", c.Updated),
		slog.Int64("unchanged", c.Unchanged), slog.Int64("skipped", c.Skipped), slog.Int64("failed", c.Failed),
	)
}

var (
	// ErrLeased says that another invocation works on the import, or has taken it over.
	ErrLeased = errors.New("another invocation works on the import")
	// ErrGone says that the object was deleted or replaced since the event.
	ErrGone = errors.New("the object is gone or was replaced")
)

// Records keeps the imports. It must be safe for concurrent use, its reads strongly consistent and each write atomic.
type Records interface {
	// StartImport claims the import for in.Owner until in.LeaseUntil and returns its record:
	//   - if there is none under in.ProjectID and in.ID, it stores in and returns it;
	//   - if the stored one is finished, it changes nothing and returns the stored one;
	//   - if the stored one is running and has the same Owner, or its LeaseUntil is not after in.UpdatedAt
	//     (the caller's clock), it stores in's Owner, LeaseUntil and UpdatedAt and returns the stored one so changed;
	//   - otherwise it changes nothing and returns ErrLeased.
	// Any other error may be repeated.
	StartImport(ctx context.Context, in Import) (Import, error)
	// SaveImport replaces the stored record if it is running and its Owner is in.Owner, and returns ErrLeased if
	// not. To save again what is stored already, finished or not, is no error. Any other error may be repeated.
	SaveImport(ctx context.Context, in Import) error
}

// Store is where rows go. It must be safe for concurrent use.
type Store interface {
	// UpsertBatch upserts up to 100 normalized requests and answers each in order, as dynamo.Store does: rows of
	// one user are applied in order. An error that is none of *user.InvalidError, *user.ConflictError and
	// user.ErrTooLarge may be repeated.
	UpsertBatch(ctx context.Context, projectID string, batch []user.Upsert) []user.Result
}

// Projects knows the projects. It must be safe for concurrent use.
type Projects interface {
	// Project returns the project, or user.ErrNotFound.
	Project(ctx context.Context, id string) (project.Project, error)
}

// Objects is the bucket. It must be safe for concurrent use.
type Objects interface {
	// Open returns the content of the object that has the ETag (without quotes; "" for any), from its first byte.
	// Open, or a later Read, returns ErrGone if there is no such object any more. Any other error but
	// io.EOF may be repeated.
	Open(ctx context.Context, bucket, key, etag string) (io.ReadCloser, error)
	// Put stores content, a file of CSV from its current position to its end, under the key.
	Put(ctx context.Context, bucket, key string, content io.ReadSeeker) error
	// Remove deletes the object under the key; it is no error if there is none.
	Remove(ctx context.Context, bucket, key string) error
}
