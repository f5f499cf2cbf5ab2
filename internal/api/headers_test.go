package api_test

import (
	"testing"
)

func TestSecureHeaders(t *testing.T) {
	s := newServer(t, willing())
	for _, path := range []string{client, "/nowhere"} {
		r := s.do("pk_client", "POST", path, known)
		if got, want := r.header.Get("Cache-Control"), "no-store"; got != want {
			t.Errorf("%s: Cache-Control: got %q, want %q", path, got, want)
		}
		if got, want := r.header.Get("X-Content-Type-Options"), "nosniff"; got != want {
			t.Errorf("%s: X-Content-Type-Options: got %q, want %q", path, got, want)
		}
	}
}
