package system_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// specified is the body of the specification's curl example, as printed there.
const specified = `{
  "identifier": [{ "external_id": "user_123" }],
  "email": "alice@example.com",
  "data": {
    "first_name": "Alice",
    "plan": "premium",
    "company": "Acme Inc",
    "signup_source": "webinar",
    "lifetime_value": 2500
  }
}`

func TestUpsertCreatesUpdatesAttaches(t *testing.T) {
	n := newTenant(t)
	created := n.upsert(specified)
	if created["version"] != json.Number("0") || created["project_id"] != n.id || created["has_push_device"] != false {
		t.Errorf("created: %v", created)
	}
	id := created["identifier"].([]any)[0].(object)
	if id["source"] != "default" || id["external_id"] != "user_123" {
		t.Errorf("identifier: %v", id)
	}
	again := n.upsert(specified)
	if again["id"] != created["id"] || again["version"] != json.Number("1") {
		t.Errorf("the same call again: id %v version %v", again["id"], again["version"])
	}
	n.upsert(object{"identifier": pairs("user_123", "posthog:ph")})
	alone := n.upsert(object{"identifier": pairs("posthog:ph"), "data": object{"plan": "free"}})
	if alone["id"] != created["id"] || len(alone["identifier"].([]any)) != 2 {
		t.Errorf("update by the second source alone: %v", alone)
	}
}

func TestConflictNamesTheUsersAndChangesNothing(t *testing.T) {
	n := newTenant(t)
	a, b := n.upsert(object{"identifier": pairs("a")}), n.upsert(object{"identifier": pairs("b")})
	both := object{"identifier": pairs("a", "b", "crm:new"), "data": object{"x": 1}}
	for _, path := range []string{"/api/client/users", n.admin("")} {
		r := n.call("POST", path, n.secret, both)
		if r.status != http.StatusConflict {
			t.Fatalf("%s: %d %v", path, r.status, r.body)
		}
		if diff := cmp.Diff([]any{a["id"], b["id"]}, r.body["user_ids"]); diff != "" {
			t.Errorf("%s: matched users (-want +got):\n%s", path, diff)
		}
	}
	for _, u := range []object{a, b} {
		if got := n.call("GET", n.admin("/"+u["id"].(string)), n.secret, nil).body; !cmp.Equal(got, u) {
			t.Errorf("changed by a conflict:\n%s", cmp.Diff(u, got))
		}
	}
	if r := n.call("GET", n.admin("/lookup?source=crm&external_id=new"), n.secret, nil); r.status != http.StatusNotFound {
		t.Errorf("the unknown pair of a conflict was attached: %d", r.status)
	}
}

func TestSourcesAreNamespaces(t *testing.T) {
	n := newTenant(t)
	a, b := n.upsert(object{"identifier": pairs("x")}), n.upsert(object{"identifier": pairs("crm:x")})
	if a["id"] == b["id"] {
		t.Error("one external id under two sources made one user")
	}
	if c := n.upsert(object{"identifier": pairs("X")}); c["id"] == a["id"] {
		t.Error("external ids are compared without case")
	}
}

func TestDataMergesShallowly(t *testing.T) {
	n := newTenant(t)
	n.upsert(object{"identifier": pairs("u"), "email": "u@example.com", "data": object{
		"plan": "free", "city": "Austin", "address": object{"city": "Austin", "state": "TX"}, "keep": nil,
	}})
	got := n.upsert(`{"identifier":[{"external_id":"u","metadata":null}],"email":null,"phone":null,"unknown":{"x":[1]},
		"data":{"plan":"premium","company":"Acme","address":{"city":"Dallas"},"gone":null,
		"big":12345678901234567890123456789012345678}} trailing`)
	want := object{
		"plan": "premium", "city": "Austin", "company": "Acme", "address": object{"city": "Dallas"}, "keep": nil, "gone": nil,
		"big": json.Number("12345678901234567890123456789012345678"),
	}
	if diff := cmp.Diff(want, got["data"]); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
	if got["email"] != "u@example.com" {
		t.Errorf("email null changed it to %v", got["email"])
	}
}

func TestBadRequestsNameTheField(t *testing.T) {
	n := newTenant(t)
	tests := []struct {
		name, body string
		pointers   []string
	}{
		{"no identifier", `{"email":"a@example.com"}`, []string{"/identifier"}},
		{"empty identifier", `{"identifier":[]}`, []string{"/identifier"}},
		{"missing external_id", `{"identifier":[{"source":"crm"}]}`, []string{"/identifier/0/external_id"}},
		{"empty external_id", `{"identifier":[{"external_id":""}]}`, []string{"/identifier/0/external_id"}},
		{"several faults", `{"identifier":[{"external_id":"a"},{"external_id":7}],"email":"x","data":[]}`,
			[]string{"/data", "/email", "/identifier/1/external_id"}},
		{"a number out of range", `{"identifier":[{"external_id":"a"}],"data":{"x":[1e400]}}`, []string{"/data/x/0"}},
		{"an empty key", `{"identifier":[{"external_id":"a"}],"data":{"":1}}`, []string{"/data/"}},
		{"invalid UTF-8", "{\"identifier\":[{\"external_id\":\"a\"}],\"data\":{\"k\":\"\xff\"}}", []string{"/data/k"}},
		{"broken JSON", `{"identifier":`, []string{""}},
		{"an array", `[]`, []string{""}},
		{"nothing", ``, []string{""}},
	}
	for _, tt := range tests {
		r := n.call("POST", "/api/client/users", n.client, tt.body)
		if r.status != http.StatusBadRequest || r.body["title"] != "bad request" || r.body["detail"] == "" {
			t.Errorf("%s: %d %v", tt.name, r.status, r.body)
			continue
		}
		var got []string
		for _, e := range r.body["errors"].([]any) {
			got = append(got, e.(object)["pointer"].(string))
		}
		if diff := cmp.Diff(tt.pointers, got); diff != "" {
			t.Errorf("%s: pointers (-want +got):\n%s", tt.name, diff)
		}
	}
	large := `{"identifier":[{"external_id":"a"}],"data":{"x":"` + strings.Repeat("x", 1<<20) + `"}}`
	if r := n.call("POST", "/api/client/users", n.client, large); r.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body over 1 MB: %d, want 413", r.status)
	}
}

func TestKeys(t *testing.T) {
	n := newTenant(t)
	body := object{"identifier": pairs("k")}
	for name, headers := range map[string][]string{
		"no key": {}, "a wrong key": {"Authorization", "Bearer pk_wrong"}, "nonsense": {"Authorization", "Basic eA=="},
	} {
		if r := n.call("POST", "/api/client/users", "", body, headers...); r.status != http.StatusUnauthorized {
			t.Errorf("%s: %d, want 401", name, r.status)
		}
	}
	if r := n.call("POST", "/api/client/users", "", body, "Authorization", n.client); r.status != http.StatusOK {
		t.Errorf("a bare key: %d %v", r.status, r.body)
	}
	for _, path := range []string{"//api/client/users", "/api//client///users", "/api/client/users/", "/api/client/projects/" + n.id + "/users"} {
		r := n.call("POST", path, n.client, body)
		if r.status != http.StatusOK {
			t.Errorf("%s: %d %v", path, r.status, r.body)
		}
	}
	if r := n.call("POST", "/api/client/projects/00000000-0000-7000-8000-000000000000/users", n.client, body); r.status != http.StatusUnauthorized {
		t.Errorf("another project in the path: %d, want 401", r.status)
	}
}

// TestPublicKeysReadNothing: a pk_ key is answered with what it sent, and no more.
func TestPublicKeysReadNothing(t *testing.T) {
	n := newTenant(t)
	u := n.upsert(object{"identifier": pairs("p", "crm:secret"), "email": "p@example.com", "data": object{"salary": 1}})
	r := n.call("POST", "/api/client/users", n.client, object{"identifier": pairs("p"), "data": object{"seen": true}})
	text := fmt.Sprint(r.body)
	if r.status != http.StatusOK || r.body["id"] != u["id"] || strings.Contains(text, "secret") ||
		strings.Contains(text, "salary") || strings.Contains(text, "p@example.com") {
		t.Errorf("an upsert with a public key answered %d %s", r.status, text)
	}
	id := u["id"].(string)
	for _, c := range [][2]string{
		{"GET", n.admin("")}, {"GET", n.admin("/" + id)}, {"GET", n.admin("/lookup?external_id=p")}, {"GET", n.admin("/" + id + "/subscriptions")},
		{"POST", n.admin("")}, {"PATCH", n.admin("/" + id)}, {"DELETE", n.admin("/" + id)}, {"DELETE", "/api/client/users"},
	} {
		if r := n.call(c[0], c[1], n.client, object{"identifier": pairs("p")}); r.status != http.StatusForbidden {
			t.Errorf("%s %s with a public key: %d, want 403", c[0], c[1], r.status)
		}
	}
}

func TestDeleteAndUseAgain(t *testing.T) {
	n := newTenant(t)
	first := n.upsert(object{"identifier": pairs("d", "crm:d")})
	for i, want := range []int{http.StatusNoContent, http.StatusNotFound} {
		if r := n.call("DELETE", "/api/client/users", n.secret, object{"identifier": pairs("d")}); r.status != want {
			t.Errorf("delete %d: %d, want %d", i+1, r.status, want)
		}
	}
	second := n.upsert(object{"identifier": pairs("crm:d")})
	if second["id"] == first["id"] || second["version"] != json.Number("0") {
		t.Errorf("the pair used again: %v, was %v", second["id"], first["id"])
	}
	ids := n.upsert(object{"identifier": pairs("crm:d", "d")})["identifier"].([]any)
	path := n.admin("/" + second["id"].(string) + "/identifiers/")
	for i, want := range []int{http.StatusNoContent, http.StatusConflict} {
		if r := n.call("DELETE", path+ids[i].(object)["id"].(string), n.secret, nil); r.status != want {
			t.Errorf("detach %d: %d, want %d", i+1, r.status, want)
		}
	}
}

func TestFiftyParallelUpsertsMakeOneUser(t *testing.T) {
	n := newTenant(t)
	ids := make([]any, 50)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			r := n.call("POST", "/api/client/users", n.client, object{"identifier": pairs("same")})
			if r.status != http.StatusOK {
				t.Errorf("upsert %d: %d %v", i, r.status, r.body)
			}
			ids[i] = r.body["id"]
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("two users: %v and %v", ids[0], id)
		}
	}
}

func TestConditionalWrites(t *testing.T) {
	n := newTenant(t)
	r := n.call("POST", n.admin(""), n.secret, object{"identifier": pairs("c"), "phone": "+15550101234", "data": object{"a": 1, "b": 2}})
	if r.status != http.StatusOK || r.header.Get("ETag") != `"0"` {
		t.Fatalf("admin upsert: %d ETag %s", r.status, r.header.Get("ETag"))
	}
	path := n.admin("/" + r.body["id"].(string))
	change := object{"phone": nil, "data": object{"a": nil, "c": object{"x": 1}}}
	if r := n.call("PATCH", path, n.secret, change, "If-Match", `"7"`); r.status != http.StatusPreconditionFailed {
		t.Errorf("patch of another version: %d, want 412", r.status)
	}
	r = n.call("PATCH", path, n.secret, change, "If-Match", `"0"`)
	want := object{"b": json.Number("2"), "c": object{"x": json.Number("1")}}
	if _, has := r.body["phone"]; r.status != http.StatusOK || has || !cmp.Equal(r.body["data"], any(want)) {
		t.Errorf("patch: %d %v", r.status, r.body)
	}
	if r := n.call("POST", "/api/client/users", n.secret, object{"identifier": pairs("c")}, "If-Match", `"0"`); r.status != http.StatusPreconditionFailed {
		t.Errorf("upsert of another version: %d, want 412", r.status)
	}
}

func TestPreflight(t *testing.T) {
	n := newTenant(t)
	checked := n.http
	n.http = http.DefaultClient // a preflight is API Gateway's, and not in the contract
	r := n.call("OPTIONS", "/api/client/users", "", nil, "Origin", "https://shop.example",
		"Access-Control-Request-Method", "DELETE", "Access-Control-Request-Headers", "authorization")
	if r.status != http.StatusNoContent || r.header.Get("Access-Control-Allow-Origin") != "*" ||
		!strings.Contains(r.header.Get("Access-Control-Allow-Methods"), "DELETE") {
		t.Errorf("preflight: %d %v", r.status, r.header)
	}
	n.http = checked
	r = n.call("POST", "/api/client/users", n.client, object{"identifier": pairs("o")}, "Origin", "https://shop.example")
	if r.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("the answer lacks CORS headers: %v", r.header)
	}
}

func TestListPagesToTheEnd(t *testing.T) {
	n := newTenant(t)
	for i := range 5 {
		n.upsert(object{"identifier": pairs(fmt.Sprintf("l%d", i)), "email": fmt.Sprintf("l%d@example.com", i)})
	}
	seen, cursor := 0, ""
	for {
		r := n.call("GET", n.admin("?limit=2"+cursor), n.secret, nil)
		if r.status != http.StatusOK {
			t.Fatalf("list: %d %v", r.status, r.body)
		}
		seen += len(r.body["results"].([]any))
		next, _ := r.body["next_cursor"].(string)
		if next == "" {
			break
		}
		cursor = "&cursor=" + next
	}
	if seen != 5 {
		t.Errorf("the pages hold %d users, want 5", seen)
	}
	empty := newTenant(t)
	r := empty.call("GET", empty.admin(""), empty.secret, nil)
	if got := r.body["results"].([]any); r.status != http.StatusOK || len(got) != 0 {
		t.Errorf("a list of nobody: %d %v", r.status, r.body)
	}
}
