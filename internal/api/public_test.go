package api_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"lunogram-users/internal/api"
)

func TestPublic(t *testing.T) {
	t.Parallel()
	var logs bytes.Buffer
	mux := http.NewServeMux()
	mux.HandleFunc("GET /page/{token}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("token") == "panics" {
			panic("a value of someone")
		}
		_, _ = io.WriteString(w, "request "+api.RequestID(r.Context()))
	})
	sorry := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "sorry", http.StatusInternalServerError) })
	h := api.Public(mux, sorry, api.Options{Log: slog.New(slog.NewTextHandler(&logs, nil))})

	tests := []struct {
		path, body string
		status     int
	}{
		{"/page/secret", "request ", http.StatusOK}, // without a key
		{"//page/secret/", "request ", http.StatusOK},
		{"/page/panics", "sorry", http.StatusInternalServerError},
		{"/secret", "404", http.StatusNotFound},
	}
	for _, test := range tests {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", test.path, nil))
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.body) {
			t.Errorf("%s: got %d %q, want %d and %q", test.path, w.Code, w.Body, test.status, test.body)
		}
		id := w.Header().Get("X-Request-Id")
		if id == "" || test.body == "request " && !strings.HasSuffix(w.Body.String(), id) {
			t.Errorf("%s: the request id is %q, the handler says %q", test.path, id, w.Body)
		}
		if got := w.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control is %q, want no-store", test.path, got)
		}
	}
	for _, want := range []string{`route=/page/{token} status=200`, `route=/page/{token} status=500`, `route="" status=404`, "msg=panic"} {
		if !strings.Contains(logs.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, logs.String())
		}
	}
	if strings.Contains(logs.String(), "secret") || strings.Contains(logs.String(), "someone") {
		t.Errorf("the log holds the token, or what a handler panicked with:\n%s", logs.String())
	}
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status, want int
		kind, retry  string
	}{
		{http.StatusBadRequest, http.StatusBadRequest, "bad-request", ""},
		{http.StatusForbidden, http.StatusForbidden, "forbidden", ""},
		{http.StatusNotFound, http.StatusNotFound, "not-found", ""},
		{http.StatusRequestEntityTooLarge, http.StatusRequestEntityTooLarge, "too-large", ""},
		{http.StatusServiceUnavailable, http.StatusServiceUnavailable, "unavailable", "1"},
		{http.StatusTeapot, http.StatusInternalServerError, "internal", ""}, // no problem of the contract
	}
	for _, tt := range tests {
		w := httptest.NewRecorder()
		api.Refuse(w, httptest.NewRequest("POST", "/x", nil), tt.status, "because")
		if w.Code != tt.want || w.Header().Get("Retry-After") != tt.retry || w.Header().Get("Content-Type") != "application/problem+json" ||
			!strings.Contains(w.Body.String(), `"urn:lunogram-users:problem:`+tt.kind+`"`) {
			t.Errorf("%d: got %d %v %s, want %d and %s", tt.status, w.Code, w.Header(), w.Body, tt.want, tt.kind)
		}
		if detail := strings.Contains(w.Body.String(), "because"); detail != (tt.want == tt.status) {
			t.Errorf("%d: got %s", tt.status, w.Body)
		}
	}
}
