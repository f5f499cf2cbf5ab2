package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"lunogram-users/internal/api"
	"lunogram-users/internal/api/apitest"
	"lunogram-users/internal/consent"
	"lunogram-users/internal/liquid/engine"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

const (
	projectA = "019abd3c-0000-7000-8000-00000000000a"
	projectB = "019abd3c-0000-7000-8000-00000000000b"
	aliceID  = "019abd3c-8c1e-7c57-9d0e-1f4b7c1a2b3c"
	bobID    = "019abd3c-9d2f-7aa1-8e3b-5c6d7e8f9a0b"
	pairID   = "019abd3c-8c1e-7c58-a1b2-3c4d5e6f7a8b"

	client  = "/api/client/users"
	scopedA = "/api/client/projects/" + projectA + "/users"
	adminA  = "/api/admin/projects/" + projectA + "/subjects/users"
	aliceAt = adminA + "/" + aliceID
	listsA  = "/api/admin/projects/" + projectA + "/lists"
)

var created = time.Date(2026, 11, 23, 10, 15, 30, 125_600_000, time.UTC)

// alice is a user with all there is.
func alice() user.User {
	return user.User{
		ID: aliceID, ProjectID: projectA, Email: "alice@example.com", Phone: "+15550100001",
		Timezone: "America/New_York", Locale: "es-MX", Version: 3, CreatedAt: created, UpdatedAt: created.Add(time.Minute),
		Data: map[string]any{"secret": "stored", "big": json.Number("12345678901234567890.000000001"), "html": "<b>&"},
		Identifiers: []user.Identifier{{
			ID: pairID, Pair: user.Pair{Source: "default", ExternalID: "user_123"},
			CreatedAt: created, UpdatedAt: created,
		}},
	}
}

// fake answers what a test tells it to and counts key reads. Methods without an answer panic, which is a 500.
type fake struct {
	mu       sync.Mutex
	keys     map[string]project.Key
	keyErr   error
	keyReads int

	upsert        func(user.Upsert) (user.User, error)
	batch         func([]user.Upsert) []user.Result
	patch         func(user.Patch, *int64) (user.User, error)
	user          func(id string) (user.User, error)
	byPair        func(user.Pair) (user.User, error)
	subscriptions func() ([]consent.Standing, error)
	page          func(query, value, after string, limit int) (user.Page, error)
	erase         func() error
	eraseByPairs  func([]user.Pair) error
	detach        func(id string) error
}

// newFake returns a store with one key per role of project A, whose token is pk_client, sk_support and so on, and
// sk_foreign, an admin's of project B.
func newFake() *fake {
	f := &fake{keys: map[string]project.Key{}}
	f.addKey("pk_client", projectA, project.Client)
	f.addKey("sk_support", projectA, project.Support)
	f.addKey("sk_editor", projectA, project.Editor)
	f.addKey("sk_admin", projectA, project.Admin)
	f.addKey("sk_foreign", projectB, project.Admin)
	return f
}

func (f *fake) addKey(token, projectID string, role project.Role) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key, _ := project.NewKey(token, projectID, role, "test", created)
	f.keys[key.Hash] = key
}

func (f *fake) Key(_ context.Context, hash string) (project.Key, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keyReads++
	if f.keyErr != nil {
		return project.Key{}, f.keyErr
	}
	if key, ok := f.keys[hash]; ok {
		return key, nil
	}
	return project.Key{}, user.ErrNotFound
}

func (f *fake) reads() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.keyReads
}

func (f *fake) Project(_ context.Context, id string) (project.Project, error) {
	return project.Project{ID: id, Secret: bytes.Repeat([]byte(id[35:]), 32)}, nil
}

func (f *fake) Upsert(_ context.Context, req user.Upsert) (user.User, error) { return f.upsert(req) }

func (f *fake) UpsertBatch(_ context.Context, _ string, batch []user.Upsert) []user.Result {
	return f.batch(batch)
}

func (f *fake) Patch(_ context.Context, _, _ string, p user.Patch, ifMatch *int64) (user.User, error) {
	return f.patch(p, ifMatch)
}

func (f *fake) User(_ context.Context, _, id string) (user.User, error) { return f.user(id) }

func (f *fake) UserByPair(_ context.Context, _ string, p user.Pair) (user.User, error) {
	return f.byPair(p)
}

func (f *fake) Subscriptions(context.Context, string, string) ([]consent.Standing, error) {
	return f.subscriptions()
}

func (f *fake) Users(_ context.Context, _, after string, limit int) (user.Page, error) {
	return f.page("all", "", after, limit)
}

func (f *fake) UsersByEmail(_ context.Context, _, email, after string, limit int) (user.Page, error) {
	return f.page("email", email, after, limit)
}

func (f *fake) UsersByPhone(_ context.Context, _, phone, after string, limit int) (user.Page, error) {
	return f.page("phone", phone, after, limit)
}

func (f *fake) Search(_ context.Context, _, term, after string, limit int) (user.Page, error) {
	return f.page("search", term, after, limit)
}

func (f *fake) Delete(context.Context, string, string) error { return f.erase() }

func (f *fake) DeleteByPairs(_ context.Context, _ string, pairs []user.Pair) error {
	return f.eraseByPairs(pairs)
}

func (f *fake) Detach(_ context.Context, _, _, id string) error { return f.detach(id) }

// server is the handlers of all functions on one store, each reached as the template's routes reach it, and held to
// the contract.
type server struct {
	t    testing.TB
	http http.Handler
	logs *lines
}

// store is what the functions need together.
type store interface {
	api.UpsertStore
	api.GetStore
	api.DeleteStore
	api.ImportsStore
}

func newServer(t testing.TB, s store) *server {
	t.Helper()
	return newImportServer(t, s, nil)
}

// newImportServer is newServer with imports.
func newImportServer(t testing.TB, s store, importer api.Importer) *server {
	t.Helper()
	bare := newBareServer(t, s, importer)
	bare.http = apitest.Load(t).Handler(t, bare.http)
	return bare
}

// newBareServer is newServer without the contract, for fuzz tests.
func newBareServer(t testing.TB, s store, importer api.Importer) *server {
	logs := &lines{}
	o := api.Options{Log: slog.New(slog.NewTextHandler(logs, nil))}
	return &server{t: t, logs: logs, http: functions(s, importer, o)}
}

// functions routes by method, as the catch-all routes of the template do, and what is another function's to that.
func functions(s store, importer api.Importer, o api.Options) http.Handler {
	upsert, get, del := api.Upsert(s, o), api.Get(s, o), api.Delete(s, o)
	byMethod := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			get.ServeHTTP(w, r)
		case http.MethodDelete:
			del.ServeHTTP(w, r)
		default:
			upsert.ServeHTTP(w, r)
		}
	})
	mux := http.NewServeMux()
	mux.Handle("/", byMethod)
	imports := api.Imports(s, importer, o)
	for _, suffix := range []string{"/imports", "/imports/{id}", "/imports/{id}/cancel", "/imports/{id}/undo"} {
		mux.Handle("GET /api/admin/projects/{projectID}"+suffix, imports)
		mux.Handle("POST /api/admin/projects/{projectID}"+suffix, imports)
	}
	full, ok := s.(interface {
		api.SubscriptionsStore
		api.RenderStore
	})
	if !ok { // the fake
		return cleanly(mux, byMethod)
	}
	subscriptions := api.Subscriptions(full, o)
	for _, suffix := range []string{
		"/settings", "/subscriptions", "/subscriptions/{id}", "/subscriptions/{id}/archive", "/audience", "/links", "/suppressions",
		"/reviews", "/reviews/{id}", "/subjects/users/{id}/ledger", "/subjects/users/{id}/may-send",
	} {
		mux.Handle("/api/admin/projects/{projectID}"+suffix, subscriptions)
	}
	mux.Handle("PATCH /api/admin/projects/{projectID}/subjects/users/{id}/subscriptions", subscriptions)
	render := api.Render(full, engine.New, o)
	mux.Handle("/api/admin/projects/{projectID}/render", render)
	mux.Handle("/api/admin/projects/{projectID}/subjects/users/{id}/update", render)
	for _, suffix := range []string{"/api/client/users/subscriptions", "/api/client/projects/{projectID}/users/subscriptions"} {
		mux.Handle(suffix, subscriptions)
	}
	lists := api.Lists(s.(api.ListsStore), o)
	for _, suffix := range []string{"/lists", "/lists/{rest...}", "/rules/{rest...}", "/subjects/users/{id}/lists"} {
		mux.Handle("/api/admin/projects/{projectID}"+suffix, lists)
	}
	return cleanly(mux, byMethod)
}

// cleanly gives what has no route in the template, such as a path with a doubled slash, to other; an http.ServeMux would
// redirect it.
func cleanly(mux *http.ServeMux, other http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path.Clean(r.URL.Path) {
			other.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// reply is an answer, read.
type reply struct {
	status int
	header http.Header
	body   string
}

// do sends a request with a key, unless it is "", and header fields as name, value, name, value….
func (s *server) do(key, method, target, body string, header ...string) reply {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), method, target, strings.NewReader(body))
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	s.http.ServeHTTP(rec, r)
	return reply{status: rec.Code, header: rec.Header(), body: rec.Body.String()}
}

// document is a problem, decoded as a client would.
type document struct {
	Type      string              `json:"type"`
	Title     string              `json:"title"`
	Status    int                 `json:"status"`
	Detail    string              `json:"detail"`
	Errors    []map[string]string `json:"errors"`
	UserIDs   []string            `json:"user_ids"`
	RequestID string              `json:"request_id"`
}

func (r reply) problem(t testing.TB) document {
	t.Helper()
	return decode[document](t, r.body)
}

// at returns the pointers and parameters of a problem, in order.
func (d document) at() []string {
	var at []string
	for _, e := range d.Errors {
		if p, ok := e["parameter"]; ok {
			at = append(at, "?"+p)
		} else {
			at = append(at, e["pointer"])
		}
	}
	return at
}

func decode[T any](t testing.TB, s string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatalf("decode %q: %v", s, err)
	}
	return v
}

// lines collects a log. It is safe for concurrent use.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
