package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/csvimport"
	"lunogram-users/internal/list"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// problemType is the media type of every failure (RFC 9457).
const problemType = "application/problem+json"

// problem is a problem document (RFC 9457, 3.1) with our members beside the standard ones.
type problem struct {
	Type      string   `json:"type"`
	Title     string   `json:"title"`
	Status    int      `json:"status"`
	Detail    string   `json:"detail"`
	Errors    []fault  `json:"errors,omitempty"`
	UserIDs   []string `json:"user_ids,omitempty"` // of a conflict
	RequestID string   `json:"request_id,omitempty"`
}

// fault is one thing wrong with a request: a JSON pointer into the body or the name of a query parameter, and
// what is wrong there. The pointer "" means the whole body.
type fault struct {
	Pointer   *string `json:"pointer,omitempty"`
	Parameter string  `json:"parameter,omitempty"`
	Detail    string  `json:"detail"`
	unread    bool    // nothing at or below the pointer was read
}

// Errors of the HTTP layer itself. All others come from the store and package user.
var (
	errNoRoute      = errors.New("there is nothing at this path")
	errMethod       = errors.New("this path does not take this method")
	errUnauthorized = errors.New("a valid API key for this project is needed")
	errForbidden    = errors.New("this key may not do this")
	errTooLarge     = errors.New("the body is larger than 1 MB")
	errNoImport     = errors.New("there is no such import")
	errBadPath      = errors.New("the path or query is not validly escaped")
	errAnswer       = errors.New("the answer would be larger than 6 MB; ask for fewer users with limit")
	errPanic        = errors.New("panic")
	errToken        = errors.New("the token is not that of a preferences link of this project")
	errNoReview     = errors.New("there is no such text that waits for a decision")
)

// kind is one row of the error table. An empty detail means the text of the error, which is then ours and fixed.
type kind struct {
	err    error
	status int
	slug   string
	title  string
	detail string
}

// kinds maps errors to problems; the first that errors.Is matches counts.
var kinds = []kind{
	{errNoRoute, http.StatusNotFound, "not-found", "resource not found", ""},
	{errMethod, http.StatusMethodNotAllowed, "method-not-allowed", "method not allowed", ""},
	{errNoImport, http.StatusNotFound, "not-found", "resource not found", ""},
	{errUnauthorized, http.StatusUnauthorized, "unauthorized", "unauthorized", ""},
	{errForbidden, http.StatusForbidden, "forbidden", "forbidden", ""},
	{errTooLarge, http.StatusRequestEntityTooLarge, "too-large", "content too large", ""},
	{errBadPath, http.StatusBadRequest, "bad-request", "bad request", ""},
	{errAnswer, http.StatusInternalServerError, "answer-too-large", "answer too large", ""},
	{errToken, http.StatusForbidden, "forbidden", "forbidden", ""},
	{errNoReview, http.StatusNotFound, "not-found", "resource not found", ""},
	{consent.ErrNoGroup, http.StatusNotFound, "not-found", "resource not found", ""},
	{consent.ErrNotSuppressed, http.StatusNotFound, "not-found", "resource not found", ""},
	{consent.ErrArchived, http.StatusConflict, "archived", "conflict", "the group is archived, and changes no more"},
	{consent.ErrGroupExists, http.StatusConflict, "group-exists", "conflict", ""},
	{consent.ErrTooManyGroups, http.StatusConflict, "too-many-groups", "conflict", ""},
	{list.ErrNotFound, http.StatusNotFound, "not-found", "resource not found", ""},
	{list.ErrArchived, http.StatusConflict, "archived", "conflict",
		"the list is archived: it changes no more, and nothing is sent to it"},
	{list.ErrExists, http.StatusConflict, "list-exists", "conflict", ""},
	{list.ErrTooMany, http.StatusConflict, "too-many-lists", "conflict", ""},
	{list.ErrTooManyDynamic, http.StatusConflict, "too-many-lists", "conflict", ""},
	{list.ErrTooManyArchived, http.StatusConflict, "too-many-lists", "conflict", ""},
	{list.ErrKind, http.StatusConflict, "list-kind", "conflict",
		"the list is of the wrong kind: users are put into static lists only, and only dynamic lists have a rule"},
	{list.ErrNotReady, http.StatusConflict, "list-not-ready", "conflict", "the members of the list are still being copied; try again"},
	{user.ErrNotFound, http.StatusNotFound, "not-found", "resource not found", "there is no such user or identifier"},
	{user.ErrVersion, http.StatusPreconditionFailed, "precondition-failed", "precondition failed",
		"the user does not have the version that If-Match asks for"},
	{user.ErrLastIdentifier, http.StatusConflict, "last-identifier", "conflict", "a user keeps at least one identifier"},
	{csvimport.ErrFinished, http.StatusConflict, "import-finished", "conflict", "the import is over and cannot be canceled"},
	{csvimport.ErrNoUndo, http.StatusConflict, "no-undo", "conflict",
		"the import cannot be taken back: it is not over yet, wrote no user, is older than 30 days, or kept no before-images"},
	{user.ErrTooLarge, http.StatusRequestEntityTooLarge, "too-large", "content too large", "the profile would exceed 400 KB"},
	{user.ErrUnavailable, http.StatusServiceUnavailable, "unavailable", "service unavailable",
		"the store is busy; send the same request again"},
	{context.DeadlineExceeded, http.StatusGatewayTimeout, "timeout", "gateway timeout",
		"the request took too long; send it again, and ask for less at once if that takes too long too"},
	{context.Canceled, http.StatusServiceUnavailable, "unavailable", "service unavailable",
		"the request was broken off; send the same request again"},
}

// problemOf returns the problem that answers an error. An unknown error is a fixed 500: its text may say what
// the caller must not learn.
func problemOf(err error) problem {
	if e, ok := errors.AsType[*badRequest](err); ok {
		return newProblem(http.StatusBadRequest, "bad-request", "bad request", e.summary(), e.faults...)
	}
	if e, ok := errors.AsType[*user.InvalidError](err); ok {
		b := &badRequest{}
		b.add(e)
		return problemOf(b.err())
	}
	if e, ok := errors.AsType[*user.ConflictError](err); ok {
		p := newProblem(http.StatusConflict, "conflict", "conflict",
			"the identifiers belong to different users, so that it is not clear who is meant; nothing was done")
		p.UserIDs = e.UserIDs
		return p
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		err = errTooLarge
	}
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			detail := k.detail
			if detail == "" {
				detail = k.err.Error()
			}
			return newProblem(k.status, k.slug, k.title, detail)
		}
	}
	return newProblem(http.StatusInternalServerError, "internal", "internal server error",
		"something went wrong on our side; the request id names the log entry")
}

func newProblem(status int, slug, title, detail string, faults ...fault) problem {
	return problem{Type: "urn:lunogram-users:problem:" + slug, Title: title, Status: status, Detail: detail, Errors: faults}
}

// in completes the problem for the request that it answers, by the request's context. Who may not read users is told no
// user ids.
func (p problem) in(ctx context.Context) problem {
	p.RequestID = requestIDOf(ctx)
	if key, ok := keyOf(ctx); !ok || !key.Role.Includes(project.Support) {
		p.UserIDs = nil
	}
	return p
}

// fail answers a request with the problem that the error is, and logs it if it is our fault.
func fail(w http.ResponseWriter, r *http.Request, err error, log *slog.Logger) {
	p := problemOf(err).in(r.Context())
	switch p.Status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer") // RFC 9110, 11.6.1
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	}
	if p.Status >= http.StatusInternalServerError && !errors.Is(err, errPanic) {
		log.ErrorContext(r.Context(), "request failed", slog.Int("status", p.Status), slog.Any("error", err),
			slog.String("request_id", p.RequestID))
	}
	respond(w, r, p.Status, problemType, p, log)
}

// failure returns a handler that answers every request with the problem that the error is.
func failure(err error, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fail(w, r, err, log) })
}
