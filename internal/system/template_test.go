package system_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestTemplatesAtWork renders a mail whose link works, updates a user by a template, and sees that templates without end
// leave the function as it was.
func TestTemplatesAtWork(t *testing.T) {
	n := newTenant(t)
	tenant := "/api/admin/projects/" + n.id
	ask := func(status int, path string, body object) object {
		t.Helper()
		r := n.call("POST", path, n.secret, body)
		if r.status != status {
			t.Fatalf("%s: %d %v, want %d", path, r.status, r.body, status)
		}
		return r.body
	}
	id := n.upsert(object{"identifier": pairs("u"), "data": object{"first_name": `Al "x"`, "last_name": "<Smith>"}})["id"].(string)
	updated := ask(200, n.admin("/"+id+"/update"), object{
		"template": `{"full_name": "{{ user.data.first_name }} {{ user.data.last_name }}", "last_score": "{{ journey.score_lookup.body.score }}"}`,
		"journey":  object{"score_lookup": object{"body": object{"score": 42}}},
	})["data"].(object)
	if updated["full_name"] != `Al "x" <Smith>` || fmt.Sprint(updated["last_score"]) != "42" {
		t.Errorf("updated: %v", updated)
	}

	start := time.Now()
	for range 2 {
		ask(400, tenant+"/render", object{"user_id": id, "template": "{% for i in (1..1000000000) %}{% endfor %}"})
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("two templates without end took %v", took)
	}

	mail := ask(200, tenant+"/render", object{"identifier": pairs("u"), "parts": object{
		"body": object{"template": `<b>{{ user.data.full_name }}</b><a href="{{ preferences_url }}">`},
	}})
	body := mail["parts"].(object)["body"].(string)
	if !strings.HasPrefix(body, `<b>Al &#34;x&#34; &lt;Smith&gt;</b><a href="`+cloud.URL+"/preferences/") {
		t.Fatalf("the mail is %s", body)
	}
	link := strings.TrimSuffix(body[strings.Index(body, `href="`)+len(`href="`):], `">`)
	resp, err := http.Get(link)
	must(t, err)
	must(t, resp.Body.Close())
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the link in the mail: %d", resp.StatusCode)
	}
}
