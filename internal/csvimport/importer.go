package csvimport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/uuid"

	"lunogram-users/internal/user"
)

const (
	// leaseTime is how long an import is one invocation's without a sign of life.
	leaseTime = time.Minute
	// leasePoll is how often an invocation looks whether a lease of another is over.
	leasePoll = 2 * time.Second
)

// Importer runs imports. Its fields are not changed once it is in use; all but Now are needed. It is safe for
// concurrent use.
type Importer struct {
	Objects  Objects
	Store    Store
	Records  Records
	Projects Projects
	Log      *slog.Logger
	Now      func() time.Time // nil for time.Now
}

// Handle imports the objects that an S3 event tells of, one after the other.
//
// It returns an error only for what another delivery of the same event may mend: the store, the bucket or the
// project's record could not be reached, or the time was up in the midst of it. The rows written so far stay
// written; the next delivery starts from the first row again and finds them unchanged, so none is lost and none
// counts twice. Lambda delivers a failed event twice more.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
//
// Whatever is wrong with the file itself is recorded in its Import and acknowledged, and so is an event of an
// object that is no upload to a known project. A second delivery of a finished import does nothing. A file that would
// take longer than the invocation has is stopped at a row, and its record says at which.
func (i *Importer) Handle(ctx context.Context, event events.S3Event) error {
	var errs []error
	for _, record := range event.Records {
		errs = append(errs, i.handle(ctx, record))
	}
	return errors.Join(errs...)
}

func (i *Importer) handle(ctx context.Context, event events.S3EventRecord) error {
	u, ok := parseUpload(event)
	if !ok {
		i.Log.WarnContext(ctx, "ignored an object that is no upload to a project")
		return nil
	}
	log := i.Log.With("import", u.id, "project", u.projectID)
	switch _, err := i.Projects.Project(ctx, u.projectID); {
	case errors.Is(err, user.ErrNotFound):
		log.WarnContext(ctx, "ignored an upload to an unknown project")
		return nil
	case err != nil:
		return fmt.Errorf("import %s: %w", u.id, err)
	}
	record, err := i.claim(ctx, u)
	switch {
	case errors.Is(err, ErrLeased):
		log.WarnContext(ctx, "ignored a delivery of an import that another invocation works on")
		return nil
	case err != nil:
		return fmt.Errorf("import %s: start: %w", u.id, err)
	case record.Finished():
		log.InfoContext(ctx, "ignored a delivery of a finished import", "status", string(record.Status))
		return nil
	}
	return i.run(ctx, u, record, log)
}

func (i *Importer) run(ctx context.Context, u upload, record Import, log *slog.Logger) error {
	began := i.now()
	log.InfoContext(ctx, "import started")
	r := newRun(ctx, i, u, record)
	err := r.do(ctx)
	log = log.With("counters", r.record.Counters, "ms", i.now().Sub(began).Milliseconds())
	switch {
	case errors.Is(err, ErrLeased):
		log.WarnContext(ctx, "import left to another invocation")
		return nil
	case err != nil:
		r.release(ctx)
		log.ErrorContext(ctx, "import interrupted", "error", err)
		return fmt.Errorf("import %s: %w", u.id, err)
	}
	log.InfoContext(ctx, "import finished", "status", string(r.record.Status), "reason", r.record.Reason)
	return nil
}

// claim takes the import for this invocation. Another that holds the lease may be dead and its lease not over
// yet, so claim waits for a little longer than one lease lasts before it returns ErrLeased.
func (i *Importer) claim(ctx context.Context, u upload) (Import, error) {
	in := Import{
		ID: u.id, ProjectID: u.projectID, Key: u.key, ETag: u.etag,
		Status: Running, StartedAt: i.now(), Owner: owner(ctx),
	}
	for {
		in.UpdatedAt = i.now()
		in.LeaseUntil = in.UpdatedAt.Add(leaseTime)
		record, err := i.Records.StartImport(ctx, in)
		if !errors.Is(err, ErrLeased) || in.UpdatedAt.Sub(in.StartedAt) > leaseTime {
			return record, err
		}
		if err := sleep(ctx, leasePoll); err != nil {
			return Import{}, err
		}
	}
}

// owner names the invocation. Lambda repeats a failed asynchronous invocation under the same request id.
func owner(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok && lc.AwsRequestID != "" {
		return lc.AwsRequestID
	}
	return uuid.NewString()
}

func (i *Importer) now() time.Time {
	if i.Now == nil {
		return time.Now().UTC()
	}
	return i.Now().UTC()
}
