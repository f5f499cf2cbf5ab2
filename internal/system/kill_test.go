package system_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"lunogram-users/internal/csvimport"
)

// killing kills the processes of a function at random moments until the returned function is called.
func killing(t *testing.T, function string) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	killed := 0
	done.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Duration(5+rand.IntN(40)) * time.Millisecond):
				n, err := cloud.Kill(function)
				if err != nil {
					t.Error(err)
				}
				killed += n
			}
		}
	})
	return func() {
		cancel()
		done.Wait()
		if killed == 0 {
			t.Error("nothing was killed")
		}
		t.Logf("killed %d processes", killed)
	}
}

// TestUpsertsSurviveKills: 50 requests, repeated until they are answered, while their function is killed again and
// again. Each is there in the end, on one user.
func TestUpsertsSurviveKills(t *testing.T) {
	n := newTenant(t)
	n.http = http.DefaultClient // the 500 of a killed function is API Gateway's own, and not in the contract
	stop := killing(t, "upsert")
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			body := object{"identifier": pairs("killed", fmt.Sprintf("device:n%d", i%30)), "data": object{fmt.Sprintf("k%d", i): i}}
			for range 500 {
				if n.call("POST", "/api/client/users", n.client, body).status == http.StatusOK {
					return
				}
				time.Sleep(time.Duration(rand.IntN(30)) * time.Millisecond)
			}
			t.Errorf("request %d was never answered", i)
		})
	}
	wg.Wait()
	stop()
	page, err := n.store.Users(t.Context(), n.id, "", 100)
	must(t, err)
	if len(page.Users) != 1 || len(page.Users[0].Data) != 50 || len(page.Users[0].Identifiers) != 31 {
		t.Errorf("%d users; the first has %d keys and %d identifiers; want 1 with 50 and 31",
			len(page.Users), len(page.Users[0].Data), len(page.Users[0].Identifiers))
	}
}

// TestImportSurvivesKills: an import of 2,000 rows is killed twice in the midst of them. The last of Lambda's three
// tries finishes it: each row counts once, and none is lost or doubled.
func TestImportSurvivesKills(t *testing.T) {
	n := newTenant(t)
	const rows, broken = 2000, 20
	var file strings.Builder
	file.WriteString("identifier,email,plan\n")
	for i := range rows {
		email := fmt.Sprintf("r%d@example.com", i)
		if i%100 == 7 {
			email = "broken"
		}
		fmt.Fprintf(&file, "row-%d,%s,premium\n", i, email)
	}
	n.upload(t, "killed.csv", file.String())
	n.await(t, "the first row", func() bool { _, ok := n.byID(t, "row-0"); return ok })
	id := n.importID(t, "killed.csv")
	for _, row := range []int{200, 1400} { // Lambda tries twice again
		n.killImport(t, id, row)
	}
	var record csvimport.Import
	n.await(t, "the end of the import", func() bool { record = n.imported(t, id); return record.Finished() })
	c := record.Counters
	if c.Rows != rows || c.Created+c.Updated+c.Unchanged != rows-broken || c.Failed != broken || c.Skipped != 0 {
		t.Errorf("the counters are %+v, want %d rows of which %d failed", c, rows, broken)
	}
	if c.Unchanged == 0 || record.Status != csvimport.Completed {
		t.Errorf("the import is %s with %+v, want it completed with rows that an earlier try had written", record.Status, c)
	}
	if reported := n.errorFile(t, "killed.csv"); len(reported) != 1+broken {
		t.Errorf("%d reported rows, want %d", len(reported)-1, broken)
	}
	n.eachOnce(t, rows-broken)
}

// killImport kills the import once a row is stored.
func (n *tenant) killImport(t *testing.T, id string, row int) {
	t.Helper()
	n.await(t, fmt.Sprintf("row %d", row), func() bool { _, ok := n.byID(t, fmt.Sprintf("row-%d", row)); return ok })
	n.await(t, "a process to kill", func() bool { // between two tries there is none
		killed, err := cloud.Kill("import")
		must(t, err)
		return killed > 0
	})
	if record := n.imported(t, id); record.Status != csvimport.Running {
		t.Fatalf("after row %d the import is %s with %+v, want it killed while it runs", row, record.Status, record.Counters)
	}
}

// eachOnce checks that the project has so many users, each written once by a row of the import.
func (n *tenant) eachOnce(t *testing.T, want int) {
	t.Helper()
	seen := map[string]bool{}
	for after := ""; ; {
		page, err := n.store.Users(t.Context(), n.id, after, 100)
		must(t, err)
		for _, u := range page.Users {
			id := u.Identifiers[0].ExternalID
			if seen[id] || u.Version != 0 || u.Data["plan"] != "premium" {
				t.Errorf("user %s: doubled or applied twice: %+v", id, u)
			}
			seen[id] = true
		}
		if after = page.Next; after == "" {
			break
		}
	}
	if len(seen) != want {
		t.Errorf("%d users, want %d", len(seen), want)
	}
}
