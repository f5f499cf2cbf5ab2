package dynamo_test

import (
	"encoding/json"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/user"
)

// BenchmarkLoad measures the CPU time, in user and system mode, that a row of an import takes in this process: what
// is spent between a parsed row and DynamoDB. The engine runs in a process of its own and is not counted.
func BenchmarkLoad(b *testing.B) {
	s := dynamotest.New(b)
	p := dynamotest.Project(b, s)
	const rows = 500
	run := func(name, plan string, want user.Outcome, prefix func(i int) int) {
		b.Run(name, func(b *testing.B) {
			load := user.Load{ProjectID: p.ID, Import: uuid.NewString(), Started: time.Now(), Deferring: []string{user.DefaultSource}}
			var spent time.Duration
			n := 0
			for i := 0; b.Loop(); i++ {
				batch := loadRows(b, prefix(i), rows, plan)
				before := cpu(b)
				applyLoad(b, s, load, batch, want)
				spent += cpu(b) - before
				n += len(batch)
			}
			b.ReportMetric(float64(spent.Microseconds())/float64(n), "CPU-µs/row")
		})
	}
	created := 0
	run("new", "free", user.Created, func(int) int { created++; return created })
	run("unchanged", "free", user.Unchanged, func(i int) int { return i%created + 1 })
	for i, plan := range []string{"pro", "gold"} {
		run(fmt.Sprintf("changed-%d", i), plan, user.Updated, func(i int) int { return i%created + 1 })
	}
}

// loadRows returns rows of the shape that the specification shows: identifier, email, first_name, last_name, plan, company.
func loadRows(t testing.TB, batch, n int, plan string) []user.Row {
	rows := make([]user.Row, n)
	for i := range rows {
		id := fmt.Sprintf("user_%d_%d", batch, i)
		rows[i] = user.Row{Number: int64(batch*n + i + 1), Upsert: user.Upsert{
			Identifiers: []user.Sent{{Pair: user.Pair{ExternalID: id}}},
			Patch: user.Patch{Email: new(id + "@example.com"), Data: map[string]any{
				"first_name": "Alice", "last_name": "Example", "plan": plan, "company": "Example Corp", "seats": json.Number("12"),
			}},
		}}
		if err := rows[i].Normalize(); err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

// applyLoad prepares and applies rows, which must all have the outcome.
func applyLoad(t testing.TB, s *dynamo.Store, load user.Load, rows []user.Row, want user.Outcome) {
	decisions, _, err := s.Prepare(t.Context(), load, rows)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range s.Apply(t.Context(), load, decisions) {
		if r.Err != nil || r.Outcome != want {
			t.Fatalf("row %d: %s, %v; want %s", i, r.Outcome, r.Err, want)
		}
	}
}

func cpu(t testing.TB) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
