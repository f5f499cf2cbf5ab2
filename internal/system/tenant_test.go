package system_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/user"
)

// TestTenantsAreApart tries, with the keys of one project, to read, change or learn of a user of another, by every way
// that a request has.
func TestTenantsAreApart(t *testing.T) {
	a, b := newTenant(t), newTenant(t)
	victim := b.upsert(object{"identifier": pairs("shared", "crm:b"), "email": "victim@example.com", "phone": "+15550109999"})
	id := victim["id"].(string)
	mine := a.upsert(object{"identifier": pairs("mine")})

	t.Run("path", func(t *testing.T) {
		unknown := "0198c0de-0000-7000-8000-000000000000"
		for _, rest := range []string{"", "/" + id, "/lookup?external_id=shared", "/" + id + "/subscriptions"} {
			path := "/api/admin/projects/%s/subjects/users" + rest
			real := a.call("GET", fmt.Sprintf(path, b.id), a.secret, nil)
			none := a.call("GET", fmt.Sprintf(path, unknown), a.secret, nil)
			if real.status != http.StatusUnauthorized || !same(real, none) {
				t.Errorf("GET %s: %v; of a project that does not exist: %v", rest, real.body, none.body)
			}
		}
		for _, c := range [][2]string{
			{"POST", b.admin("")}, {"PATCH", b.admin("/" + id)}, {"DELETE", b.admin("/" + id)},
			{"POST", "/api/client/projects/" + b.id + "/users"}, {"DELETE", "/api/client/projects/" + b.id + "/users"},
			{"DELETE", b.admin("/" + id + "/identifiers/" + victim["identifier"].([]any)[0].(object)["id"].(string))},
		} {
			r := a.call(c[0], c[1], a.secret, object{"identifier": pairs("shared"), "data": object{"x": 1}})
			if r.status != http.StatusUnauthorized && r.status != http.StatusNotFound {
				t.Errorf("%s %s: %d %v", c[0], c[1], r.status, r.body)
			}
		}
	})
	t.Run("user id under the own project", func(t *testing.T) {
		for _, method := range []string{"GET", "PATCH", "DELETE"} {
			real := a.call(method, a.admin("/"+id), a.secret, object{"data": object{"x": 1}})
			none := a.call(method, a.admin("/0198c0de-0000-7000-8000-000000000000"), a.secret, object{"data": object{"x": 1}})
			if real.status != http.StatusNotFound || !same(real, none) {
				t.Errorf("%s: %v; of a user who does not exist: %v", method, real.body, none.body)
			}
		}
		// An id that carries a separator of the table's keys.
		for _, forged := range []string{"%23" + id, b.id + "%23" + id, "..%2F" + b.id + "%2F" + id, id + "%23PROFILE"} {
			if r := a.call("GET", a.admin("/"+forged), a.secret, nil); r.status != http.StatusNotFound && r.status != http.StatusBadRequest {
				t.Errorf("GET %s: %d %v", forged, r.status, r.body)
			}
		}
	})
	t.Run("body and identifier", func(t *testing.T) {
		r := a.upsert(object{"project_id": b.id, "id": id, "identifier": pairs("shared", "crm:b")})
		if r["id"] == id || r["project_id"] != a.id || len(r["identifier"].([]any)) != 2 {
			t.Errorf("an upsert of the same pairs in the other project: %v", r)
		}
		for _, forged := range []string{b.id + "#default#shared", "default#shared", "#" + b.id} {
			r := a.upsert(object{"identifier": []object{{"source": forged, "external_id": forged}}})
			if r["id"] == id || r["id"] == mine["id"] {
				t.Errorf("the pair %q found a user", forged)
			}
		}
	})
	t.Run("search and look-up", func(t *testing.T) {
		for _, q := range []string{"?search=victim", "?search=%2B15550109999", "/lookup?email=victim@example.com", "/lookup?phone=%2B15550109999"} {
			r := a.call("GET", a.admin(q), a.secret, nil)
			if r.status != http.StatusOK || len(r.body["results"].([]any)) != 0 {
				t.Errorf("%s: %d %v", q, r.status, r.body)
			}
		}
	})
	t.Run("cursor", func(t *testing.T) {
		b.upsert(object{"identifier": pairs("second")})
		cursor := b.call("GET", b.admin("?limit=1"), b.secret, nil).body["next_cursor"].(string)
		if r := a.call("GET", a.admin("?limit=1&cursor="+cursor), a.secret, nil); r.status != http.StatusBadRequest {
			t.Errorf("a foreign cursor: %d %v", r.status, r.body)
		}
		if r := b.call("GET", b.admin("?limit=1&search=victim&cursor="+cursor), b.secret, nil); r.status != http.StatusBadRequest {
			t.Errorf("a cursor of another query: %d %v", r.status, r.body)
		}
	})
	t.Run("import", func(t *testing.T) {
		file := "identifier,email,project_id\nshared,evil@example.com," + b.id + "\n"
		a.upload(t, "../"+b.id+"/evil.csv", file)
		a.upload(t, "evil.csv", file)
		a.await(t, "evil.csv@example.com of the import", func() bool {
			u, err := a.store.UserByPair(t.Context(), a.id, user.Pair{Source: "default", ExternalID: "shared"})
			return err == nil && u.Email == "evil@example.com"
		})
	})
	if got := b.call("GET", b.admin("/"+id), b.secret, nil); !cmp.Equal(got.body, victim) {
		t.Errorf("the user of the other project changed:\n%s", cmp.Diff(victim, got.body))
	}
}

// same reports whether two answers tell the caller the same thing.
func same(a, b reply) bool {
	text := func(r reply) string {
		delete(r.body, "request_id")
		return fmt.Sprint(r.status, strings.ToLower(fmt.Sprint(r.body)))
	}
	return text(a) == text(b)
}
