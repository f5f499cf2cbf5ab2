package csvimport_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/csvfile"
	"lunogram-users/internal/csvimport"
	"lunogram-users/internal/csvimport/sheet"
	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// create makes an import as the API does, and uploads its file.
func (r *rig) create(t testing.TB, content string, o csvimport.Options) csvimport.Import {
	t.Helper()
	record, _, err := r.service.Create(t.Context(), r.project.ID, "people.csv", o)
	if err != nil {
		t.Fatal(err)
	}
	event, _ := r.putKey(t, record.Key, content)
	if err := r.HandleUploads(invocation(t.Context(), record.ID), event); err != nil {
		t.Fatal(err)
	}
	r.work(t)
	got := r.record(t, record.ID)
	if got.Name() != "people.csv" {
		t.Errorf("got name %q, want people.csv", got.Name())
	}
	return got
}

func TestModes(t *testing.T) {
	const in = "identifier,plan\nold,new\nfresh,new\nold2,same\n"
	tests := []struct {
		mode user.Mode
		want csvimport.Counters
		old  string
	}{
		{user.ModeUpsert, csvimport.Counters{Rows: 3, Created: 1, Updated: 1, Unchanged: 1}, "new"},
		{user.ModeCreateOnly, csvimport.Counters{Rows: 3, Created: 1, Skipped: 2}, "old"},
		{user.ModeUpdateOnly, csvimport.Counters{Rows: 3, Updated: 1, Unchanged: 1, Skipped: 1}, "new"},
	}
	for _, tt := range tests {
		t.Run(string(tt.mode), func(t *testing.T) {
			r := newRig(t)
			r.run(t, "before.csv", "identifier,plan\nold,old\nold2,same\n")
			got := r.create(t, in, csvimport.Options{Mode: tt.mode})
			if got.Counters != tt.want {
				t.Errorf("got %+v, want %+v", got.Counters, tt.want)
			}
			if plan := r.user(t, "old").Data["plan"]; plan != tt.old {
				t.Errorf("got plan %v, want %s", plan, tt.old)
			}
		})
	}
}

// A dry run counts as the import would, shows what would change and what it would cost, and writes no user.
func TestDryRun(t *testing.T) {
	var in strings.Builder
	in.WriteString("identifier,email,plan\n")
	for n := range 700 {
		fmt.Fprintf(&in, "u%d,u%d@example.com,premium\n", n, n)
	}
	in.WriteString("u1,nobody,\nu2,u2@example.com,premium\n")
	r := newRig(t)
	r.run(t, "before.csv", "identifier,plan\nu0,free\nu3,premium\n")
	dry := r.create(t, in.String(), csvimport.Options{DryRun: true})
	if r.users(t) != 2 {
		t.Errorf("got %d users after a dry run, want 2", r.users(t))
	}
	var first struct {
		Row     int64
		Outcome user.Outcome
		Changes []user.Change
	}
	lines := bytes.Split(bytes.TrimSpace(r.read(t, dry.ResultKey(csvimport.Changes))), []byte("\n"))
	if err := json.Unmarshal(lines[0], &first); err != nil {
		t.Fatal(err)
	}
	want := []user.Change{{Pointer: "/email", New: "u0@example.com"}, {Pointer: "/data/plan", Old: "free", Had: true, New: "premium"}}
	if diff := cmp.Diff(want, first.Changes); diff != "" || len(lines) != 100 || first.Row != 1 || first.Outcome != user.Updated {
		t.Errorf("got %d changed rows, the first %+v (-want +got):\n%s", len(lines), first, diff)
	}

	wet := r.create(t, in.String(), csvimport.Options{})
	if dry.Counters != wet.Counters || dry.Counters != (csvimport.Counters{Rows: 702, Created: 698, Updated: 2, Skipped: 1, Failed: 1}) {
		t.Errorf("got %+v dry and %+v wet", dry.Counters, wet.Counters)
	}
	if units := dry.Cost.WriteUnits; units < 698*4 || units > 698*4+4 {
		t.Errorf("got %v write units, want 4 for each new row", units)
	}
}

func TestCancel(t *testing.T) {
	r := newRig(t)
	r.ChunkBytes = 10 << 10
	event, id := r.put(t, "people.csv", motley(1500))
	if err := r.HandleUploads(invocation(t.Context(), "upload"), event); err != nil {
		t.Fatal(err)
	}
	tasks := r.take()
	r.HandleTasks(t.Context(), message(t, tasks[0], "first", 1))
	for range 2 {
		got, err := r.service.Cancel(t.Context(), r.project.ID, id)
		if err != nil || got.Status != csvimport.Canceled || got.Counters.Rows == 0 {
			t.Fatalf("got %v, %q, %+v, want it canceled", err, got.Status, got.Counters)
		}
	}
	before := r.users(t)
	for n, task := range tasks[1:] {
		if failed := r.HandleTasks(t.Context(), message(t, task, fmt.Sprint(n), 1)).BatchItemFailures; len(failed) > 0 {
			t.Fatalf("task %+v failed", task)
		}
	}
	got := r.record(t, id)
	if !got.Finished() || got.Status != csvimport.Canceled || r.users(t) != before || len(r.take()) != 0 {
		t.Errorf("got %q, finished %t, %d users, want %d", got.Status, got.Finished(), r.users(t), before)
	}
	if lines := r.result(t, got, csvimport.Errors); int64(len(lines)) != got.Failed+1 {
		t.Errorf("got %d lines in the error file, want %d", len(lines), got.Failed+1)
	}
	// The next import is not touched.
	if next := r.run(t, "next.csv", specification); next.Created != 3 {
		t.Errorf("the next import: got %+v", next.Counters)
	}
	if _, err := r.service.Cancel(t.Context(), r.project.ID, id); err != nil {
		t.Errorf("cancel again: %v", err)
	}
}

func TestUndo(t *testing.T) {
	r := newRig(t)
	r.ChunkBytes = 4 << 10
	r.run(t, "before.csv", "identifier,email,plan,gone\nkept,k@example.com,free,x\nrestored,r@example.com,free,x\ntwice,,free,\n")
	pristine := r.state(t)
	var in strings.Builder
	in.WriteString("identifier,identifier:crm,email,plan,extra\n")
	in.WriteString("kept,,,premium,y\nrestored,c1,new@example.com,premium,y\ntwice,,,gold,\ntwice,c2,,silver,\n")
	for n := range 400 {
		fmt.Fprintf(&in, "new%d,,n%d@example.com,x,\n", n, n)
	}
	record := r.run(t, "people.csv", in.String())
	touched := r.user(t, "kept")
	if _, err := r.store.Patch(t.Context(), r.project.ID, touched.ID, user.Patch{Locale: new("fr")}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := r.store.Patch(t.Context(), r.project.ID, r.user(t, "new7").ID, user.Patch{Locale: new("fr")}, nil); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := r.service.Undo(t.Context(), r.project.ID, record.ID); err != nil {
			t.Fatal(err)
		}
	}
	r.work(t)
	got := r.record(t, record.ID)
	want := csvimport.Undo{
		Status: csvimport.Completed, StartedAt: got.Undo.StartedAt, FinishedAt: got.Undo.FinishedAt,
		Reverted: csvimport.Reverted{Restored: 2, Deleted: 399, Kept: 2},
	}
	if diff := cmp.Diff(want, got.Undo); diff != "" {
		t.Errorf("undo (-want +got):\n%s", diff)
	}
	kept := r.result(t, got, csvimport.Kept)
	if len(kept) != 3 || !slices.ContainsFunc(kept, func(l []string) bool { return l[0] == touched.ID && l[1] == user.KeptChanged }) {
		t.Errorf("got the list of kept users %v", kept)
	}
	var left []string
	for _, s := range r.state(t) {
		if !strings.Contains(s, "default:kept") && !strings.Contains(s, "new7") {
			left = append(left, s)
		}
	}
	pristine = slices.DeleteFunc(pristine, func(s string) bool { return strings.Contains(s, "default:kept") })
	if diff := cmp.Diff(pristine, left); diff != "" {
		t.Errorf("users (-before +after the undo):\n%s", diff)
	}
}

// An undo that is killed anywhere comes to the same.
func TestUndoKilled(t *testing.T) {
	r := newRig(t)
	r.ChunkBytes, r.MaxDeliveries = 8<<10, 100
	r.run(t, "before.csv", strings.Replace(motley(300), "plan ", "old plan ", -1))
	pristine := r.state(t)
	record := r.run(t, "people.csv", motley(600))
	r.undoKilled(t, record.ID)
	got := r.record(t, record.ID).Undo
	if got.Status != csvimport.Completed || got.Deleted+got.Restored != record.Created+record.Updated || got.Kept != 0 {
		t.Errorf("got %+v, want %d users taken back", got, record.Created+record.Updated)
	}
	if diff := cmp.Diff(pristine, r.state(t)); diff != "" {
		t.Errorf("users (-before +after the undo):\n%.2000s", diff)
	}
}

// undoKilled takes an import back and kills the first eight deliveries of that.
func (r *rig) undoKilled(t *testing.T, id string) {
	t.Helper()
	if _, err := r.service.Undo(t.Context(), r.project.ID, id); err != nil {
		t.Fatal(err)
	}
	clock, offset := r.Now, time.Duration(0) // a killed delivery's lease is over when the clock is set forward
	if clock == nil {
		clock = time.Now
	}
	r.Now = func() time.Time { return clock().Add(offset) }
	tasks := r.take()
	for kills := 0; len(tasks) > 0; {
		task := tasks[0]
		ctx, kill := context.WithCancel(t.Context())
		i := r.Importer
		if kills < 8 {
			i = fused(r.Importer, int64(1+3*kills), kill)
			kills++
		}
		if failed := i.HandleTasks(ctx, message(t, task, fmt.Sprint("undo ", task.Chunk), 1)).BatchItemFailures; len(failed) == 0 && ctx.Err() == nil {
			tasks = tasks[1:]
		} else {
			offset += time.Minute
		}
		kill()
	}
}

func TestNoUndo(t *testing.T) {
	r := newRig(t)
	_, err := r.store.ChangeSettings(t.Context(), r.project.ID, func(s project.Settings) (project.Settings, error) {
		s.NoUndo = true
		return s, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	record := r.run(t, "people.csv", specification)
	if _, err := r.service.Undo(t.Context(), r.project.ID, record.ID); !errors.Is(err, csvimport.ErrNoUndo) {
		t.Errorf("got %v, want ErrNoUndo", err)
	}
	for key, err := range r.objects.List(t.Context(), "undo/") {
		t.Errorf("got before-image %s, %v, want none", key, err)
	}
}

func TestFormats(t *testing.T) {
	const in = "identifier;first_name;score\nu1;José;1.50\nu2;Zoë;2\n"
	zip := func(s string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write([]byte(s))
		_ = w.Close()
		return b.String()
	}
	latin := strings.NewReplacer("é", "\xe9", "ë", "\xeb").Replace(in)
	wide := []byte("\xff\xfe")
	for _, u := range utf16.Encode([]rune(in)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	tests := []struct {
		name, file, in string
		notes          int
	}{
		{"semicolons", "a.csv", in, 0},
		{"tabs", "a.csv", strings.ReplaceAll(in, ";", "\t"), 0},
		{"BOM", "a.csv", "\uFEFF" + in, 0},
		{"UTF-16", "a.csv", string(wide), 0},
		{"Windows-1252", "a.csv", latin, 1},
		{"gzip", "a.csv.gz", zip(in), 0},
		{"gzip of UTF-16", "a.csv.gz", zip(string(wide)), 0},
		{"gzip under the name of a CSV", "a.csv", zip(latin), 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			r.ChunkBytes = 1 // a row a chunk
			got := r.run(t, tt.file, tt.in)
			if got.Created != 2 || got.Rows != 2 || got.Chunks != 2 || len(got.Notes) != tt.notes {
				t.Errorf("got %+v in %d chunks, notes %q, %s", got.Counters, got.Chunks, got.Notes, got.Reason)
			}
			want := map[string]any{"first_name": "José", "score": json.Number("1.5")}
			data := r.user(t, "u1").Data
			if data["first_name"] != want["first_name"] || !user.Equal(data["score"], want["score"]) {
				t.Errorf("got data %v, want %v", data, want)
			}
		})
	}
}

// A chunk whose invocation runs out of time is handed to the next, at a segment.
func TestHandOver(t *testing.T) {
	r := newRig(t)
	event, id := r.put(t, "people.csv", motley(1800))
	if err := r.HandleUploads(invocation(t.Context(), "upload"), event); err != nil {
		t.Fatal(err)
	}
	task := r.take()[0]
	begun := time.Now()
	calls := 0
	r.Now = func() time.Time { // after a few looks at the clock the time is up
		if calls++; calls > 8 {
			return begun.Add(time.Hour)
		}
		return begun
	}
	ctx, cancel := context.WithDeadline(t.Context(), begun.Add(30*time.Minute))
	defer cancel()
	if failed := r.HandleTasks(ctx, message(t, task, "first", 1)).BatchItemFailures; len(failed) > 0 {
		t.Fatal(r.log.String())
	}
	if got := r.record(t, id); got.Finished() || got.Counters.Rows == 0 || got.Counters.Rows == got.Total {
		t.Fatalf("got %+v of %d rows, want some", got.Counters, got.Total)
	}
	r.Now = nil
	if tasks := r.take(); len(tasks) != 1 || tasks[0] != task {
		t.Fatalf("got tasks %v, want %v again", tasks, task)
	}
	r.HandleTasks(t.Context(), message(t, task, "second", 1))
	r.work(t)
	quiet := newRig(t)
	if want, got := quiet.run(t, "people.csv", motley(1800)), r.record(t, id); got.Counters != want.Counters {
		t.Errorf("got %+v, want %+v", got.Counters, want.Counters)
	}
}

// broken is a store that answers nothing until the invocation's time is up.
type broken struct {
	csvimport.Store
	end context.CancelFunc
}

var errBroken = errors.New("broken")

func (b broken) Prepare(context.Context, user.Load, []user.Row) ([]user.Decision, user.Usage, error) {
	b.end()
	return nil, user.Usage{}, errBroken
}

// What fails for good shows in the import's record, and goes on when its message comes back.
func TestGivenUp(t *testing.T) {
	r := newRig(t)
	event, id := r.put(t, "people.csv", specification)
	if err := r.HandleUploads(invocation(t.Context(), "upload"), event); err != nil {
		t.Fatal(err)
	}
	task := r.take()[0]
	store := r.Store
	for n := range 8 {
		ctx, cancel := context.WithCancel(t.Context())
		r.Store = broken{store, cancel}
		if failed := r.HandleTasks(ctx, message(t, task, "task", n+1)).BatchItemFailures; len(failed) != 1 {
			t.Fatal("a failed task was acknowledged")
		}
		cancel()
		if got := r.record(t, id); (got.Status == csvimport.Failed) != (n == 7) {
			t.Errorf("delivery %d: got status %q", n+1, got.Status)
		}
	}
	if got := r.record(t, id); got.Finished() || !strings.Contains(got.Reason, "dead-letter queue") {
		t.Errorf("got %q, finished %t", got.Reason, got.Finished())
	}
	r.Store = store
	r.HandleTasks(t.Context(), message(t, task, "redriven", 1))
	if got := r.record(t, id); got.Status != csvimport.Completed || got.Created != 3 || got.Reason != "" {
		t.Errorf("got %q, %+v, %q, want it completed", got.Status, got.Counters, got.Reason)
	}
}

// A second file at the address of an import that the API created is an import of its own, with the same options.
func TestSecondUpload(t *testing.T) {
	r := newRig(t)
	first := r.create(t, specification, csvimport.Options{DryRun: true})
	event, id := r.putKey(t, first.Key, specification+"\nuser_004,,,,,\n")
	if err := r.HandleUploads(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	r.work(t)
	second := r.record(t, id)
	if second.ID == first.ID || !second.Options.DryRun || second.Created != 4 || r.users(t) != 0 {
		t.Errorf("got %+v, dry %t, %d users", second.Counters, second.Options.DryRun, r.users(t))
	}
	if again := r.record(t, first.ID); again.Created != 3 {
		t.Errorf("the first import has now %+v", again.Counters)
	}
}

func TestMapping(t *testing.T) {
	r := newRig(t)
	got := r.create(t, "Kunde|Mail;Telefon;Ort;PLZ;Notiz\n", csvimport.Options{})
	if got.Status != csvimport.Failed {
		t.Fatalf("got %q", got.Status)
	}
	got = r.create(t, "Kunde;Mail;Telefon;Ort;PLZ;Notiz\nk1;a@example.com;(202) 555-0100;Bonn;53111;=1+1\n", csvimport.Options{
		Sheet: sheet.Options{Region: "US", Delimiter: csvfile.Semicolon, Columns: map[string]sheet.Mapping{
			"Kunde": {Identifier: "crm"}, "Mail": {Field: sheet.Email}, "Telefon": {Field: sheet.Phone},
			"PLZ": {Key: "zip", Type: sheet.Text}, "Ort": {Ignore: true},
		}},
	})
	if got.Created != 1 {
		t.Fatalf("got %+v, %s, %+v", got.Counters, got.Reason, got.Failures)
	}
	u := r.user(t, "crm:k1")
	if u.Email != "a@example.com" || u.Phone != "+12025550100" || !cmp.Equal(u.Data, map[string]any{"zip": "53111", "Notiz": "=1+1"}) {
		t.Errorf("got %q, %q, %v", u.Email, u.Phone, u.Data)
	}
}

// An import reaches its own project alone.
func TestTenants(t *testing.T) {
	r := newRig(t)
	record := r.run(t, "people.csv", specification)
	other := dynamotest.Project(t, r.store)
	if _, err := r.service.Get(t.Context(), other.ID, record.ID); !errors.Is(err, user.ErrNotFound) {
		t.Errorf("get: got %v, want ErrNotFound", err)
	}
	if _, err := r.service.Cancel(t.Context(), other.ID, record.ID); !errors.Is(err, user.ErrNotFound) {
		t.Errorf("cancel: got %v, want ErrNotFound", err)
	}
	if _, err := r.service.Undo(t.Context(), other.ID, record.ID); !errors.Is(err, user.ErrNotFound) {
		t.Errorf("undo: got %v, want ErrNotFound", err)
	}
	if page, _, err := r.service.List(t.Context(), other.ID, "", 10); err != nil || len(page) != 0 {
		t.Errorf("list: got %d imports, %v, want none", len(page), err)
	}
	page, next, err := r.service.List(t.Context(), r.project.ID, "", 10)
	if err != nil || len(page) != 1 || next != "" || page[0].ID != record.ID || page[0].Counters != record.Counters {
		t.Errorf("list: got %+v, %q, %v", page, next, err)
	}
}
