package rule

import "time"

// comparison holds the value at a path against literals.
type comparison struct {
	path    path
	op      operator
	negated bool
	values  []literal
	choices *choices // of an IN: the values
	dated   bool     // a value that is a text may have to be read as a date
	work    int      // how much may be spent on one subject
}

// maxWork bounds what a rule does for one subject, in units of up to 50 ns: each comparison may do an equal part of it. A rule of one
// comparison sees all that a profile can hold: 400 KB are at most 204,800 elements.
const maxWork = 1 << 18

// prepare works out what every match would.
func (c *comparison) prepare() {
	for i := range c.values {
		l := &c.values[i]
		c.dated = c.dated || l.dated || l.kind == moment
		if l.kind == text && (c.op == contains || c.op == starts || c.op == ends) {
			l.needle = newNeedle(l.text)
		}
	}
	if c.op == in {
		c.choices = newChoices(c.values)
	}
}

// relative reports whether the comparison depends on the time.
func (c *comparison) relative() bool { return len(c.values) == 1 && c.values[0].kind == moment }

// tally is what the values at a path have come to.
type tally struct {
	now time.Time
	yes bool // the operator holds of one of them
	// no says that there is a value of which the operator could hold, and does not.
	no bool
	// timed asks for yesUntil and noUntil, so that all values must be seen.
	timed             bool
	yesUntil, noUntil span
	left              int  // work
	spent             bool // there was more to see than there was work left
}

// spend takes from the work that is left, and reports whether there was enough.
func (t *tally) spend(work int) bool {
	t.left -= work
	t.spent = t.spent || t.left < 0
	return !t.spent
}

func (c *comparison) match(s Subject, now time.Time) bool {
	t := tally{now: now, left: c.work}
	c.count(s, &t)
	return c.holds(&t)
}

// holds returns the outcome. What negates needs a value that it can be said of, and to have seen them all; only NOT EXISTS is there
// to be said of none.
func (c *comparison) holds(t *tally) bool {
	if !c.negated {
		return t.yes
	}
	return !t.yes && !t.spent && (t.no || c.op == exists)
}

func (c *comparison) next(s Subject, now time.Time) (bool, time.Time) {
	t := tally{now: now, timed: c.relative(), left: c.work}
	c.count(s, &t)
	switch {
	case t.yes:
		return c.holds(&t), t.yesUntil.last
	case t.spent && c.negated: // it cannot come to hold
		return false, time.Time{}
	}
	return c.holds(&t), t.noUntil.first
}

func (c *comparison) explain(s Subject, now time.Time) (bool, []Comparison) {
	holds := c.match(s, now)
	return holds, []Comparison{{string(c.print(nil)), holds}}
}

func (c *comparison) print(to []byte) []byte {
	to = append(append(to, c.path.text...), ' ')
	for _, o := range spellings {
		if o.op == c.op && (o.word || o.negated == c.negated) {
			if o.word && c.negated {
				to = append(to, "NOT "...)
			}
			to = append(to, o.text...)
			break
		}
	}
	for i := range c.values {
		switch {
		case i > 0:
			to = append(to, ", "...)
		case c.op == in:
			to = append(to, " ("...)
		default:
			to = append(to, ' ')
		}
		to = c.values[i].print(to)
	}
	if c.op == in {
		to = append(to, ')')
	}
	return to
}

// time notes until when the operator holds of a value, or does not.
func (t *tally) time(holds bool, until time.Time) {
	if holds {
		t.yesUntil.add(until)
	} else {
		t.noUntil.add(until)
	}
}

// flip returns when an operator between a value and now comes out differently for the first time, given the moment at which the
// two are equal; zero if it never does. As time goes by the value is first greater, then equal, then less.
func flip(op operator, equalAt, now time.Time) time.Time {
	before := now.Before(equalAt)
	switch {
	case before && op.admits(1) != op.admits(0):
		return equalAt
	case !now.After(equalAt) && op.admits(0) != op.admits(-1):
		return equalAt.Add(1)
	}
	return time.Time{}
}
