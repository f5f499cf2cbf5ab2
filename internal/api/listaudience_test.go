package api_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"lunogram-users/internal/project"
)

// listAudience is a page of the audience of a list as a sender reads it.
type listAudience struct {
	Results []struct {
		UserID  string  `json:"user_id"`
		Address *string `json:"address"`
	} `json:"results"`
	HeldBack   map[string]int `json:"held_back"`
	Members    int            `json:"members"`
	Status     string         `json:"status"`
	NextCursor *string        `json:"next_cursor"`
	Limit      int            `json:"limit"`
}

// audienceOf asks for the audience of a list, and checks that the page accounts for all of its members.
func (tn *tenant) audienceOf(listID, query string) listAudience {
	tn.t.Helper()
	a := decode[listAudience](tn.t, tn.wantAs(project.Support, 200, "GET", tn.listsPath("/"+listID+"/audience?"+query), "").body)
	sum := len(a.Results)
	for _, n := range a.HeldBack {
		sum += n
	}
	if sum != a.Members || a.Members > a.Limit {
		tn.t.Errorf("%s: %d recipients and %v held back of %d members, at most %d", query, len(a.Results), a.HeldBack, a.Members, a.Limit)
	}
	return a
}

// addresses returns to whom a page may be sent.
func (a listAudience) addresses() []string {
	var out []string
	for _, r := range a.Results {
		if r.Address == nil {
			out = append(out, "none")
		} else {
			out = append(out, *r.Address)
		}
	}
	return out
}

// TestWhoLeftIsInNoAudience is why the audience of a list is asked for here: whoever refuses, by whichever way, after the
// list was made and read, is not sent to.
func TestWhoLeftIsInNoAudience(t *testing.T) {
	tn := newTenant(t)
	news := tn.group(`"name":"News","channel":"email"`)
	id := tn.list(201, "POST", "", `{"name":"All","type":"static"}`).ID
	join := func(name string) string {
		u := tn.make(name, fmt.Sprintf(`,"email":"%s@example.com"`, name))
		tn.want(204, "PUT", tn.listsPath("/"+id+"/users/"+u), "")
		return u
	}
	byAdmin, byPage, erased := join("admin"), join("page"), join("erased")
	join("complained")
	join("stays")
	query := "subscription_id=" + news
	if got := tn.audienceOf(id, query); len(got.Results) != 5 || len(got.HeldBack) != 0 {
		t.Fatalf("before: got %+v, want five recipients", got)
	}

	tn.states(200, byAdmin, news+"=unsubscribed")
	links := decode[struct {
		PreferencesURL string `json:"preferences_url"`
	}](t, tn.want(200, "POST", tn.consentPath("/links"), fmt.Sprintf(`{"user_id":%q}`, byPage)).body)
	token := links.PreferencesURL[strings.LastIndexByte(links.PreferencesURL, '/')+1:]
	tn.wantAs(project.Client, 200, "PUT", client+"/subscriptions",
		fmt.Sprintf(`{"token":%q,"subscriptions":[%s]}`, token, choices([]string{"*=unsubscribed"})))
	tn.want(204, "DELETE", tn.admin+"/"+erased, "")
	tn.want(200, "POST", tn.consentPath("/suppressions"), `{"channel":"email","address":"complained@example.com","kind":"complaint"}`)

	got := tn.audienceOf(id, query)
	if diff := cmp.Diff([]string{"stays@example.com"}, got.addresses()); diff != "" {
		t.Errorf("recipients (-want +got):\n%s", diff)
	}
	want := map[string]int{"unsubscribed": 2, "suppressed": 1}
	delete(got.HeldBack, "no_user") // the membership of who was erased is erased too
	if diff := cmp.Diff(want, got.HeldBack); diff != "" {
		t.Errorf("held back (-want +got):\n%s", diff)
	}
	transactional := tn.audienceOf(id, "channel=email")
	if diff := cmp.Diff([]string{"stays@example.com", "page@example.com", "admin@example.com"}, transactional.addresses()); diff != "" {
		t.Errorf("a transactional message (-want +got):\n%s", diff)
	}
}

func TestListAudiencePages(t *testing.T) {
	tn := newTenant(t)
	texts := tn.group(`"name":"Texts","channel":"sms"`)
	id := tn.list(201, "POST", "", `{"name":"All","type":"static"}`).ID
	var want []string
	for i := range 7 {
		fields := ""
		if i%3 != 0 {
			fields = fmt.Sprintf(`,"phone":"+1555010010%d"`, i)
			want = append([]string{fmt.Sprintf("+1555010010%d", i)}, want...)
		}
		tn.want(204, "PUT", tn.listsPath("/"+id+"/users/"+tn.make(fmt.Sprint("u", i), fields)), "")
	}
	var got []string
	none, cursor := 0, ""
	for {
		page := tn.audienceOf(id, "limit=3&group="+texts+cursor)
		got = append(got, page.addresses()...)
		none += page.HeldBack["no_address"]
		if page.Limit != 3 || page.Status != "ready" {
			t.Errorf("got %+v, want a limit of 3 and ready", page)
		}
		if page.NextCursor == nil {
			break
		}
		cursor = "&cursor=" + url.QueryEscape(*page.NextCursor)
		tn.want(400, "GET", tn.listsPath("/"+id+"/audience?channel=sms"+cursor), "")
		tn.want(400, "GET", tn.listsPath("/"+id+"/users?"+cursor[1:]), "")
	}
	if diff := cmp.Diff(want, got); diff != "" || none != 3 {
		t.Errorf("%d have no address, want 3; recipients (-want +got):\n%s", none, diff)
	}
	if got := tn.audienceOf(id, "channel=push&limit=1000"); len(got.Results) != 7 || got.Results[0].Address != nil || got.NextCursor != nil {
		t.Errorf("push: got %+v, want seven without an address", got)
	}
	if got := tn.audienceOf(id, "channel=push"); got.Limit != 100 {
		t.Errorf("limit: got %d, want 100", got.Limit)
	}
	one := tn.listsPath("/" + id)
	for query, want := range map[string][]string{
		"":                       {"?channel"},
		"channel=fax&limit=1001": {"?channel", "?limit"},
		"subscription_id=x":      {"?subscription_id"},
		"group=" + texts + "&subscription_id=" + texts: {"?group"},
		"channel=sms&cursor=x&offset=2":                {"?cursor", "?offset"},
	} {
		if diff := cmp.Diff(want, tn.want(400, "GET", one+"/audience?"+query, "").problem(t).at()); diff != "" {
			t.Errorf("%s: faults (-want +got):\n%s", query, diff)
		}
	}
	tn.want(404, "GET", one+"/audience?group="+uuid.NewString(), "")
	tn.list(200, "POST", "/"+id+"/archive", "")
	tn.want(409, "GET", one+"/audience?channel=sms", "")
}

// TestAudienceAcrossAMerge checks that nobody is sent to twice while the memberships of an absorbed user move.
func TestAudienceAcrossAMerge(t *testing.T) {
	tn := newTenant(t)
	id := tn.list(201, "POST", "", `{"name":"All","type":"static"}`).ID
	visitor := tn.user(200, "POST", client, `{"identifier":[{"source":"anonymous","external_id":"x"}],"email":"v@example.com"}`).ID
	named := tn.make("u", `,"email":"u@example.com"`)
	for _, u := range []string{visitor, named} {
		tn.want(204, "PUT", tn.listsPath("/"+id+"/users/"+u), "")
	}
	tn.user(200, "POST", client, `{"identifier":[{"external_id":"u"},{"source":"anonymous","external_id":"x"}]}`)
	got := tn.audienceOf(id, "channel=email")
	if diff := cmp.Diff([]string{"u@example.com"}, got.addresses()); diff != "" {
		t.Errorf("recipients (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"merged": 1}, got.HeldBack); diff != "" {
		t.Errorf("held back (-want +got):\n%s", diff)
	}
	if got := tn.listsOf(visitor); len(got) != 1 {
		t.Errorf("lists by the id of the visitor: got %v, want those of the survivor", got)
	}
}
