package api_test

import (
	"net/http"
	"strings"
	"testing"

	"lunogram-users/internal/user"
)

func TestPanicIsAProblem(t *testing.T) {
	f := newFake()
	for name, cause := range map[string]any{
		"a runtime error":   nil,
		"a value":           "alice@example.com",
		"http.ErrAbort":     http.ErrAbortHandler,
		"an error of a lib": user.Invalid("/email", "alice@example.com"),
	} {
		f.user = func(string) (user.User, error) {
			if cause != nil {
				panic(cause)
			}
			var none []user.User
			return none[len(name)], nil
		}
		s := newServer(t, f)
		r := s.do("sk_support", "GET", aliceAt, "")
		if r.status != http.StatusInternalServerError || r.problem(t).Type != "urn:lunogram-users:problem:internal" {
			t.Errorf("%s: got %d %s, want the fixed 500", name, r.status, r.body)
		}
		logs := s.logs.String()
		if !strings.Contains(logs, "recover_test.go") {
			t.Errorf("%s: the log has no stack: %s", name, logs)
		}
		if strings.Contains(logs+r.body, "alice@example.com") {
			t.Errorf("%s: the value shows: %s %s", name, logs, r.body)
		}
	}
}
