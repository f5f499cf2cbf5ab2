package api_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"lunogram-users/internal/api"
	"lunogram-users/internal/csvfile"
	"lunogram-users/internal/csvimport"
	"lunogram-users/internal/csvimport/sheet"
	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/list"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

const importsA = "/api/admin/projects/" + projectA + "/imports"

// importer returns the service of imports on a store. Its bucket has the results that end in .errors.csv, and nobody
// does its tasks.
func importer(s *dynamo.Store) *csvimport.Service {
	return &csvimport.Service{Records: s, Lists: s, Queue: tasks{}, Links: links{}}
}

// tasks is a queue that drops everything.
type tasks struct{}

func (tasks) Send(context.Context, ...csvimport.Task) error { return nil }

// links makes addresses in no bucket.
type links struct{}

func (links) Upload(_ context.Context, key string) (csvimport.Link, error) {
	return csvimport.Link{URL: "https://bucket.example/put/" + key, Expires: created}, nil
}

func (links) Download(_ context.Context, key string) (csvimport.Link, error) {
	if !strings.HasSuffix(key, ".errors.csv") {
		return csvimport.Link{}, csvimport.ErrGone
	}
	return csvimport.Link{URL: "https://bucket.example/get/" + key, Expires: created}, nil
}

// importBody is an import as a client reads it.
type importBody struct {
	ID      string         `json:"id"`
	Name    string         `json:"name"`
	Status  string         `json:"status"`
	Options map[string]any `json:"options"`
	Rows    *int           `json:"rows"`
	Counts  map[string]int `json:"counts"`
	Chunks  map[string]int `json:"chunks"`
	Cost    map[string]any `json:"cost"`
	Files   map[string]any `json:"files"`
	Undo    map[string]any `json:"undo"`
	Upload  struct {
		Method    string `json:"method"`
		URL       string `json:"url"`
		ExpiresAt string `json:"expires_at"`
	} `json:"upload"`
	FinishedAt *string `json:"finished_at"`
}

// imports sends a request about imports as an admin.
func (tn *tenant) imports(status int, method, path, body string) importBody {
	tn.t.Helper()
	r := tn.do(tn.keys[project.Admin], method, "/api/admin/projects/"+tn.id+"/imports"+path, body)
	if r.status != status {
		tn.t.Fatalf("%s imports%s %s: got %d %s, want %d", method, path, body, r.status, r.body, status)
	}
	if status >= 300 {
		return importBody{}
	}
	return decode[importBody](tn.t, r.body)
}

// TestLifeOfAnImport follows an import on the real store; its rows are applied by nobody.
func TestLifeOfAnImport(t *testing.T) {
	tn := newTenant(t)
	made := tn.imports(http.StatusCreated, "POST", "", `{"name":"users.csv","region":"DE","columns":{"Zip":{"key":"zip","type":"text"}}}`)
	if want := "https://bucket.example/put/imports/" + tn.id + "/" + made.ID + "/users.csv"; made.Upload.URL != want || made.Upload.Method != "PUT" {
		t.Errorf("upload: got %+v, want PUT %s", made.Upload, want)
	}
	want := map[string]any{
		"dry_run": false, "mode": "upsert", "undo": true, "region": "DE",
		"columns": map[string]any{"Zip": map[string]any{"key": "zip", "type": "text"}},
	}
	if diff := cmp.Diff(want, made.Options); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	if got := tn.imports(200, "GET", "/"+made.ID, ""); got.Status != "waiting" || got.Name != "users.csv" || got.Rows != nil || got.FinishedAt != nil {
		t.Errorf("got %+v, want a waiting users.csv of unknown size", got)
	}
	tn.imports(409, "POST", "/"+made.ID+"/undo", "")
	for range 2 {
		if got := tn.imports(200, "POST", "/"+made.ID+"/cancel", ""); got.Status != "canceled" || got.FinishedAt == nil {
			t.Errorf("canceled: got %+v", got)
		}
	}
	tn.imports(409, "POST", "/"+made.ID+"/undo", "")
}

// TestImportIntoList checks which lists an import may name, and that it is shown.
func TestImportIntoList(t *testing.T) {
	tn := newTenant(t)
	ids := map[string]string{"nobody's": aliceID, "no id": "VIP"}
	for name, l := range map[string]list.List{
		"static": {Kind: list.Static}, "dynamic": {Kind: list.Dynamic}, "archived": {Kind: list.Static, ArchivedAt: created},
	} {
		ids[name] = uuid.Must(uuid.NewV7()).String()
		l.ID, l.ProjectID, l.Name = ids[name], tn.id, name
		if err := dynamotest.CreateList(t.Context(), tn.store, l); err != nil {
			t.Fatal(err)
		}
	}
	ids["no list"] = ""
	for name, id := range ids {
		body := `{"name":"users.csv","list_id":"` + id + `"}`
		if name == "static" {
			made := tn.imports(http.StatusCreated, "POST", "", body)
			if got := tn.imports(200, "GET", "/"+made.ID, "").Options["list_id"]; got != id {
				t.Errorf("the list is shown as %v, want %s", got, id)
			}
			continue
		}
		r := tn.do(tn.keys[project.Admin], "POST", "/api/admin/projects/"+tn.id+"/imports", body)
		if r.status != http.StatusBadRequest || !strings.Contains(string(r.body), `"pointer":"/list_id"`) {
			t.Errorf("%s: got %d %s, want a fault at /list_id", name, r.status, r.body)
		}
	}
}

// TestImportProgress checks what is shown of an import that runs, and of one that is over.
func TestImportProgress(t *testing.T) {
	tn := newTenant(t)
	id := tn.imports(http.StatusCreated, "POST", "", `{"name":"users.csv"}`).ID
	tn.amend(id, func(i *csvimport.Import) {
		i.Status, i.ETag, i.Total, i.Chunks, i.Tail, i.StartedAt = csvimport.Running, "x", 1000, 2, true, time.Now().Add(-time.Minute)
		i.Columns = []sheet.Column{{Header: "id", Role: sheet.Identifier, Source: "default"}}
	})
	task := csvimport.Task{ProjectID: tn.id, ImportID: id, Phase: csvimport.Apply, Chunk: 1}
	_, err := tn.store.ChangeChunk(t.Context(), task, func(c *csvimport.Chunk) error {
		c.Done = true
		c.Counters = csvimport.Counters{Rows: 500, Created: 400, Failed: 100}
		c.Failures = []csvimport.Failure{{Row: 501, Field: "email", Reason: "must be an address"}}
		c.Cost = csvimport.Cost{ReadUnits: 1000, WriteUnits: 2000}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got := tn.imports(200, "GET", "/"+id, "")
	if diff := cmp.Diff(map[string]int{"settled": 500, "created": 400, "updated": 0, "unchanged": 0, "skipped": 0, "failed": 100}, got.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if got.Rows == nil || *got.Rows != 1000 {
		t.Errorf("rows: got %v, want 1000", got.Rows)
	}
	if diff := cmp.Diff(map[string]int{"done": 1, "total": 3}, got.Chunks); diff != "" {
		t.Errorf("chunks (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"read_units": 1000.0, "write_units": 2000.0, "usd": 0.001375}, got.Cost); diff != "" {
		t.Errorf("cost (-want +got):\n%s", diff)
	}
	if len(got.Files) > 0 {
		t.Errorf("got files %v of an import that runs, want none", got.Files)
	}
	tn.amend(id, func(i *csvimport.Import) {
		i.Status, i.FinishedAt, i.Counters = csvimport.Completed, time.Now(), csvimport.Counters{Rows: 500, Created: 400, Failed: 100}
	})
	got = tn.imports(200, "GET", "/"+id, "")
	if _, ok := got.Files["errors"]; !ok || len(got.Files) != 1 {
		t.Errorf("got files %v, want errors alone", got.Files)
	}
	tn.imports(409, "POST", "/"+id+"/cancel", "")
	for range 2 {
		if got := tn.imports(200, "POST", "/"+id+"/undo", ""); got.Undo["status"] != "running" || got.Undo["possible"] != false {
			t.Errorf("undo: got %v, want it running", got.Undo)
		}
	}
}

// amend changes the record of an import as the import function would.
func (tn *tenant) amend(id string, change func(*csvimport.Import)) {
	tn.t.Helper()
	_, err := tn.store.ChangeImport(tn.t.Context(), tn.id, id, func(i *csvimport.Import) error {
		change(i)
		return nil
	})
	if err != nil {
		tn.t.Fatal(err)
	}
}

func TestImportPages(t *testing.T) {
	tn := newTenant(t)
	var want []string
	for n := range 5 {
		made := tn.imports(http.StatusCreated, "POST", "", fmt.Sprintf(`{"name":"%d.csv"}`, n))
		want = append([]string{made.ID}, want...)
	}
	var got []string
	for cursor := ""; ; {
		r := tn.do(tn.keys[project.Support], "GET", "/api/admin/projects/"+tn.id+"/imports?limit=2"+cursor, "")
		page := decode[pageBody](t, r.body)
		for _, i := range page.Results {
			got = append(got, i.ID)
		}
		if page.NextCursor == nil {
			break
		}
		cursor = "&cursor=" + *page.NextCursor
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("imports (-want +got):\n%s", diff)
	}
}

// TestImportsAreApart tries to reach an import with the keys and under the path of another project.
func TestImportsAreApart(t *testing.T) {
	tn := newTenant(t)
	other := newTenant(t)
	other.store, other.server = tn.store, newImportServer(t, tn.store, importer(tn.store))
	mine := tn.imports(http.StatusCreated, "POST", "", `{"name":"users.csv"}`)
	foreign, _ := project.NewKey("sk_other_tenant_key", other.id, project.Admin, "x", time.Now())
	if err := tn.store.CreateKey(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ method, rest string }{{"GET", ""}, {"POST", "/cancel"}, {"POST", "/undo"}} {
		r := other.do("sk_other_tenant_key", c.method, "/api/admin/projects/"+tn.id+"/imports/"+mine.ID+c.rest, "")
		if r.status != http.StatusUnauthorized {
			t.Errorf("%s%s by its path: got %d, want 401", c.method, c.rest, r.status)
		}
		r = other.do("sk_other_tenant_key", c.method, "/api/admin/projects/"+other.id+"/imports/"+mine.ID+c.rest, "")
		if r.status != http.StatusNotFound || !strings.Contains(r.body, "no such import") {
			t.Errorf("%s%s under the own project: got %d %s, want 404", c.method, c.rest, r.status, r.body)
		}
	}
	if got := tn.imports(200, "GET", "/"+mine.ID, ""); got.Status != "waiting" {
		t.Errorf("the import is %s, want waiting", got.Status)
	}
}

// obliging does whatever it is asked.
type obliging struct{}

func (obliging) Create(_ context.Context, projectID, name string, o csvimport.Options) (csvimport.Import, csvimport.Link, error) {
	i := csvimport.Import{ID: aliceID, ProjectID: projectID, Options: o, Status: csvimport.Waiting, CreatedAt: created, UpdatedAt: created}
	i.Key = csvimport.UploadKey(projectID, i.ID, name)
	return i, csvimport.Link{URL: "https://bucket.example/x", Expires: created}, nil
}

func (o obliging) Get(ctx context.Context, projectID, _ string) (csvimport.Progress, error) {
	i, _, err := o.Create(ctx, projectID, "a.csv", csvimport.Options{})
	return csvimport.Progress{Import: i}, err
}

func (o obliging) List(ctx context.Context, projectID, _ string, _ int) ([]csvimport.Progress, string, error) {
	p, err := o.Get(ctx, projectID, "")
	return []csvimport.Progress{p}, "", err
}

func (o obliging) Cancel(ctx context.Context, projectID, id string) (csvimport.Progress, error) {
	return o.Get(ctx, projectID, id)
}

func (o obliging) Undo(ctx context.Context, projectID, id string) (csvimport.Progress, error) {
	return o.Get(ctx, projectID, id)
}

func (obliging) Results(context.Context, csvimport.Import) (map[csvimport.Result]csvimport.Link, error) {
	return nil, nil
}

// recorder remembers what it was asked to create.
type recorder struct {
	obliging
	name    string
	options csvimport.Options
}

func (r *recorder) Create(ctx context.Context, projectID, name string, o csvimport.Options) (csvimport.Import, csvimport.Link, error) {
	r.name, r.options = name, o
	return r.obliging.Create(ctx, projectID, name, o)
}

func TestCreateImportDecodes(t *testing.T) {
	tests := []struct {
		name, body string
		want       csvimport.Options
	}{
		{"nothing", `{"name":"a.csv"}`, csvimport.Options{}},
		{"the defaults", `{"name":"a.csv","dry_run":false,"mode":"upsert","undo":true,"columns":{}}`, csvimport.Options{}},
		{"everything", `{"name":"a.csv","dry_run":true,"mode":"create_only","undo":false,"list_id":"` + strings.ToUpper(aliceID) + `","delimiter":"\t","encoding":"utf-16le","region":"US",
			"columns":{"a":{"ignore":true},"b":{"field":"phone"},"c":{"identifier":"crm"},"d":{"key":"x.y","type":"number"},"e":{}}}`,
			csvimport.Options{
				DryRun: true, Mode: user.ModeCreateOnly, NoUndo: true, ListID: aliceID,
				Sheet: sheet.Options{
					Delimiter: csvfile.Tab, Encoding: csvfile.UTF16LE, Region: "US",
					Columns: map[string]sheet.Mapping{
						"a": {Ignore: true}, "b": {Field: sheet.Phone}, "c": {Identifier: "crm"},
						"d": {Key: "x.y", Type: sheet.Number}, "e": {},
					},
				},
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got recorder
			r := newImportServer(t, newFake(), &got).do("sk_admin", "POST", importsA, tt.body)
			if r.status != http.StatusCreated || r.header.Get("Location") != importsA+"/"+aliceID {
				t.Fatalf("got %d, Location %q: %s; want 201", r.status, r.header.Get("Location"), r.body)
			}
			if diff := cmp.Diff(tt.want, got.options); diff != "" || got.name != "a.csv" {
				t.Errorf("name %q, options (-want +got):\n%s", got.name, diff)
			}
		})
	}
}

// TestNullsOfImports checks that null is as good as nothing, although the contract does not say so.
func TestNullsOfImports(t *testing.T) {
	var got recorder
	r := newBareServer(t, newFake(), &got).do("sk_admin", "POST", importsA,
		`{"name":"a.csv","dry_run":null,"mode":null,"undo":null,"delimiter":null,"encoding":null,"region":null,"columns":null}`)
	if diff := cmp.Diff(csvimport.Options{}, got.options); diff != "" || r.status != http.StatusCreated {
		t.Errorf("got %d %s, options (-want +got):\n%s", r.status, r.body, diff)
	}
}

func TestCreateImportRefuses(t *testing.T) {
	tests := []struct {
		name, body string
		want       []string
	}{
		{"no name", `{}`, []string{"/name"}},
		{"another kind of file", `{"name":"a.xlsx"}`, []string{"/name"}},
		{"nothing but a suffix", `{"name":".csv.gz"}`, []string{"/name"}},
		{"a folder", `{"name":"../a.csv"}`, []string{"/name"}},
		{"a control character", `{"name":"a\n.csv"}`, []string{"/name"}},
		{"a long name", `{"name":"` + strings.Repeat("x", 252) + `.csv"}`, []string{"/name"}},
		{"a name that is no text", `{"name":"\ud83d.csv"}`, []string{"/name"}},
		{"wrong types", `{"name":1,"dry_run":"yes","mode":1,"undo":0,"region":[],"columns":[]}`,
			[]string{"/columns", "/dry_run", "/mode", "/name", "/region", "/undo"}},
		{"wrong values", `{"name":"a.csv","mode":"replace","delimiter":"|","encoding":"latin1","region":"us"}`,
			[]string{"/delimiter", "/encoding", "/mode", "/region"}},
		{"wrong columns", `{"name":"a.csv","columns":{"a/b":{"field":"name"},"b":{"key":"x","identifier":"y"},"c":{"type":"int"},"d":1,"e":{"ignore":1}}}`,
			[]string{"/columns/a~1b/field", "/columns/b", "/columns/c/type", "/columns/d", "/columns/e/ignore"}},
		{"too much of it", `{"name":"a.csv","columns":{"a":{"key":"` + strings.Repeat("x", 65<<10) + `"}}}`, []string{"/columns"}},
		{"misspelt members", `{"name":"a.csv","dryRun":true,"columns":{"a":{"feild":"email"}}}`, []string{"/columns/a/feild", "/dryRun"}},
		{"no country", `{"name":"a.csv","region":"XX"}`, []string{"/region"}},
		{"no object", `[]`, []string{""}},
		{"no JSON", `{`, []string{""}},
	}
	s := newImportServer(t, newFake(), nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := s.do("sk_admin", "POST", importsA, tt.body)
			if r.status != http.StatusBadRequest {
				t.Fatalf("got %d %s, want 400", r.status, r.body)
			}
			if diff := cmp.Diff(tt.want, r.problem(t).at()); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

// TestImportsElsewhere checks what the functions that do not serve imports answer to the paths of imports: nothing that
// contradicts the contract.
func TestImportsElsewhere(t *testing.T) {
	h := api.Upsert(willing(), api.Options{Log: slog.New(slog.DiscardHandler)})
	for method, want := range map[string]int{"POST": http.StatusNotFound, "GET": http.StatusNotFound, "PUT": http.StatusMethodNotAllowed} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, importsA, strings.NewReader("{}")))
		if w.Code != want {
			t.Errorf("%s: got %d, want %d", method, w.Code, want)
		}
		if allow := w.Header().Get("Allow"); want == http.StatusMethodNotAllowed && allow != "GET, POST" {
			t.Errorf("%s: got Allow %q, want GET, POST", method, allow)
		}
	}
}

// TestNamesOfFilesStayOutOfLogs checks that neither a success nor a failure logs what a customer called a file.
func TestNamesOfFilesStayOutOfLogs(t *testing.T) {
	var got recorder
	s := newImportServer(t, newFake(), &got)
	s.do("sk_admin", "POST", importsA, `{"name":"secret.csv"}`)
	s.do("sk_admin", "POST", importsA, `{"name":"secret.xlsx","columns":{"secret":1}}`)
	if logs := s.logs.String(); strings.Contains(logs, "secret") || !strings.Contains(logs, "/imports") {
		t.Errorf("the log holds the name of a file, or not the route: %s", logs)
	}
}
