package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"lunogram-users/internal/user"
)

func TestProblems(t *testing.T) {
	secret := errors.New("dynamodb: alice@example.com is bad")
	tests := []struct {
		name   string
		err    error
		status int
		kind   string
		title  string
	}{
		{"not found", fmt.Errorf("get: %w", user.ErrNotFound), 404, "not-found", "resource not found"},
		{"version", user.ErrVersion, 412, "precondition-failed", "precondition failed"},
		{"conflict", fmt.Errorf("x: %w", &user.ConflictError{}), 409, "conflict", "conflict"},
		{"invalid", user.Invalid("/identifier", "too many"), 400, "bad-request", "bad request"},
		{"too large", user.ErrTooLarge, 413, "too-large", "content too large"},
		{"unavailable", fmt.Errorf("x: %w", user.ErrUnavailable), 503, "unavailable", "service unavailable"},
		{"unavailable because late", errors.Join(user.ErrUnavailable, context.DeadlineExceeded), 503, "unavailable", "service unavailable"},
		{"late", fmt.Errorf("x: %w", context.DeadlineExceeded), 504, "timeout", "gateway timeout"},
		{"broken off", context.Canceled, 503, "unavailable", "service unavailable"},
		{"unknown", secret, 500, "internal", "internal server error"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake()
			f.upsert = func(user.Upsert) (user.User, error) { return user.User{}, tt.err }
			f.user = func(string) (user.User, error) { return user.User{}, tt.err }
			s := newServer(t, f)
			method, path, body := "POST", client, known
			if tt.status == http.StatusNotFound { // which no upsert is answered with
				method, path, body = "GET", aliceAt, ""
			}
			r := s.do("sk_editor", method, path, body)
			p := r.problem(t)
			if r.status != tt.status || p.Status != tt.status {
				t.Errorf("status: got %d, and %d in the body, want %d", r.status, p.Status, tt.status)
			}
			if want := "urn:lunogram-users:problem:" + tt.kind; p.Type != want {
				t.Errorf("type: got %q, want %q", p.Type, want)
			}
			if p.Title != tt.title {
				t.Errorf("title: got %q, want %q", p.Title, tt.title)
			}
			if strings.Contains(r.body, "alice") || strings.Contains(r.body, "dynamodb") {
				t.Errorf("the body shows the inner error: %s", r.body)
			}
			if p.RequestID == "" || p.RequestID != r.header.Get("X-Request-Id") {
				t.Errorf("request_id: got %q, want that of the header, %q", p.RequestID, r.header.Get("X-Request-Id"))
			}
			if got, want := r.header.Get("Retry-After"), map[bool]string{true: "1"}[tt.status == 503]; got != want {
				t.Errorf("Retry-After: got %q, want %q", got, want)
			}
			if r.header.Get("ETag") != "" {
				t.Error("a problem has an ETag")
			}
			if got, want := strings.Contains(s.logs.String(), "request failed"), tt.status >= 500; got != want {
				t.Errorf("logged as an error: got %v, want %v", got, want)
			}
		})
	}
}

// TestConflictOfReads checks that who reads is not told of a change that was not made.
func TestConflictOfReads(t *testing.T) {
	tn := newTenant(t)
	a, b := tn.make("a", ""), tn.make("b", "")
	p := tn.want(409, "POST", tn.consentPath("/render"), `{"identifier":[{"external_id":"a"},{"external_id":"b"}],"template":"x"}`).problem(t)
	if len(p.UserIDs) != 2 || strings.Contains(p.Detail, "changed") || !strings.Contains(p.Detail, "not clear who is meant") {
		t.Errorf("got %q about %v, want that %s and %s are meant", p.Detail, p.UserIDs, a, b)
	}
}

// TestUnencodable checks that an answer that cannot be encoded is a whole 500, not half an answer.
func TestUnencodable(t *testing.T) {
	f := newFake()
	f.user = func(string) (user.User, error) {
		u := alice()
		u.Data = map[string]any{"f": func() {}}
		return u, nil
	}
	r := newServer(t, f).do("sk_support", "GET", aliceAt, "")
	if r.status != http.StatusInternalServerError || r.header.Get("ETag") != "" {
		t.Errorf("got %d with ETag %q, want 500 without", r.status, r.header.Get("ETag"))
	}
}

func TestRoutesThatAreNone(t *testing.T) {
	s := newServer(t, newFake())
	tests := []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/", 404, ""},
		{"POST", "/api", 404, ""},
		{"GET", "/api/client/users/x", 404, ""},
		{"POST", "/api/client%2Fusers", 404, ""},
		{"DELETE", "/favicon.ico", 404, ""},
		{"GET", client, 405, "DELETE, POST"},
		{"PUT", client, 405, "DELETE, POST"},
		{"OPTIONS", "//api/client/users", 405, "DELETE, POST"},
		{"BREW", scopedA, 405, "DELETE, POST"},
		{"DELETE", adminA, 405, "GET, POST"},
		{"POST", adminA + "/lookup", 405, "GET"},
		{"DELETE", adminA + "/lookup", 405, "GET"},
		{"POST", aliceAt, 405, "DELETE, GET, PATCH"},
		{"DELETE", aliceAt + "/subscriptions", 405, "GET, PATCH"},
		{"POST", client + "/subscriptions", 405, "PUT"},
		{"GET", aliceAt + "/identifiers/" + pairID, 405, "DELETE"},
		{"POST", aliceAt + "/lists", 405, "GET"},
		{"PUT", listsA, 405, "GET, POST"},
		{"DELETE", listsA + "/" + aliceID, 405, "GET, PATCH"},
		{"GET", listsA + "/" + aliceID + "/members", 404, ""},
	}
	for _, tt := range tests {
		r := s.do("", tt.method, tt.path, "")
		if r.status != tt.status || r.header.Get("Allow") != tt.allow {
			t.Errorf("%s %s: got %d with Allow %q, want %d with %q", tt.method, tt.path, r.status, r.header.Get("Allow"), tt.status, tt.allow)
		}
	}
}

func TestHead(t *testing.T) {
	f := newFake()
	f.user = func(string) (user.User, error) { return alice(), nil }
	if r := newServer(t, f).do("sk_support", "HEAD", aliceAt, ""); r.status != http.StatusOK || r.header.Get("ETag") != `"3"` {
		t.Errorf("got %d with ETag %q, want 200 with %q", r.status, r.header.Get("ETag"), `"3"`)
	}
}
