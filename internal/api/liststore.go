package api

import (
	"context"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/list"
	"lunogram-users/internal/user"
)

// Definitions keeps what lists are, their members aside. Every method may be called concurrently and is strongly consistent.
// A list that is not of the project is list.ErrNotFound.
type Definitions interface {
	// PutList stores what compose makes in view of all lists, and returns it: another one, or one of them as it is to be. Where
	// somebody was faster it calls compose again. It returns the error of compose, list.ErrTooMany, list.ErrTooManyDynamic or
	// list.ErrTooManyArchived.
	PutList(ctx context.Context, projectID string, compose func(all []list.List) (list.List, error)) (list.List, error)
	// Lists returns all of them, archived ones too.
	Lists(ctx context.Context, projectID string) ([]list.List, error)
	// ListsByID returns those that there are, in no order.
	ListsByID(ctx context.Context, projectID string, ids []string) ([]list.List, error)
	List(ctx context.Context, projectID, listID string) (list.List, error)
	// ChangeList stores what change makes of a list, and calls it again where somebody was faster. It returns the error
	// of change.
	ChangeList(ctx context.Context, projectID, listID string, change func(*list.List) error) (list.List, error)
	// ListSegments returns the parts of a phase that have begun.
	ListSegments(ctx context.Context, projectID, listID string, revision int64, phase list.Phase) ([]list.Segment, error)
}

// Members keeps who is in which list. Every method may be called concurrently.
type Members interface {
	// Members returns a page as those of Lister are, newest users first. It may lag behind writes.
	Members(ctx context.Context, projectID, listID, after string, limit int) (user.Page, error)
	// MemberPage is Members without the profiles: exactly limit ids, but at the end. Those of users who are gone may be
	// among them.
	MemberPage(ctx context.Context, projectID, listID, after string, limit int) (ids []string, next string, err error)
	// CountMembers may lag behind writes.
	CountMembers(ctx context.Context, projectID, listID string) (int64, error)
	// AddMembers and RemoveMembers answer of each of up to list.MaxBatch users, in order. They do not ask what kind of list
	// it is. An absorbed id means its survivor.
	AddMembers(ctx context.Context, projectID, listID string, names []user.Name) ([]list.Outcome, error)
	RemoveMembers(ctx context.Context, projectID, listID string, names []user.Name) ([]list.Outcome, error)
	// Standing is strongly consistent. It does not follow an absorbed id.
	Standing(ctx context.Context, projectID, userID string) (list.Standing, error)
}

// ListsStore is what the lists function needs of the store.
type ListsStore interface {
	Keys
	Projects
	Definitions
	Members
	// Audience is that of Judge.
	Audience(ctx context.Context, q user.Audience) ([]user.Answer, error)
	// Profiles returns those users who exist, by id, strongly consistent. It does not follow absorbed ids.
	Profiles(ctx context.Context, projectID string, ids []string) (map[string]user.User, error)
	// Groups is that of Groups.
	Groups(ctx context.Context, projectID string) ([]consent.Group, error)
	// Named returns the named users in order, nil in place of nobody, strongly consistent. An absorbed id means its survivor.
	Named(ctx context.Context, projectID string, names []user.Name) ([]*user.User, error)
	// Users is that of Lister.
	Users(ctx context.Context, projectID, after string, limit int) (user.Page, error)
}
