package csvimport

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"lunogram-users/internal/csvimport/sheet"
	"lunogram-users/internal/pause"
	"lunogram-users/internal/user"
)

// Status says how far an import is.
type Status string

// The statuses. Completed, Failed and Canceled are final once FinishedAt is set. A part of a Failed import without it, unless
// it is Halted, was given up, and goes on if its message is taken from the dead-letter queue.
const (
	Waiting   Status = "waiting"   // created by the API; the file is not there yet
	Planning  Status = "planning"  // the file is read for the first time
	Running   Status = "running"   // rows are applied
	Completed Status = "completed" // every row was tried; Counters.Failed of them are in the error file
	Failed    Status = "failed"    // Import.Reason says why, Counters what was done before
	Canceled  Status = "canceled"  // somebody asked to stop; Counters says what was done before
)

// Options are what an upload may ask for. The zero value is a plain import.
type Options struct {
	DryRun bool          `json:"dry_run,omitempty"` // counts and compares, and writes no user
	Mode   user.Mode     `json:"mode,omitempty"`
	NoUndo bool          `json:"no_undo,omitempty"` // keeps no before-images
	ListID string        `json:"list_id,omitempty"` // of the static list that the users of the file become members of; "" for none
	Sheet  sheet.Options `json:"sheet,omitzero"`
}

// Import is the record of one upload: one object as it was created once. The same object delivered twice is
// the same import; a later upload under the same key is another.
type Import struct {
	ID        string // a UUIDv7, lower case
	ProjectID string
	Key       string // of the object; its name is the customer's and stays out of logs
	ETag      string // of the object, without quotes; "" while Waiting
	Size      int64  // of the object, in bytes
	Options   Options
	Status    Status
	Halted    bool     // Status is Failed for good: the chunks under way end, and nothing is begun
	Reason    string   // one sentence when Status is Failed, else ""; holds nothing of the file's cells
	Notes     []string // what was assumed of the file, a sentence each

	// Set once the file is planned.
	Chunks  int            // how many chunks the file was cut into, without the tail
	Tail    bool           // whether some rows are applied after all chunks, in order
	Total   int64          // rows of the file
	Columns []sheet.Column // what its columns mean

	Counters           // totals once FinishedAt is set; until then those of the chunks count
	Failures []Failure // the first refused rows, once FinishedAt is set
	Cost     Cost      // what the import took of DynamoDB, or would take

	CreatedAt  time.Time
	StartedAt  time.Time // when planning began; zero while Waiting
	UpdatedAt  time.Time
	FinishedAt time.Time // zero while there is something to do

	Lease // of the planning
	Undo  Undo
}

// ended reports whether no row is to be begun any more.
func (i Import) ended() bool { return i.Status == Canceled || i.Halted || i.Finished() }

// Finished reports whether the import is over, for better or worse.
func (i Import) Finished() bool { return !i.FinishedAt.IsZero() }

// Counters says what became of the rows so far. Rows is always the sum of the others.
type Counters struct {
	Rows      int64 // settled; the header and empty lines are no rows
	Created   int64 // made a user
	Updated   int64 // changed a user
	Unchanged int64 // said what was known
	Skipped   int64 // blank, replaced by a later row of the same user, or not wanted by Options.Mode
	Failed    int64 // refused, and in the error file
}

// Plus returns the sum of two counters.
func (c Counters) Plus(d Counters) Counters {
	return Counters{
		Rows: c.Rows + d.Rows, Created: c.Created + d.Created, Updated: c.Updated + d.Updated,
		Unchanged: c.Unchanged + d.Unchanged, Skipped: c.Skipped + d.Skipped, Failed: c.Failed + d.Failed,
	}
}

// add counts one row that ended in the outcome, or was refused.
func (c *Counters) add(outcome user.Outcome, refused bool) {
	c.Rows++
	switch {
	case refused:
		c.Failed++
	case outcome == user.Created:
		c.Created++
	case outcome == user.Updated:
		c.Updated++
	case outcome == user.Unchanged:
		c.Unchanged++
	default:
		c.Skipped++
	}
}

// LogValue logs the counters as a group.
func (c Counters) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Int64("rows", c.Rows), slog.Int64("created", c.Created), slog.Int64("updated", c.Updated),
		slog.Int64("unchanged", c.Unchanged), slog.Int64("skipped", c.Skipped), slog.Int64("failed", c.Failed),
	)
}

// Cost is in DynamoDB's units: a read unit for each 4 KB, a write unit for each KB and each index entry.
type Cost struct{ ReadUnits, WriteUnits float64 }

// Plus returns the sum of two costs.
func (c Cost) Plus(d Cost) Cost {
	return Cost{ReadUnits: c.ReadUnits + d.ReadUnits, WriteUnits: c.WriteUnits + d.WriteUnits}
}

// Failure is a refused row, without its cells.
type Failure struct {
	Row    int64 // 1 is the first row below the header
	Field  string
	Reason string
}

// maxFailures is how many refused rows a record names; all are in the error file.
const maxFailures = 10

// Lease is the right to work on something. Whoever holds it has to renew it; a lease that is over is free for all, be it of
// a repeated delivery to an invocation that died or of another.
type Lease struct {
	Fence int64 // grows with every claim: who was displaced finds another one than its own
	Until time.Time
}

var (
	// ErrLeased says that somebody else works on the import or chunk, or has taken it over.
	ErrLeased = errors.New("another invocation works on it")
	// ErrGone says that the object was deleted or replaced since the event.
	ErrGone = errors.New("the object is gone or was replaced")
)

const (
	// leaseTime is how long something is one invocation's without a sign of life.
	leaseTime = 6 * time.Second
	// heartbeat is how often one gives a sign of life.
	heartbeat = leaseTime / 4
	// leasePoll is how often one looks whether a lease of another is over.
	leasePoll = leaseTime / 12
)

// claim takes the lease, or returns ErrLeased.
func (l *Lease) claim(now time.Time) error {
	if l.Until.After(now) {
		return ErrLeased
	}
	*l = Lease{Fence: l.Fence + 1, Until: now.Add(leaseTime)}
	return nil
}

// renew extends the lease of the claim with the fence, or returns ErrLeased.
func (l *Lease) renew(fence int64, now time.Time) error {
	if l.Fence != fence {
		return ErrLeased
	}
	l.Until = now.Add(leaseTime)
	return nil
}

// release ends the lease of the claim with the fence, or returns ErrLeased.
func (l *Lease) release(fence int64) error {
	if l.Fence != fence {
		return ErrLeased
	}
	l.Until = time.Time{}
	return nil
}

// await runs claim until it returns something else than ErrLeased, or the invocation's time is nearly up. Whoever waits
// for a worker that is alive is a repeated delivery, and keeps its message from being lost should that worker die.
func await[T any](ctx context.Context, claim func() (T, error)) (T, error) {
	last := lastCall(ctx)
	if last.IsZero() {
		last = time.Now().Add(leaseTime + leasePoll)
	}
	for {
		v, err := claim()
		if !errors.Is(err, ErrLeased) || time.Now().After(last) {
			return v, err
		}
		if err := pause.For(ctx, leasePoll); err != nil {
			return v, err
		}
	}
}

// reserve is how much of an invocation is kept for what follows its last segment. Of a short one it is a quarter.
const reserve = 30 * time.Second

// lastCall returns the time after which an invocation begins nothing more; zero if it has no deadline.
func lastCall(ctx context.Context) time.Time {
	deadline, ok := ctx.Deadline()
	if !ok {
		return time.Time{}
	}
	return deadline.Add(-min(reserve, time.Until(deadline)/4))
}
