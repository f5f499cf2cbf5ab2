package csvimport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/csvimport"
	"lunogram-users/internal/dynamo/dynamotest"
)

// motley returns a file of n rows with duplicates, refused rows, blank ones and several columns of identifiers.
func motley(n int) string {
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString("identifier,identifier:crm,email,plan,score,address.city\n")
	for row := range n {
		id, crm := fmt.Sprintf("u%d", row), ""
		switch random.IntN(20) {
		case 0: // the same user again
			id = fmt.Sprintf("u%d", random.IntN(row+1))
		case 1: // by another identifier too
			crm = fmt.Sprintf("c%d", row)
		case 2: // of a user of row 1 of this switch, or of nobody yet
			id, crm = "", fmt.Sprintf("c%d", random.IntN(row+1))
		case 3:
			fmt.Fprintf(&b, "%s,,nobody,,,\n", id)
			continue
		case 4:
			b.WriteString(",,,,,\n")
			continue
		case 5:
			fmt.Fprintf(&b, "%s,\"broken\n", id)
			continue
		}
		fmt.Fprintf(&b, "%s,%s,p%d@example.com,plan %d,%d,Austin\n", id, crm, row, random.IntN(5), row)
	}
	return b.String()
}

// state returns all users of a project, as far as an import makes them.
func (r *rig) state(t testing.TB) []string {
	t.Helper()
	var out []string
	for after := ""; ; {
		page, err := r.store.Users(t.Context(), r.project.ID, after, 100)
		if err != nil {
			t.Fatal(err)
		}
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

// hail delivers an upload and all tasks that come of it twice, in random order, and kills random deliveries until the kills
// are used up. Whatever was killed or failed is delivered again.
func (r *rig) hail(t *testing.T, event events.S3Event, kills int) {
	t.Helper()
	var offset time.Duration // a killed invocation's lease is over when the clock is set forward
	r.Now = func() time.Time { return time.Now().Add(offset) }
	type parcel struct {
		id    string
		task  *csvimport.Task
		count int
	}
	parcels := []parcel{{id: "upload 1"}, {id: "upload 2"}}
	for len(parcels) > 0 {
		n := rand.IntN(len(parcels))
		p := parcels[n]
		parcels = slices.Delete(parcels, n, n+1)
		p.count++
		ctx, kill := context.WithCancel(invocation(t.Context(), p.id))
		i := r.Importer
		if kills > 0 {
			i = fused(r.Importer, 1+rand.Int64N(25), kill)
		}
		failed := false
		if p.task == nil {
			failed = i.HandleUploads(ctx, event) != nil
		} else {
			failed = len(i.HandleTasks(ctx, message(t, *p.task, p.id, p.count)).BatchItemFailures) > 0
		}
		if ctx.Err() != nil {
			kills--
		}
		if failed || ctx.Err() != nil {
			parcels = append(parcels, p)
			offset += time.Minute
		}
		kill()
		for _, task := range r.take() {
			for copy := range 2 {
				r.messages++
				parcels = append(parcels, parcel{id: fmt.Sprintf("message %d.%d", r.messages, copy), task: &task})
			}
		}
	}
}

// An import that is killed at ten random moments, with every event delivered twice and in random order, ends as a quiet one:
// the same users, the same counters, the same error file.
func TestKilled(t *testing.T) {
	rows := 2000
	if testing.Short() {
		rows = 500
	}
	in := motley(rows)
	quiet := newRig(t)
	quiet.ChunkBytes = 20 << 10
	want := quiet.run(t, "people.csv", in)
	state := quiet.state(t)

	r := newRig(t)
	r.ChunkBytes = 20 << 10
	event, id := r.put(t, "people.csv", in)
	r.hail(t, event, 10)
	got := r.record(t, id)
	if got.Status != csvimport.Completed || got.Counters != want.Counters {
		t.Errorf("got %q, %+v, want %+v", got.Status, got.Counters, want.Counters)
	}
	if diff := cmp.Diff(state, r.state(t)); diff != "" {
		t.Errorf("users (-quiet +killed):\n%.3000s", diff)
	}
	for _, result := range []csvimport.Result{csvimport.Errors, csvimport.Skipped} {
		if diff := cmp.Diff(quiet.result(t, want, result), r.result(t, got, result)); diff != "" {
			t.Errorf("%s (-quiet +killed):\n%.3000s", result, diff)
		}
	}
	if n := strings.Count(r.log.String(), "interrupted"); n < 5 {
		t.Errorf("only %d deliveries were interrupted", n)
	}
	if want.Chunks < 3 || !want.Tail || want.Updated+want.Created == 0 || want.Failed == 0 || want.Skipped == 0 {
		t.Errorf("the file is too simple: %+v, %d chunks", want.Counters, want.Chunks)
	}
}

// flaky loses one of five exchanges with DynamoDB, half of them when they were persisted.
type flaky struct{}

func (flaky) RoundTrip(req *http.Request) (*http.Response, error) {
	switch rand.IntN(10) {
	case 0:
		return nil, errors.New("the connection broke")
	case 1:
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		return nil, errors.New("the connection broke")
	}
	return http.DefaultTransport.RoundTrip(req)
}

// Lost requests and replies cost time and nothing else.
func TestBusyStore(t *testing.T) {
	in := motley(600)
	quiet := newRig(t)
	want := quiet.run(t, "people.csv", in)
	r := newRig(t)
	busy := dynamotest.New(t, func(o *dynamodb.Options) {
		o.HTTPClient = &http.Client{Transport: flaky{}}
		o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
			r.MaxAttempts, r.MaxBackoff, r.RateLimiter = 2, time.Millisecond, ratelimit.None
		})
	})
	r.Store = busy
	got := r.run(t, "people.csv", in)
	if got.Counters != want.Counters {
		t.Errorf("got %+v, want %+v", got.Counters, want.Counters)
	}
	if diff := cmp.Diff(quiet.state(t), r.state(t)); diff != "" {
		t.Errorf("users (-quiet +busy):\n%.3000s", diff)
	}
}
