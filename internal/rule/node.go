package rule

import (
	"time"
)

// node is a part of a rule that is true or false of a subject.
type node interface {
	match(s Subject, now time.Time) bool
	// next returns what match does, and until when it does so at the least; zero means for ever.
	next(s Subject, now time.Time) (bool, time.Time)
	explain(s Subject, now time.Time) (bool, []Comparison)
	// print appends the canonical form.
	print(to []byte) []byte
}

// junction is an AND or an OR of two or more nodes, none of which is of the same kind.
type junction struct {
	// or is what a single part must be to decide the whole: false decides an AND, true an OR.
	or    bool
	parts []node
}

// join returns the junction of the parts; of one part, the part.
func join(or bool, parts []node) node {
	if len(parts) == 1 {
		return parts[0]
	}
	j := &junction{or: or}
	for _, part := range parts {
		if same, ok := part.(*junction); ok && same.or == or {
			j.parts = append(j.parts, same.parts...)
		} else {
			j.parts = append(j.parts, part)
		}
	}
	return j
}

func (j *junction) match(s Subject, now time.Time) bool {
	for _, part := range j.parts {
		if part.match(s, now) == j.or {
			return j.or
		}
	}
	return !j.or
}

// next: as long as one of the parts that decide stays what it is, so does the whole. Where none decides, all must stay.
func (j *junction) next(s Subject, now time.Time) (bool, time.Time) {
	decided, all := span{}, span{}
	for _, part := range j.parts {
		holds, until := part.next(s, now)
		all.add(until)
		if holds == j.or {
			decided.add(until)
		}
	}
	if decided.any {
		return j.or, decided.last
	}
	return !j.or, all.first
}

func (j *junction) explain(s Subject, now time.Time) (bool, []Comparison) {
	var decided, all []Comparison
	for _, part := range j.parts {
		holds, why := part.explain(s, now)
		all = append(all, why...)
		if holds == j.or {
			decided = append(decided, why...)
		}
	}
	if decided != nil {
		return j.or, decided
	}
	return !j.or, all
}

func (j *junction) print(to []byte) []byte {
	for i, part := range j.parts {
		switch {
		case i > 0 && j.or:
			to = append(to, " OR "...)
		case i > 0:
			to = append(to, " AND "...)
		}
		_, inner := part.(*junction)
		to = printPart(to, part, inner && !j.or)
	}
	return to
}

// printPart prints a node, in parentheses if they are needed.
func printPart(to []byte, part node, parentheses bool) []byte {
	if !parentheses {
		return part.print(to)
	}
	return append(part.print(append(to, '(')), ')')
}

// negation is a NOT before a node: the plain complement.
type negation struct{ of node }

func (n negation) match(s Subject, now time.Time) bool { return !n.of.match(s, now) }

func (n negation) next(s Subject, now time.Time) (bool, time.Time) {
	holds, until := n.of.next(s, now)
	return !holds, until
}

func (n negation) explain(s Subject, now time.Time) (bool, []Comparison) {
	holds, why := n.of.explain(s, now)
	return !holds, why
}

func (n negation) print(to []byte) []byte {
	_, inner := n.of.(*junction)
	return printPart(append(to, "NOT "...), n.of, inner)
}

// span is the first and the last of some moments, of which zero is later than all others.
type span struct {
	any         bool
	first, last time.Time
}

func (m *span) add(at time.Time) {
	if !m.any || later(m.first, at) {
		m.first = at
	}
	if !m.any || later(at, m.last) {
		m.last = at
	}
	m.any = true
}

// later reports whether a is later than b.
func later(a, b time.Time) bool {
	return !b.IsZero() && (a.IsZero() || a.After(b))
}
