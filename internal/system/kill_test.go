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

// TestImportSurvivesKills: an import of 2,000 rows is killed a few times; Lambda's retries finish it.
func TestImportSurvivesKills(t *testing.T) {
	n := newTenant(t)
	var file strings.Builder
	file.WriteString("identifier,email,plan\n")
	for i := range 2000 {
		email := fmt.Sprintf("r%d@example.com", i)
		if i%100 == 7 {
			email = "broken"
		}
		fmt.Fprintf(&file, "row-%d,%s,premium\n", i, email)
	}
	n.upload(t, "killed.csv", file.String())
	for range 2 { // as often as Lambda tries again
		time.Sleep(time.Duration(100+rand.IntN(200)) * time.Millisecond)
		if _, err := cloud.Kill("import"); err != nil {
			t.Error(err)
		}
	}
	n.await(t, "the error file", func() bool { return n.errorFile(t, "killed.csv") != nil })
	seen, after := map[string]bool{}, ""
	for {
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
	if rows := n.errorFile(t, "killed.csv"); len(seen) != 1980 || len(rows) != 21 {
		t.Errorf("%d users and %d reported rows, want 1980 and 20", len(seen), len(rows)-1)
	}
}
