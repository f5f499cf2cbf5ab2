package api

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
)

// Public returns the handler of a function whose routes need no key: h in the middleware of every function. The access
// log names a request by the pattern that h's http.ServeMux matched, never by its path. A panic of h is answered
// by sorry. A handler is safe for concurrent use if h and sorry are.
func Public(h, sorry http.Handler, o Options) http.Handler {
	log := o.logger()
	return chain(notePattern(h),
		requestID,
		accessLog(log, o.clock()),
		secureHeaders,
		recoverPanics(log, sorry),
		cleanPath,
	)
}

// Refuse answers a request of a route that needs no key with a problem document of the status, which must be one of
// openapi.yaml, and of the detail, which must repeat nothing of the request.
func Refuse(w http.ResponseWriter, r *http.Request, status int, detail string) {
	p := problemOf(nil)
	for _, k := range kinds {
		if k.status == status {
			p = newProblem(k.status, k.slug, k.title, detail)
			break
		}
	}
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	respond(w, r, p.Status, problemType, p.in(r.Context()), slog.Default())
}

// Sorry returns a handler that answers every request with the fixed problem of a failure that nobody foresaw.
func Sorry() http.Handler { return failure(errPanic, slog.Default()) }

// RequestID returns the id of the request whose context it is, "" if it has none.
func RequestID(ctx context.Context) string { return requestIDOf(ctx) }

// notePattern tells the access log the path of the pattern by which an http.ServeMux below found its handler.
func notePattern(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if _, path, ok := strings.Cut(r.Pattern, "/"); ok { // a method may stand before it
				noteRoute(r.Context(), "/"+path)
			}
		}()
		next.ServeHTTP(w, r)
	})
}
