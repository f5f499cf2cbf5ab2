package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"lunogram-users/internal/project"
)

// notes are what the inner handlers learn of a request for its line in the access log. They are written and read by
// the goroutine of the request only.
type notes struct {
	route string
	key   project.Key
}

type notesContext struct{}

// noteRoute and noteKey do nothing when there is no access log.
func noteRoute(ctx context.Context, route string) {
	if n, ok := ctx.Value(notesContext{}).(*notes); ok {
		n.route = route
	}
}

func noteKey(ctx context.Context, key project.Key) {
	if n, ok := ctx.Value(notesContext{}).(*notes); ok {
		n.key = key
	}
}

// accessLog writes one line per request. It names the route's pattern, never the path or the query: those may hold
// an address or an external id.
func accessLog(log *slog.Logger, now func() time.Time) middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			start := now()
			n := &notes{}
			counted := &countingWriter{ResponseWriter: w}
			r = r.WithContext(context.WithValue(r.Context(), notesContext{}, n))
			next.ServeHTTP(counted, r)
			log.InfoContext(r.Context(), "request",
				slog.String("method", knownMethod(r.Method)),
				slog.String("route", n.route),
				slog.Int("status", counted.code()),
				slog.Int64("bytes", counted.bytes),
				slog.Float64("ms", float64(now().Sub(start).Microseconds())/1000),
				slog.String("project", n.key.ProjectID),
				slog.String("role", string(n.key.Role)),
				slog.String("request_id", requestIDOf(r.Context())),
			)
		})
	}
}

// knownMethod keeps what a client made up out of the log.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// countingWriter remembers the status and counts the bytes of an answer.
type countingWriter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader remembers the first status.
func (w *countingWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write counts.
func (w *countingWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Unwrap serves http.ResponseController.
func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// code returns the status as the client sees it.
func (w *countingWriter) code() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}
