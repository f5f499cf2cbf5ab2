package rule_test

import (
	"strings"
	"testing"
	"time"

	"lunogram-users/internal/rule"
)

// longRule is a rule of nearly MaxLength bytes every comparison of which holds of alice, so that none can be left out.
func longRule() string {
	clauses := []string{
		`user.data.plan = "premium"`, `user.data.lifetime_value > 1000`, `user.data.last_login >= now - 30 days`,
		`(user.data.address.city IN ("Dallas", "Houston", "Austin") OR NOT user.email CONTAINS "@example.com")`,
		`user.data.items[*].price < 19.99`, `user.email ENDS WITH "@example.com"`, `user.created_at >= "2026-01-01"`,
	}
	var b strings.Builder
	for i := 0; b.Len()+len(" AND ")+len(clauses[i%len(clauses)]) <= rule.MaxLength; i++ {
		if i > 0 {
			b.WriteString(" AND ")
		}
		b.WriteString(clauses[i%len(clauses)])
	}
	return b.String()
}

// denseRule is one that has as many tokens as fit.
func denseRule() string {
	const clause = `user.data.a = 1`
	return clause + strings.Repeat(" OR "+clause, (rule.MaxLength-len(clause))/len(" OR "+clause))
}

// deepRule is one whose path has as many steps as fit.
func deepRule() string {
	const start, step, end = `user.data.a`, `.b`, ` = 1`
	return start + strings.Repeat(step, (rule.MaxLength-len(start)-len(end))/len(step)) + end
}

func BenchmarkParse(b *testing.B) {
	for name, text := range map[string]string{
		"short": `user.data.plan = "premium" AND user.data.lifetime_value > 1000`, "long": longRule(), "dense": denseRule(),
		"deep": deepRule(),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := rule.Parse(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMatch(b *testing.B) {
	subject := rule.Subject{User: alice(b)}
	r := mustParse(b, longRule())
	b.Run("match", func(b *testing.B) {
		benchmark(b, func() bool { return r.Match(subject, now) })
	})
	b.Run("next", func(b *testing.B) {
		benchmark(b, func() bool { return !r.Next(subject, now).IsZero() })
	})
	one := mustParse(b, `user.data.plan = "premium" AND user.data.lifetime_value > 1000`)
	b.Run("short", func(b *testing.B) {
		benchmark(b, func() bool { return one.Match(subject, now) })
	})
}

// benchmark measures what must be true of the subject, in users a second.
func benchmark(b *testing.B, holds func() bool) {
	b.ReportAllocs()
	for b.Loop() {
		if !holds() {
			b.Fatal("it does not hold")
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "users/s")
}

// TestMatchAllocates checks that a match costs no memory: it is done for every user and every list.
func TestMatchAllocates(t *testing.T) {
	subject := rule.Subject{User: alice(t), Journey: map[string]any{"a": "b"}}
	subject.User.Data["zoned"] = "2026-06-01T08:00:00.123+05:30"
	for _, text := range []string{
		longRule(), `user.data.zoned > now - 30 days AND user.data.huge > 1e37 AND user.data["first name"] CONTAINS "Å"
			AND user.subscriptions.` + joined + ` = "subscribed" AND user.identifiers.posthog = "ph_2" AND journey.a = "b"
			AND user.data.tags CONTAINS 7`,
	} {
		r := mustParse(t, text)
		if !r.Match(subject, now) {
			t.Fatalf("%s: no match", text)
		}
		if n := testing.AllocsPerRun(100, func() { r.Match(subject, now) }); n > 0 {
			t.Errorf("a match makes %v allocations, want none", n)
		}
		if n := testing.AllocsPerRun(100, func() { r.Next(subject, now.Add(time.Second)) }); n > 0 {
			t.Errorf("Next makes %v allocations, want none", n)
		}
	}
}
