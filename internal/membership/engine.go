// Package membership keeps the members of lists: it settles users whose profiles changed, fills, prunes and copies lists
// in segments, and comes back to a user when a rule that speaks of now may change its mind. It knows the store, the queue
// and the scheduler by interfaces of its own. docs/decisions/0017-settle-and-read-again.md says why its members are right
// in the end, whoever races, repeats or dies.
package membership

import (
	"context"
	"log/slog"
	"time"

	"lunogram-users/internal/list"
	"lunogram-users/internal/user"
)

// Engine keeps memberships. Its fields are not changed once it is in use; all but Now are needed. It is safe for
// concurrent use, and anything it does may be repeated.
type Engine struct {
	Store Store
	Queue Queue
	Wakes Wakes
	Log   *slog.Logger

	Now func() time.Time // by which rules are judged; nil for time.Now

	rules cache
}

// Store keeps lists and their members. It must be safe for concurrent use; internal/dynamo has it. What it reads of one
// user, list or record is strongly consistent; pages of users and members may lag behind by what an index does.
type Store interface {
	Definitions
	Standings
	Pages
	Moments
	Progress
}

// Definitions are the lists of projects.
type Definitions interface {
	// Lists returns all lists of a project, archived ones too.
	Lists(ctx context.Context, projectID string) ([]list.List, error)
	// ChangeList lets change amend the list and stores it if nobody else has meanwhile; if somebody has, it begins again. An
	// error of change ends it and is returned.
	ChangeList(ctx context.Context, projectID, listID string, change func(*list.List) error) (list.List, error)
}

// Standings are the memberships of single users.
type Standings interface {
	// Standing returns what is stored of a user's memberships. Nobody's is no error.
	Standing(ctx context.Context, projectID, userID string) (list.Standing, error)
	// ChangeMembership writes a change of it, the moment first. An error may leave it half-written, but for list.ErrMoved.
	ChangeMembership(ctx context.Context, projectID, userID string, c list.Change) error
	// AddMembers makes up to list.MaxBatch users members, following those who were absorbed, and answers in order.
	AddMembers(ctx context.Context, projectID, listID string, names []user.Name) ([]list.Outcome, error)
	// EnterMembers makes any number of users members, whoever they are, and ExpelMembers ends that.
	EnterMembers(ctx context.Context, projectID, listID string, ids []string, at time.Time) error
	ExpelMembers(ctx context.Context, projectID, listID string, ids []string) error
	// Profiles returns those of the users who are there, by id.
	Profiles(ctx context.Context, projectID string, ids []string) (map[string]user.User, error)
}

// Pages are the users of a project and the members of a list, cut into list.Segments parts by user id in the same way.
type Pages interface {
	// UserIDs returns users of a segment by ascending id, from after an id on; next is "" at the end.
	UserIDs(ctx context.Context, projectID string, segment int, after string, limit int) (ids []string, next string, err error)
	// MemberIDs is the same of the members of a list.
	MemberIDs(ctx context.Context, projectID, listID string, segment int, after string, limit int) (
		ids []string, next string, err error)
	// CountMembers returns how many members a list has.
	CountMembers(ctx context.Context, projectID, listID string) (int64, error)
}

// Moments are when rules may change for users, and when a project wakes to look.
type Moments interface {
	// DueUsers returns users of a segment whose moment is no later than until, earliest first; next is where to go on, "" at
	// the end.
	DueUsers(ctx context.Context, projectID string, segment int, until time.Time, after string, limit int) (
		ids []string, next string, err error)
	// NextDue returns the earliest moment in a segment that is later than after, zero if there is none.
	NextDue(ctx context.Context, projectID string, segment int, after time.Time) (time.Time, error)
	// Wake returns when the project wakes next as far as it was recorded, zero if it never was.
	Wake(ctx context.Context, projectID string) (time.Time, error)
	// SetWake records at, unless what is recorded lies after `after` and is no later than at.
	SetWake(ctx context.Context, projectID string, at, after time.Time) error
}

// Progress is how far work on lists has come.
type Progress interface {
	// ChangeSegment is to a segment as ChangeList is to a list. One that does not exist is first.
	ChangeSegment(ctx context.Context, projectID string, first list.Segment, change func(*list.Segment) error) (list.Segment, error)
	// ListSegments returns the segments of a phase that were begun.
	ListSegments(ctx context.Context, projectID, listID string, revision int64, phase list.Phase) ([]list.Segment, error)
}

// Queue takes tasks. It must be safe for concurrent use.
type Queue interface {
	// SendLater puts all tasks on the queue, to be done when the delay is over, or returns an error, after which some may be
	// on it.
	SendLater(ctx context.Context, delay time.Duration, tasks ...Task) error
}

// Wakes plans tasks. It must be safe for concurrent use.
type Wakes interface {
	// Plan lets the task come at a moment or soon after it, never before. A plan with that name that exists already is the
	// same one.
	Plan(ctx context.Context, name string, at time.Time, task Task) error
}

func (e *Engine) now() time.Time {
	if e.Now == nil {
		return time.Now().UTC()
	}
	return e.Now().UTC()
}
