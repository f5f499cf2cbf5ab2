package csvimport_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/csvfile"
	"lunogram-users/internal/csvimport"
	"lunogram-users/internal/csvimport/sheet"
	"lunogram-users/internal/user"
)

func TestUnreadableFile(t *testing.T) {
	columns := func(n int) string {
		var b strings.Builder
		b.WriteString("identifier")
		for i := range n {
			fmt.Fprintf(&b, ",c%d", i)
		}
		return b.String() + "\n"
	}
	tests := []struct{ name, in, want string }{
		{"empty", "", "The file is empty"},
		{"BOM only", "\uFEFF\n", "The file is empty"},
		{"no identifier", "email,plan\nalice@example.com,x\n", "no column named identifier"},
		{"a name twice", "identifier,Email,plan,email\n", "Columns 2 and 4 mean the same"},
		{"too many columns", columns(1000), "more than 1,000 columns"},
		{"an archive", strings.Repeat("PK\x03\x04\x00\xfe", 400_000), "unpack it"},
		{"a damaged gzip", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03nonsense", "damaged"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			got := r.run(t, "people.csv", tt.in)
			if got.Status != csvimport.Failed || !got.Finished() || !strings.Contains(got.Reason, tt.want) || strings.Contains(got.Reason, "alice") {
				t.Errorf("got %q, finished %t, %q, want failed, …%q…", got.Status, got.Finished(), got.Reason, tt.want)
			}
			want := [][]string{{"import_row", "import_field", "import_error"}, {"", "", got.Reason}}
			if diff := cmp.Diff(want, r.result(t, got, csvimport.Errors)); diff != "" {
				t.Errorf("error file (-want +got):\n%s", diff)
			}
		})
	}
}

// An error file is imported as it is: what was corrected is stored, what was not is refused again, and its text is kept, but
// not in the record.
func TestErrorFileIsImported(t *testing.T) {
	r := newRig(t)
	first := r.run(t, "a.csv", "\uFEFFidentifier,plan,email\nu1,\" =1+1, \r\r\n\"\"x\"\"\",nobody\nu2,\"jane@example.com\nu3,-5,c@example.com\n")
	file := string(r.read(t, first.ResultKey(csvimport.Errors)))
	if !strings.HasPrefix(file, "\uFEFFidentifier") {
		t.Errorf("got %.20q, want a BOM as the upload had one", file)
	}
	second := r.run(t, "b.csv", strings.Replace(file, "nobody", "a@example.com", 1))
	if want := (csvimport.Counters{Rows: 2, Created: 1, Failed: 1}); second.Counters != want {
		t.Errorf("got %+v, want %+v", second.Counters, want)
	}
	if got, want := r.user(t, "u1").Data["plan"], "=1+1, \r\n\"x\""; got != want {
		t.Errorf("got plan %q, want %q", got, want)
	}
	third := r.run(t, "c.csv", string(r.read(t, second.ResultKey(csvimport.Errors))))
	want := [][]string{
		{"identifier", "plan", "email", "import_row", "import_field", "import_error"},
		{"", "", "", "1", "", `the row was not corrected. Its text: u2,"jane@example.com`},
	}
	if diff := cmp.Diff(want, r.result(t, third, csvimport.Errors)); diff != "" {
		t.Errorf("after two rounds (-want +got):\n%s", diff)
	}
	if strings.Contains(fmt.Sprint(first.Failures, second.Failures, third.Failures), "jane") {
		t.Errorf("the records repeat cells: %+v", third.Failures)
	}
}

// Results come back under the options with which the file was uploaded.
func TestResultsSuitTheOptions(t *testing.T) {
	r := newRig(t)
	o := csvimport.Options{Sheet: sheet.Options{Encoding: csvfile.Windows1252, Delimiter: csvfile.Semicolon}}
	first := r.create(t, "identifier;email;city\nu1;nobody;Malm\xf6\n", o)
	file := string(r.read(t, first.ResultKey(csvimport.Errors)))
	second := r.create(t, strings.Replace(file, "nobody", "a@example.com", 1), o)
	if second.Created != 1 || r.user(t, "u1").Data["city"] != "Malmö" {
		t.Errorf("got %+v, %s, from\n%s", second.Counters, second.Reason, file)
	}
}

// A chunk that goes on where it was cut short leaves no trace of that in the results.
func TestResultsOfResumedChunk(t *testing.T) {
	var in strings.Builder
	in.WriteString("identifier,email\n")
	for n := range 1200 {
		fmt.Fprintf(&in, "u%d,\n", n)
	}
	in.WriteString("bad,nobody\n")
	r := newRig(t)
	event, id := r.put(t, "people.csv", in.String())
	if err := r.HandleUploads(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	task := r.take()[0]
	ctx, kill := context.WithCancel(t.Context())
	fused(r.Importer, 6, kill).HandleTasks(ctx, message(t, task, "killed", 1))
	kill()
	r.HandleTasks(t.Context(), message(t, task, "again", 2))
	r.work(t)
	if lines := r.result(t, r.record(t, id), csvimport.Errors); len(lines) != 2 || lines[0][0] != "identifier" {
		t.Errorf("got the error file %q, want a header and one row", lines)
	}
}

// A dry run shows the first changes of the file, however many chunks it has.
func TestChangesAreTheFirst(t *testing.T) {
	r := newRig(t)
	r.ChunkBytes = 1 << 10
	got := r.create(t, motley(1000), csvimport.Options{DryRun: true})
	if lines := bytes.Count(r.read(t, got.ResultKey(csvimport.Changes)), []byte("\n")); lines != 100 || got.Chunks < 3 {
		t.Errorf("got %d lines of %d chunks, want 100 of several", lines, got.Chunks)
	}
}

// A part that was given up stays so, whatever the others do, until it goes on itself; and such an import can be canceled.
func TestGivenUpPart(t *testing.T) {
	given := func(t *testing.T) (r *rig, id string, tasks []csvimport.Task) {
		r = newRig(t)
		r.ChunkBytes, r.MaxDeliveries = 10<<10, 1
		event, id := r.put(t, "people.csv", numbered(1000))
		if err := r.HandleUploads(t.Context(), event); err != nil {
			t.Fatal(err)
		}
		tasks = r.take()
		store := r.Store
		ctx, cancel := context.WithCancel(t.Context())
		r.Store = broken{store, cancel}
		r.HandleTasks(ctx, message(t, tasks[0], "first", 1))
		r.Store = store
		return r, id, tasks
	}
	t.Run("the others", func(t *testing.T) {
		r, id, tasks := given(t)
		for n, task := range tasks[1:] {
			r.HandleTasks(t.Context(), message(t, task, fmt.Sprint(n), 1))
		}
		if got := r.record(t, id); got.Status != csvimport.Failed || got.Finished() {
			t.Errorf("got %q, %q, want it failed for the time being", got.Status, got.Reason)
		}
		r.HandleTasks(t.Context(), message(t, tasks[0], "back", 1))
		if got := r.record(t, id); got.Status != csvimport.Completed || got.Created != 1000 {
			t.Errorf("got %q, %+v, want it completed", got.Status, got.Counters)
		}
	})
	t.Run("cancel", func(t *testing.T) {
		r, id, tasks := given(t)
		for n, task := range tasks[1:] {
			r.HandleTasks(t.Context(), message(t, task, fmt.Sprint(n), 1))
		}
		if _, err := r.service.Cancel(t.Context(), r.project.ID, id); err != nil {
			t.Fatal(err)
		}
		r.work(t)
		if got := r.record(t, id); got.Status != csvimport.Canceled || !got.Finished() || got.Reason != "" || !got.Undoable(got.FinishedAt) {
			t.Errorf("got %q, finished %t, %q, want it canceled and to be undone", got.Status, got.Finished(), got.Reason)
		}
	})
}

// numbered returns a file of n users.
func numbered(n int) string {
	var b strings.Builder
	b.WriteString("identifier,email,n\n")
	for i := range n {
		fmt.Fprintf(&b, "u%d,person%d@example.com,%d\n", i+1, i+1, i+1)
	}
	return b.String()
}

// Two files that come through one link before the first is read are two imports.
func TestTwoUploadsAtOnce(t *testing.T) {
	r := newRig(t)
	record, _, err := r.service.Create(t.Context(), r.project.ID, "people.csv", csvimport.Options{})
	if err != nil {
		t.Fatal(err)
	}
	first, _ := r.putKey(t, record.Key, specification)
	second, id := r.putKey(t, record.Key, specification+"\nuser_004,,,,,\n")
	r.Records = stale{r.store, record}
	for _, event := range []events.S3Event{first, second} {
		if err := r.HandleUploads(t.Context(), event); err != nil {
			t.Fatal(err)
		}
	}
	r.work(t)
	if got := r.record(t, record.ID); got.Status != csvimport.Failed {
		t.Errorf("the first: got %q, want it failed, as its file was replaced", got.Status)
	}
	if got := r.record(t, id); got.Status != csvimport.Completed || got.Created != 4 {
		t.Errorf("the second: got %q, %+v, want 4 created", got.Status, got.Counters)
	}
}

// stale answers what was stored before.
type stale struct {
	csvimport.Records
	old csvimport.Import
}

func (s stale) Import(ctx context.Context, projectID, id string) (csvimport.Import, error) {
	if got, err := s.Records.Import(ctx, projectID, id); err != nil || got.Status != csvimport.Planning && got.Status != csvimport.Failed || id != s.old.ID {
		return got, err
	}
	return s.old, nil
}

// A row that was going to create a user and found that it need not is not among what an undo deletes.
func TestUndoOfLostRaces(t *testing.T) {
	r := newRig(t)
	event, id := r.put(t, "people.csv", numbered(100))
	if err := r.HandleUploads(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	raced := *r.Importer
	raced.Store = racing{r.store, r}
	if failed := raced.HandleTasks(t.Context(), message(t, r.take()[0], "task", 1)).BatchItemFailures; len(failed) > 0 {
		t.Fatal(r.log.String())
	}
	got := r.record(t, id)
	if got.Created != 99 || got.Unchanged != 1 {
		t.Fatalf("got %+v, want 99 created", got.Counters)
	}
	if _, err := r.service.Undo(t.Context(), r.project.ID, id); err != nil {
		t.Fatal(err)
	}
	r.work(t)
	if got := r.record(t, id).Undo; got.Deleted != 99 || got.Kept != 0 || r.users(t) != 1 {
		t.Errorf("got %+v and %d users, want 99 deleted and one left", got, r.users(t))
	}
}

// racing is a store in which somebody else creates the first user between what is decided and what is written.
type racing struct {
	csvimport.Store
	*rig
}

func (r racing) Apply(ctx context.Context, l user.Load, decisions []user.Decision) []user.Result {
	if first := decisions[0]; first.Outcome == user.Created {
		req := first.Upsert
		req.ProjectID = r.project.ID
		_, _ = r.store.Upsert(ctx, req)
	}
	return r.store.Apply(ctx, l, decisions)
}

// A tail of thousands of rows takes no more objects than any other chunk, and is taken back in groups.
func TestLongTail(t *testing.T) {
	var in strings.Builder
	in.WriteString("identifier,identifier:crm,plan\n")
	for n := range 700 {
		fmt.Fprintf(&in, "u%d,c%d,a\nu%d,,b\n", n, n, n)
	}
	r := newRig(t)
	got := r.run(t, "people.csv", in.String())
	if want := (csvimport.Counters{Rows: 1400, Created: 700, Skipped: 700}); got.Counters != want || !got.Tail {
		t.Errorf("got %+v, tail %t, want %+v", got.Counters, got.Tail, want)
	}
	objects := 0
	for _, err := range r.objects.List(t.Context(), "undo/") {
		if err != nil {
			t.Fatal(err)
		}
		objects++
	}
	if objects > 10 {
		t.Errorf("got %d objects of before-images, want a few", objects)
	}
	if plan := r.user(t, "u5").Data["plan"]; plan != "b" {
		t.Errorf("got plan %v, want b", plan)
	}
	if _, err := r.service.Undo(t.Context(), r.project.ID, got.ID); err != nil {
		t.Fatal(err)
	}
	r.work(t)
	if got := r.record(t, got.ID).Undo; got.Deleted != 700 || r.users(t) != 0 {
		t.Errorf("got %+v and %d users, want all deleted", got, r.users(t))
	}
}

// A row that was applied is not among those that were not, though an earlier one counts for its user; and what the mode ruled
// out says so.
func TestSkippedRows(t *testing.T) {
	r := newRig(t)
	got := r.run(t, "people.csv", "identifier,identifier:crm,n\na1,c1,1\n,c1,2\na1,,3\nb1,,1\nb1,,2\n")
	if want := (csvimport.Counters{Rows: 5, Created: 2, Skipped: 3}); got.Counters != want {
		t.Errorf("got %+v, want %+v", got.Counters, want)
	}
	want := [][]string{
		{"identifier", "identifier:crm", "n", "import_row", "import_field", "import_error"},
		{"b1", "", "1", "4", "", "a later row of the file has the same identifiers"},
	}
	if diff := cmp.Diff(want, r.result(t, got, csvimport.Skipped)); diff != "" {
		t.Errorf("skipped rows (-want +got):\n%s", diff)
	}
	got = r.create(t, "identifier,n\na1,3\nnew,1\n", csvimport.Options{Mode: user.ModeCreateOnly})
	want = [][]string{
		{"identifier", "n", "import_row", "import_field", "import_error"}, {"a1", "3", "1", "", "the user exists already"},
	}
	if diff := cmp.Diff(want, r.result(t, got, csvimport.Skipped)); diff != "" {
		t.Errorf("skipped rows (-want +got):\n%s", diff)
	}
}

// A part whose worker is killed at every delivery, so that nobody is left to say so, is given up all the same.
func TestKilledEveryTime(t *testing.T) {
	r := newRig(t)
	r.MaxDeliveries = 3
	event, id := r.put(t, "people.csv", specification)
	if err := r.HandleUploads(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	task := r.take()[0]
	var offset time.Duration
	r.Now = func() time.Time { return time.Now().Add(offset) }
	for n := range 3 {
		ctx, kill := context.WithCancel(t.Context())
		fused(r.Importer, 8, kill).HandleTasks(ctx, message(t, task, "task", n+1))
		kill()
		offset += time.Minute
	}
	if got := r.record(t, id); got.Status != csvimport.Failed || got.Finished() || !strings.Contains(got.Reason, "dead-letter queue") {
		t.Errorf("got %q, %q, want it given up", got.Status, got.Reason)
	}
	r.HandleTasks(t.Context(), message(t, task, "redriven", 1))
	if got := r.record(t, id); got.Status != csvimport.Completed || got.Created != 3 || got.Reason != "" {
		t.Errorf("got %q, %+v, %q, want it completed", got.Status, got.Counters, got.Reason)
	}
}
