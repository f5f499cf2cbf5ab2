package api_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"lunogram-users/internal/list"
	"lunogram-users/internal/project"
	"lunogram-users/internal/rule"
)

// make makes a user of an external id, with more fields.
func (tn *tenant) make(externalID, fields string) string {
	tn.t.Helper()
	return tn.user(200, "POST", client, fmt.Sprintf(`{"identifier":[{"external_id":%q}]%s}`, externalID, fields)).ID
}

// enrol puts users into a list as who keeps the members of dynamic ones does.
func (tn *tenant) enrol(listID string, userIDs ...string) {
	tn.t.Helper()
	for _, id := range userIDs {
		c := list.Change{Add: []list.Membership{{ListID: listID, At: time.Now()}}}
		if err := tn.store.ChangeMembership(tn.t.Context(), tn.id, id, c); err != nil {
			tn.t.Fatal(err)
		}
	}
}

// shownIn returns the ids of the members on all pages of a list.
func (tn *tenant) shownIn(listID string) []string {
	tn.t.Helper()
	var ids []string
	for cursor := ""; ; {
		page := decode[pageBody](tn.t, tn.wantAs(project.Support, 200, "GET", tn.listsPath("/"+listID+"/users?limit=2"+cursor), "").body)
		for _, u := range page.Results {
			ids = append(ids, u.ID)
		}
		if page.NextCursor == nil {
			return ids
		}
		cursor = "&cursor=" + url.QueryEscape(*page.NextCursor)
	}
}

// listsOf returns the names of the lists that show a user.
func (tn *tenant) listsOf(userID string) []string {
	tn.t.Helper()
	names := []string{}
	body := tn.want(200, "GET", tn.admin+"/"+userID+"/lists", "").body
	for _, l := range decode[struct{ Results []listBody }](tn.t, body).Results {
		names = append(names, l.Name)
	}
	return names
}

// changed sends a request that puts users into a list or takes them out, and returns for each whether that changed
// anything, or why not.
func (tn *tenant) changed(method, listID, body string) []string {
	tn.t.Helper()
	var got []string
	answer := decode[struct {
		Results []struct {
			Name           map[string]string
			UserID         *string `json:"user_id"`
			Added, Removed bool
			Reason         string
		}
	}](tn.t, tn.want(200, method, tn.listsPath("/"+listID+"/users"), body).body)
	for _, r := range answer.Results {
		if (r.UserID == nil) != (r.Reason != "") {
			tn.t.Errorf("%s %s: got %+v, want a user or a reason", method, body, r)
		}
		got = append(got, fmt.Sprint(r.Name["user_id"]+r.Name["external_id"], " ", r.Added || r.Removed, r.Reason))
	}
	return got
}

func TestStaticMembers(t *testing.T) {
	tn := newTenant(t)
	a, b, c := tn.make("a", ""), tn.make("b", ""), tn.make("c", "")
	id := tn.list(201, "POST", "", `{"name":"VIPs","type":"static"}`).ID
	both := fmt.Sprintf(`{"user_ids":[%q],"identifiers":[{"external_id":"b"},{"external_id":"nobody"}]}`, a)
	steps := []struct {
		method, body string
		want         []string
	}{
		{"POST", both, []string{a + " true", "b true", "nobody falseno_user"}},
		{"POST", both, []string{a + " false", "b false", "nobody falseno_user"}},
		{"POST", fmt.Sprintf(`{"user_ids":[%q]}`, strings.ToUpper(c)), []string{c + " true"}},
		{"DELETE", both, []string{a + " true", "b true", "nobody falseno_user"}},
		{"DELETE", both, []string{a + " false", "b false", "nobody falseno_user"}},
	}
	for _, s := range steps {
		if diff := cmp.Diff(s.want, tn.changed(s.method, id, s.body)); diff != "" {
			t.Fatalf("%s %s (-want +got):\n%s", s.method, s.body, diff)
		}
	}
	member := func(u string) string { return tn.listsPath("/" + id + "/users/" + u) }
	for range 2 {
		tn.want(204, "PUT", member(a), "")
	}
	if diff := cmp.Diff([]string{c, a}, tn.shownIn(id)); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	for range 2 {
		tn.want(204, "DELETE", member(a), "")
	}
	tn.want(204, "DELETE", member(b), "")
	for _, nobody := range []string{uuid.NewString(), "x"} {
		tn.want(404, "PUT", member(nobody), "")
		tn.want(404, "DELETE", member(nobody), "")
	}
	if diff := cmp.Diff([]string{c}, tn.shownIn(id)); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	tn.want(204, "DELETE", tn.admin+"/"+c, "")
	if got := tn.shownIn(id); len(got) > 0 {
		t.Errorf("an erased user is a member: %v", got)
	}
}

func TestMembersRefuse(t *testing.T) {
	tn := newTenant(t)
	u := tn.make("u", "")
	static := tn.list(201, "POST", "", `{"name":"S","type":"static"}`).ID
	dynamic := tn.list(201, "POST", "", `{"name":"D","type":"dynamic","rule":"user.id EXISTS"}`).ID
	copying := tn.list(201, "POST", "/"+static+"/duplicate", "").ID
	archived := tn.list(201, "POST", "", `{"name":"A","type":"static"}`).ID
	tn.list(200, "POST", "/"+archived+"/archive", "")
	names := fmt.Sprintf(`{"user_ids":[%q]}`, u)
	for _, c := range []struct {
		list, slug string
		put, take  int
	}{
		{dynamic, "list-kind", 409, 409}, {archived, "archived", 409, 409}, {copying, "list-not-ready", 0, 409},
	} {
		for method, status := range map[string]int{"POST": c.put, "PUT": c.put, "DELETE": c.take} {
			path := tn.listsPath("/" + c.list + "/users")
			if method == "PUT" {
				path += "/" + u
			}
			if status == 0 { // taken
				status = map[string]int{"POST": 200, "PUT": 204}[method]
			}
			if r := tn.want(status, method, path, names); status == 409 && !strings.HasSuffix(r.problem(t).Type, ":"+c.slug) {
				t.Errorf("%s %s: got %s, want %s", method, path, r.body, c.slug)
			}
		}
	}
	many := strings.Repeat(fmt.Sprintf("%q,", u), 101)
	for body, want := range map[string][]string{
		`{}`:              {""},
		`{"user_ids":[]}`: {""},
		`{"user_ids":[` + many[:len(many)-1] + `]}`:               {""},
		`{"user_ids":["u"],"identifiers":[{"external_id":""},1]}`: {"/identifiers/0/external_id", "/identifiers/1", "/user_ids/0"},
		`{"userIds":["` + u + `"]}`:                               {"", "/userIds"},
	} {
		for _, method := range []string{"POST", "DELETE"} {
			r := tn.want(400, method, tn.listsPath("/"+static+"/users"), body)
			if diff := cmp.Diff(want, r.problem(t).at()); diff != "" {
				t.Errorf("%s %s: faults (-want +got):\n%s", method, body, diff)
			}
		}
	}
}

// TestWhomAListShows checks that a list whose members are being looked for or removed shows those of its published rule.
func TestWhomAListShows(t *testing.T) {
	tn := newTenant(t)
	free, pro := tn.make("free", `,"data":{"plan":"free"}`), tn.make("pro", `,"data":{"plan":"pro"}`)
	both := tn.make("both", `,"data":{"plan":"pro","trial":true}`)
	static := tn.list(201, "POST", "", `{"name":"Also","type":"static"}`).ID
	tn.want(204, "PUT", tn.listsPath("/"+static+"/users/"+pro), "")
	id := tn.list(201, "POST", "", `{"name":"D","type":"dynamic","rule":"user.data.plan = \"pro\""}`).ID
	tn.enrol(id, free, pro, both)
	check := func(what string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, tn.shownIn(id)); diff != "" {
			t.Errorf("%s: members (-want +got):\n%s", what, diff)
		}
		var in, recipients []string
		for _, u := range []string{both, pro, free} {
			if slices.Contains(tn.listsOf(u), "D") {
				in = append(in, u)
			}
		}
		if diff := cmp.Diff(want, in); diff != "" {
			t.Errorf("%s: lists of the users (-want +got):\n%s", what, diff)
		}
		answer := tn.audienceOf(id, "channel=push")
		for _, r := range answer.Results {
			recipients = append(recipients, r.UserID)
		}
		if diff := cmp.Diff(want, recipients); diff != "" || answer.Members != len(want) {
			t.Errorf("%s: audience of %d members (-want +got):\n%s", what, answer.Members, diff)
		}
	}
	check("new")
	tn.amendList(id, func(l *list.List) { l.Published, l.Status = l.Rule, list.Pruning })
	check("pruning", both, pro)
	tn.publish(id)
	check("ready", both, pro, free)
	tn.list(200, "PATCH", "/"+id, `{"rule":"user.data.trial = TRUE"}`)
	check("building", both, pro)
	tn.amendList(id, func(l *list.List) { l.Published, l.Status = l.Rule, list.Pruning })
	check("the next rule", both)
	if diff := cmp.Diff([]string{"Also"}, tn.listsOf(pro)); diff != "" {
		t.Errorf("lists (-want +got):\n%s", diff)
	}
	tn.list(200, "POST", "/"+static+"/archive", "")
	if got := tn.listsOf(pro); len(got) > 0 {
		t.Errorf("archived lists are shown: %v", got)
	}
	tn.want(404, "GET", tn.admin+"/"+uuid.NewString()+"/lists", "")
}

// TestAcceptance27 has a value of the wrong type beside right ones: it is no match, and does no harm to others.
func TestAcceptance27(t *testing.T) {
	tn := newTenant(t)
	var want []string
	var users []string
	for i, data := range []string{
		`{"plan":"premium","lifetime_value":1000.01}`, `{"plan":"premium","lifetime_value":"abc"}`, `{"plan":"premium","lifetime_value":1000}`,
		`{"plan":"Premium","lifetime_value":5000}`, `{"plan":"premium"}`, `{"lifetime_value":5000}`, `{"plan":["premium"],"lifetime_value":5000}`,
		`{"plan":"premium","lifetime_value":null}`, `{"plan":"premium","lifetime_value":2500}`,
	} {
		u := tn.make(fmt.Sprint("u", i), `,"data":`+data)
		users = append(users, u)
		if i == 0 || i == 6 || i == 8 {
			want = append(want, u)
		}
	}
	const text = `user.data.plan = "premium" AND user.data.lifetime_value > 1000`
	id := tn.list(201, "POST", "", fmt.Sprintf(`{"name":"Premium","type":"dynamic","rule":%q}`, text)).ID
	r, err := rule.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	profiles, err := tn.store.Profiles(t.Context(), tn.id, users)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range profiles {
		if r.Match(rule.Subject{User: &u}, time.Now()) {
			tn.enrol(id, u.ID)
		}
	}
	tn.publish(id)
	slices.Reverse(want)
	if diff := cmp.Diff(want, tn.shownIn(id)); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
}

func TestCountMembers(t *testing.T) {
	tn := newTenant(t)
	id := tn.list(201, "POST", "", `{"name":"D","type":"dynamic","rule":"user.id EXISTS"}`).ID
	tn.enrol(id, tn.make("a", ""), tn.make("b", ""), tn.make("c", ""))
	type count struct {
		MembersCount int `json:"members_count"`
		Exact        bool
		CountedAt    string `json:"counted_at"`
	}
	ask := func() count { return decode[count](t, tn.want(200, "GET", tn.listsPath("/"+id+"/count"), "").body) }
	if got := ask(); got.MembersCount != 3 || got.Exact {
		t.Errorf("building: got %+v, want 3 that are not exact", got)
	}
	if l := tn.list(200, "GET", "/"+id, ""); l.MembersCount != nil || l.CountedAt != nil {
		t.Errorf("building: the list remembers %v", *l.MembersCount)
	}
	tn.publish(id)
	before := tn.list(200, "GET", "/"+id, "").UpdatedAt
	got := ask()
	if got.MembersCount != 3 || !got.Exact {
		t.Errorf("ready: got %+v, want 3", got)
	}
	if l := tn.list(200, "GET", "/"+id, ""); l.MembersCount == nil || *l.MembersCount != 3 || *l.CountedAt != got.CountedAt || l.UpdatedAt != before {
		t.Errorf("ready: the list remembers %+v, want 3 at %s", l, got.CountedAt)
	}
}
