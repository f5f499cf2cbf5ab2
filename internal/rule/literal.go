package rule

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// valueKind is the type of a value.
type valueKind int

const (
	object valueKind = iota // or whatever else no comparison is for
	null
	boolean
	text
	numeric
	moment // of a literal: relative to now; of a value: a time
)

// literal is a value as the rule has it, with all that can be worked out beforehand.
type literal struct {
	kind valueKind
	yes  bool   // of a boolean
	text string // of a text; of a number, as it is written

	number number
	needle needle    // of a text, to look for
	date   time.Time // of a text that is a date
	dated  bool

	offset   time.Duration // of a moment, from now
	negative bool
	count    int
	unit     unit
}

// unit is a unit of time. Months and years have a fixed length, so that a moment has no surprises at the ends of months.
type unit struct {
	name   string
	length time.Duration
}

const (
	day = 24 * time.Hour
	// maxOffset is how far from now a moment may be. A time.Duration holds 292 years.
	maxOffset = 100 * 365 * day
)

var units = [...]unit{
	{"minutes", time.Minute}, {"hours", time.Hour}, {"days", day}, {"weeks", 7 * day}, {"months", 30 * day}, {"years", 365 * day},
}

func textLiteral(s string) literal {
	l := literal{kind: text, text: s}
	l.date, l.dated = parseDate(s)
	return l
}

func numberLiteral(s string) literal {
	l := literal{kind: numeric, text: s}
	l.number, _ = parseNumber(s)
	return l
}

// word returns the keyword of a boolean or null.
func (l *literal) word() string {
	switch {
	case l.kind == null:
		return "NULL"
	case l.yes:
		return "TRUE"
	}
	return "FALSE"
}

// print appends the canonical form.
func (l *literal) print(to []byte) []byte {
	switch l.kind {
	case text:
		return printText(to, l.text)
	case numeric:
		return append(to, l.text...)
	case moment:
		return l.printMoment(to)
	}
	return append(to, l.word()...)
}

func (l *literal) printMoment(to []byte) []byte {
	to = append(to, "now"...)
	if l.unit.name == "" {
		return to
	}
	sign, name := " + ", l.unit.name
	if l.negative {
		sign = " - "
	}
	if l.count == 1 {
		name = name[:len(name)-1]
	}
	to = strconv.AppendInt(append(to, sign...), int64(l.count), 10)
	return append(append(to, ' '), name...)
}

// printText appends a string in quotes, with the escapes of JSON where one is needed.
func printText(to []byte, s string) []byte {
	to = append(to, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			to = append(to, '\\', byte(r))
		case r == '\n':
			to = append(to, `\n`...)
		case r == '\r':
			to = append(to, `\r`...)
		case r == '\t':
			to = append(to, `\t`...)
		case r < ' ' || r == 0x7F:
			to = append(to, `\u00`...)
			to = append(to, hexDigits[r>>4], hexDigits[r&15])
		default:
			to = utf8.AppendRune(to, r)
		}
	}
	return append(to, '"')
}

const hexDigits = "0123456789abcdef"
