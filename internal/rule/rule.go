// Package rule is the language in which a team says who is meant, such as
//
//	user.data.plan = "premium" AND user.data.lifetime_value > 1000
//
// docs/rules.md describes it for those who write rules. A rule is parsed once and then held against users in memory. It knows
// nothing of HTTP, storage or lists, and its functions are pure.
//
// A comparison with a value that is missing, or of another type than the comparison needs, is false, never an error.
package rule

import (
	"slices"
	"time"

	"lunogram-users/internal/user"
)

// MaxLength is the most bytes that a rule may have, as it is written and in its canonical form.
const MaxLength = 4096

// Rule is a parsed rule. It does not change and is safe for concurrent use.
type Rule struct {
	root              node
	comparisons       []*comparison
	text              string
	fields            []string
	relative, journey bool
}

// Subject is what a rule is held against.
type Subject struct {
	// User is the profile. Without one all paths that start with user are missing.
	User *user.User
	// Journey holds, by their data keys, what the steps of a journey have left: JSON values as in user.User.Data.
	Journey map[string]any
}

// Parse reads a rule. The error is a *SyntaxError.
func Parse(text string) (*Rule, error) {
	p, err := newParser(text)
	if err != nil {
		return nil, err
	}
	root, err := p.rule()
	if err != nil {
		return nil, err
	}
	r := &Rule{root: root, comparisons: p.comparisons, text: string(root.print(nil))}
	if len(r.text) > MaxLength {
		return nil, p.tooLong(len(text), "a rule of at most 4096 bytes when it is spaced out")
	}
	for _, c := range p.comparisons {
		c.work = maxWork / len(p.comparisons)
		r.fields = append(r.fields, c.path.text)
		r.relative = r.relative || c.relative()
		r.journey = r.journey || c.path.field == fieldJourney
	}
	slices.Sort(r.fields)
	r.fields = slices.Compact(r.fields)
	return r, nil
}

// String returns the rule in its canonical form: spaced out, keywords in capitals, without parentheses that change nothing. It
// parses to the same rule, and two rules with the same canonical form match the same users.
func (r *Rule) String() string { return r.text }

// Fields returns the paths of the values that the rule asks for, in their canonical form, sorted, each once.
func (r *Rule) Fields() []string { return slices.Clone(r.fields) }

// Relative reports whether the rule depends on the time, because it says now.
func (r *Rule) Relative() bool { return r.relative }

// Journey reports whether the rule asks for a value of a journey.
func (r *Rule) Journey() bool { return r.journey }

// Match reports whether the subject matches the rule at the given time. What it takes is bounded, whatever the subject is: of huge
// arrays it may not see all, as docs/rules.md says.
func (r *Rule) Match(s Subject, now time.Time) bool {
	return r.root.match(s, now.UTC())
}

// Next returns the earliest moment after now, in UTC and exact to the nanosecond, at which Match may differ for the same subject;
// zero if the subject has to change first. Until then Match is what it is now.
func (r *Rule) Next(s Subject, now time.Time) time.Time {
	if !r.relative {
		return time.Time{}
	}
	_, at := r.root.next(s, now.UTC())
	return at.UTC()
}

// Comparison is one comparison of a rule and how it came out. It has no value of the user.
type Comparison struct {
	Text  string // canonical
	Holds bool
}

// Explain returns what Match returns, and the comparisons that decided it, in the order of the rule: those that are false if one
// of an AND is, those that are true if one of an OR is, or else all of it.
func (r *Rule) Explain(s Subject, now time.Time) (bool, []Comparison) {
	return r.root.explain(s, now.UTC())
}
