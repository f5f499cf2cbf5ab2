// Package gateway is an API Gateway HTTP API with Lambda integrations on a local address: it chooses the route,
// turns the request into a payload of version 2.0, and the function's response back into HTTP.
package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/google/uuid"

	"lunogram-users/internal/local/lambda"
)

// The bounds of an HTTP API.
// Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
const (
	maxBody            = 10 << 20 // bytes
	integrationTimeout = 30 * time.Second
)

// Invoker runs a function on an event. *lambda.Function is one.
type Invoker interface {
	Invoke(ctx context.Context, event []byte) ([]byte, error)
}

// Route leads requests to a function. Path and Method are those of the template: "/users/{id}",
// "/files/{proxy+}", and an HTTP method or "ANY"; both are empty for the $default route.
type Route struct {
	Method   string
	Path     string
	Function Invoker
}

// Config makes a Gateway.
type Config struct {
	Routes  []Route
	CORS    *CORS         // nil sends no CORS headers
	Timeout time.Duration // of an integration; 30 seconds if 0
	Log     *slog.Logger
	Now     func() time.Time // time.Now if nil
}

// Gateway is an http.Handler that serves the routes.
type Gateway struct {
	table   table
	cors    *CORS
	timeout time.Duration
	log     *slog.Logger
	now     func() time.Time
}

// New returns a gateway. It returns an error if two routes are the same or a path is malformed.
func New(c Config) (*Gateway, error) {
	t, err := newTable(c.Routes)
	if err != nil {
		return nil, err
	}
	g := &Gateway{table: t, cors: c.CORS, timeout: c.Timeout, log: c.Log, now: c.Now}
	if g.timeout == 0 {
		g.timeout = integrationTimeout
	}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	if g.now == nil {
		g.now = time.Now
	}
	return g, nil
}

// ServeHTTP implements http.Handler.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.cors.preflight(w, r) {
		return
	}
	match, ok := g.table.match(r.Method, r.URL.EscapedPath())
	if !ok {
		g.fail(w, r, http.StatusNotFound, "Not Found")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		g.fail(w, r, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return
	}
	if err != nil {
		return // the client went away
	}
	request := newRequest(r, match, body, uuid.NewString(), g.now())
	event, err := json.Marshal(request)
	if err != nil {
		g.log.Error("marshal a request", "error", err)
		g.fail(w, r, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	g.invoke(w, r, match, event, request.RequestContext.RequestID)
}

// invoke calls the function and writes what it answers.
func (g *Gateway) invoke(w http.ResponseWriter, r *http.Request, m match, event []byte, requestID string) {
	// A client that goes away does not stop the function: it does not on AWS either.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), g.timeout)
	defer cancel()
	w.Header().Set("Apigw-Requestid", requestID)
	payload, err := m.route.Function.Invoke(ctx, event)
	switch {
	case errors.Is(err, lambda.ErrTooLarge):
		g.fail(w, r, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, lambda.ErrClosed):
		g.fail(w, r, http.StatusServiceUnavailable, "Service Unavailable")
		return
	case err != nil:
		g.log.Error("a function failed", "route", m.route.key(), "request_id", requestID, "error", err)
		g.fail(w, r, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	answer, err := parseResponse(payload)
	if err != nil {
		g.log.Error("a response is malformed", "route", m.route.key(), "request_id", requestID, "error", err)
		g.fail(w, r, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	answer.write(w, func(h http.Header) { g.cors.apply(h, r) })
}

// fail answers what API Gateway itself says.
func (g *Gateway) fail(w http.ResponseWriter, r *http.Request, status int, message string) {
	g.cors.apply(w.Header(), r)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message}) // the client may have gone away
}
