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

// created is an answer that tells of something new: 201.
type created interface {
	location() string
}

// endpoint serves one route: decode reads the request, do carries it out, and what it returns is encoded as JSON
// with 200, with 201 if it is created, or as 204 if it is nothing. An error of either becomes a problem document. This is the only
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
		status := http.StatusOK
		if c, ok := any(out).(created); ok {
			w.Header().Set("Location", c.location())
			status = http.StatusCreated
		}
		respond(w, r, status, "application/json", out, s.log)
	})
}

// respond encodes the whole answer before it writes any of it, so that one that cannot be sent is still a 500.
func respond(w http.ResponseWriter, r *http.Request, status int, contentType string, answer any, log *slog.Logger) {
	body, err := encode(answer)
	if err != nil {
		p := problemOf(err).in(r.Context())
		log.ErrorContext(r.Context(), "encode the answer", slog.Any("error", err), slog.String("request_id", p.RequestID))
		status, contentType = p.Status, problemType
		w.Header().Del("ETag")
		body, _ = encode(p) // a problem always encodes
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails only when the client has gone
}

// encode returns the answer as JSON, or errAnswer if it is larger than a function may return.
func encode(answer any) ([]byte, error) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(answer); err != nil {
		return nil, err
	}
	if !fits(body.Bytes()) {
		return nil, errAnswer
	}
	return body.Bytes(), nil
}

// maxReply is how large the reply of a function may be, in bytes: the 6 MB that Lambda allows
// (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html) less room for the headers.
const maxReply = 6<<20 - 64<<10

// fits reports whether a body fits into the reply of a function, which holds it as a JSON string: a byte takes up to
// six there (<, > and &), most take one.
//
// One user fits. A profile is stored in at most 400 KB, of which a byte takes at most seven in the reply (a control
// character, escaped twice): 2.8 MB. The exception is an array of numbers such as 1E125, which take two bytes and may
// be read back with all 126 digits. A page is at most 2 MB as stored (see Lister), so it fits while the reply takes
// less than three times that: text does, and fields however tiny, whose quotes are escaped too; much markup may not. Then a smaller limit leads on, from the same cursor.
func fits(body []byte) bool {
	return len(body) <= maxReply/6 || quoted(body) <= maxReply
}

// quoted returns how many bytes a body takes in the reply of a function.
func quoted(body []byte) int {
	text, _ := json.Marshal(string(body)) // a string always encodes
	return len(text)
}

// room is how many bytes of a reply are left.
type room int

// takes reports whether a part of an answer fits into what is left, and counts it.
func (r *room) takes(part any) bool {
	body, err := encode(part)
	*r -= room(quoted(body))
	return err == nil && *r >= 0
}
