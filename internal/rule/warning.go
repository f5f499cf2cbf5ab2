package rule

import (
	"slices"
	"time"

	"lunogram-users/internal/consent"
)

// Warning is a comparison that comes out the same for everybody, or would without one of its values, so that its author will
// have meant another.
type Warning struct {
	Comparison string // canonical
	Detail     string // why, in English
}

// Warnings returns a warning for each comparison of which it is certain, in the order of the rule. isGroup reports whether the
// project has a group with that id; it is called only for rules that ask for the state of one.
func (r *Rule) Warnings(isGroup func(id string) bool) []Warning {
	var all []Warning
	for _, c := range r.comparisons {
		if detail := c.doubt(isGroup); detail != "" {
			all = append(all, Warning{string(c.print(nil)), detail})
		}
	}
	return all
}

// Groups returns the ids of the groups that the rule asks for the state of, as it has them, in its order.
func (r *Rule) Groups() []string {
	var ids []string
	for _, c := range r.comparisons {
		if c.path.field == fieldSubscription {
			ids = append(ids, c.path.name)
		}
	}
	return ids
}

// doubt says why the comparison, or with one of its values, is the same for everybody; "" if that is not certain.
func (c *comparison) doubt(isGroup func(id string) bool) string {
	switch {
	case c.path.field == fieldSubscription && !isGroup(c.path.name):
		return "the project has no group with this id"
	case c.op == exists && c.negated && c.always():
		return "everybody has it"
	}
	if c.negated && !c.always() { // it tells who has a value from who has none
		return ""
	}
	for i := range c.values {
		if detail := c.mismatch(&c.values[i]); detail != "" {
			return detail
		}
	}
	return ""
}

// always reports whether everybody has a value at the path.
func (c *comparison) always() bool {
	return slices.Contains([]field{fieldID, fieldCreatedAt, fieldUpdatedAt, fieldSubscription}, c.path.field) ||
		c.path.field == fieldIdentifiers && c.path.name == ""
}

// mismatch says why nobody can have a value of which the operator holds with the literal; "" if somebody may.
func (c *comparison) mismatch(l *literal) string {
	isWord := c.op == contains || c.op == starts || c.op == ends
	switch c.path.field {
	case fieldSubscription:
		if !c.ofAState(l) {
			return `it is "subscribed", "unsubscribed" or "not_set"`
		}
	case fieldCreatedAt, fieldUpdatedAt:
		if isWord {
			return "it is a time, in which no text can be looked for"
		}
		if l.kind != moment && !l.dated {
			return "it is a time, which is compared with dates and moments only"
		}
	case fieldID, fieldEmail, fieldPhone, fieldTimezone, fieldLocale:
		if l.kind != text {
			return "it is a string, which is compared with strings only"
		}
	case fieldIdentifiers:
		if l.kind != text && l.kind != moment {
			return "external ids are strings"
		}
	}
	return ""
}

// ofAState reports whether the operator holds between any state and the literal.
func (c *comparison) ofAState(l *literal) bool {
	op := c.op
	if op == in {
		op = equal
	}
	return slices.ContainsFunc([]consent.State{consent.Subscribed, consent.Unsubscribed, consent.NotSet}, func(s consent.State) bool {
		v := read(string(s), false)
		holds, ok := v.test(op, l, time.Time{})
		return holds && ok
	})
}
