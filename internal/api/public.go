package api

import (
	"context"
	"net/http"
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

// RequestID returns the id of the request whose context it is, "" if it has none.
func RequestID(ctx context.Context) string { return requestIDOf(ctx) }

// notePattern tells the access log the pattern by which an http.ServeMux below found its handler.
func notePattern(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { noteRoute(r.Context(), r.Pattern) }()
		next.ServeHTTP(w, r)
	})
}
