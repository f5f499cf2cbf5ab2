package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"lunogram-users/internal/list"
	"lunogram-users/internal/project"
)

// listBody is a list as a client reads it.
type listBody struct {
	ID            string         `json:"id"`
	Name          string         `json:"name"`
	Type          string         `json:"type"`
	Rule          *string        `json:"rule"`
	PublishedRule *string        `json:"published_rule"`
	Revision      int            `json:"revision"`
	CopyOf        *string        `json:"copy_of"`
	Status        string         `json:"status"`
	Progress      map[string]any `json:"progress"`
	MembersCount  *int           `json:"members_count"`
	CountedAt     *string        `json:"counted_at"`
	UpdatedAt     string         `json:"updated_at"`
	ArchivedAt    *string        `json:"archived_at"`
}

// listsPath is a path below the lists of the tenant's project.
func (tn *tenant) listsPath(rest string) string { return tn.consentPath("/lists" + rest) }

// list sends a request about lists as an admin.
func (tn *tenant) list(status int, method, rest, body string) listBody {
	tn.t.Helper()
	r := tn.wantAs(project.Admin, status, method, tn.listsPath(rest), body)
	if status >= 300 {
		return listBody{}
	}
	return decode[listBody](tn.t, r.body)
}

// amendList changes a definition as those would who keep its members.
func (tn *tenant) amendList(id string, change func(*list.List)) {
	tn.t.Helper()
	_, err := tn.store.ChangeList(tn.t.Context(), tn.id, id, func(l *list.List) error {
		change(l)
		return nil
	})
	if err != nil {
		tn.t.Fatal(err)
	}
}

// publish makes a dynamic list ready.
func (tn *tenant) publish(id string) {
	tn.t.Helper()
	tn.amendList(id, func(l *list.List) { l.Published, l.Status = l.Rule, list.Ready })
}

func TestListsOnTheStore(t *testing.T) {
	tn := newTenant(t)
	static := tn.list(201, "POST", "", `{"name":"  VIPs ","type":"static"}`)
	if static.Name != "VIPs" || static.Status != "ready" || static.Rule != nil || static.Revision != 0 || static.MembersCount != nil {
		t.Errorf("static: got %+v", static)
	}
	made := tn.wantAs(project.Editor, 201, "POST", tn.listsPath(""),
		`{"name":"Premium","description":"Who pays","type":"dynamic","rule":"user.data.plan='premium'   and\nuser.data.n>1"}`)
	dynamic := decode[listBody](t, made.body)
	one := "/" + dynamic.ID
	if got, want := made.header.Get("Location"), tn.listsPath(one); got != want {
		t.Errorf("Location: got %q, want %q", got, want)
	}
	const canonical = `user.data.plan = "premium" AND user.data.n > 1`
	if dynamic.Rule == nil || *dynamic.Rule != canonical || dynamic.Revision != 1 || dynamic.Status != "building" || dynamic.PublishedRule != nil {
		t.Errorf("dynamic: got %s, want revision 1 of %s, building", made.body, canonical)
	}

	if got := tn.list(200, "PATCH", one, `{"rule":"(user.data.plan = \"premium\") AND (user.data.n > 1)","name":null}`); got.Revision != 1 {
		t.Errorf("the same rule in other words: got revision %d, want 1", got.Revision)
	}
	tn.publish(dynamic.ID)
	got := tn.list(200, "PATCH", one, `{"name":"Paying","rule":"user.data.plan = \"pro\""}`)
	if got.Revision != 2 || got.Status != "building" || *got.Rule != `user.data.plan = "pro"` || *got.PublishedRule != canonical || got.Name != "Paying" {
		t.Errorf("another rule: got %+v", got)
	}
	if read := tn.list(200, "GET", one, ""); read.Name != "Paying" || read.UpdatedAt != got.UpdatedAt || read.Progress["segments_done"] != 0.0 {
		t.Errorf("read: got %+v", read)
	}

	tn.list(409, "POST", "", `{"name":"vips","type":"static"}`)
	tn.list(409, "PATCH", one, `{"name":" Vips"}`)
	tn.list(200, "PATCH", one, `{"name":"paying"}`)
	tn.list(409, "PATCH", "/"+static.ID, `{"rule":"user.id EXISTS"}`)
	tn.want(403, "POST", tn.listsPath(one+"/archive"), "")
	tn.list(200, "POST", one+"/archive", "")
	if got := tn.list(200, "POST", one+"/archive", ""); got.ArchivedAt == nil {
		t.Error("archived: no archived_at")
	}
	tn.list(409, "PATCH", one, `{"description":"x"}`)
	tn.list(201, "POST", "", `{"name":"Paying","type":"static"}`)
	for _, path := range []string{"/" + uuid.NewString(), "/x"} {
		tn.list(404, "GET", path, "")
		tn.list(404, "PATCH", path, `{"name":"x"}`)
		tn.list(404, "POST", path+"/archive", "")
		tn.list(404, "POST", path+"/duplicate", "")
		tn.list(404, "GET", path+"/count", "")
		tn.list(404, "GET", path+"/users", "")
		tn.list(404, "GET", path+"/audience?channel=email", "")
	}
}

// TestOneNameAtOnce: of equal requests in the same instant, one makes a list.
func TestOneNameAtOnce(t *testing.T) {
	tn := newTenant(t)
	var statuses [20]int
	var wg sync.WaitGroup
	for i := range statuses {
		wg.Go(func() {
			statuses[i] = tn.do(tn.keys[project.Admin], "POST", tn.listsPath(""), `{"name":"Weekly","type":"static"}`).status
		})
	}
	wg.Wait()
	want := append([]int{201}, slices.Repeat([]int{409}, len(statuses)-1)...)
	if slices.Sort(statuses[:]); !slices.Equal(statuses[:], want) {
		t.Errorf("got %v, want one 201 and 409", statuses)
	}
}

// TestDuplicatesAtOnce checks that duplicates without a name find one each.
func TestDuplicatesAtOnce(t *testing.T) {
	tn := newTenant(t)
	l := tn.list(201, "POST", "", `{"name":"VIPs","type":"static"}`)
	var statuses [4]int
	var wg sync.WaitGroup
	for i := range statuses {
		wg.Go(func() {
			statuses[i] = tn.do(tn.keys[project.Admin], "POST", tn.listsPath("/"+l.ID+"/duplicate"), "").status
		})
	}
	wg.Wait()
	if want := [4]int{201, 201, 201, 201}; statuses != want {
		t.Errorf("got %v, want 201 for each", statuses)
	}
}

func TestListsRefuse(t *testing.T) {
	tn := newTenant(t)
	one := "/" + tn.list(201, "POST", "", `{"name":"D","type":"dynamic","rule":"user.id EXISTS"}`).ID
	long := strings.Repeat("x", 5000)
	tests := []struct {
		name, method, path, body string
		want                     []string
	}{
		{"nothing", "POST", "", `{}`, []string{"/name", "/type"}},
		{"a blank name", "POST", "", `{"name":" ","type":"static"}`, []string{"/name"}},
		{"a control character", "POST", "", `{"name":"a\u0000b","type":"static"}`, []string{"/name"}},
		{"long texts", "POST", "", `{"name":"` + long + `","description":"` + long + `","type":"static"}`, []string{"/description", "/name"}},
		{"another kind", "POST", "", `{"name":"a","type":"smart"}`, []string{"/type"}},
		{"no rule", "POST", "", `{"name":"a","type":"dynamic"}`, []string{"/rule"}},
		{"a rule that is no text", "POST", "", `{"name":"a","type":"dynamic","rule":{}}`, []string{"/rule"}},
		{"no such rule", "POST", "", `{"name":"a","type":"dynamic","rule":"user.data.plan =="}`, []string{"/rule"}},
		{"an empty rule", "POST", "", `{"name":"a","type":"dynamic","rule":""}`, []string{"/rule"}},
		{"a long rule", "POST", "", `{"name":"a","type":"dynamic","rule":"user.data.` + long + ` EXISTS"}`, []string{"/rule"}},
		{"a rule of journeys", "POST", "", `{"name":"a","type":"dynamic","rule":"journey.cart EXISTS"}`, []string{"/rule"}},
		{"a rule of a static list", "POST", "", `{"name":"a","type":"static","rule":"user.id EXISTS"}`, []string{"/rule"}},
		{"misspelt members", "POST", "", `{"name":"a","type":"static","members":[],"Rule":"x"}`, []string{"/Rule", "/members"}},
		{"a misspelt source", "POST", one + "/users", `{"identifiers":[{"external_id":"x","srouce":"crm"}]}`, []string{"/identifiers/0/srouce"}},
		{"a change of the type", "PATCH", one, `{"type":"static"}`, []string{"/type"}},
		{"a change to no name", "PATCH", one, `{"name":""}`, []string{"/name"}},
		{"a change to no rule", "PATCH", one, `{"rule":"user.data."}`, []string{"/rule"}},
		{"wrong types", "PATCH", one, `{"name":1,"description":[],"rule":true}`, []string{"/description", "/name", "/rule"}},
		{"a duplicate of no name", "POST", one + "/duplicate", `{"name":""}`, []string{"/name"}},
		{"a duplicate with a rule", "POST", one + "/duplicate", `{"rule":"user.id EXISTS"}`, []string{"/rule"}},
		{"no object", "POST", "", `[]`, []string{""}},
		{"an unknown type", "GET", "?type=smart&include_archived=1&limit=101", "", []string{"?include_archived", "?limit", "?type"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := tn.want(400, tt.method, tn.listsPath(tt.path), tt.body)
			if diff := cmp.Diff(tt.want, r.problem(t).at()); diff != "" {
				t.Errorf("%s: faults (-want +got):\n%s", r.body, diff)
			}
		})
	}
	detail := tn.want(400, "PATCH", tn.listsPath(one), `{"rule":"user.id EXISTS AND\n  user.data.n >"}`).problem(t).Errors[0]["detail"]
	if !strings.Contains(detail, "line 2, column ") {
		t.Errorf("got %q, want a line and a column", detail)
	}
}

// TestListPages walks the lists by their cursors.
func TestListPages(t *testing.T) {
	tn := newTenant(t)
	for _, name := range []string{"delta", "Alpha", "charlie", "Bravo", "echo"} {
		kind := `"static"`
		if name == "charlie" {
			kind = `"dynamic","rule":"user.id EXISTS"`
		}
		id := tn.list(201, "POST", "", fmt.Sprintf(`{"name":%q,"type":%s}`, name, kind)).ID
		if name == "delta" {
			tn.list(200, "POST", "/"+id+"/archive", "")
		}
	}
	for query, want := range map[string][]string{
		"?":                                   {"Alpha", "Bravo", "charlie", "echo"},
		"?include_archived=true":              {"Alpha", "Bravo", "charlie", "delta", "echo"},
		"?search=A":                           {"Alpha", "Bravo", "charlie"},
		"?search=LI":                          {"charlie"},
		"?type=dynamic":                       {"charlie"},
		"?type=static&include_archived=false": {"Alpha", "Bravo", "echo"},
		"?search=zulu":                        nil,
	} {
		var got []string
		for cursor := ""; ; {
			page := decode[struct {
				Results    []listBody
				NextCursor *string `json:"next_cursor"`
			}](t, tn.wantAs(project.Support, 200, "GET", tn.listsPath(query+"&limit=2"+cursor), "").body)
			for _, l := range page.Results {
				got = append(got, l.Name)
			}
			if page.NextCursor == nil {
				break
			}
			cursor = "&cursor=" + url.QueryEscape(*page.NextCursor)
			tn.want(400, "GET", tn.listsPath("?search=other"+cursor), "")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}

func TestDuplicateLists(t *testing.T) {
	tn := newTenant(t)
	static := tn.list(201, "POST", "", `{"name":"VIPs","type":"static"}`)
	copied := tn.list(201, "POST", "/"+static.ID+"/duplicate", "")
	if copied.Name != "Copy of VIPs" || copied.Status != "copying" || copied.CopyOf == nil || *copied.CopyOf != static.ID {
		t.Errorf("static: got %+v", copied)
	}
	if again := tn.list(201, "POST", "/"+static.ID+"/duplicate", `{"name":null}`); again.Name != "Copy of VIPs 2" {
		t.Errorf("again: got %q", again.Name)
	}
	tn.list(409, "POST", "/"+copied.ID+"/duplicate", "")
	tn.list(409, "POST", "/"+static.ID+"/duplicate", `{"name":"vips"}`)
	dynamic := tn.list(201, "POST", "", `{"name":"D","type":"dynamic","rule":"user.id EXISTS"}`)
	tn.list(200, "PATCH", "/"+dynamic.ID, `{"rule":"user.email EXISTS"}`)
	tn.publish(dynamic.ID)
	tn.list(200, "POST", "/"+dynamic.ID+"/archive", "")
	got := tn.list(201, "POST", "/"+dynamic.ID+"/duplicate", `{"name":"D"}`)
	if got.Name != "D" || got.Status != "building" || got.Revision != 1 || *got.Rule != "user.email EXISTS" || got.PublishedRule != nil || got.CopyOf != nil {
		t.Errorf("dynamic: got %+v", got)
	}
}

func TestProgressOfLists(t *testing.T) {
	tn := newTenant(t)
	l := tn.list(201, "POST", "", `{"name":"D","type":"dynamic","rule":"user.id EXISTS"}`)
	for n := range 3 {
		first := list.Segment{ListID: l.ID, Revision: 1, Phase: list.Fill, Number: n}
		_, err := tn.store.ChangeSegment(t.Context(), tn.id, first, func(s *list.Segment) error {
			s.Users, s.Added, s.Removed, s.Done = 100, 10, 1, n < 2
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]any{"phase": "fill", "segments": 16.0, "segments_done": 2.0, "users": 300.0, "added": 30.0, "removed": 3.0}
	if diff := cmp.Diff(want, tn.list(200, "GET", "/"+l.ID, "").Progress); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	tn.amendList(l.ID, func(l *list.List) { l.Published, l.Status = l.Rule, list.Pruning })
	if got := tn.list(200, "GET", "/"+l.ID, "").Progress; got["phase"] != "prune" || got["users"] != 0.0 {
		t.Errorf("pruning: got %v", got)
	}
	tn.publish(l.ID)
	if got := tn.list(200, "GET", "/"+l.ID, "").Progress; got != nil {
		t.Errorf("ready: got %v", got)
	}
}

// TestRolesOfLists is the table of who may do what with lists and rules.
func TestRolesOfLists(t *testing.T) {
	tn := newTenant(t)
	u := tn.user(200, "POST", client, `{"identifier":[{"external_id":"u"}]}`)
	id := tn.list(201, "POST", "", `{"name":"VIPs","type":"static"}`).ID
	one, member, names := "/lists/"+id, "/lists/"+id+"/users/"+u.ID, fmt.Sprintf(`{"user_ids":[%q]}`, u.ID)
	evaluate := fmt.Sprintf(`{"rule":"user.id EXISTS","user_ids":[%q]}`, u.ID)
	n := 0
	tests := []struct {
		method, path, body string
		want               [4]int // for client, support, editor and admin
	}{
		{"GET", "/lists", "", [4]int{403, 200, 200, 200}},
		{"POST", "/lists", `{"name":"N","type":"static"}`, [4]int{403, 403, 201, 201}},
		{"GET", one, "", [4]int{403, 200, 200, 200}},
		{"PATCH", one, `{}`, [4]int{403, 403, 200, 200}},
		{"POST", one + "/duplicate", "", [4]int{403, 403, 201, 201}},
		{"GET", one + "/count", "", [4]int{403, 200, 200, 200}},
		{"GET", one + "/audience?channel=email", "", [4]int{403, 200, 200, 200}},
		{"GET", one + "/users", "", [4]int{403, 200, 200, 200}},
		{"HEAD", one + "/users", "", [4]int{403, 200, 200, 200}},
		{"POST", one + "/users", names, [4]int{403, 403, 200, 200}},
		{"DELETE", one + "/users", names, [4]int{403, 403, 200, 200}},
		{"PUT", member, "", [4]int{403, 403, 204, 204}},
		{"DELETE", member, "", [4]int{403, 403, 204, 204}},
		{"GET", "/subjects/users/" + u.ID + "/lists", "", [4]int{403, 200, 200, 200}},
		{"POST", "/rules/check", `{"rule":"x"}`, [4]int{403, 200, 200, 200}},
		{"POST", "/rules/evaluate", evaluate, [4]int{403, 200, 200, 200}},
		{"POST", "/rules/preview", `{"rule":"user.id EXISTS"}`, [4]int{403, 200, 200, 200}},
		{"POST", one + "/archive", "", [4]int{403, 403, 403, 200}},
	}
	for _, tt := range tests {
		for i, role := range []project.Role{project.Client, project.Support, project.Editor, project.Admin} {
			n++
			body := strings.Replace(tt.body, `"N"`, fmt.Sprintf("%q", fmt.Sprint("N", n)), 1)
			if r := tn.do(tn.keys[role], tt.method, tn.consentPath(tt.path), body); r.status != tt.want[i] {
				t.Errorf("%s %s as %s: got %d %s, want %d", tt.method, tt.path, role, r.status, r.body, tt.want[i])
			}
		}
		if r := tn.do("", tt.method, tn.consentPath(tt.path), tt.body); r.status != http.StatusUnauthorized {
			t.Errorf("%s %s without a key: got %d, want 401", tt.method, tt.path, r.status)
		}
	}
}

// TestListsOfTenantsAreApart tries each way by which a key of one project might reach the lists of another.
func TestListsOfTenantsAreApart(t *testing.T) {
	a, b := newTenant(t), newTenant(t)
	victim := b.user(200, "POST", client, `{"identifier":[{"external_id":"u"}],"email":"v@example.com","data":{"plan":"premium"}}`)
	theirs := b.list(201, "POST", "", `{"name":"VIPs","type":"static"}`).ID
	b.want(204, "PUT", b.listsPath("/"+theirs+"/users/"+victim.ID), "")
	before := b.want(200, "GET", b.listsPath("/"+theirs), "").body
	mine := a.list(201, "POST", "", `{"name":"VIPs","type":"static"}`).ID
	names, byName := fmt.Sprintf(`{"user_ids":[%q]}`, victim.ID), `{"identifiers":[{"external_id":"u"}]}`
	one, member := "/lists/"+theirs, "/lists/"+theirs+"/users/"+victim.ID
	tries := [][3]string{
		{"GET", one}, {"PATCH", one, `{"name":"x"}`}, {"POST", one + "/archive"}, {"POST", one + "/duplicate"}, {"GET", one + "/count"},
		{"GET", one + "/audience?channel=email"}, {"GET", one + "/users"}, {"POST", one + "/users", byName}, {"DELETE", one + "/users", byName},
		{"PUT", member}, {"DELETE", member}, {"GET", "/subjects/users/" + victim.ID + "/lists"}, {"PUT", "/lists/" + mine + "/users/" + victim.ID},
	}
	for _, try := range tries {
		a.wantAs(project.Admin, 404, try[0], a.consentPath(try[1]), try[2])
	}
	for _, try := range slices.Concat(tries, [][3]string{
		{"GET", "/lists"}, {"POST", "/lists", `{"name":"x","type":"static"}`}, {"POST", "/rules/check", `{"rule":"x"}`},
		{"POST", "/rules/evaluate", `{"rule":"user.id EXISTS",` + names[1:]}, {"POST", "/rules/preview", `{"rule":"user.id EXISTS"}`},
	}) {
		for role, key := range a.keys {
			if r := a.do(key, try[0], b.consentPath(try[1]), try[2]); r.status != http.StatusUnauthorized {
				t.Errorf("%s %s as %s of another project: got %d %s, want 401", try[0], try[1], role, r.status, r.body)
			}
		}
	}
	a.user(200, "POST", client, `{"identifier":[{"external_id":"u"}],"email":"v@example.com"}`)
	if got := a.want(200, "POST", a.listsPath("/"+mine+"/users"), names).body; !strings.Contains(got, `"user_id":null,"reason":"no_user"`) {
		t.Errorf("put a foreign user into a list: %s", got)
	}
	got := a.want(200, "POST", a.consentPath("/rules/evaluate"), `{"rule":"user.data.plan EXISTS","identifiers":[{"external_id":"u"}],`+names[1:]).body
	if strings.Contains(got, "true") || strings.Contains(got, `"user_id":"`+victim.ID+`","matches"`) {
		t.Errorf("a rule saw a foreign user: %s", got)
	}
	if got := a.want(200, "POST", a.consentPath("/rules/preview"), `{"rule":"user.data.plan EXISTS"}`).body; !strings.Contains(got, `"looked_at":1,"matched":0`) {
		t.Errorf("a preview saw foreign users: %s", got)
	}
	if after := b.want(200, "GET", b.listsPath("/"+theirs), "").body; after != before {
		t.Errorf("the list was changed:\n%s\n%s", before, after)
	}
	if got := b.shownIn(theirs); !slices.Equal(got, []string{victim.ID}) {
		t.Errorf("members: got %v, want the victim", got)
	}
}

// TestListsStayOutOfLogs checks that neither a success nor a failure logs what a list is called or whom it is for.
func TestListsStayOutOfLogs(t *testing.T) {
	tn := newTenant(t)
	const secret = `user.data.secret = \"secret\"`
	id := tn.list(201, "POST", "", `{"name":"secret","type":"dynamic","rule":"`+secret+`"}`).ID
	tn.list(409, "POST", "", `{"name":"secret","type":"static"}`)
	tn.list(400, "PATCH", "/"+id, `{"rule":"`+secret+` AND secret"}`)
	tn.list(200, "GET", "?search=secret", "")
	tn.want(200, "POST", tn.consentPath("/rules/evaluate"), `{"rule":"`+secret+`","identifiers":[{"external_id":"secret"}],"journey":{"secret":"secret"}}`)
	tn.want(200, "POST", tn.consentPath("/rules/check"), `{"rule":"`+secret+` secret"}`)
	if logs := tn.logs.String(); strings.Contains(logs, "secret") || !strings.Contains(logs, "/lists/{listID}") {
		t.Errorf("the log holds what a list is, or not the route: %s", logs)
	}
}
