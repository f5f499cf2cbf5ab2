package rule

import (
	"strconv"
	"strings"
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

// values reads what the operator of a comparison needs.
func (p *parser) values(c *comparison) error {
	switch c.op {
	case exists:
		return nil
	case in:
		return p.list(c)
	}
	return p.value(c)
}

// list = "(" value { "," value } ")" .
func (p *parser) list(c *comparison) error {
	if err := p.require("("); err != nil {
		return err
	}
	for {
		if err := p.value(c); err != nil {
			return err
		}
		if more, err := p.accept(","); err != nil {
			return err
		} else if !more {
			return p.require(")")
		}
	}
}

// value = string | number | "TRUE" | "FALSE" | "NULL" | moment . Those that the operator could never hold of are not taken.
func (p *parser) value(c *comparison) (err error) {
	var l literal
	takesText := c.op == starts || c.op == ends
	switch t := p.token; {
	case t.kind == quoted:
		l, err = textLiteral(t.text), p.advance()
	case takesText:
		err = p.fail("a string in quotes")
	case t.kind == digits || t.kind == symbol && t.text == "-":
		l, err = p.number()
	default:
		p.expected = append(p.expected, "a string in quotes", "a number")
		l, err = p.keyword(c.op)
	}
	c.values = append(c.values, l)
	return err
}

// number = [ "-" ] digits .
func (p *parser) number() (literal, error) {
	minus, err := p.accept("-")
	if err != nil {
		return literal{}, err
	}
	text := p.token.text
	if p.token.kind != digits {
		return literal{}, p.fail("a number")
	}
	if minus {
		text = "-" + text
	}
	return numberLiteral(text), p.advance()
}

// keyword reads a value that is a keyword.
func (p *parser) keyword(op operator) (literal, error) {
	if !op.ordered() {
		for _, l := range []literal{{kind: boolean, yes: true}, {kind: boolean}, {kind: null}} {
			if ok, err := p.accept(l.word()); ok || err != nil {
				return l, err
			}
		}
	}
	if op != in && op != contains {
		if ok, err := p.accept("now"); err != nil {
			return literal{}, err
		} else if ok {
			return p.moment()
		}
	}
	return literal{}, p.fail()
}

// moment = "now" [ ( "+" | "-" ) count unit ] . It is called after "now".
func (p *parser) moment() (l literal, err error) {
	l.kind = moment
	signed, err := p.accept("+")
	if err == nil && !signed {
		signed, err = p.accept("-")
		l.negative = signed
	}
	if err != nil || !signed {
		return l, err
	}
	count := p.token
	if l.count, err = strconv.Atoi(count.text); count.kind != digits || err != nil {
		return l, p.fail("a whole number")
	}
	if err := p.advance(); err != nil {
		return l, err
	}
	if l.unit, err = p.unit(); err != nil {
		return l, err
	}
	if l.count > int(maxOffset/l.unit.length) {
		return l, syntaxError(p.text, count.from, count.to, "at most 100 years")
	}
	l.offset = time.Duration(l.count) * l.unit.length
	if l.negative {
		l.offset = -l.offset
	}
	return l, p.advance()
}

// unit returns the unit that is here, in the singular or in the plural.
func (p *parser) unit() (unit, error) {
	for _, u := range units {
		singular := strings.TrimSuffix(u.name, "s")
		if p.is(u.name) || p.token.kind == word && strings.EqualFold(p.token.text, singular) {
			return u, nil
		}
	}
	return unit{}, p.fail()
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
