package rule_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"lunogram-users/internal/rule"
	"lunogram-users/internal/user"
)

// FuzzParse reads any text. It must be refused with a place in it, or be a rule whose canonical form is the same rule and means
// what a naive reading finds in it.
func FuzzParse(f *testing.F) {
	s := rule.Subject{User: alice(f), Journey: object(f, `{"tier": "gold"}`)}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := rule.Parse(text)
		if err != nil {
			checkPlace(t, text, err)
			return
		}
		again, err := rule.Parse(r.String())
		if err != nil || again.String() != r.String() {
			t.Fatalf("%q prints as %q, which parses to %v, %v", text, r, again, err)
		}
		got, why := r.Explain(s, now)
		if len(why) == 0 || got != r.Match(s, now) || got != again.Match(s, now) {
			t.Errorf("%q: Match says %v, Explain %v by %v, the canonical form %v", text, r.Match(s, now), got, why, again.Match(s, now))
		}
		if next := r.Next(s, now); !next.IsZero() && !next.After(now) {
			t.Errorf("%q: Next is %v", text, next)
		}
		if hugeExponent.MatchString(r.String()) || strings.Contains(r.String(), "subscriptions") {
			return // what a naive reading cannot do
		}
		if want := parseNaive(r.String()).holds(document(s.User, s.Journey, nil), now, nil); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	})
}

// hugeExponent finds what would take a big.Rat long to hold.
var hugeExponent = regexp.MustCompile(`[eE][+-]?\d{4}`)

// checkPlace checks that an error says where in the text it is.
func checkPlace(t *testing.T, text string, err error) {
	t.Helper()
	e, ok := err.(*rule.SyntaxError)
	if !ok || len(e.Expected) == 0 || !utf8.ValidString(e.Found) {
		t.Fatalf("%q: got error %#v", text, err)
	}
	lines := strings.Split(text, "\n")
	if e.Line < 1 || e.Line > len(lines) || e.Column < 1 || e.Column > utf8.RuneCountInString(lines[e.Line-1])+1 {
		t.Errorf("%q: got error %v, which is outside", text, err)
	}
}

// FuzzCompare holds any value against any literal.
func FuzzCompare(f *testing.F) {
	dates := []string{
		"2026-01-31", "2026-01-31T10:00:00Z", "2026-01-31 10:00:00.5+05:30", "2026-02-29", "0000-01-01", "9999-12-31T23:59:59-23:59",
	}
	texts := []string{"", "abcabd", "ABD", "ﬃ K", "ſ", "é", "12.50", "-1e-3", "0.0"}
	for i, s := range append(dates, texts...) {
		f.Add(s, dates[i%len(dates)])
		f.Add(s, texts[i%len(texts)])
	}
	f.Fuzz(func(t *testing.T, stored, literal string) {
		if len(literal) > 500 || len(stored) > 500 || !utf8.ValidString(stored) || !utf8.ValidString(literal) {
			return
		}
		for _, v := range []any{stored, json.Number(stored), []any{stored}} {
			if _, ok := v.(json.Number); ok && (!jsonNumber.MatchString(stored) || hugeExponent.MatchString(stored)) {
				continue
			}
			u := &user.User{Data: map[string]any{"a": v}}
			for _, text := range comparisons(literal) {
				r, err := rule.Parse(text)
				if err != nil || hugeExponent.MatchString(text) {
					continue
				}
				want := parseNaive(r.String()).holds(document(u, nil, nil), now, nil)
				if got := r.Match(rule.Subject{User: u}, now); got != want {
					t.Errorf("%s of %T %q: got %v, want %v", text, v, v, got, want)
				}
			}
		}
	})
}

// comparisons returns all comparisons with a literal as a string and as a number, of which some are none, and with now.
func comparisons(literal string) []string {
	quoted, _ := json.Marshal(literal)
	all := []string{fmt.Sprintf("user.data.a IN (%s, %s)", quoted, literal), fmt.Sprintf("user.data.a NOT IN (%s, %s)", quoted, literal)}
	for _, operator := range []string{"=", "!=", "<", "<=", ">", ">=", "CONTAINS", "NOT CONTAINS", "STARTS WITH", "ENDS WITH"} {
		for _, operand := range []string{string(quoted), literal, "now - 2 hours"} {
			all = append(all, "user.data.a "+operator+" "+operand)
		}
	}
	return all
}

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$`)
