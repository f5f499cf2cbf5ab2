package lambda

import (
	"context"

	"github.com/google/uuid"
)

type requestIDKey struct{}

// WithRequestID returns a context under which Invoke uses the request id. Every attempt of an asynchronous event
// has the same one on AWS, by which a function knows its own earlier attempt.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

func requestID(ctx context.Context) string {
	if id, ok := ctx.Value(requestIDKey{}).(string); ok {
		return id
	}
	return uuid.NewString()
}
