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
	"html/template"
	"log/slog"
	"net/http"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// Store is what the pages need of the store. Every method may be called concurrently; reads are strongly consistent, so
// that a page shows what the one before it saved. An absorbed user id means its survivor.
type Store interface {
	// Project returns the project with its settings, or user.ErrNotFound.
	Project(ctx context.Context, id string) (project.Project, error)
	// Standings returns the user, of whom the pages use the locale only, and where the user stands with each group of
	// the project that is not archived, by name of the group; or user.ErrNotFound.
	Standings(ctx context.Context, p project.Project, userID string) (user.User, []consent.Standing, error)
	// SetSubscriptions sets the states of groups of one user and writes a ledger line for each, also for those that stay as
	// they are, in one transaction: all or nothing. consent.AllGroups stands for every group that the project has
	// or gets. No choice lifts a suppression: a group whose address is suppressed gets its state, and stays
	// suppressed.
	//
	// It returns consent.ErrNoGroup if a group is not of the project, which an archived one still is, and
	// user.ErrNotFound, else the user as it stands then. Lost races are retried inside. It may be repeated: the states
	// come out the same.
	SetSubscriptions(ctx context.Context, projectID, userID string, s consent.Setting) (user.User, error)
}

// Options are what the handler may be told. The zero value works.
type Options struct {
	Log *slog.Logger // slog.Default() if nil
	// RequestID returns the id of a request, which the ledger keeps; nil means that requests have none.
	RequestID func(context.Context) string
}

// handler serves the pages.
type handler struct {
	store     Store
	log       *slog.Logger
	requestID func(context.Context) string
	table     table
	templates *template.Template
}

// New returns the handler of the pages. What is at no path of theirs is answered as a broken link.
func New(store Store, o Options) http.Handler {
	h := newHandler(store, o)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /preferences/{token}", h.showPreferences)
	mux.HandleFunc("POST /preferences/{token}", h.savePreferences)
	mux.HandleFunc("GET /unsubscribe/{token}", h.askUnsubscribe)
	mux.HandleFunc("POST /unsubscribe/{token}", h.unsubscribe)
	mux.HandleFunc("/", h.broken)
	return h.sameOrigin(mux)
}

// Sorry returns the handler that answers when something of ours went wrong.
func Sorry() http.Handler {
	h := newHandler(nil, Options{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.sorry(w, r, http.StatusInternalServerError, failedPage)
	})
}

func newHandler(store Store, o Options) *handler {
	h := &handler{store: store, log: o.Log, requestID: o.RequestID, table: newTable()}
	if h.log == nil {
		h.log = slog.Default()
	}
	if h.requestID == nil {
		h.requestID = func(context.Context) string { return "" }
	}
	h.templates = template.Must(template.ParseFS(files, "page.html"))
	return h
}

// sameOrigin refuses forms that another site sends in a browser. RFC 8058's requests come from no browser and pass. A
// browser that sends no Sec-Fetch-Site (Safari before 16.4) says that the origin is null, as our own Referrer-Policy
// has it: that tells nothing.
func (h *handler) sameOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.sorry(w, r, http.StatusForbidden, foreignPage)
	}))
	protected := protection.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") == "null" && r.Header.Get("Sec-Fetch-Site") == "" {
			r = r.Clone(r.Context())
			r.Header.Del("Origin")
		}
		protected.ServeHTTP(w, r)
	})
}
