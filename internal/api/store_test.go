package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/project"
)

// tenant is a project of the real store with a key of every role, its server, and its paths.
type tenant struct {
	*server
	t      *testing.T
	store  *dynamo.Store
	meter  *dynamotest.Meter // of the store
	id     string
	keys   map[project.Role]string
	admin  string
	scoped string
}

func newTenant(t *testing.T) *tenant {
	t.Helper()
	meter := new(dynamotest.Meter)
	s := dynamotest.New(t, meter.Option())
	p := dynamotest.Project(t, s)
	keys := map[project.Role]string{}
	for _, role := range []project.Role{project.Client, project.Support, project.Editor, project.Admin} {
		key, token := project.NewKey("", p.ID, role, string(role), time.Now())
		if err := s.CreateKey(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		keys[role] = token
	}
	return &tenant{
		server: newImportServer(t, s, importer(s)), t: t, store: s, meter: meter, id: p.ID, keys: keys,
		admin: "/api/admin/projects/" + p.ID + "/subjects/users", scoped: "/api/client/projects/" + p.ID + "/users",
	}
}

// userBody is a user as a client reads it.
type userBody struct {
	ID         string `json:"id"`
	Identifier []struct {
		ID         string         `json:"id"`
		Source     string         `json:"source"`
		ExternalID string         `json:"external_id"`
		Metadata   map[string]any `json:"metadata"`
	} `json:"identifier"`
	Email   string         `json:"email"`
	Phone   string         `json:"phone"`
	Data    map[string]any `json:"data"`
	Version int            `json:"version"`
}

// pairs returns the user's pairs as source:id.
func (u userBody) pairs() []string {
	var out []string
	for _, id := range u.Identifier {
		out = append(out, id.Source+":"+id.ExternalID)
	}
	return out
}

// want sends a request as an editor and fails the test unless the status is as wanted.
func (tn *tenant) want(status int, method, target, body string, header ...string) reply {
	tn.t.Helper()
	r := tn.do(tn.keys[project.Editor], method, target, body, header...)
	if r.status != status {
		tn.t.Fatalf("%s %s %s: got %d %s, want %d", method, target, body, r.status, r.body, status)
	}
	return r
}

func (tn *tenant) user(status int, method, target, body string, header ...string) userBody {
	tn.t.Helper()
	return decode[userBody](tn.t, tn.want(status, method, target, body, header...).body)
}

// TestLifeOfAUser follows a user through all three functions on the real store.
func TestLifeOfAUser(t *testing.T) {
	tn := newTenant(t)
	made := tn.user(200, "POST", client, `{"identifier":[{"external_id":"u1"}],"email":"Alice@Example.com",
		"data":{"plan":"free","address":{"city":"Austin","state":"TX"},"n":12345678901234567890.5}}`)
	if diff := cmp.Diff([]string{"default:u1"}, made.pairs()); diff != "" || made.Version != 0 {
		t.Errorf("created: version %d, pairs (-want +got):\n%s", made.Version, diff)
	}
	same := tn.user(200, "POST", tn.scoped, `{"identifier":[{"source":"posthog","external_id":"p1"},{"external_id":"u1"}],
		"email":null,"data":{"address":{"city":"Dallas"},"gone":null}}`)
	if same.ID != made.ID || same.Version != 1 || same.Email != "Alice@Example.com" {
		t.Errorf("updated: got id %s, version %d, email %q, want %s, 1 and the stored one", same.ID, same.Version, same.Email, made.ID)
	}
	one := tn.admin + "/" + made.ID
	r := tn.want(200, "GET", one, "")
	if !strings.Contains(r.body, `"data":{"address":{"city":"Dallas"},"gone":null,"n":12345678901234567890.5,"plan":"free"}`) {
		t.Errorf("data is not merged shallowly: %s", r.body)
	}

	patched := tn.user(200, "PATCH", one, `{"email":null,"phone":"+15550100001","data":{"gone":null,"plan":"premium"}}`, "If-Match", r.header.Get("ETag"))
	if _, ok := patched.Data["gone"]; ok || patched.Email != "" || patched.Data["plan"] != "premium" || patched.Version != 2 {
		t.Errorf("patched: got %+v", patched)
	}
	tn.want(412, "PATCH", one, `{}`, "If-Match", `"1"`)
	tn.want(400, "PATCH", one, `{}`, "If-Match", ``)
	tn.want(412, "POST", client, `{"identifier":[{"external_id":"u1"}]}`, "If-Match", `1`)
	tn.want(412, "POST", client, `{"identifier":[{"external_id":"nobody"}]}`, "If-Match", `*`)
	tn.want(412, "POST", client, `{"identifier":[{"external_id":"nobody"}]}`, "If-Match", `"0"`)
	if u := tn.user(200, "POST", client, `{"identifier":[{"external_id":"u1"}]}`, "If-Match", `*`); u.Version != 3 {
		t.Errorf("If-Match *: got version %d, want 3", u.Version)
	}

	posthog := patched.Identifier[slices.Index(patched.pairs(), "posthog:p1")]
	tn.want(204, "DELETE", one+"/identifiers/"+posthog.ID, "")
	tn.want(404, "DELETE", one+"/identifiers/"+posthog.ID, "")
	left := tn.user(200, "GET", one, "")
	tn.want(409, "DELETE", one+"/identifiers/"+left.Identifier[0].ID, "")

	tn.want(204, "DELETE", client, `{"identifier":[{"external_id":"u1"}]}`)
	tn.want(404, "DELETE", client, `{"identifier":[{"external_id":"u1"}]}`)
	tn.want(404, "GET", one, "")
	tn.want(404, "PATCH", one, `{}`)
	tn.want(404, "DELETE", one, "")
	again := tn.user(200, "POST", client, `{"identifier":[{"external_id":"u1"}]}`)
	if again.ID == made.ID || again.Version != 0 {
		t.Errorf("created again: got id %s, version %d, want a new id and 0", again.ID, again.Version)
	}
}

func TestConflictOnTheStore(t *testing.T) {
	tn := newTenant(t)
	a := tn.user(200, "POST", client, `{"identifier":[{"external_id":"a"}]}`)
	b := tn.user(200, "POST", client, `{"identifier":[{"external_id":"b"}]}`)
	both := `{"identifier":[{"external_id":"b"},{"external_id":"a"}],"email":"x@example.com"}`
	for _, method := range []string{"POST", "DELETE"} {
		if diff := cmp.Diff([]string{a.ID, b.ID}, tn.want(409, method, client, both).problem(t).UserIDs); diff != "" {
			t.Errorf("%s: user_ids (-want +got):\n%s", method, diff)
		}
	}
	if u := tn.user(200, "GET", tn.admin+"/"+a.ID, ""); u.Version != 0 || u.Email != "" {
		t.Errorf("a was changed: %+v", u)
	}
}

func TestMergedIDsAnswer(t *testing.T) {
	tn := newTenant(t)
	visitor := tn.user(200, "POST", client, `{"identifier":[{"source":"anonymous","external_id":"x"}],"data":{"seen":1}}`)
	named := tn.user(200, "POST", client, `{"identifier":[{"external_id":"u"}]}`)
	merged := tn.user(200, "POST", client, `{"identifier":[{"external_id":"u"},{"source":"anonymous","external_id":"x"}]}`)
	got := tn.user(200, "GET", tn.admin+"/"+visitor.ID, "")
	if merged.ID != named.ID || got.ID != named.ID || got.Data["seen"] != 1.0 {
		t.Errorf("merged %s, by the visitor's id %+v, want %s with the visitor's data", merged.ID, got, named.ID)
	}
}

// TestPagesOnTheStore walks the list, the search and the lookups by their cursors. One of the users has the phone number
// as an external id too.
func TestPagesOnTheStore(t *testing.T) {
	tn := newTenant(t)
	var newest []string
	for i := range 7 {
		also := ""
		if i == 3 {
			also = `,{"external_id":"+15550100001"}`
		}
		u := tn.user(200, "POST", client, fmt.Sprintf(
			`{"identifier":[{"external_id":"u%d"}%s],"email":"Shared@example.com","phone":"+15550100001"}`, i, also))
		newest = append([]string{u.ID}, newest...)
	}
	tests := map[string][]string{
		"?":                                newest,
		"?search=sha":                      newest,
		"?search=%2B15550100001":           newest,
		"?search=u3":                       newest[3:4],
		"?search=default:u0":               newest[6:],
		"?search=nobody":                   nil,
		"/lookup?email=shared@EXAMPLE.com": newest,
		"/lookup?phone=+15550100001":       newest,
		"/lookup?email=other@example.com":  nil,
	}
	for query, want := range tests {
		for _, limit := range []int{1, 3, 100} {
			got := tn.walk(query, limit)
			if query == "?search=%2B15550100001" && got[0] != newest[3] {
				t.Errorf("%s by %d: the owner of the external id is not the first of %v", query, limit, got)
			}
			slices.Sort(got)
			wanted := slices.Sorted(slices.Values(want))
			if query == "?" {
				got, wanted = tn.walk(query, limit), want // the list has an order
			}
			if diff := cmp.Diff(wanted, got); diff != "" {
				t.Errorf("%s by %d (-want +got):\n%s", query, limit, diff)
			}
		}
	}
	if u := tn.user(200, "GET", tn.admin+"/lookup?external_id=u6", ""); u.ID != newest[0] {
		t.Errorf("lookup by pair: got %s, want %s", u.ID, newest[0])
	}
	tn.want(404, "GET", tn.admin+"/lookup?external_id=nobody", "")
}

// walk returns the ids on all pages of a query.
func (tn *tenant) walk(query string, limit int) []string {
	tn.t.Helper()
	var ids []string
	cursor := ""
	for range 50 {
		page := decode[pageBody](tn.t, tn.want(200, "GET", fmt.Sprintf("%s%s&limit=%d%s", tn.admin, query, limit, cursor), "").body)
		most := limit
		if cursor == "" && strings.Contains(query, "search") {
			most += 2 // see Lister.Search
		}
		if len(page.Results) > most {
			tn.t.Fatalf("%s: got %d results, want at most %d", query, len(page.Results), most)
		}
		for _, u := range page.Results {
			ids = append(ids, u.ID)
		}
		if page.NextCursor == nil {
			return ids
		}
		cursor = "&cursor=" + url.QueryEscape(*page.NextCursor)
	}
	tn.t.Fatalf("%s by %d: the pages do not end", query, limit)
	return nil
}

// TestBigPagesOnTheStore checks that users too big for one page are all found by the cursor, whatever the limit.
func TestBigPagesOnTheStore(t *testing.T) {
	tn := newTenant(t)
	tn.server = newBareServer(t, tn.store, nil) // to hold megabytes to the contract takes seconds
	big := strings.Repeat("x", 380<<10)
	var newest []string
	for i := range 10 {
		u := tn.user(200, "POST", client, fmt.Sprintf(`{"identifier":[{"external_id":"u%d"}],"email":"big@example.com","data":{"big":%q}}`, i, big))
		newest = append([]string{u.ID}, newest...)
	}
	first := decode[pageBody](t, tn.want(200, "GET", tn.admin+"?limit=100", "").body)
	if n := len(first.Results); n == 0 || n >= 10 || first.NextCursor == nil {
		t.Errorf("first page: got %d users of 380 KB with cursor %v, want some of the ten and a cursor", n, first.NextCursor)
	}
	for _, query := range []string{"?", "?search=big"} {
		got := tn.walk(query, 100)
		slices.Sort(got)
		if diff := cmp.Diff(slices.Sorted(slices.Values(newest)), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}

func TestSubscriptionsOnTheStore(t *testing.T) {
	tn := newTenant(t)
	for i, channel := range []consent.Channel{consent.SMS, consent.Email} {
		g := consent.Group{ID: uuid.Must(uuid.NewV7()).String(), ProjectID: tn.id, Name: fmt.Sprintf("Group %d", i), Channel: channel, Public: true}
		if err := tn.store.CreateGroup(t.Context(), g); err != nil {
			t.Fatal(err)
		}
	}
	u := tn.user(200, "POST", client, `{"identifier":[{"external_id":"u"}],"phone":"+15550100007"}`)
	stop := consent.Inbound{Verdict: consent.Stop, MessageID: "m1", At: time.Now()}
	if err := tn.store.Record(t.Context(), tn.id, "+15550100007", stop); err != nil {
		t.Fatal(err)
	}
	type standing struct {
		Name, State string
		Suppressed  bool
	}
	got := decode[struct{ Results []standing }](t, tn.want(200, "GET", tn.admin+"/"+u.ID+"/subscriptions", "").body)
	want := []standing{{"Group 0", "unsubscribed", true}, {"Group 1", "not_set", false}}
	if diff := cmp.Diff(want, got.Results); diff != "" {
		t.Errorf("standings (-want +got):\n%s", diff)
	}
	tn.want(404, "GET", tn.admin+"/"+uuid.NewString()+"/subscriptions", "")
}

// TestTenantsAreApart tries each way by which a key of one project might reach a user of another.
func TestTenantsAreApart(t *testing.T) {
	a, b := newTenant(t), newTenant(t)
	const body = `{"identifier":[{"external_id":"u"}],"email":"victim@example.com","phone":"+15550100009"}`
	victim := b.user(200, "POST", client, body)
	before := b.want(200, "GET", b.admin+"/"+victim.ID, "").body

	for role, key := range a.keys {
		for _, try := range [][3]string{
			{"GET", b.admin + "/" + victim.ID}, {"GET", b.admin}, {"GET", b.admin + "/lookup?external_id=u"},
			{"GET", b.admin + "/" + victim.ID + "/subscriptions"}, {"POST", b.scoped, body}, {"POST", b.admin, body},
			{"PATCH", b.admin + "/" + victim.ID, `{"email":null}`}, {"DELETE", b.scoped, body}, {"DELETE", b.admin + "/" + victim.ID},
			{"DELETE", b.admin + "/" + victim.ID + "/identifiers/" + victim.Identifier[0].ID},
		} {
			if r := a.do(key, try[0], try[1], try[2]); r.status != http.StatusUnauthorized {
				t.Errorf("%s %s as %s of another project: got %d %s, want 401", try[0], try[1], role, r.status, r.body)
			}
		}
	}
	a.want(404, "GET", a.admin+"/"+victim.ID, "")
	a.want(404, "GET", a.admin+"/"+victim.ID+"/subscriptions", "")
	a.want(404, "PATCH", a.admin+"/"+victim.ID, `{"email":null}`)
	a.want(404, "DELETE", a.admin+"/"+victim.ID, "")
	a.want(404, "DELETE", a.admin+"/"+victim.ID+"/identifiers/"+victim.Identifier[0].ID, "")
	a.want(404, "DELETE", client, body)
	a.want(404, "GET", a.admin+"/lookup?external_id=u", "")
	for _, query := range []string{"?", "?search=victim", "?search=u", "/lookup?email=victim@example.com", "/lookup?phone=%2B15550100009"} {
		if got := a.walk(query, 10); len(got) > 0 {
			t.Errorf("%s finds %v of another project", query, got)
		}
	}
	if own := a.user(200, "POST", client, body); own.ID == victim.ID {
		t.Error("an upsert reached the user of another project")
	}
	b.user(200, "POST", client, `{"identifier":[{"external_id":"v"}]}`)
	cursor := *decode[pageBody](t, b.want(200, "GET", b.admin+"?limit=1", "").body).NextCursor
	a.want(400, "GET", a.admin+"?cursor="+url.QueryEscape(cursor), "")
	if after := b.want(200, "GET", b.admin+"/"+victim.ID, "").body; after != before {
		t.Errorf("the victim was changed:\n%s\n%s", before, after)
	}
}
