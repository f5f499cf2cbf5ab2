package engine

import (
	"slices"
	"strings"

	"lunogram-users/internal/liquid"
)

// maxNesting is how deep blocks may nest.
const maxNesting = 100

// parser makes nodes of tokens.
type parser struct {
	*run
	tokens []token
	next   int
	depth  int
}

// parse reads the whole template.
func (n *run) parse() []node {
	if len(n.template) > liquid.MaxTemplate {
		tooLarge("a template may have at most 256 KB")
	}
	p := parser{run: n, tokens: n.scan()}
	body, _ := p.body()
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
			p.alone(t)
			return nodes, t
		case t.kind == text:
			nodes = append(nodes, textNode(t.text))
		case t.kind == output:
			nodes = append(nodes, outputNode{p.printed(t)})
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
	case "echo":
		return outputNode{p.printed(t)}
	case "increment":
		return counter(p, t, 0, 1)
	case "decrement":
		return counter(p, t, -1, -1)
	case "break", "continue":
		p.alone(t)
		return jump(t.name == "break")
	case "elseif", "elif":
		p.fail(t.at, "there is no tag %q; write elsif", t.name)
	}
	p.fail(t.at, "this tag is unknown or not allowed here")
	return nil
}

// alone makes sure that nothing follows the name of a tag that takes nothing.
func (p *parser) alone(t token) {
	switch {
	case t.text == "" || t.name == "when" || t.name == "elsif":
	case t.name == "else" && strings.HasPrefix(t.text, "if"):
		p.fail(t.at, "in place of else if, write elsif")
	default:
		p.fail(t.at, "the tag %q takes nothing, and %q follows it", t.name, short(t.text))
	}
}
