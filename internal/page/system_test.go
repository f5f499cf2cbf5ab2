package page_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"lunogram-users/internal/api"
	"lunogram-users/internal/api/apitest"
	"lunogram-users/internal/consent"
	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/link"
	"lunogram-users/internal/page"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// function is the Lambda function of the pages on a real store, for one user of one project.
type function struct {
	store   *dynamo.Store
	meter   *dynamotest.Meter
	project project.Project
	user    user.User
	groups  []string // ids; the last one is not public
	invoke  func(events.APIGatewayV2HTTPRequest) events.APIGatewayV2HTTPResponse

	mu   sync.Mutex
	logs bytes.Buffer
}

// Write implements io.Writer for the log.
func (f *function) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.logs.Write(p)
}

func newFunction(t *testing.T) *function {
	t.Helper()
	f := &function{meter: &dynamotest.Meter{}}
	f.store = dynamotest.New(t, f.meter.Option())
	f.project = dynamotest.Project(t, f.store)
	f.user = f.upsert(t, "user", "alice")
	for i, name := range []string{"Weekly news", "Offers", "Events", "Churn risk"} {
		g := consent.Group{
			ID: uuid.Must(uuid.NewV7()).String(), ProjectID: f.project.ID, Name: name, Channel: consent.Email, Public: i < 3, CreatedAt: time.Now(),
		}
		if err := f.store.CreateGroup(t.Context(), g); err != nil {
			t.Fatal(err)
		}
		f.groups = append(f.groups, g.ID)
	}
	log := slog.New(slog.NewTextHandler(f, nil))
	pages := page.New(f.store, page.Options{Log: log, RequestID: api.RequestID})
	gateway := api.Gateway(apitest.Load(t).Handler(t, api.Public(pages, page.Sorry(), api.Options{Log: log})))
	f.invoke = func(event events.APIGatewayV2HTTPRequest) events.APIGatewayV2HTTPResponse {
		resp, err := gateway(t.Context(), event)
		if err != nil {
			t.Error(err)
		}
		return resp
	}
	return f
}

// upsert sends pairs of a source and an id.
func (f *function) upsert(t *testing.T, pairs ...string) user.User {
	t.Helper()
	req := user.Upsert{ProjectID: f.project.ID, Patch: user.Patch{Email: new("alice@example.com"), Locale: new("nl-BE")}}
	for i := 0; i+1 < len(pairs); i += 2 {
		req.Identifiers = append(req.Identifiers, user.Sent{Pair: user.Pair{Source: pairs[i], ExternalID: pairs[i+1]}})
	}
	if err := req.Normalize(); err != nil {
		t.Fatal(err)
	}
	u, err := f.store.Upsert(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (f *function) path(t *testing.T, purpose link.Purpose, userID, group string) string {
	t.Helper()
	token, err := link.Sign(f.project, link.Link{Purpose: purpose, ProjectID: f.project.ID, UserID: userID, GroupID: group})
	if err != nil {
		t.Fatal(err)
	}
	return link.Path(purpose, token)
}

// do sends a request as API Gateway does: a body that is no text to it comes in base64.
func (f *function) do(method, path, body string) events.APIGatewayV2HTTPResponse {
	event := events.APIGatewayV2HTTPRequest{
		RawPath: path, Headers: map[string]string{"content-type": "application/x-www-form-urlencoded", "host": "users.example.com"},
		Body: base64.StdEncoding.EncodeToString([]byte(body)), IsBase64Encoded: true,
	}
	event.RequestContext.HTTP.Method, event.RequestContext.HTTP.SourceIP = method, "203.0.113.9"
	event.RequestContext.RequestID = "req-" + method
	return f.invoke(event)
}

// ledger returns the lines of the user as group index, state and how.
func (f *function) ledger(t *testing.T) (lines []string) {
	t.Helper()
	all, err := f.store.Events(t.Context(), f.project.ID, f.user.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		lines = append(lines, fmt.Sprintf("%s %s %s %s", f.name(e.Group), e.To, e.How, e.Evidence.RequestID))
	}
	return lines
}

func (f *function) name(group string) string {
	for i, id := range f.groups {
		if id == group {
			return fmt.Sprint(i)
		}
	}
	return group
}

// effective returns by index which groups the user gets.
func (f *function) effective(t *testing.T) (on []string) {
	t.Helper()
	all, err := f.store.Subscriptions(t.Context(), f.project.ID, f.user.ID)
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range f.groups {
		for _, s := range all {
			if s.Group.ID == id && s.Effective == consent.Subscribed {
				on = append(on, fmt.Sprint(i))
			}
		}
	}
	return on
}

func TestFunctionOneClick(t *testing.T) {
	t.Parallel()
	f := newFunction(t)
	path := f.path(t, link.Unsubscribe, f.user.ID, f.groups[0])
	for range 2 {
		resp := f.do("POST", path, "List-Unsubscribe=One-Click")
		if resp.StatusCode != http.StatusOK || !strings.Contains(resp.Body, "U bent afgemeld") || len(resp.Cookies) > 0 {
			t.Errorf("one-click is answered %d %s", resp.StatusCode, resp.Body)
		}
	}
	if diff := cmp.Diff([]string{"1", "2", "3"}, f.effective(t)); diff != "" {
		t.Errorf("groups that are left (-want +got):\n%s", diff)
	}
	want := "0 unsubscribed one_click req-POST"
	if diff := cmp.Diff([]string{want, want}, f.ledger(t)); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
	if logs := f.logs.String(); !strings.Contains(logs, `route=/unsubscribe/{token} status=200`) || strings.Contains(logs, path[len("/unsubscribe/"):]) {
		t.Errorf("the log lacks the route, or holds the token:\n%s", logs)
	}
}

// TestFunctionScanners opens every kind of link 1,000 times, mostly with GET: nothing is written, and a page takes 4 calls.
func TestFunctionScanners(t *testing.T) {
	t.Parallel()
	f := newFunction(t)
	paths := []string{f.path(t, link.Preferences, f.user.ID, ""), f.path(t, link.Unsubscribe, f.user.ID, f.groups[0])}
	before, err := f.store.User(t.Context(), f.project.ID, f.user.ID)
	if err != nil {
		t.Fatal(err)
	}
	f.meter.Take()
	var scanners sync.WaitGroup
	for _, path := range paths {
		for method, times := range map[string]int{"GET": 225, "HEAD": 25} {
			for range 4 {
				scanners.Go(func() {
					for range times {
						if resp := f.do(method, path, ""); resp.StatusCode != http.StatusOK || (resp.Body == "") != (method == "HEAD") {
							t.Errorf("%s: %d", method, resp.StatusCode)
						}
					}
				})
			}
		}
	}
	scanners.Wait()
	if got := f.meter.Take(); got.Write != 0 || got.Calls != 4*2000 {
		t.Errorf("opening 2,000 links wrote %v units in %d calls, want none in 8,000", got.Write, got.Calls)
	}
	after, err := f.store.User(t.Context(), f.project.ID, f.user.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" || len(f.ledger(t)) > 0 {
		t.Errorf("the user (-before +after):\n%s\nledger: %v", diff, f.ledger(t))
	}
}

// TestFunctionTabs saves many tabs that were opened together, all at once: each moves another switch, and all count.
func TestFunctionTabs(t *testing.T) {
	t.Parallel()
	f := newFunction(t)
	path := f.path(t, link.Preferences, f.user.ID, "")
	var tabs sync.WaitGroup
	for i := range 3 {
		form := url.Values{"action": {"save"}, "was_on": f.groups[:3]}
		for j, id := range f.groups[:3] {
			if j != i {
				form.Add("on", id)
			}
		}
		for range 3 {
			tabs.Go(func() {
				if resp := f.do("POST", path, form.Encode()); resp.StatusCode != http.StatusOK {
					t.Errorf("tab %d: %d %s", i, resp.StatusCode, resp.Body)
				}
			})
		}
	}
	tabs.Wait()
	if diff := cmp.Diff([]string{"3"}, f.effective(t)); diff != "" {
		t.Errorf("groups that are left (-want +got):\n%s", diff)
	}
	if got := f.ledger(t); len(got) != 9 {
		t.Errorf("%d ledger lines, want 9: %v", len(got), got)
	}
}

func TestFunctionStopsEverything(t *testing.T) {
	t.Parallel()
	f := newFunction(t)
	path := f.path(t, link.Preferences, f.user.ID, "")
	resp := f.do("POST", path, "action=stop")
	if resp.StatusCode != http.StatusOK || !strings.Contains(resp.Body, "Alles is gestopt") {
		t.Errorf("stopping is answered %d %s", resp.StatusCode, resp.Body)
	}
	g := consent.Group{ID: uuid.Must(uuid.NewV7()).String(), ProjectID: f.project.ID, Name: "A later one", Channel: consent.Email, Public: true}
	if err := f.store.CreateGroup(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	f.groups = append(f.groups, g.ID)
	if got := f.effective(t); len(got) > 0 {
		t.Errorf("everything is stopped, but %v are not", got)
	}
	resp = f.do("POST", path, url.Values{"action": {"save"}, "was_off": {f.groups[1]}, "on": {f.groups[1]}}.Encode())
	if diff := cmp.Diff([]string{"1"}, f.effective(t)); diff != "" {
		t.Errorf("turned on again: %d (-want +got):\n%s", resp.StatusCode, diff)
	}
}

// TestFunctionLinksLive checks that links outlive a merge of their user and a rotation of keys, and end with their key.
func TestFunctionLinksLive(t *testing.T) {
	t.Parallel()
	f := newFunction(t)
	anonymous := f.upsert(t, "anonymous", "cookie-1")
	path := f.path(t, link.Preferences, anonymous.ID, "")
	if merged := f.upsert(t, "anonymous", "cookie-1", "user", "alice"); merged.ID != f.user.ID {
		t.Fatalf("the survivor is %s, want %s", merged.ID, f.user.ID)
	}
	f.do("POST", path, url.Values{"action": {"save"}, "was_on": {f.groups[0]}}.Encode())
	if diff := cmp.Diff([]string{"1", "2", "3"}, f.effective(t)); diff != "" {
		t.Errorf("saved by the link of who was absorbed (-want +got):\n%s", diff)
	}
	for _, rotation := range []struct {
		newest, oldest uint8
		status         int
	}{{1, 0, http.StatusOK}, {2, 0, http.StatusOK}, {2, 1, http.StatusNotFound}} {
		rotate := func(s project.Settings) (project.Settings, error) {
			s.LinkKey, s.OldestLinkKey = rotation.newest, rotation.oldest
			return s, nil
		}
		if _, err := f.store.ChangeSettings(t.Context(), f.project.ID, rotate); err != nil {
			t.Fatal(err)
		}
		if resp := f.do("GET", path, ""); resp.StatusCode != rotation.status {
			t.Errorf("with the keys %d to %d the first link is answered %d, want %d", rotation.oldest, rotation.newest, resp.StatusCode, rotation.status)
		}
	}
}

// TestReturnByOwnWord: an address that an erased user had taken off a group comes back by the switch on the page, and by
// nothing else.
func TestReturnByOwnWord(t *testing.T) {
	f := newFunction(t)
	f.do("POST", f.path(t, link.Preferences, f.user.ID, ""), url.Values{"action": {"save"}, "was_on": {f.groups[1]}}.Encode())
	if err := f.store.Delete(t.Context(), f.project.ID, f.user.ID); err != nil {
		t.Fatal(err)
	}
	f.user = f.upsert(t, "user", "alice")
	if diff := cmp.Diff([]string{"0", "2", "3"}, f.effective(t)); diff != "" {
		t.Fatalf("groups after the erasure (-want +got):\n%s", diff)
	}
	path := f.path(t, link.Preferences, f.user.ID, "")
	if shown := f.do("GET", path, ""); strings.Contains(shown.Body, " disabled>") {
		t.Errorf("the page disables a switch: %s", shown.Body)
	}
	form := url.Values{"action": {"save"}, "was_on": {f.groups[0], f.groups[2]}, "was_off": {f.groups[1]}, "on": f.groups[:3]}
	f.do("POST", path, form.Encode())
	if diff := cmp.Diff([]string{"0", "1", "2", "3"}, f.effective(t)); diff != "" {
		t.Errorf("groups after the switch (-want +got):\n%s", diff)
	}
}
