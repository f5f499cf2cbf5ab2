package engine

import (
	"slices"
	"strings"

	"github.com/osteele/liquid/expressions"

	"lunogram-users/internal/liquid"
)

// maxNesting is how deep blocks may nest.
const maxNesting = 100

// parser makes nodes of tokens.
type parser struct {
	*run
	tokens   []token
	next     int
	depth    int
	literals map[string]string // the variables that stand for them
}

// parse reads the whole template.
func (n *run) parse() []node {
	if len(n.template) > liquid.MaxTemplate {
		tooLarge("a template may have at most 256 KB")
	}
	p := parser{run: n, tokens: n.scan(), literals: map[string]string{}}
	body, _ := p.body()
	n.start()
	return body
}

// body reads nodes up to one of the tags, which it returns, or to the end if none is named.
func (p *parser) body(until ...string) ([]node, token) {
	var nodes []node
	for {
		t := p.tokens[p.next]
		p.next++
		p.at = t.at
		p.step()
		switch {
		case t.kind == end && len(until) > 0:
			p.fail(t.at, "the template ends before {%% %s %%}", until[len(until)-1])
		case t.kind == end || t.kind == tag && slices.Contains(until, t.name):
			return nodes, t
		case t.kind == text:
			nodes = append(nodes, textNode(t.text))
		case t.kind == output:
			nodes = append(nodes, outputNode{p.expr(t)})
		default:
			nodes = append(nodes, p.tag(t))
		}
	}
}

// tag reads a tag, with all of the block that it begins.
func (p *parser) tag(t token) node {
	if p.depth++; p.depth > maxNesting {
		p.fail(t.at, "blocks nest more than %d deep", maxNesting)
	}
	defer func() { p.depth-- }()
	switch t.name {
	case "if", "unless":
		return ifBlock(p, t)
	case "case":
		return caseBlock(p, t)
	case "for", "tablerow":
		return loop(p, t)
	case "capture":
		return capture(p, t)
	case "assign":
		return assign(p, t)
	case "cycle":
		return cycle(p, t)
	case "break":
		return jump(breaking)
	case "continue":
		return jump(continuing)
	}
	p.fail(t.at, "this tag is unknown or not allowed here")
	return nil
}

// expr reads the expression that a token holds.
func (p *parser) expr(t token) expr {
	p.check()
	if t.text == "" {
		p.fail(t.at, "an expression is missing")
	}
	if strings.ContainsAny(t.text[:1], "%{") { // with which the library marks its statements
		p.fail(t.at, "this is no expression")
	}
	text := p.bind(t)
	e, err := guard(func() (expressions.Expression, error) { return expressions.Parse(text) })
	if err != nil {
		p.fail(t.at, "this is no expression")
	}
	return expr{e, t.at}
}

// statement reads the arguments of a tag that the library knows, by the selector of the tag.
func (p *parser) statement(selector string, t token) *expressions.Statement {
	p.check()
	text := t.text
	if selector != expressions.CycleStatementSelector { // which wants its literals as they are
		text = p.bind(t)
	}
	s, err := guard(func() (*expressions.Statement, error) { return expressions.ParseStatement(selector, text) })
	if err != nil {
		p.fail(t.at, "what follows %q cannot be read", t.name)
	}
	return s
}

// guard calls a parser of the library, which panics on a number that is too large, for one.
func guard[T any](parse func() (T, error)) (v T, err error) {
	defer func() {
		if recover() != nil {
			err = liquid.ErrSyntax
		}
	}()
	return parse()
}
