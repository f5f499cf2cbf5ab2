package api

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
)

// recoverPanics lets sorry answer for a handler that panics, and logs the panic with its stack. If a part of the answer has been sent
// the rest is just missing; endpoints send none before it is complete.
func recoverPanics(log *slog.Logger, sorry http.Handler) middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if v := recover(); v != nil {
					log.ErrorContext(r.Context(), "panic", slog.String("panic", panicText(v)),
						slog.String("stack", string(debug.Stack())), slog.String("request_id", requestIDOf(r.Context())))
					sorry.ServeHTTP(w, r)
				}
			}()
			next.ServeHTTP(w, r)
		})
	}
}

// panicText returns the text of the runtime's own panics, and of any other value its type only: it could hold a
// part of a request.
func panicText(v any) string {
	if err, ok := v.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a value of type %T", v)
}
