package rule

import (
	"strings"
	"time"
)

// choices are the values of an IN, by type, so that what is looked up takes as long for a thousand of them as for one.
type choices struct {
	numbers         map[numberKey]struct{}
	texts           map[string]struct{}
	dates           map[dateKey]struct{} // of the texts that are dates
	yes, no, isNull bool                 // TRUE, FALSE and NULL are among them
}

func newChoices(values []literal) *choices {
	c := &choices{numbers: map[numberKey]struct{}{}, texts: map[string]struct{}{}, dates: map[dateKey]struct{}{}}
	for i := range values {
		switch l := &values[i]; l.kind {
		case numeric:
			n := l.number
			c.numbers[numberKey{n.sign, n.point, strings.Replace(n.digits, ".", "", 1)}] = struct{}{}
		case text:
			c.texts[l.text] = struct{}{}
			if l.dated {
				c.dates[keyOfDate(l.date)] = struct{}{}
			}
		case null:
			c.isNull = true
		case boolean:
			c.yes, c.no = c.yes || l.yes, c.no || !l.yes
		}
	}
	return c
}

// test reports whether the value equals one of them; ok is false if all of them are of other types. It is what scalar.equals
// says of each.
func (c *choices) test(v *scalar) (holds, ok bool) {
	switch v.kind {
	case null:
		holds = c.isNull
	case boolean:
		holds, ok = c.yes && v.yes || c.no && !v.yes, c.yes || c.no
	case numeric:
		holds, ok = c.hasNumber(v.number), len(c.numbers) > 0
	case text:
		_, holds = c.texts[v.text]
		holds, ok = holds || c.hasDate(v), len(c.texts) > 0
	case moment:
		holds, ok = c.hasDate(v), len(c.dates) > 0
	}
	return holds, ok || c.isNull
}

// numberKey is the same for equal numbers: a number whose digits have no dot in them.
type numberKey struct {
	sign, point int
	digits      string
}

func (c *choices) hasNumber(n number) bool {
	whole, fraction, dotted := strings.Cut(n.digits, ".")
	if !dotted {
		_, found := c.numbers[numberKey{n.sign, n.point, n.digits}]
		return found
	}
	var buffer [64]byte // DynamoDB has 38 digits
	digits := append(append(buffer[:0], whole...), fraction...)
	_, found := c.numbers[numberKey{n.sign, n.point, string(digits)}]
	return found
}

// dateKey is the same for equal moments, whatever their zones.
type dateKey struct {
	second     int64
	nanosecond int
}

func keyOfDate(t time.Time) dateKey { return dateKey{t.Unix(), t.Nanosecond()} }

func (c *choices) hasDate(v *scalar) bool {
	if !v.dated {
		return false
	}
	_, found := c.dates[keyOfDate(v.date)]
	return found
}
