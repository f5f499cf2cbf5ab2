package rule

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxDepth is how deep parentheses and NOT may nest.
const maxDepth = 50

// parser reads a rule by recursive descent, one function for each line of the grammar in docs/rules.md. It notes what it would
// have taken at the current token, so that an error can say all that could have been there.
type parser struct {
	scanner
	token       token
	expected    []string
	depth       int
	comparisons []*comparison // in the order of the rule
}

// newParser returns a parser at the first token.
func newParser(text string) (*parser, error) {
	p := &parser{scanner: scanner{text: text}}
	if len(text) > MaxLength {
		at := MaxLength
		for !utf8.RuneStart(text[at]) {
			at--
		}
		return nil, p.tooLong(at, "a rule of at most 4096 bytes")
	}
	for at, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[at:], string(utf8.RuneError)) {
			err := syntaxError(text, at, at, "text in UTF-8")
			err.Found = fmt.Sprintf("byte %#x", text[at])
			return nil, err
		}
	}
	return p, p.advance()
}

// tooLong returns an error at an offset, since the rule is too long there.
func (p *parser) tooLong(at int, expected string) error {
	err := syntaxError(p.text, at, at, expected)
	err.Found = strconv.Itoa(len(p.text)) + " bytes"
	return err
}

// advance moves to the next token.
func (p *parser) advance() (err error) {
	p.expected = p.expected[:0]
	p.token, err = p.next()
	return err
}

// fail returns an error that says that none of what was tried, nor of the given, is there.
func (p *parser) fail(expected ...string) error {
	return syntaxError(p.text, p.token.from, p.token.to, append(p.expected[:len(p.expected):len(p.expected)], expected...)...)
}

// is reports whether the current token is a symbol, or a keyword in any case, and notes that it would be taken.
func (p *parser) is(text string) bool {
	t := p.token
	if t.kind == symbol && t.text == text || t.kind == word && strings.EqualFold(t.text, text) {
		return true
	}
	p.expected = append(p.expected, text)
	return false
}

// accept moves on if the current token is the symbol or keyword, and reports whether it was.
func (p *parser) accept(text string) (bool, error) {
	if !p.is(text) {
		return false, nil
	}
	return true, p.advance()
}

// require moves on if the current token is the symbol or keyword, and fails if it is not.
func (p *parser) require(text string) error {
	ok, err := p.accept(text)
	if err == nil && !ok {
		err = p.fail()
	}
	return err
}

// rule = or .
func (p *parser) rule() (node, error) {
	n, err := p.or()
	if err == nil && p.token.kind != end {
		err = p.fail("the end of the rule")
	}
	return n, err
}

// or = and { "OR" and } .
func (p *parser) or() (node, error) { return p.junction(true, "OR", p.and) }

// and = not { "AND" not } .
func (p *parser) and() (node, error) { return p.junction(false, "AND", p.not) }

func (p *parser) junction(or bool, keyword string, part func() (node, error)) (node, error) {
	var parts []node
	for {
		n, err := part()
		if err != nil {
			return nil, err
		}
		parts = append(parts, n)
		if more, err := p.accept(keyword); err != nil || !more {
			return join(or, parts), err
		}
	}
}

// not = "NOT" not | "(" or ")" | comparison .
func (p *parser) not() (node, error) {
	p.expected = append(p.expected, "user.…", "journey.…")
	if p.is("NOT") {
		return p.nested(func() (node, error) {
			n, err := p.not()
			return negation{n}, err
		})
	}
	if p.is("(") {
		return p.nested(func() (node, error) {
			n, err := p.or()
			if err != nil {
				return nil, err
			}
			return n, p.require(")")
		})
	}
	return p.comparison()
}

// nested moves over a token that opens a level and reads what is in it.
func (p *parser) nested(inner func() (node, error)) (node, error) {
	if p.depth == maxDepth {
		p.expected = p.expected[:0]
		return nil, p.fail("at most 50 levels of parentheses and NOT")
	}
	p.depth++
	defer func() { p.depth-- }()
	if err := p.advance(); err != nil {
		return nil, err
	}
	return inner()
}

// comparison = path ( symbol value | [ "NOT" ] words ) .
func (p *parser) comparison() (node, error) {
	c := &comparison{}
	if err := p.path(&c.path); err != nil {
		return nil, err
	}
	if err := p.operator(c); err != nil {
		return nil, err
	}
	if err := p.values(c); err != nil {
		return nil, err
	}
	c.prepare()
	p.comparisons = append(p.comparisons, c)
	return c, nil
}

// operator reads the operator of a comparison.
func (p *parser) operator(c *comparison) error {
	for _, o := range spellings {
		if o.word {
			continue
		}
		if ok, err := p.accept(o.text); ok || err != nil {
			c.op, c.negated = o.op, o.negated
			return err
		}
	}
	negated, err := p.accept("NOT")
	if err != nil {
		return err
	}
	c.negated = negated
	for _, o := range spellings {
		first, second, _ := strings.Cut(o.text, " ")
		if !o.word {
			continue
		}
		if ok, err := p.accept(first); !ok && err == nil {
			continue
		} else if err != nil {
			return err
		}
		c.op = o.op
		if second != "" {
			return p.require(second)
		}
		return nil
	}
	return p.fail()
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
func (p *parser) value(c *comparison) error {
	l, err := p.literal(c.op)
	c.values = append(c.values, l)
	return err
}

func (p *parser) literal(op operator) (literal, error) {
	takesText := op == starts || op == ends
	switch t := p.token; {
	case t.kind == quoted:
		return textLiteral(t.text), p.advance()
	case t.kind == digits && !takesText:
		return numberLiteral(t.text), p.advance()
	case takesText:
		return literal{}, p.fail("a string in quotes")
	}
	p.expected = append(p.expected, "a string in quotes", "a number")
	if !op.ordered() {
		for _, l := range []literal{{kind: boolean, yes: true}, {kind: boolean}, {kind: null}} {
			if ok, err := p.accept(l.word()); ok || err != nil {
				return l, err
			}
		}
	}
	if op == equal || op.ordered() {
		if ok, err := p.accept("now"); err != nil {
			return literal{}, err
		} else if ok {
			return p.moment()
		}
	}
	return literal{}, p.fail()
}

// moment = "now" [ ( "+" | "-" ) count unit ] . It is called after "now".
func (p *parser) moment() (literal, error) {
	l := literal{kind: moment}
	count, negative := strings.CutPrefix(p.token.text, "-")
	if p.token.kind != digits || !negative { // now -30 days: the sign is part of the number
		plus, err := p.accept("+")
		if err != nil {
			return l, err
		}
		if !plus {
			if negative, err = p.accept("-"); err != nil || !negative {
				return l, err
			}
		}
		count = p.token.text
	}
	n, err := strconv.Atoi(count)
	if p.token.kind != digits || err != nil || n < 0 {
		return l, p.fail("a whole number")
	}
	at := p.token
	if err := p.advance(); err != nil {
		return l, err
	}
	for _, u := range units {
		singular := p.token.kind == word && strings.EqualFold(p.token.text, strings.TrimSuffix(u.name, "s"))
		if !singular && !p.is(u.name) {
			continue
		}
		if n > int(maxOffset/u.length) {
			return l, syntaxError(p.text, at.from, at.to, "at most 100 years")
		}
		l.count, l.unit, l.negative = n, u, negative
		l.offset = time.Duration(n) * u.length
		if negative {
			l.offset = -l.offset
		}
		return l, p.advance()
	}
	return l, p.fail()
}
