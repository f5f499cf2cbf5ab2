package csvimport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/csvimport"
	"lunogram-users/internal/user"
)

// numbered returns a file of n users, u1 to un.
func numbered(n int) string {
	var b strings.Builder
	b.WriteString("identifier,email,n\n")
	for i := range n {
		fmt.Fprintf(&b, "u%d,person%d@example.com,%d\n", i+1, i+1, i+1)
	}
	return b.String()
}

func TestIgnoredObjects(t *testing.T) {
	const other = "01990000-0000-7000-8000-000000000002"
	for _, key := range []string{
		"people.csv", "imports/people.csv", "imports/" + projectID + "/people.txt", "imports/" + projectID + "/.csv",
		"imports/" + other + "/secret.csv", "imports/" + projectID + "/../" + other + "/secret.csv",
		"imports/" + strings.ToUpper(other) + "/secret.csv", "results/" + projectID + "/secret.csv", "imports/" + projectID + "//secret.csv",
	} {
		c := newCloud()
		c.objects[bucket+"/"+key] = []byte("identifier\nu1\n")
		if err := c.importer().Handle(t.Context(), created(t, bucket, key, "", "1")); err != nil {
			t.Errorf("%s: %v", key, err)
		}
		if len(c.records)+len(c.users) != 0 {
			t.Errorf("%s: got %d imports and %d users, want none", key, len(c.records), len(c.users))
		}
		if log := c.log.String(); !strings.Contains(log, "ignored") || strings.Contains(log, "secret") || strings.Contains(log, "people") {
			t.Errorf("%s: got log %s, want a line without the name", key, log)
		}
	}
}

func TestDuplicateDelivery(t *testing.T) {
	c := newCloud()
	first := c.upload(t, "people.csv", specification)
	for range 3 {
		if err := c.importer().Handle(t.Context(), first); err != nil {
			t.Fatal(err)
		}
	}
	if c.calls != 1 || c.record(t).Created != 3 {
		t.Errorf("got %d batches and %+v, want one and 3 created", c.calls, c.record(t).Counters)
	}
	// The same content uploaded again is another import, which changes nothing.
	c.objects["another"] = nil // moves the sequencer on
	if err := c.importer().Handle(t.Context(), c.upload(t, "people.csv", specification)); err != nil {
		t.Fatal(err)
	}
	if len(c.records) != 2 || len(c.users) != 3 {
		t.Errorf("got %d imports and %d users, want 2 and 3", len(c.records), len(c.users))
	}
	for _, secret := range []string{"example.com", "user_00", "people"} {
		if strings.Contains(c.log.String(), secret) {
			t.Errorf("the log holds %q:\n%s", secret, c.log.String())
		}
	}
}

func TestGoneObject(t *testing.T) {
	c := newCloud()
	event := c.upload(t, "people.csv", specification)
	c.objects[bucket+"/imports/"+projectID+"/people.csv"] = []byte("identifier\nother\n")
	if err := c.importer().Handle(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	if got := c.record(t); got.Status != csvimport.Failed || !strings.Contains(got.Reason, "replaced") || len(c.users) != 0 {
		t.Errorf("got %q, %q and %d users, want failed because it was replaced", got.Status, got.Reason, len(c.users))
	}

	c = newCloud()
	c.body = func(r io.Reader) io.Reader {
		return io.MultiReader(io.LimitReader(r, 40_000), iotest.ErrReader(csvimport.ErrGone))
	}
	if err := c.importer().Handle(t.Context(), c.upload(t, "people.csv", numbered(5000))); err != nil {
		t.Fatal(err)
	}
	got := c.record(t)
	if want := fmt.Sprintf("Rows 1 to %d are done.", got.Rows); got.Rows == 0 || got.Status != csvimport.Failed || !strings.HasSuffix(got.Reason, want) {
		t.Errorf("got %q, %q, want failed, …%q", got.Status, got.Reason, want)
	}
	sum(t, got.Counters)
}

// A newer upload of a name is imported by itself, before or while the older one is, or after it was read. The error file of
// the name is the newer one's, whatever the older one makes of its rows.
func TestReplacedUploadLeavesTheErrorFile(t *testing.T) {
	const newer = "identifier,email\nu9,nobody\n"
	files := map[string]string{"clean": numbered(1000), "with refused rows": numbered(1000) + "u1,nobody,\n"}
	moments := map[string]func(c *cloud, replace func()){
		"before it is read": func(_ *cloud, replace func()) { replace() },
		"while it is read": func(c *cloud, replace func()) {
			c.body = func(r io.Reader) io.Reader {
				c.body = func(r io.Reader) io.Reader { return r }
				return io.MultiReader(io.LimitReader(r, 20_000), readerFunc(func([]byte) (int, error) {
					replace()
					return 0, csvimport.ErrGone
				}))
			}
		},
		"after it was read": func(c *cloud, replace func()) {
			c.beforeBatch = func(_ context.Context, call int, _ []user.Upsert) []user.Result {
				if call == 10 {
					replace()
				}
				return nil
			}
		},
	}
	for file, older := range files {
		for moment, at := range moments {
			t.Run(file+", replaced "+moment, func(t *testing.T) {
				c := newCloud()
				event := c.upload(t, "people.csv", older)
				at(c, func() {
					if err := c.importer().Handle(t.Context(), c.upload(t, "people.csv", newer)); err != nil {
						t.Error(err)
					}
				})
				if err := c.importer().Handle(t.Context(), event); err != nil {
					t.Fatal(err)
				}
				want := [][]string{
					{"identifier", "email", "import_row", "import_field", "import_error"},
					{"u9", "nobody", "1", "email", "email must be a bare e-mail address, such as alice@example.com"},
				}
				if diff := cmp.Diff(want, c.errorsOf(t, "people")); diff != "" {
					t.Errorf("error file (-want +got):\n%s", diff)
				}
				for _, record := range c.records {
					if !record.Finished() {
						t.Errorf("got import %s %q, want it finished", record.ETag, record.Status)
					}
				}
				if len(c.records) != 2 {
					t.Errorf("got %d imports, want 2", len(c.records))
				}
			})
		}
	}
}

// readerFunc is an io.Reader.
type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// An import that is cut off at a random moment is finished by the next delivery, and nothing is lost or doubled.
func TestKilled(t *testing.T) {
	const n = 3000
	for range 10 {
		c := newCloud()
		event := c.upload(t, "people.csv", numbered(n)+"u1,nobody,\n")
		at := 1 + rand.IntN(n/100)
		ctx, kill := context.WithCancel(invocation(t.Context(), "request 1"))
		c.beforeBatch = func(_ context.Context, call int, _ []user.Upsert) []user.Result {
			if call == at {
				kill()
			}
			return nil
		}
		if err := c.importer().Handle(ctx, event); !errors.Is(err, context.Canceled) {
			t.Fatalf("killed at batch %d: got error %v, want it cancelled", at, err)
		}
		if got := c.record(t); got.Finished() {
			t.Fatalf("killed at batch %d: got status %q", at, got.Status)
		}
		if err := c.importer().Handle(invocation(t.Context(), "request 1"), event); err != nil {
			t.Fatal(err)
		}
		got := c.record(t)
		sum(t, got.Counters)
		if got.Status != csvimport.Completed || got.Rows != n+1 || got.Failed != 1 || len(c.users) != n {
			t.Errorf("killed at batch %d: got %q, %+v, %d users, want %d", at, got.Status, got.Counters, len(c.users), n)
		}
		if lines := c.errorsOf(t, "people"); len(lines) != 2 {
			t.Errorf("got %d lines in the error file, want 2", len(lines))
		}
	}
}

// Another invocation's lease is respected while it lives and taken over when it is dead.
func TestLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		event := c.upload(t, "people.csv", numbered(150))
		release := make(chan struct{})
		c.beforeBatch = func(_ context.Context, call int, _ []user.Upsert) []user.Result {
			if call == 1 {
				<-release
			}
			return nil
		}
		owner := make(chan error)
		go func() { owner <- c.importer().Handle(invocation(t.Context(), "owner"), event) }()
		synctest.Wait()
		began := time.Now()
		if err := c.importer().Handle(invocation(t.Context(), "other"), event); err != nil {
			t.Errorf("a second delivery: %v", err)
		}
		if waited := time.Since(began); waited < time.Minute || waited > 2*time.Minute || c.calls > 2 {
			t.Errorf("got %d batches and %v of waiting, want those of the owner, and a little over a minute", c.calls, waited)
		}
		close(release)
		if err := <-owner; err != nil || c.record(t).Created != 150 {
			t.Errorf("got %v, %+v, want the owner to finish", err, c.record(t).Counters)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		event := c.upload(t, "people.csv", numbered(150))
		dead := errors.New("dead")
		c.save = func(csvimport.Import) error { return dead } // it cannot even release its lease
		if err := c.importer().Handle(invocation(t.Context(), "dead"), event); !errors.Is(err, dead) {
			t.Errorf("got error %v, want %v", err, dead)
		}
		c.save = func(csvimport.Import) error { return nil }
		if err := c.importer().Handle(invocation(t.Context(), "heir"), event); err != nil {
			t.Error(err)
		}
		if got := c.record(t); got.Owner != "heir" || got.Status != csvimport.Completed || got.Rows != 150 {
			t.Errorf("got %+v, want it completed by the heir", got)
		}
	})
}

// Who finds the import taken over leaves it alone and is not an error.
func TestLeaseLost(t *testing.T) {
	c := newCloud()
	c.save = func(csvimport.Import) error { return csvimport.ErrLeased }
	if err := c.importer().Handle(t.Context(), c.upload(t, "people.csv", specification)); err != nil {
		t.Error(err)
	}
	if got := c.record(t); got.Finished() {
		t.Errorf("got status %q, want it untouched", got.Status)
	}
}

// Rows of one user keep the order of the file, whichever batch is slow and whether or not the rows share a pair.
func TestOrder(t *testing.T) {
	tests := []struct {
		name string
		row  func(i int) string // "" for a row of somebody else
	}{
		{"rows that share a pair", func(i int) string {
			if i%130 == 0 {
				return fmt.Sprintf("u,,%d\n", i)
			}
			return ""
		}},
		// Batches alternate between the two pairs, so that only the store knows that they are of one user.
		{"rows that share none", func(i int) string {
			switch i % 200 {
			case 50:
				return fmt.Sprintf("u,,%d\n", i)
			case 150:
				return fmt.Sprintf(",c,%d\n", i)
			}
			return ""
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 10 {
				synctest.Test(t, func(t *testing.T) { checkOrder(t, tt.row) })
			}
		})
	}
}

func checkOrder(t *testing.T, row func(int) string) {
	c := newCloud()
	if err := c.importer().Handle(t.Context(), c.upload(t, "prepare.csv", "identifier,identifier:crm\nu,c\n")); err != nil {
		t.Error(err)
	}
	c.records = map[string]csvimport.Import{}
	var b strings.Builder
	b.WriteString("identifier,identifier:crm,n\n")
	const n = 2000
	last := 0
	for i := range n {
		if line := row(i); line != "" {
			b.WriteString(line)
			last = i
		} else {
			fmt.Fprintf(&b, "w%d,,%d\n", i, i)
		}
	}
	c.beforeBatch = func(context.Context, int, []user.Upsert) []user.Result {
		time.Sleep(rand.N(time.Second))
		return nil
	}
	if err := c.importer().Handle(t.Context(), c.upload(t, "people.csv", b.String())); err != nil {
		t.Error(err)
	}
	if got := c.user("u").Data["n"]; got != strconv.Itoa(last) || c.record(t).Rows != n {
		t.Errorf("got %v after %d rows, want what row %d says", got, c.record(t).Rows, last)
	}
}

func TestBatchesOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		c.beforeBatch = func(context.Context, int, []user.Upsert) []user.Result {
			time.Sleep(time.Second)
			return nil
		}
		began := time.Now()
		if err := c.importer().Handle(t.Context(), c.upload(t, "people.csv", numbered(1600))); err != nil {
			t.Error(err)
		}
		if got := time.Since(began); got != 2*time.Second {
			t.Errorf("got %v for 16 batches of a second, want 2s: eight at a time", got)
		}
	})
}

// A store that is busy for a while costs time and no row; one that stays busy leaves the import to the next delivery.
func TestBusyStore(t *testing.T) {
	busy := func(batch []user.Upsert, from int, err error) []user.Result {
		out := make([]user.Result, len(batch))
		for i := range out {
			out[i] = user.Result{UserID: "x", Outcome: user.Updated}
			if i >= from {
				out[i] = user.Result{Err: err}
			}
		}
		return out
	}
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		c.beforeBatch = func(_ context.Context, call int, batch []user.Upsert) []user.Result {
			if call%2 != 0 {
				return busy(batch, 0, fmt.Errorf("throttled: %w", user.ErrUnavailable))
			}
			return nil
		}
		if err := c.importer().Handle(t.Context(), c.upload(t, "people.csv", numbered(1000))); err != nil {
			t.Error(err)
		}
		if got := c.record(t); got.Created != 1000 || got.Rows != 1000 {
			t.Errorf("got %+v, want 1000 created", got.Counters)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		c.beforeBatch = func(_ context.Context, _ int, batch []user.Upsert) []user.Result {
			return busy(batch, 0, user.ErrUnavailable)
		}
		err := c.importer().Handle(t.Context(), c.upload(t, "people.csv", numbered(10)))
		if got := c.record(t); !errors.Is(err, user.ErrUnavailable) || got.Finished() || got.LeaseUntil.After(time.Now()) {
			t.Errorf("got %v and %+v, want ErrUnavailable, a running import and no lease", err, got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		c.beforeBatch = func(_ context.Context, _ int, batch []user.Upsert) []user.Result {
			out := busy(batch, len(batch), nil)
			for i, req := range batch {
				if req.Identifiers[0].ExternalID == "u7" {
					out[i] = user.Result{Err: errors.New("a bug")}
				}
			}
			return out
		}
		if err := c.importer().Handle(t.Context(), c.upload(t, "people.csv", numbered(10))); err != nil {
			t.Error(err)
		}
		if got, want := c.record(t).Counters, (csvimport.Counters{Rows: 10, Updated: 9, Failed: 1}); got != want {
			t.Errorf("got %+v, want %+v: one row that is never stored fails alone", got, want)
		}
	})
}

// A file that takes longer than the invocation has is stopped at a row, and its record says at which.
func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		c.beforeBatch = func(context.Context, int, []user.Upsert) []user.Result {
			time.Sleep(10 * time.Second)
			return nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		if err := c.importer().Handle(ctx, c.upload(t, "people.csv", numbered(100_000))); err != nil {
			t.Error(err)
		}
		got := c.record(t)
		want := fmt.Sprintf("Rows 1 to %d are done.", got.Rows)
		if got.Status != csvimport.Failed || !strings.HasSuffix(got.Reason, want) || int64(len(c.users)) != got.Rows {
			t.Errorf("got %q, %q, %d users, want failed, …%q", got.Status, got.Reason, len(c.users), want)
		}
		if got.Rows < 20_000 || got.Rows > 30_000 {
			t.Errorf("got %d rows in 4½ minutes, want about 22,000", got.Rows)
		}
		sum(t, got.Counters)
	})
}

func TestProgressIsSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		c.beforeBatch = func(_ context.Context, call int, _ []user.Upsert) []user.Result {
			time.Sleep(100 * time.Millisecond)
			if call == 30 {
				time.Sleep(50 * time.Second)
			}
			return nil
		}
		var saves []time.Time
		var rows []int64
		c.save = func(i csvimport.Import) error {
			saves, rows = append(saves, time.Now()), append(rows, i.Rows)
			sum(t, i.Counters)
			return nil
		}
		if err := c.importer().Handle(t.Context(), c.upload(t, "people.csv", numbered(10_000))); err != nil {
			t.Error(err)
		}
		for i := 1; i < len(saves); i++ {
			gap := saves[i].Sub(saves[i-1])
			if gap > 20*time.Second || gap < time.Second && i < len(saves)-1 {
				t.Errorf("got %v between saves %d and %d, want at most one a second and a lease renewed in time", gap, i, i+1)
			}
			if rows[i] < rows[i-1] {
				t.Errorf("got %d rows after %d", rows[i], rows[i-1])
			}
		}
		if len(saves) < 5 {
			t.Errorf("got %d saves, want several", len(saves))
		}
	})
}

// rowsReader makes the rows of a file as they are read.
type rowsReader struct {
	next, n int
	rest    []byte
	heap    func()
}

func (r *rowsReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		if r.next > r.n {
			return 0, io.EOF
		}
		r.rest = []byte("identifier,email,first_name,note\n")
		if r.next > 0 {
			r.rest = fmt.Appendf(nil, "user_%d,person%d@example.com,Alice,\"%d\n%s\"\n", r.next, r.next, r.next, strings.Repeat("x", 200))
		}
		if r.next%500 == 0 && (r.n <= 1000 || r.next%5000 == 0) {
			r.heap()
		}
		r.next++
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// Memory does not grow with the file.
func TestMemoryIsFlat(t *testing.T) {
	peak := func(n int) (most uint64) {
		c := newCloud()
		c.beforeBatch = func(_ context.Context, _ int, batch []user.Upsert) []user.Result {
			out := make([]user.Result, len(batch))
			for i := range out {
				out[i] = user.Result{UserID: batch[i].Identifiers[0].ExternalID, Outcome: user.Created}
			}
			out[0] = user.Result{Err: user.ErrTooLarge} // the error file is not in memory either
			return out
		}
		c.body = func(io.Reader) io.Reader {
			return &rowsReader{n: n, heap: func() {
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}}
		}
		if err := c.importer().Handle(t.Context(), c.upload(t, "people.csv", "")); err != nil {
			t.Fatal(err)
		}
		want := csvimport.Counters{Rows: int64(n), Created: int64(n - n/100), Failed: int64(n / 100)}
		if diff := cmp.Diff(want, c.record(t).Counters); diff != "" {
			t.Errorf("counters (-want +got):\n%s", diff)
		}
		return most
	}
	small, large := peak(1000), peak(100_000)
	t.Logf("live heap: %d KB with 1,000 rows, %d KB with 100,000", small>>10, large>>10)
	if large > small+4<<20 {
		t.Errorf("got a heap of %d KB with 100,000 rows, %d KB with 1,000", large>>10, small>>10)
	}
}

// BenchmarkImport measures what the import itself costs per row, the store apart.
func BenchmarkImport(b *testing.B) {
	const n = 10_000
	in := "identifier,email,timezone,locale,first_name,plan\n" +
		strings.Repeat("user_1,alice@example.com,America/New_York,en-US,Alice,premium\n", n)
	c := newCloud()
	c.beforeBatch = func(_ context.Context, _ int, batch []user.Upsert) []user.Result {
		return make([]user.Result, len(batch))
	}
	for b.Loop() {
		clear(c.records)
		if err := c.importer().Handle(b.Context(), c.upload(b, "people.csv", in)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/n, "µs/row")
}
