// Package page serves the pages behind signed links, which recipients see: their preferences, and the question whether
// to leave one group, which is also the one-click endpoint of RFC 8058.
//
//	GET  /preferences/{token}   public groups and where the user stands with each
//	POST /preferences/{token}   saves what was changed, or stops everything, and says what was saved
//	GET  /unsubscribe/{token}   asks once
//	POST /unsubscribe/{token}   leaves the group, any number of times
//
// The token is the only credential (see package link): no cookie is set or read. GET and HEAD change nothing, as mail
// scanners open every link. The pages work without scripts, load nothing, and speak the user's language. They are safe
// for concurrent use, and nothing personal is logged, tokens included.
package page

import (
	"context"
	"log/slog"
	"time"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// Store is what the pages need of the store. Every method may be called concurrently; reads are strongly consistent, so
// that a page shows what the one before it saved. An absorbed user id means its survivor.
type Store interface {
	// Project returns the project with its settings, or user.ErrNotFound. What it returns may be used for a minute.
	Project(ctx context.Context, id string) (project.Project, error)
	// User returns the user, of whom the pages use the locale only, or user.ErrNotFound.
	User(ctx context.Context, projectID, userID string) (user.User, error)
	// Subscriptions returns where the user stands with each group of the project that is not archived, by name of the
	// group, with its effective state and where that comes from; or user.ErrNotFound.
	Subscriptions(ctx context.Context, projectID, userID string) ([]consent.Standing, error)
	// SetStates sets the states of groups of one user and writes a ledger line for each, also for those that stay as
	// they are, in one transaction: all or nothing. consent.AllGroups stands for every group that the project has
	// or gets. A choice of NotSet takes back what the user said. No choice lifts a suppression: a group whose
	// address is suppressed gets its state, and stays suppressed.
	//
	// It returns consent.ErrNoGroup if a group is not of the project, which an archived one still is, and
	// user.ErrNotFound. Lost races are retried inside. It may be repeated: the states come out the same.
	SetStates(ctx context.Context, projectID, userID string, choices []consent.Choice, how consent.How, e consent.Evidence) error
}

// Options are what the handler may be told. The zero value works.
type Options struct {
	Log *slog.Logger     // slog.Default() if nil
	Now func() time.Time // time.Now if nil; must be safe for concurrent use
	// RequestID returns the id of a request, which the ledger keeps; nil means that requests have none.
	RequestID func(context.Context) string
}
