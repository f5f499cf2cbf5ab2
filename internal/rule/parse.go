package rule

import (
	"fmt"
	"strconv"
	"strings"
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

// is reports whether the current token is a symbol, or the first word of a keyword in any case, and notes that it would be taken.
func (p *parser) is(text string) bool {
	first, _, _ := strings.Cut(text, " ")
	t := p.token
	if t.kind == symbol && t.text == first || t.kind == word && strings.EqualFold(t.text, first) {
		return true
	}
	p.expected = append(p.expected, text)
	return false
}

// accept moves on if the symbol or keyword is here, and reports whether it was.
func (p *parser) accept(text string) (bool, error) {
	if !p.is(text) {
		return false, nil
	}
	err := p.advance()
	if _, second, ok := strings.Cut(text, " "); ok && err == nil {
		err = p.require(second)
	}
	return true, err
}

// require moves on if the symbol or keyword is here, and fails if it is not.
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
	if ok, err := p.spelling(c, false); ok || err != nil {
		return err
	}
	negated, err := p.accept("NOT")
	if err != nil {
		return err
	}
	ok, err := p.spelling(c, true)
	if err == nil && !ok {
		err = p.fail()
	}
	c.negated = negated
	return err
}

// spelling moves on if an operator is here that is a symbol, or a word, and reports whether it was.
func (p *parser) spelling(c *comparison, word bool) (bool, error) {
	for _, o := range spellings {
		if o.word != word {
			continue
		}
		if ok, err := p.accept(o.text); ok || err != nil {
			c.op, c.negated = o.op, o.negated
			return ok, err
		}
	}
	return false, nil
}
