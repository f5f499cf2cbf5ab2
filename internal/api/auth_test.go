package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/user"
)

// willing returns a store that does whatever it is asked.
func willing() *fake {
	f := newFake()
	f.upsert = func(user.Upsert) (user.User, error) { return alice(), nil }
	f.batch = func(batch []user.Upsert) []user.Result {
		return slices.Repeat([]user.Result{{UserID: aliceID, Outcome: user.Updated, Version: 3, CreatedAt: created, UpdatedAt: created}}, len(batch))
	}
	f.patch = func(user.Patch, *int64) (user.User, error) { return alice(), nil }
	f.user = func(string) (user.User, error) { return alice(), nil }
	f.byPair = func(user.Pair) (user.User, error) { return alice(), nil }
	f.subscriptions = func() ([]consent.Standing, error) { return nil, nil }
	f.page = func(string, string, string, int) (user.Page, error) { return user.Page{}, nil }
	f.erase = func() error { return nil }
	f.eraseByPairs = func([]user.Pair) error { return nil }
	f.detach = func(string) error { return nil }
	return f
}

// TestRoles is the table of who may do what.
func TestRoles(t *testing.T) {
	s := newImportServer(t, willing(), obliging{})
	tests := []struct {
		method, path, body string
		// The status for pk_client, sk_support, sk_editor and sk_admin.
		want [4]int
	}{
		{"POST", client, known, [4]int{200, 403, 200, 200}},
		{"POST", scopedA, known, [4]int{200, 403, 200, 200}},
		{"POST", client + "/batch", `{"users":[` + known + `]}`, [4]int{200, 403, 200, 200}},
		{"POST", scopedA + "/batch", `{"users":[` + known + `]}`, [4]int{200, 403, 200, 200}},
		{"DELETE", client, known, [4]int{403, 403, 204, 204}},
		{"DELETE", scopedA, known, [4]int{403, 403, 204, 204}},
		{"POST", adminA, known, [4]int{403, 403, 200, 200}},
		{"PATCH", aliceAt, `{}`, [4]int{403, 403, 200, 200}},
		{"GET", adminA, "", [4]int{403, 200, 200, 200}},
		{"GET", adminA + "/lookup?external_id=a", "", [4]int{403, 200, 200, 200}},
		{"GET", adminA + "/lookup?email=a@b.co", "", [4]int{403, 200, 200, 200}},
		{"GET", aliceAt, "", [4]int{403, 200, 200, 200}},
		{"GET", aliceAt + "/subscriptions", "", [4]int{403, 200, 200, 200}},
		{"DELETE", aliceAt, "", [4]int{403, 403, 204, 204}},
		{"DELETE", aliceAt + "/identifiers/" + pairID, "", [4]int{403, 403, 204, 204}},
		{"POST", importsA, `{"name":"a.csv"}`, [4]int{403, 403, 403, 201}},
		{"GET", importsA, "", [4]int{403, 200, 200, 200}},
		{"GET", importsA + "/" + aliceID, "", [4]int{403, 200, 200, 200}},
		{"POST", importsA + "/" + aliceID + "/cancel", "", [4]int{403, 403, 403, 200}},
		{"POST", importsA + "/" + aliceID + "/undo", "", [4]int{403, 403, 403, 200}},
	}
	for _, tt := range tests {
		for i, key := range []string{"pk_client", "sk_support", "sk_editor", "sk_admin"} {
			if r := s.do(key, tt.method, tt.path, tt.body); r.status != tt.want[i] {
				t.Errorf("%s %s with %s: got %d %s, want %d", tt.method, tt.path, key, r.status, r.body, tt.want[i])
			}
		}
		for _, key := range []string{"", "sk_wrong"} {
			r := s.do(key, tt.method, tt.path, tt.body)
			if r.status != http.StatusUnauthorized || r.header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s %s with key %q: got %d %q, want 401 with WWW-Authenticate: Bearer",
					tt.method, tt.path, key, r.status, r.header.Get("WWW-Authenticate"))
			}
		}
		if strings.Contains(tt.path, projectA) {
			if r := s.do("sk_foreign", tt.method, tt.path, tt.body); r.status != http.StatusUnauthorized {
				t.Errorf("%s %s with another project's key: got %d, want 401", tt.method, tt.path, r.status)
			}
		}
	}
}

// TestForeignProjectsLookAlike checks that a key cannot find out which projects exist.
func TestForeignProjectsLookAlike(t *testing.T) {
	s := newServer(t, willing())
	var first *document
	for _, id := range []string{projectB, "019abd3c-0000-7000-8000-00000000ffff", "not-a-uuid", "..%2F" + projectA} {
		for _, role := range []string{"pk_client", "sk_admin"} {
			r := s.do(role, "POST", "/api/client/projects/"+id+"/users", known)
			p := r.problem(t)
			p.RequestID = ""
			if r.status != http.StatusUnauthorized {
				t.Errorf("%s: got %d, want 401", id, r.status)
			}
			if first == nil {
				first = &p
			}
			if diff := cmp.Diff(*first, p); diff != "" {
				t.Errorf("%s differs (-first +this):\n%s", id, diff)
			}
		}
	}
}

func TestAuthorizationHeader(t *testing.T) {
	s := newServer(t, willing())
	for header, want := range map[string]int{
		"Bearer pk_client":                      200,
		"bearer pk_client":                      200,
		"BEARER   pk_client ":                   200,
		"pk_client":                             200,
		" pk_client":                            200,
		"":                                      401,
		"Bearer":                                401,
		"Bearer ":                               401,
		"Basic pk_client":                       401,
		"Bearer pk client":                      401,
		"Bearer PK_CLIENT":                      401,
		"Bearerpk_client":                       401,
		"Bearer " + strings.Repeat("x", 10_000): 401,
	} {
		if r := s.do("", "POST", client, known, "Authorization", header); r.status != want {
			t.Errorf("Authorization %.20q: got %d, want %d", header, r.status, want)
		}
	}
}

func TestProjectIDsInAnyCase(t *testing.T) {
	r := newServer(t, willing()).do("pk_client", "POST", strings.Replace(scopedA, projectA, strings.ToUpper(projectA), 1), known)
	if r.status != http.StatusOK {
		t.Errorf("got %d %s, want 200", r.status, r.body)
	}
}
