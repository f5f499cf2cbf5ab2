// Package api serves the HTTP contract of openapi.yaml: it finds the route, checks the key, decodes the
// request, calls the store and encodes what it says.
//
// There is one handler per Lambda, [Upsert], [Get], [Delete], [Imports], [Subscriptions], [Lists] and [Render]. All of them know the
// whole contract, which is the table of routes.go, and each names the handlers of its own operations only, in functions.go. Each
// answers any path and method: what it does not serve gets a problem document (RFC 9457) with 404 or 405, as every other failure
// does. A handler is safe for concurrent use. Nothing personal is logged.
//
// The package knows the store by the interfaces below only, and AWS in gateway.go only.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// Keys finds API keys. Key returns the key with the hash that project.HashKey made, or user.ErrNotFound;
// it is called concurrently, and what it returns may be used for a minute.
type Keys interface {
	Key(ctx context.Context, hash string) (project.Key, error)
}

// Projects finds projects. Project returns the project with the id, or user.ErrNotFound; it is called
// concurrently, and what it returns may be used for a minute.
type Projects interface {
	Project(ctx context.Context, id string) (project.Project, error)
}

// Upserter writes profiles. Requests are normalized. Every method may be called concurrently, reads are
// strongly consistent, and the errors are those of package user.
type Upserter interface {
	// Upsert creates or updates the user who owns any of the pairs. With IfMatch, a user who does not
	// exist is user.ErrVersion too.
	Upsert(ctx context.Context, req user.Upsert) (user.User, error)
	Patcher
	// UpsertBatch upserts up to 100 requests, those of one user in order, and answers each by its index: one that
	// fails does not hold up the others.
	UpsertBatch(ctx context.Context, projectID string, batch []user.Upsert) []user.Result
	// UserByPair returns the owner of the pair.
	UserByPair(ctx context.Context, projectID string, p user.Pair) (user.User, error)
}

// Patcher changes one profile.
type Patcher interface {
	// Patch changes one user on condition of the version, if there is one. An absorbed id means its survivor.
	Patch(ctx context.Context, projectID, userID string, p user.Patch, ifMatch *int64) (user.User, error)
}

// Reader reads one profile. Every method may be called concurrently and is strongly consistent.
// An absorbed id means its survivor; nobody is user.ErrNotFound.
type Reader interface {
	User(ctx context.Context, projectID, userID string) (user.User, error)
	UserByPair(ctx context.Context, projectID string, p user.Pair) (user.User, error)
	// Subscriptions returns one standing per group of the project, by name.
	Subscriptions(ctx context.Context, projectID, userID string) ([]consent.Standing, error)
}

// Lister finds profiles. A page holds at most limit users and about 2 MB of them, as stored; only one without a Next is
// the last, and one with a Next may hold fewer than limit, or none. after is the Next of the page before it, or "".
// Every method may be called concurrently and may lag behind writes.
type Lister interface {
	// Users returns the newest first.
	Users(ctx context.Context, projectID, after string, limit int) (user.Page, error)
	UsersByEmail(ctx context.Context, projectID, email, after string, limit int) (user.Page, error)
	UsersByPhone(ctx context.Context, projectID, phone, after string, limit int) (user.Page, error)
	// Search returns those with the phone number, if the term is one, or else those whose e-mail starts with it.
	// The owners of the external id that is exactly the term, at most two, stand before them on the first page,
	// on top of the limit.
	Search(ctx context.Context, projectID, term, after string, limit int) (user.Page, error)
}

// Deleter erases profiles and detaches identifiers. Every method may be called concurrently. Nobody is
// user.ErrNotFound; a call cut short anywhere is finished by repeating it.
type Deleter interface {
	Delete(ctx context.Context, projectID, userID string) error
	// DeleteByPairs returns a *user.ConflictError when the pairs belong to several users.
	DeleteByPairs(ctx context.Context, projectID string, pairs []user.Pair) error
	// Detach returns user.ErrLastIdentifier rather than leave a user without any.
	Detach(ctx context.Context, projectID, userID, identifierID string) error
}

// UpsertStore is what the upsert function needs of the store.
type UpsertStore interface {
	Keys
	Upserter
}

// GetStore is what the get function needs of the store.
type GetStore interface {
	Keys
	Projects
	Reader
	Lister
}

// DeleteStore is what the delete function needs of the store.
type DeleteStore interface {
	Keys
	Deleter
}

// ImportsStore is what the imports function needs of the store.
type ImportsStore interface {
	Keys
	Projects
}

// Options are what handlers may be told. The zero value works.
type Options struct {
	Log *slog.Logger     // slog.Default() if nil
	Now func() time.Time // time.Now if nil; must be safe for concurrent use
	// PublicURL is where recipients reach the pages, without a slash at its end; "" means the host that was asked.
	PublicURL string
}

// service holds what the endpoints call. Of the stores only those of its own function are set.
type service struct {
	upserter Upserter
	reader   Reader
	lister   Lister
	deleter  Deleter
	importer Importer
	consent  SubscriptionsStore
	lists    ListsStore
	patcher  Patcher
	projects *projectCache
	log      *slog.Logger
	now      func() time.Time

	recipients Recipients
	templates  Templates
	publicURL  string
}

func (o Options) logger() *slog.Logger {
	if o.Log == nil {
		return slog.Default()
	}
	return o.Log
}

func (o Options) clock() func() time.Time {
	if o.Now == nil {
		return time.Now
	}
	return o.Now
}

// handler wraps the routes of one function in the middleware, outermost first.
func (s *service) handler(function string, keys Keys, serve handlers) http.Handler {
	return chain(s.router(function, serve, newKeyCache(keys, s.now)),
		requestID,
		accessLog(s.log, s.now),
		secureHeaders,
		recoverPanics(s.log, failure(errPanic, s.log)),
		cleanPath,
	)
}

// middleware wraps a handler in another.
type middleware func(http.Handler) http.Handler

// chain returns h wrapped in the middleware, the first one outermost.
func chain(h http.Handler, wraps ...middleware) http.Handler {
	for i := len(wraps) - 1; i >= 0; i-- {
		h = wraps[i](h)
	}
	return h
}
