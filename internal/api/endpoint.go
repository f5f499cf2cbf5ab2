package api

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
)

// nothing is the answer of an endpoint that has none to give: 204.
type nothing struct{}

// tagged is an answer with an entity tag.
type tagged interface {
	etag() string
}

// endpoint serves one route: decode reads the request, do carries it out, and what it returns is encoded as JSON
// with 200, or as 204 if it is nothing. An error of either becomes a problem document. This is the only
// place where requests are answered.
func endpoint[In, Out any](s *service, decode func(*http.Request) (In, error), do func(context.Context, In) (Out, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		in, err := decode(r)
		if err != nil {
			fail(w, r, err, s.log)
			return
		}
		out, err := do(r.Context(), in)
		if err != nil {
			fail(w, r, err, s.log)
			return
		}
		if _, ok := any(out).(nothing); ok {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if t, ok := any(out).(tagged); ok {
			if tag := t.etag(); tag != "" {
				w.Header().Set("ETag", tag)
			}
		}
		respond(w, r, http.StatusOK, "application/json", out, s.log)
	})
}

// respond encodes the whole answer before it writes any of it, so that a fault while encoding is still a 500.
func respond(w http.ResponseWriter, r *http.Request, status int, contentType string, answer any, log *slog.Logger) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(answer); err != nil {
		log.ErrorContext(r.Context(), "encode the answer", slog.Any("error", err))
		status, contentType = http.StatusInternalServerError, problemType
		w.Header().Del("ETag")
		body.Reset()
		_ = enc.Encode(problemOf(err).of(r)) // a problem always encodes
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // fails only when the client has gone
}
