package system_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/csvimport"
	"lunogram-users/internal/local"
)

// TestImportSurvivesKills: an import of 20,000 rows, of which every event and message is delivered twice, while its
// function is killed twelve times. It ends with the counters, the users and the error file of a quiet run.
func TestImportSurvivesKills(t *testing.T) {
	rows, kills := 20_000, 11
	if testing.Short() {
		rows, kills = 8000, 3 // two chunks
	}
	file := motley(rows)
	quiet := newTenant(t)
	quiet.upload(t, "motley.csv", file)
	want, _ := quiet.awaitImport(t)

	n := newTenantOf(t, startCloud(t, local.Options{Deliveries: 2}))
	n.upload(t, "motley.csv", file)
	n.killImport(t, rows, kills)
	got, claims := n.awaitImport(t)
	if got.Status != csvimport.Completed || got.Counters != want.Counters {
		t.Errorf("got %s %+v, want %+v", got.Status, got.Counters, want.Counters)
	}
	if claims == 0 {
		t.Error("no chunk was taken over from a worker that was killed")
	}
	t.Logf("chunks were taken over %d times", claims)
	if want.Created == 0 || want.Skipped == 0 || want.Failed == 0 || want.Chunks < 2 || !want.Tail {
		t.Errorf("the quiet run was too simple: %+v, %d chunks", want.Counters, want.Chunks)
	}
	if diff := cmp.Diff(quiet.errorFile(t, "motley.csv"), n.errorFile(t, "motley.csv")); diff != "" {
		t.Errorf("error file (-quiet +killed):\n%.2000s", diff)
	}
	if diff := cmp.Diff(quiet.users(t), n.users(t)); diff != "" {
		t.Errorf("users (-quiet +killed):\n%.2000s", diff)
	}
}

// killImport kills the function of the tenant's import: all of its processes while the file is planned, and then, evenly over the
// rows, any one of them, but all again when half of the rows are settled.
//
// A kill costs whom it meets one of the deliveries: an upload has three, a task eight. AWS makes the next when the lease of
// the dead is long over. Here it is made at once and can only wait for that: to kill all of them again and again would use
// up the deliveries before one could do anything. As a task is there twice, it takes sixteen kills of one to lose it.
func (n *tenant) killImport(t *testing.T, rows, times int) {
	t.Helper()
	n.awaitProgress(t, "the record", func(p progress) bool { return p.ID != "" })
	n.killAll(t)
	for k := range times {
		n.awaitRows(t, rows*(k+1)/(times+1))
		if k == times/2 {
			n.killAll(t)
		} else {
			n.killOne(t)
		}
	}
}

// killAll kills all processes of the import function.
func (n *tenant) killAll(t *testing.T) {
	t.Helper()
	n.await(t, "processes to kill", func() bool {
		killed, err := n.cloud.Kill("import")
		must(t, err)
		return killed > 0
	})
}

// killOne kills any process of the import function.
func (n *tenant) killOne(t *testing.T) {
	t.Helper()
	n.await(t, "a process to kill", func() bool {
		ids, err := n.cloud.Processes("import")
		must(t, err)
		if len(ids) == 0 {
			return false
		}
		p, err := os.FindProcess(ids[rand.IntN(len(ids))])
		must(t, err)
		return p.Kill() == nil // else it has just ended
	})
}

// progress is how far an import is; zero if there is none.
type progress struct {
	csvimport.Import
	chunks []csvimport.Chunk
}

// settled returns how many rows are.
func (p progress) settled() (rows int64) {
	for _, c := range p.chunks {
		rows += c.Rows
	}
	return rows
}

// String says how far each part is.
func (p progress) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %s: %d chunks, tail %t, claim %d until %s\n", p.Status, p.Reason, p.Chunks, p.Tail, p.Fence, p.Until)
	for _, c := range p.chunks {
		fmt.Fprintf(&b, "chunk %d: %d rows, done %t, claim %d until %s %s\n", c.Number, c.Rows, c.Done, c.Fence, c.Until, c.GivenUp)
	}
	return b.String()
}

// progress returns that of the tenant's newest import.
func (n *tenant) progress(t *testing.T) (p progress) {
	t.Helper()
	imports, _, err := n.store.Imports(t.Context(), n.id, "", 1)
	must(t, err)
	if len(imports) == 0 {
		return p
	}
	p.Import = n.imported(t, imports[0].ID)
	p.chunks, err = n.store.Chunks(t.Context(), n.id, p.ID, csvimport.Apply)
	must(t, err)
	return p
}

// awaitProgress waits until the condition holds for the tenant's newest import, as long as it gets ahead within two minutes. When
// it waited in vain it says how far the import is and what is left in the queues.
func (n *tenant) awaitProgress(t *testing.T, what string, holds func(progress) bool) progress {
	t.Helper()
	deadline, settled := time.Time{}, int64(-1)
	for ; ; time.Sleep(2 * time.Millisecond) {
		p := n.progress(t)
		if holds(p) {
			return p
		}
		if now := p.settled(); now > settled {
			settled, deadline = now, time.Now().Add(2*time.Minute)
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s of the import: %sin the queues: %s", what, p, n.queues(t))
		}
	}
}

func (n *tenant) awaitRows(t *testing.T, rows int) {
	t.Helper()
	n.awaitProgress(t, fmt.Sprintf("%d rows", rows), func(p progress) bool { return p.settled() >= int64(rows) })
}

// awaitImport returns the record of the tenant's newest import once it is finished, and how often a chunk was claimed after
// its first time.
func (n *tenant) awaitImport(t *testing.T) (record csvimport.Import, again int64) {
	t.Helper()
	p := n.awaitProgress(t, "the end", func(p progress) bool { return p.Finished() })
	for _, c := range p.chunks {
		again += c.Fence - 1
	}
	return p.Import, again
}
