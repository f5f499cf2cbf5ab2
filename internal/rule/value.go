package rule

import (
	"encoding/json"
	"strings"
	"time"
)

// scalar is a value of a subject, read as far as a comparison needs it.
type scalar struct {
	kind   valueKind
	yes    bool
	text   string
	number number
	date   time.Time // of a time, or of a text that is a date
	dated  bool
}

// read returns what a value is; dated asks whether a text is a date.
func read(v any, dated bool) scalar {
	switch v := v.(type) {
	case nil:
		return scalar{kind: null}
	case bool:
		return scalar{kind: boolean, yes: v}
	case json.Number:
		n, ok := parseNumber(string(v))
		if ok {
			return scalar{kind: numeric, number: n}
		}
	case string:
		return readText(v, dated)
	case *string:
		return readText(*v, dated)
	case *time.Time:
		return scalar{kind: moment, date: *v, dated: true}
	}
	return scalar{}
}

func readText(s string, dated bool) scalar {
	t := scalar{kind: text, text: s}
	if dated {
		t.date, t.dated = parseDate(s)
	}
	return t
}

// test reports whether the operator holds between the value and the literal; ok is false if it is not for values of their types.
func (s *scalar) test(op operator, l *literal, now time.Time) (holds, ok bool) {
	switch op {
	case equal:
		return s.equals(l, now)
	case contains:
		return s.kind == text && l.kind == text && l.needle.in(s.text), s.kind == text && l.kind == text
	case starts:
		return s.kind == text && l.needle.starts(s.text), s.kind == text
	case ends:
		return s.kind == text && l.needle.ends(s.text), s.kind == text
	}
	sign, ok := s.order(l, now)
	return ok && op.admits(sign), ok
}

// equals reports whether the value is the literal. NULL can be asked of everything, and nothing else of null.
func (s *scalar) equals(l *literal, now time.Time) (holds, ok bool) {
	switch {
	case l.kind == null:
		return s.kind == null, true
	case s.kind == boolean && l.kind == boolean:
		return s.yes == l.yes, true
	case s.kind == text && l.kind == text && (s.text == l.text || !s.dated || !l.dated):
		return s.text == l.text, true
	}
	sign, ok := s.order(l, now)
	return ok && sign == 0, ok
}

// order returns -1, 0 or 1 as the value is less than, equal to or greater than the literal; ok is false if their types have no
// order. A literal that is a date is compared with dates only.
func (s *scalar) order(l *literal, now time.Time) (sign int, ok bool) {
	switch {
	case s.kind == numeric && l.kind == numeric:
		return s.number.compare(l.number), true
	case l.kind == moment && s.dated:
		return s.date.Compare(now.Add(l.offset)), true
	case l.dated && s.dated:
		return s.date.Compare(l.date), true
	case s.kind == text && l.kind == text && !l.dated:
		return strings.Compare(s.text, l.text), true
	}
	return 0, false
}
