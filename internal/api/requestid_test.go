package api_test

import (
	"strings"
	"testing"
)

func TestRequestID(t *testing.T) {
	f := willing()
	s := newServer(t, f)
	one := s.do("pk_client", "POST", client, known, "X-Request-Id", "chosen")
	two := s.do("pk_client", "POST", client, known)
	a, b := one.header.Get("X-Request-Id"), two.header.Get("X-Request-Id")
	if a == "" || a == b || a == "chosen" {
		t.Errorf("got %q and %q, want two of our own", a, b)
	}
	if !strings.Contains(s.logs.String(), a) {
		t.Errorf("the log does not hold %q: %s", a, s.logs)
	}
}
