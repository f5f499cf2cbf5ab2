package api_test

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"lunogram-users/internal/api"
)

func TestPaths(t *testing.T) {
	s := newServer(t, willing())
	for path, want := range map[string]int{
		"//api/client/users":                            200,
		"/api//client///users":                          200,
		"/api/client/users/":                            200,
		"//api/client/users//":                          200,
		"/api/./client/x/../users":                      200,
		"//api/client/projects//" + projectA + "/users": 200,
		"/api/client%2Fusers":                           404,
		"/api/client/users%2F":                          404,
		"/api/client/projects/" + projectA + "%2F..%2F" + projectB + "/users": 401,
	} {
		if r := s.do("pk_client", "POST", path, known); r.status != want {
			t.Errorf("POST %s: got %d %s, want %d", path, r.status, r.body, want)
		}
	}
}

// TestCallerKeepsItsRequest checks that tidying the path does not change the request of whoever called.
func TestCallerKeepsItsRequest(t *testing.T) {
	r := httptest.NewRequest("POST", "//api/client/users", strings.NewReader(known))
	api.Upsert(willing(), api.Options{Log: slog.New(slog.DiscardHandler)}).ServeHTTP(httptest.NewRecorder(), r)
	if got, want := r.URL.Path, "//api/client/users"; got != want {
		t.Errorf("path: got %q, want %q", got, want)
	}
}
