package system_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestConsentFromGroupToLedger follows one group through the functions that have to do with consent.
func TestConsentFromGroupToLedger(t *testing.T) {
	n := newTenant(t)
	tenant := "/api/admin/projects/" + n.id
	ask := func(status int, method, path string, body any) object {
		t.Helper()
		r := n.call(method, path, n.secret, body)
		if r.status != status {
			t.Fatalf("%s %s: %d %v, want %d", method, path, r.status, r.body, status)
		}
		return r.body
	}
	group := ask(201, "POST", tenant+"/subscriptions", object{"name": "Digest", "channel": "email", "default": "unsubscribed"})["id"].(string)
	id := n.upsert(object{"identifier": pairs("u"), "email": "u@example.com"})["id"].(string)
	may := func() (allowed bool, reason string) {
		t.Helper()
		answer := ask(200, "POST", tenant+"/audience", object{"subscription_id": group, "identifiers": pairs("u")})
		first := answer["results"].([]any)[0].(object)
		if reasons := first["reasons"].([]any); len(reasons) > 0 {
			reason = reasons[0].(object)["code"].(string)
		}
		return first["allowed"].(bool), reason
	}
	check := func(when string, want bool, reason string) {
		t.Helper()
		if got, why := may(); got != want || why != reason {
			t.Errorf("%s: may send %t for %q, want %t for %q", when, got, why, want, reason)
		}
	}
	check("nothing said", false, "not_opted_in")
	ask(200, "PUT", "/api/client/users/subscriptions", object{
		"identifier": pairs("u"), "subscriptions": []object{{"subscription_id": group, "state": "subscribed"}},
	})
	check("subscribed", true, "")

	links := ask(200, "POST", tenant+"/links", object{"user_id": id, "subscription_id": group})
	leave := links["unsubscribe_url"].(string)
	if !strings.HasPrefix(leave, cloud.URL+"/unsubscribe/") {
		t.Fatalf("the link is %s", leave)
	}
	for range 2 {
		resp, err := http.PostForm(leave, url.Values{"List-Unsubscribe": {"One-Click"}})
		must(t, err)
		must(t, resp.Body.Close())
		if resp.StatusCode != http.StatusOK {
			t.Errorf("one click: %d", resp.StatusCode)
		}
	}
	check("after one click", false, "unsubscribed")

	ledger := ask(200, "GET", n.admin("/"+id+"/ledger"), nil)["results"].([]any)
	var hows []string
	for _, l := range ledger {
		hows = append(hows, l.(object)["how"].(string))
	}
	if got := strings.Join(hows, " "); got != "one_click one_click api" {
		t.Errorf("the ledger says %q", got)
	}
	if broken, err := n.store.VerifyUser(t.Context(), n.id, id); err != nil || len(broken) > 0 {
		t.Errorf("the ledger is broken: %+v, %v", broken, err)
	}
}
