package api

import (
	"context"
	"net/http"

	"github.com/google/uuid"
)

type requestIDContext struct{}

// withRequestID returns a context of the request that the gateway calls id.
func withRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDContext{}, id)
}

// requestIDOf returns the id of the request, "" outside one.
func requestIDOf(ctx context.Context) string {
	id, _ := ctx.Value(requestIDContext{}).(string)
	return id
}

// requestID gives every request an id, the gateway's if it has one, and tells it in X-Request-Id. What the client
// calls the request is not taken over: it could be anything.
func requestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := requestIDOf(r.Context())
		if id == "" {
			id = uuid.NewString()
			r = r.WithContext(withRequestID(r.Context(), id))
		}
		w.Header().Set("X-Request-Id", id)
		next.ServeHTTP(w, r)
	})
}
