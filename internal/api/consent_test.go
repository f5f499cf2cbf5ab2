package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/project"
)

// consentPath is a path of the tenant's project.
func (tn *tenant) consentPath(rest string) string { return "/api/admin/projects/" + tn.id + rest }

// wantAs is want with the key of a role.
func (tn *tenant) wantAs(role project.Role, status int, method, target, body string) reply {
	tn.t.Helper()
	r := tn.do(tn.keys[role], method, target, body)
	if r.status != status {
		tn.t.Fatalf("%s %s %s as %s: got %d %s, want %d", method, target, body, role, r.status, r.body, status)
	}
	return r
}

// group makes a group and returns its id.
func (tn *tenant) group(fields string) string {
	tn.t.Helper()
	r := tn.wantAs(project.Editor, 201, "POST", tn.consentPath("/subscriptions"), "{"+fields+"}")
	return decode[struct{ ID string }](tn.t, r.body).ID
}

// states sets states, written group=state.
func (tn *tenant) states(status int, userID string, states ...string) {
	tn.t.Helper()
	tn.want(status, "PATCH", tn.admin+"/"+userID+"/subscriptions", "["+choices(states)+"]")
}

func choices(states []string) string {
	var items []string
	for _, s := range states {
		group, state, _ := strings.Cut(s, "=")
		items = append(items, fmt.Sprintf(`{"subscription_id":%q,"state":%q}`, group, state))
	}
	return strings.Join(items, ",")
}

// standings returns where a user stands, written name=state:effective:source.
func (tn *tenant) standings(userID string) []string {
	tn.t.Helper()
	body := decode[struct {
		Results []struct{ Name, State, Effective, Source string }
	}](tn.t, tn.want(200, "GET", tn.admin+"/"+userID+"/subscriptions", "").body)
	var got []string
	for _, s := range body.Results {
		got = append(got, s.Name+"="+s.State+":"+s.Effective+":"+s.Source)
	}
	return got
}

func TestGroupsOnTheStore(t *testing.T) {
	tn := newTenant(t)
	all := tn.consentPath("/subscriptions")
	id := tn.group(`"name":"Digest","channel":"email","description":"Once a week","default":"unsubscribed"`)
	one := all + "/" + id
	body := tn.want(200, "GET", one, "").body
	if !strings.Contains(body, `"name":"Digest","description":"Once a week","channel":"email","is_public":true,"default":"unsubscribed"`) {
		t.Errorf("created: %s", body)
	}
	body = tn.want(200, "PATCH", one, `{"name":"Weekly","is_public":false,"default":null,"channel":null}`).body
	if !strings.Contains(body, `"name":"Weekly","description":"Once a week","channel":"email","is_public":false,"default":null`) {
		t.Errorf("changed: %s", body)
	}
	for _, bad := range []string{`{"name":"","channel":"email"}`, `{"name":"x"}`, `{"name":"x","channel":"fax"}`, `{"name":"x","channel":"sms","default":"maybe"}`} {
		tn.want(400, "POST", all, bad)
	}
	tn.want(400, "PATCH", one, `{"name":""}`)
	if got := tn.want(400, "PATCH", one, `{"channel":"sms"}`).body; !strings.Contains(got, "/channel: never changes") {
		t.Errorf("a change of the channel: %s", got)
	}
	for _, name := range []string{"   ", `a\u0000b`, `News\u202eswen`, `\u2066News`, `a\nb`} {
		for method, path := range map[string]string{"POST": all, "PATCH": one} {
			body := `{"name":"` + name + `"}`
			if method == "POST" {
				body = `{"channel":"sms","name":"` + name + `"}`
			}
			if got := tn.want(400, method, path, body).body; !strings.Contains(got, `"pointer":"/name"`) {
				t.Errorf("%s of the name %s: %s", method, name, got)
			}
		}
	}
	other := tn.group(`"name":"  Offers ","channel":"email"`)
	if body := tn.want(200, "GET", all+"/"+other, "").body; !strings.Contains(body, `"name":"Offers"`) {
		t.Errorf("a name with space around it: %s", body)
	}
	tn.want(409, "POST", all, `{"name":"WEEKLY","channel":"email"}`)
	tn.want(409, "PATCH", all+"/"+other, `{"name":" weekly "}`)
	tn.want(200, "PATCH", one, `{"name":"Weekly"}`)
	tn.wantAs(project.Admin, 200, "POST", tn.consentPath("/subscriptions/"+tn.group(`"name":"Weekly","channel":"sms"`)+"/archive"), "")
	tn.group(`"name":"Weekly","channel":"sms"`)
	for _, g := range decode[struct{ Results []struct{ ID string } }](t, tn.want(200, "GET", all, "").body).Results {
		if g.ID != id {
			tn.wantAs(project.Admin, 200, "POST", all+"/"+g.ID+"/archive", "")
		}
	}
	tn.want(403, "POST", one+"/archive", "")
	tn.wantAs(project.Admin, 200, "POST", one+"/archive", "")
	tn.wantAs(project.Admin, 200, "POST", one+"/archive", "") // again
	tn.want(409, "PATCH", one, `{"name":"x"}`)
	type list struct{ Results []struct{ ID string } }
	if got := decode[list](t, tn.want(200, "GET", all, "").body); len(got.Results) != 0 {
		t.Errorf("archived groups are listed: %v", got)
	}
	if got := decode[list](t, tn.want(200, "GET", all+"?include_archived=true", "").body); len(got.Results) != 4 {
		t.Errorf("with archived groups: got %v, want four", got)
	}
	tn.want(404, "GET", all+"/"+uuid.NewString(), "")
	for i := range consent.MaxGroups {
		tn.group(fmt.Sprintf(`"name":"Group %d","channel":"email"`, i))
	}
	tn.want(409, "POST", all, `{"name":"one too many","channel":"email"}`)
}

func TestSettingsOnTheStore(t *testing.T) {
	tn := newTenant(t)
	path := tn.consentPath("/settings")
	tn.want(403, "PATCH", path, `{"brand":"Acme"}`)
	tn.wantAs(project.Admin, 200, "PATCH", path, `{"brand":"Acme","color":"#0b57d0","locale":"es_mx","require_opt_in":true,"link_key":2}`)
	tn.wantAs(project.Admin, 200, "PATCH", path, `{"color":null,"stop_text":"Bye","keep_address":true}`)
	want := `{"region":"","no_undo":false,"require_opt_in":true,"brand":"Acme","color":"","locale":"es-MX","stop_text":"Bye","start_text":"",` +
		`"help_text":"","keep_address":true,"keep_user_agent":false,"link_key":2,"oldest_link_key":0}` + "\n"
	if diff := cmp.Diff(want, tn.want(200, "GET", path, "").body); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	for _, bad := range []string{
		`{"color":"red"}`, `{"locale":"??"}`, `{"region":"us"}`, `{"require_opt_in":"yes"}`, `{"oldest_link_key":3}`, `{"link_key":256}`, `{"link_key":1}`, `{"link_key":null}`,
		`{"help_text":"` + strings.Repeat("x", 1531) + `"}`,
		`{"brand":"  "}`, `{"brand":"Ac\nme"}`, `{"brand":"\u202eemcA"}`,
	} {
		tn.wantAs(project.Admin, 400, "PATCH", path, bad)
	}
	if got := tn.wantAs(project.Admin, 400, "PATCH", path, `{"brand":"B","require_optin":true}`).body; !strings.Contains(got, `"pointer":"/require_optin"`) {
		t.Errorf("a setting that does not exist: %s", got)
	}
	if diff := cmp.Diff(want, tn.want(200, "GET", path, "").body); diff != "" {
		t.Errorf("a bad request changed settings (-want +got):\n%s", diff)
	}
}

func TestStatesOnTheStore(t *testing.T) {
	tn := newTenant(t)
	news := tn.group(`"name":"A news","channel":"email"`)
	digest := tn.group(`"name":"B digest","channel":"email","default":"unsubscribed"`)
	texts := tn.group(`"name":"C texts","channel":"sms"`)
	u := tn.user(200, "POST", client, `{"identifier":[{"external_id":"u"}],"email":"u@example.com","phone":"+15550100007"}`)
	check := func(what string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, tn.standings(u.ID)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	check("nothing said", "A news=not_set:subscribed:project_default", "B digest=not_set:unsubscribed:group_default", "C texts=not_set:subscribed:project_default")
	tn.states(404, u.ID, news+"=unsubscribed", uuid.NewString()+"=subscribed")
	tn.states(404, uuid.NewString(), news+"=unsubscribed")
	tn.states(404, u.ID, strings.Repeat("x", 3000)+"=unsubscribed") // no key of the table is that long
	tn.want(404, "POST", tn.consentPath("/reviews/"+strings.Repeat("x", 3000)), `{"verdict":"none"}`)
	tn.states(400, u.ID, news+"=maybe")
	tn.states(400, u.ID, news+"=subscribed", news+"=unsubscribed")
	tn.want(400, "PATCH", tn.admin+"/"+u.ID+"/subscriptions", "[]")
	check("after bad requests", "A news=not_set:subscribed:project_default", "B digest=not_set:unsubscribed:group_default", "C texts=not_set:subscribed:project_default")

	tn.states(200, u.ID, news+"=unsubscribed", digest+"=subscribed")
	check("two at once", "A news=unsubscribed:unsubscribed:own", "B digest=subscribed:subscribed:own", "C texts=not_set:subscribed:project_default")
	put := `{"identifier":[{"external_id":"u"}],"notice_version":"v7","subscriptions":[` + choices([]string{news + "=not_set", texts + "=unsubscribed"}) + `]}`
	for _, path := range []string{client, tn.scoped} {
		tn.want(200, "PUT", path+"/subscriptions", put)
	}
	check("by identifier", "A news=not_set:subscribed:project_default", "B digest=subscribed:subscribed:own", "C texts=unsubscribed:unsubscribed:own")
	tn.want(404, "PUT", client+"/subscriptions", strings.Replace(put, `"u"`, `"nobody"`, 1))
	tn.wantAs(project.Client, 403, "PUT", client+"/subscriptions", put)
	tn.wantAs(project.Support, 403, "PUT", client+"/subscriptions", put)
	tn.states(200, u.ID, "*=unsubscribed")
	tn.group(`"name":"D later","channel":"email"`)
	check("everything stopped", "A news=unsubscribed:unsubscribed:own", "B digest=unsubscribed:unsubscribed:own",
		"C texts=unsubscribed:unsubscribed:own", "D later=not_set:unsubscribed:own")

	var lines []string
	cursor := ""
	for range 10 {
		page := decode[struct {
			Results []struct {
				SubscriptionID, From, To, How string
				Line                          int
				Evidence                      map[string]string
			}
			NextCursor *string `json:"next_cursor"`
		}](t, tn.want(200, "GET", tn.admin+"/"+u.ID+"/ledger?limit=3"+cursor, "").body)
		for _, l := range page.Results {
			lines = append(lines, fmt.Sprintf("%s %s %s>%s", l.How, l.Evidence["notice_version"], l.From, l.To))
		}
		if page.NextCursor == nil {
			break
		}
		cursor = "&cursor=" + url.QueryEscape(*page.NextCursor)
	}
	if len(lines) != 2+2+2+4 || !strings.HasPrefix(lines[len(lines)-1], "admin  not_set>") || !strings.HasPrefix(lines[5], "api v7 ") {
		t.Errorf("ledger: %d lines: %v", len(lines), lines)
	}
}

// TestTokensOfPublicKeys: a public key sets states by the token of the user's own link, and in no other way.
func TestTokensOfPublicKeys(t *testing.T) {
	tn, other := newTenant(t), newTenant(t)
	public, hidden := tn.group(`"name":"Public","channel":"email"`), tn.group(`"name":"Hidden","channel":"email","is_public":false`)
	u := tn.user(200, "POST", client, `{"identifier":[{"external_id":"u"}],"email":"u@example.com"}`)
	links := decode[struct {
		UserID         string            `json:"user_id"`
		PreferencesURL string            `json:"preferences_url"`
		UnsubscribeURL *string           `json:"unsubscribe_url"`
		Headers        map[string]string `json:"headers"`
	}](t, tn.want(200, "POST", tn.consentPath("/links"), fmt.Sprintf(`{"identifier":[{"external_id":"u"}],"subscription_id":%q}`, public)).body)
	if links.UserID != u.ID || links.Headers["List-Unsubscribe"] != "<"+*links.UnsubscribeURL+">" || links.Headers["List-Unsubscribe-Post"] != "List-Unsubscribe=One-Click" {
		t.Errorf("links: %+v", links)
	}
	token := func(link string) string { return link[strings.LastIndexByte(link, '/')+1:] }
	put := func(token string, states ...string) string {
		return fmt.Sprintf(`{"token":%q,"subscriptions":[%s]}`, token, choices(states))
	}
	preferences := token(links.PreferencesURL)
	tn.wantAs(project.Client, 403, "PUT", client+"/subscriptions", put(token(*links.UnsubscribeURL), public+"=unsubscribed"))
	forged := []byte(preferences)
	forged[len(forged)-9] ^= 1
	tn.wantAs(project.Client, 403, "PUT", client+"/subscriptions", put(string(forged), public+"=unsubscribed"))
	tn.wantAs(project.Client, 403, "PUT", client+"/subscriptions", put("x", public+"=unsubscribed"))
	other.wantAs(project.Client, 403, "PUT", client+"/subscriptions", put(preferences, public+"=unsubscribed"))
	tn.wantAs(project.Client, 404, "PUT", client+"/subscriptions", put(preferences, hidden+"=subscribed"))
	tn.wantAs(project.Client, 404, "PUT", client+"/subscriptions", put(preferences, "*=subscribed"))
	// What the user left without seeing it, whoever holds the link does not take back.
	tn.want(200, "PATCH", tn.admin+"/"+u.ID+"/subscriptions", "["+choices([]string{hidden + "=unsubscribed"})+"]")
	tn.wantAs(project.Client, 404, "PUT", client+"/subscriptions", put(preferences, "*=not_set"))
	tn.wantAs(project.Client, 404, "PUT", client+"/subscriptions", put(preferences, hidden+"=not_set"))
	tn.wantAs(project.Client, 200, "PUT", tn.scoped+"/subscriptions", put(preferences, public+"=unsubscribed"))
	want := []string{"Hidden=unsubscribed:unsubscribed:own", "Public=unsubscribed:unsubscribed:own"}
	if diff := cmp.Diff(want, tn.standings(u.ID)); diff != "" {
		t.Errorf("standings (-want +got):\n%s", diff)
	}
	tn.want(404, "POST", tn.consentPath("/links"), fmt.Sprintf(`{"user_id":%q}`, uuid.NewString()))
	tn.want(404, "POST", tn.consentPath("/links"), fmt.Sprintf(`{"user_id":%q,"subscription_id":%q}`, u.ID, uuid.NewString()))
	for body, field := range map[string]string{
		`{}`: "/user_id",
		fmt.Sprintf(`{"user_id":%q,"identifier":[{"external_id":"u"}]}`, u.ID): "/identifier",
		`{"user_id":"u"}`:   "/user_id",
		`{"identifier":[]}`: "/identifier",
	} {
		if got := tn.want(400, "POST", tn.consentPath("/links"), body).body; !strings.Contains(got, `"pointer":"`+field+`"`) {
			t.Errorf("links of %s: got %s, want a fault of %s", body, got, field)
		}
	}
}

// TestLinksAfterRotation: a link that is made after the keys were rotated works at once, and an older one no more.
func TestLinksAfterRotation(t *testing.T) {
	tn := newTenant(t)
	group := tn.group(`"name":"News","channel":"email"`)
	u := tn.user(200, "POST", client, `{"identifier":[{"external_id":"u"}]}`)
	put := func() string {
		body := tn.want(200, "POST", tn.consentPath("/links"), fmt.Sprintf(`{"user_id":%q}`, u.ID)).body
		link := decode[struct {
			PreferencesURL string `json:"preferences_url"`
		}](t, body).PreferencesURL
		return fmt.Sprintf(`{"token":%q,"subscriptions":[%s]}`, link[strings.LastIndexByte(link, '/')+1:], choices([]string{group + "=unsubscribed"}))
	}
	old := put()
	tn.wantAs(project.Client, 200, "PUT", client+"/subscriptions", old)
	tn.wantAs(project.Admin, 200, "PATCH", tn.consentPath("/settings"), `{"link_key":1}`)
	tn.wantAs(project.Client, 200, "PUT", client+"/subscriptions", put())
	tn.wantAs(project.Client, 200, "PUT", client+"/subscriptions", old)
	tn.wantAs(project.Admin, 200, "PATCH", tn.consentPath("/settings"), `{"oldest_link_key":1}`)
	tn.wantAs(project.Client, 200, "PUT", client+"/subscriptions", put())
	tn.wantAs(project.Client, 403, "PUT", client+"/subscriptions", old)
}

// answers returns what an audience is answered, written code+code, or ok.
func (tn *tenant) answers(body string) []string {
	tn.t.Helper()
	v := decode[struct {
		Results []struct {
			Allowed bool
			Reasons []struct{ Code, Kind string }
		}
	}](tn.t, tn.want(200, "POST", tn.consentPath("/audience"), body).body)
	var got []string
	for _, a := range v.Results {
		var codes []string
		for _, r := range a.Reasons {
			codes = append(codes, strings.TrimSuffix(r.Code+" "+r.Kind, " "))
		}
		text := strings.Join(codes, "+")
		if a.Allowed {
			text += "ok"
		}
		got = append(got, text)
	}
	return got
}

func TestAudienceOnTheStore(t *testing.T) {
	tn := newTenant(t)
	news := tn.group(`"name":"News","channel":"email"`)
	asked := tn.group(`"name":"Asked","channel":"email","default":"unsubscribed"`)
	texts := tn.group(`"name":"Texts","channel":"sms"`)
	a := tn.user(200, "POST", client, `{"identifier":[{"external_id":"a"}],"email":"a@example.com"}`)
	b := tn.user(200, "POST", client, `{"identifier":[{"external_id":"b"}],"email":"b@example.com","phone":"+15550100008"}`)
	tn.states(200, a.ID, news+"=unsubscribed", asked+"=subscribed")
	question := func(channel, group string) string {
		return fmt.Sprintf(`{"channel":%q,"subscription_id":%q,"user_ids":[%q,%q,%q],"identifiers":[{"external_id":"b"},{"source":"crm","external_id":"x"}]}`,
			channel, group, a.ID, b.ID, uuid.NewString())
	}
	suppress := func(status int, method, channel, address, kind string) {
		t.Helper()
		tn.wantAs(project.Admin, status, method, tn.consentPath("/suppressions"),
			fmt.Sprintf(`{"channel":%q,"address":%q,"kind":%q,"reason":"test","source":"test"}`, channel, address, kind))
	}
	tests := []struct {
		name           string
		before         func()
		channel, group string
		want           []string
	}{
		{"own word and default", func() {}, "email", news, []string{"unsubscribed", "ok", "no_user", "ok", "no_user"}},
		{"opt-in", func() {}, "email", asked, []string{"ok", "not_opted_in", "no_user", "not_opted_in", "no_user"}},
		{"no address", func() {}, "sms", texts, []string{"no_address", "ok", "no_user", "ok", "no_user"}},
		{"other channel", func() {}, "sms", news, []string{"no_address+other_channel+unsubscribed", "other_channel", "no_user", "other_channel", "no_user"}},
		{"bounce", func() { suppress(200, "POST", "email", "B@example.com", "bounce") }, "email", news,
			[]string{"unsubscribed", "suppressed bounce", "no_user", "suppressed bounce", "no_user"}},
		{"a bounce holds back nothing on another channel", func() {}, "sms", texts, []string{"no_address", "ok", "no_user", "ok", "no_user"}},
		{"complaint on all channels", func() { suppress(200, "POST", "*", "b@example.com", "complaint") }, "sms", texts,
			[]string{"no_address", "suppressed complaint", "no_user", "suppressed complaint", "no_user"}},
		{"lifted", func() { suppress(200, "DELETE", "*", "b@example.com", "complaint") }, "sms", texts,
			[]string{"no_address", "ok", "no_user", "ok", "no_user"}},
		{"STOP", func() {
			in := consent.Inbound{Verdict: consent.Stop, MessageID: "m", At: time.Now()}
			if err := tn.store.Record(t.Context(), tn.id, "+15550100008", in); err != nil {
				t.Fatal(err)
			}
		}, "sms", texts, []string{"no_address", "suppressed stop+unsubscribed", "no_user", "suppressed stop+unsubscribed", "no_user"}},
		{"STOP lifted by hand leaves the state", func() { suppress(200, "DELETE", "sms", "+15550100008", "stop") }, "sms", texts,
			[]string{"no_address", "unsubscribed", "no_user", "unsubscribed", "no_user"}},
		{"archived", func() {
			tn.wantAs(project.Admin, 200, "POST", tn.consentPath("/subscriptions/"+news+"/archive"), "")
		}, "email", news, []string{"group_archived+unsubscribed", "suppressed bounce+group_archived", "no_user", "suppressed bounce+group_archived", "no_user"}},
	}
	for _, tt := range tests {
		tt.before()
		if diff := cmp.Diff(tt.want, tn.answers(question(tt.channel, tt.group))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	transactional := fmt.Sprintf(`{"channel":"email","user_ids":[%q,%q]}`, a.ID, b.ID)
	if diff := cmp.Diff([]string{"ok", "ok"}, tn.answers(transactional)); diff != "" {
		t.Errorf("transactional (-want +got):\n%s", diff)
	}
	suppress(200, "POST", "email", "b@example.com", "legal")
	if diff := cmp.Diff([]string{"ok", "suppressed legal"}, tn.answers(transactional)); diff != "" {
		t.Errorf("transactional after a legal reason (-want +got):\n%s", diff)
	}
	one := tn.want(200, "GET", tn.admin+"/"+b.ID+"/may-send?channel=email", "").body
	if !strings.Contains(one, `"allowed":false`) || !strings.Contains(one, `"kind":"legal"`) {
		t.Errorf("may-send of one user: %s", one)
	}
	tn.want(404, "GET", tn.admin+"/"+uuid.NewString()+"/may-send?channel=email", "")
	tn.want(404, "POST", tn.consentPath("/audience"), question("email", uuid.NewString()))
	for _, bad := range []string{`{}`, `{"channel":"email"}`, `{"channel":"fax","user_ids":["` + a.ID + `"]}`, `{"channel":"email","user_ids":["x"]}`,
		`{"channel":"email","identifiers":[{"external_id":""}]}`, `{"channel":"email","user_ids":[` + strings.Repeat(`"`+a.ID+`",`, 1000) + `"` + a.ID + `"]}`} {
		tn.want(400, "POST", tn.consentPath("/audience"), bad)
	}
}

func TestSuppressionsOnTheStore(t *testing.T) {
	tn := newTenant(t)
	path := tn.consentPath("/suppressions")
	tn.want(400, "POST", path, `{"channel":"email","address":"x@example.com","kind":"stop"}`)
	tn.want(400, "POST", path, `{"channel":"push","address":"x@example.com","kind":"manual"}`)
	tn.want(400, "POST", path, `{"channel":"sms","address":"x@example.com","kind":"manual"}`)
	tn.want(200, "POST", path, `{"channel":"email","address":"X@example.com","kind":"bounce","source":"ses","reason":"550"}`)
	tn.want(200, "POST", path, `{"channel":"email","address":"x@example.com","kind":"complaint","source":"ses"}`)
	tn.want(403, "DELETE", path, `{"channel":"email","address":"x@example.com","kind":"bounce","reason":"works again"}`)
	tn.wantAs(project.Admin, 400, "DELETE", path, `{"channel":"email","address":"x@example.com","kind":"bounce"}`)
	tn.wantAs(project.Admin, 404, "DELETE", path, `{"channel":"email","address":"x@example.com","kind":"legal","reason":"r"}`)
	tn.wantAs(project.Admin, 200, "DELETE", path, `{"channel":"email","address":"x@example.com","kind":"bounce","reason":"works again"}`)
	type body struct {
		Suppressed bool
		Holds      []struct{ Kind, Source string }
		Ledger     []struct {
			From, To string
			Line     int
			Evidence map[string]string
		}
	}
	got := decode[body](t, tn.want(200, "GET", path+"?channel=email&address=x%40example.com", "").body)
	if !got.Suppressed || len(got.Holds) != 1 || got.Holds[0].Kind != "complaint" {
		t.Errorf("suppression: %+v", got)
	}
	var lines []string
	for _, l := range got.Ledger {
		lines = append(lines, fmt.Sprintf("%d %s %s>%s %s", l.Line, l.Evidence["kind"], l.From, l.To, l.Evidence["reason"]))
	}
	want := []string{"1 bounce not_set>unsubscribed 550", "2 complaint not_set>unsubscribed ", "3 bounce unsubscribed>not_set works again"}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
	if got := decode[body](t, tn.want(200, "GET", path+"?channel=*&address=%2B15550109999", "").body); got.Suppressed || len(got.Ledger) != 0 {
		t.Errorf("an address that nobody suppressed: %+v", got)
	}
	tn.want(400, "GET", path+"?channel=email", "")
}

// TestKindsOfSuppressions: only a recipient says stop, and an admin may take it back; an error names what is allowed.
func TestKindsOfSuppressions(t *testing.T) {
	tn := newTenant(t)
	const all = "must be complaint, legal, bounce"
	for _, tt := range []struct{ method, kind, want string }{
		{"POST", "stop", all + " or manual; stop is what a recipient says"},
		{"POST", "spam", all + ` or manual"`},
		{"DELETE", "spam", all + ", manual or stop"},
	} {
		body := fmt.Sprintf(`{"channel":"sms","address":"+15550100009","kind":%q,"reason":"r"}`, tt.kind)
		if got := tn.wantAs(project.Admin, 400, tt.method, tn.consentPath("/suppressions"), body).body; !strings.Contains(got, tt.want) {
			t.Errorf("%s of %s: got %s, want %s", tt.method, tt.kind, got, tt.want)
		}
	}
	tn.wantAs(project.Admin, 404, "DELETE", tn.consentPath("/suppressions"), `{"channel":"sms","address":"+15550100009","kind":"stop","reason":"r"}`)
}

// TestSuppressedEverywhere: an address that is held on all channels is suppressed on each of them.
func TestSuppressedEverywhere(t *testing.T) {
	tn := newTenant(t)
	path := tn.consentPath("/suppressions")
	holds := func(body string) string {
		t.Helper()
		got := decode[struct {
			Channel    string
			Suppressed bool
			Holds      []struct{ Channel, Kind string }
			Ledger     []any
		}](t, body)
		words := []string{got.Channel, fmt.Sprint(got.Suppressed)}
		for _, h := range got.Holds {
			words = append(words, h.Channel+"/"+h.Kind)
		}
		return fmt.Sprint(strings.Join(words, " "), " ", len(got.Ledger))
	}
	tn.want(200, "POST", path, `{"channel":"*","address":"X@example.com","kind":"manual"}`)
	tn.want(200, "POST", path, `{"channel":"*","address":"+15550100009","kind":"legal"}`)
	tests := []struct{ name, got, want string }{
		{"e-mail", tn.want(200, "GET", path+"?channel=email&address=x@example.com", "").body, "email true */manual 0"},
		{"SMS", tn.want(200, "GET", path+"?channel=sms&address=%2B15550100009", "").body, "sms true */legal 0"},
		{"all", tn.want(200, "GET", path+"?channel=*&address=x@example.com", "").body, "* true */manual 1"},
		{"set", tn.want(200, "POST", path, `{"channel":"email","address":"x@example.com","kind":"bounce"}`).body, "email true email/bounce */manual 0"},
		{"lifted", tn.wantAs(project.Admin, 200, "DELETE", path, `{"channel":"email","address":"x@example.com","kind":"bounce","reason":"r"}`).body, "email true */manual 0"},
		{"another", tn.want(200, "GET", path+"?channel=email&address=y@example.com", "").body, "email false 0"},
	}
	for _, tt := range tests {
		if got := holds(tt.got); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestReviewsOnTheStore(t *testing.T) {
	tn := newTenant(t)
	texts := tn.group(`"name":"Texts","channel":"sms"`)
	u := tn.user(200, "POST", client, `{"identifier":[{"external_id":"u"}],"phone":"+15550100011"}`)
	for i := range 3 {
		r := consent.Review{MessageID: fmt.Sprint("m", i), Phone: "+15550100011", Number: "+15550100000", Text: "enough of this", At: time.Now().Add(time.Duration(i) * time.Second)}
		for range 2 {
			if err := tn.store.AddReview(t.Context(), tn.id, r); err != nil {
				t.Fatal(err)
			}
		}
	}
	path := tn.consentPath("/reviews")
	type page struct {
		Results []struct {
			ID        string
			MessageID string `json:"message_id"`
		}
		NextCursor *string `json:"next_cursor"`
	}
	tn.wantAs(project.Support, 403, "GET", path, "")
	first := decode[page](t, tn.want(200, "GET", path+"?limit=2", "").body)
	rest := decode[page](t, tn.want(200, "GET", path+"?limit=2&cursor="+url.QueryEscape(*first.NextCursor), "").body)
	if len(first.Results) != 2 || len(rest.Results) != 1 || first.Results[0].MessageID != "m0" || rest.NextCursor != nil {
		t.Fatalf("reviews: %+v, %+v", first, rest)
	}
	tn.want(400, "POST", path+"/"+first.Results[0].ID, `{"verdict":"start"}`)
	tn.want(204, "POST", path+"/"+first.Results[1].ID, `{"verdict":"none"}`)
	tn.want(204, "POST", path+"/"+first.Results[0].ID, `{"verdict":"stop"}`)
	tn.want(404, "POST", path+"/"+first.Results[0].ID, `{"verdict":"stop"}`)
	if diff := cmp.Diff([]string{"Texts=unsubscribed:unsubscribed:suppression"}, tn.standings(u.ID)); diff != "" {
		t.Errorf("standings (-want +got):\n%s", diff)
	}
	ledger := tn.want(200, "GET", tn.admin+"/"+u.ID+"/ledger", "").body
	if !strings.Contains(ledger, `"message_id":"m0","rule":"person","request_id":"`) || !strings.Contains(ledger, `"actor":"`) || !strings.Contains(ledger, texts) {
		t.Errorf("ledger: %s", ledger)
	}
}

// TestConsentOfTenantsIsApart tries each way by which a key of one project might reach the consent of another.
func TestConsentOfTenantsIsApart(t *testing.T) {
	a, b := newTenant(t), newTenant(t)
	group := b.group(`"name":"News","channel":"email"`)
	mine := a.group(`"name":"News","channel":"email"`)
	victim := b.user(200, "POST", client, `{"identifier":[{"external_id":"u"}],"email":"v@example.com"}`)
	b.states(200, victim.ID, group+"=unsubscribed")
	before := b.want(200, "GET", b.admin+"/"+victim.ID+"/ledger", "").body
	state := "[" + choices([]string{group + "=subscribed"}) + "]"
	for role, key := range a.keys {
		for _, try := range [][3]string{
			{"GET", b.consentPath("/settings")}, {"PATCH", b.consentPath("/settings"), `{}`}, {"GET", b.consentPath("/subscriptions")},
			{"POST", b.consentPath("/subscriptions"), `{}`}, {"GET", b.consentPath("/subscriptions/" + group)},
			{"PATCH", b.consentPath("/subscriptions/" + group), `{}`}, {"POST", b.consentPath("/subscriptions/" + group + "/archive")},
			{"PATCH", b.admin + "/" + victim.ID + "/subscriptions", state}, {"GET", b.admin + "/" + victim.ID + "/ledger"},
			{"GET", b.admin + "/" + victim.ID + "/may-send?channel=email"}, {"PUT", b.scoped + "/subscriptions", `{}`},
			{"POST", b.consentPath("/audience"), `{}`}, {"POST", b.consentPath("/links"), `{}`},
			{"GET", b.consentPath("/suppressions?channel=email&address=v@example.com")}, {"POST", b.consentPath("/suppressions"), `{}`},
			{"DELETE", b.consentPath("/suppressions"), `{}`}, {"GET", b.consentPath("/reviews")}, {"POST", b.consentPath("/reviews/x"), `{}`},
		} {
			if r := a.do(key, try[0], try[1], try[2]); r.status != http.StatusUnauthorized {
				t.Errorf("%s %s as %s of another project: got %d %s, want 401", try[0], try[1], role, r.status, r.body)
			}
		}
	}
	a.want(404, "GET", a.consentPath("/subscriptions/"+group), "")
	a.want(404, "PATCH", a.consentPath("/subscriptions/"+group), `{"name":"x"}`)
	a.wantAs(project.Admin, 404, "POST", a.consentPath("/subscriptions/"+group+"/archive"), "")
	a.want(404, "PATCH", a.admin+"/"+victim.ID+"/subscriptions", "["+choices([]string{mine + "=subscribed"})+"]")
	own := a.user(200, "POST", client, `{"identifier":[{"external_id":"u"}],"email":"v@example.com"}`)
	a.states(404, own.ID, group+"=subscribed")
	a.want(404, "GET", a.admin+"/"+victim.ID+"/ledger", "")
	a.want(404, "GET", a.admin+"/"+victim.ID+"/may-send?channel=email", "")
	a.want(404, "POST", a.consentPath("/links"), fmt.Sprintf(`{"user_id":%q}`, victim.ID))
	a.want(404, "POST", a.consentPath("/audience"), fmt.Sprintf(`{"subscription_id":%q,"user_ids":[%q]}`, group, own.ID))
	b.want(200, "POST", b.consentPath("/suppressions"), `{"channel":"email","address":"v@example.com","kind":"manual"}`)
	question := fmt.Sprintf(`{"subscription_id":%q,"user_ids":[%q,%q],"identifiers":[{"external_id":"u"}]}`, mine, victim.ID, own.ID)
	if diff := cmp.Diff([]string{"no_user", "ok", "ok"}, a.answers(question)); diff != "" {
		t.Errorf("audience across projects (-want +got):\n%s", diff)
	}
	if after := b.want(200, "GET", b.admin+"/"+victim.ID+"/ledger", "").body; after != before {
		t.Errorf("the victim's ledger was changed:\n%s\n%s", before, after)
	}
}
