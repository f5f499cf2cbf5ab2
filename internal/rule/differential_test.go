package rule_test

import (
	"testing"
	"time"

	"lunogram-users/internal/rule"
)

var groups = []string{group, joined, unsaid}

// TestDifferential compares the package with a naive reading of the language, for random rules and subjects.
func TestDifferential(t *testing.T) {
	t.Parallel()
	c, matched := newChance(1), 0
	const rules, subjects = 4000, 8
	for range rules {
		text := c.rule(c.IntN(4))
		r, n := mustParse(t, text), parseNaive(text)
		for range subjects {
			s := c.subject()
			want := n.holds(document(s.User, s.Journey, groups), now, nil)
			if got := r.Match(s, now); got != want {
				t.Fatalf("%s\n%+v\n%+v\ngot %v, want %v", text, s.User, s.Journey, got, want)
			}
			if want {
				matched++
			}
		}
	}
	if share := float64(matched) / (rules * subjects); share < 0.2 || share > 0.8 {
		t.Errorf("%.2f of all pairs match, which tests little", share)
	}
}

// TestExplainDecides checks that the comparisons that Explain returns decide: whatever the others were, the result would be the
// same.
func TestExplainDecides(t *testing.T) {
	t.Parallel()
	c := newChance(2)
	for range 4000 {
		r := mustParse(t, c.rule(c.IntN(5)))
		s := c.subject()
		got, why := r.Explain(s, now)
		if want := r.Match(s, now); got != want {
			t.Fatalf("%s: Explain says %v, Match %v", r, got, want)
		}
		decided := map[string]bool{}
		for _, comparison := range why {
			decided[comparison.Text] = comparison.Holds
		}
		for range 4 {
			with := parseNaive(r.String()).holds(nil, now, func(text string) (bool, bool) {
				holds, ok := decided[text]
				return ok && holds || !ok && c.IntN(2) == 0, true
			})
			if with != got {
				t.Fatalf("%s is %v by %+v, which does not decide it", r, got, why)
			}
		}
	}
}

// TestNextIsInTime checks that a rule does not change its mind before it says so.
func TestNextIsInTime(t *testing.T) {
	t.Parallel()
	c, exact, changes := newChance(3), 0, 0
	for range 20000 {
		text := c.rule(c.IntN(3))
		r := mustParse(t, text)
		if !r.Relative() {
			continue
		}
		s := c.subject()
		for _, key := range []string{"a", "b"} {
			s.User.Data[key] = c.date()
		}
		s.User.Data["c"] = []any{c.date(), c.text(), c.date()}
		at := now.Add(time.Duration(c.IntN(4000)-2000) * time.Hour)
		holds, next := r.Match(s, at), r.Next(s, at)
		if !next.IsZero() && !next.After(at) {
			t.Fatalf("%s: the next change after %v is %v", text, at, next)
		}
		for _, moment := range moments(parseNaive(text), document(s.User, s.Journey, groups)) {
			if !moment.After(at) || r.Match(s, moment) == holds {
				continue
			}
			if next.IsZero() || next.After(moment) {
				t.Fatalf("%s\n%+v\nat %v it changes at %v, next is %v", text, s.User, at, moment, next)
			}
			changes++
			if next.Equal(moment) {
				exact++
			}
			break
		}
	}
	if changes < 500 || float64(exact) < 0.9*float64(changes) {
		t.Errorf("%d of %d changes are foretold to the nanosecond", exact, changes)
	}
}

// TestCanonical checks that the canonical form of a rule is one, and means the same.
func TestCanonical(t *testing.T) {
	t.Parallel()
	c := newChance(4)
	for range 4000 {
		text := c.rule(c.IntN(5))
		r := mustParse(t, text)
		again, err := rule.Parse(r.String())
		if err != nil || again.String() != r.String() {
			t.Fatalf("%q prints as %q, which parses to %v, %v", text, r, again, err)
		}
		if s := c.subject(); again.Match(s, now) != r.Match(s, now) {
			t.Fatalf("%q and its canonical form %q differ", text, r)
		}
	}
}
