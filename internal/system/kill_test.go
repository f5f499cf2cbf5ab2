package system_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
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
			// Ever later: a busy machine starts processes slowly, and a message has eight deliveries.
			case <-time.After(time.Duration(5+rand.IntN(40)+killed*killed/10) * time.Millisecond):
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
	n.http = &http.Client{Timeout: time.Minute} // the 500 of a killed function is API Gateway's own, and not in the contract
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

// motley returns a file of n rows with duplicates, refused rows, blank ones and several columns of identifiers.
func motley(n int) string {
	random := rand.New(rand.NewPCG(3, 4))
	var b strings.Builder
	b.WriteString("identifier,identifier:crm,email,plan,note\n")
	note := strings.Repeat("x", 120) // makes several chunks of it
	for row := range n {
		id, crm, email := fmt.Sprintf("row-%d", row), "", fmt.Sprintf("r%d@example.com", row)
		switch random.IntN(25) {
		case 0:
			id = fmt.Sprintf("row-%d", random.IntN(row+1))
		case 1:
			crm = fmt.Sprintf("crm-%d", row)
		case 2:
			id, crm = "", fmt.Sprintf("crm-%d", random.IntN(row+1))
		case 3:
			email = "broken"
		case 4:
			b.WriteString(",,,,\n")
			continue
		}
		fmt.Fprintf(&b, "%s,%s,%s,plan %d,%s\n", id, crm, email, row%7, note)
	}
	return b.String()
}

// users returns all users as an import makes them, without ids and times.
func (n *tenant) users(t *testing.T) []string {
	t.Helper()
	var out []string
	for after := ""; ; {
		page, err := n.store.Users(t.Context(), n.id, after, 100)
		must(t, err)
		for _, u := range page.Users {
			var pairs []string
			for _, id := range u.Identifiers {
				pairs = append(pairs, id.Source+":"+id.ExternalID)
			}
			slices.Sort(pairs)
			out = append(out, fmt.Sprint(pairs, u.Email, u.Data))
		}
		if after = page.Next; after == "" {
			slices.Sort(out)
			return out
		}
	}
}
