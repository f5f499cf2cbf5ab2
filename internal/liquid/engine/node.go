package engine

import (
	"strings"

	"github.com/osteele/liquid/expressions"
)

// flow says how rendering goes on.
type flow byte

const (
	onward flow = iota
	breaking
	continuing
)

// node is a piece of a parsed template.
type node interface {
	render(n *run) flow
}

// body renders nodes until one breaks out of a loop.
func (n *run) body(nodes []node) flow {
	for _, node := range nodes {
		n.step()
		if f := node.render(n); f != onward {
			return f
		}
	}
	return onward
}

// emit writes text of the template, or a value that is escaped already.
func (n *run) emit(s string) {
	if n.capturing {
		n.make(len(s))
	} else {
		n.write(len(s))
	}
	n.work(len(s))
	n.out.add(s)
}

type textNode string

func (t textNode) render(n *run) flow {
	n.emit(string(t))
	return onward
}

type outputNode struct{ expr expr }

func (o outputNode) render(n *run) flow {
	n.emit(n.shown(n.eval(o.expr)))
	return onward
}

// jump is a {% break %} or {% continue %}. Outside a loop it ends the template.
type jump flow

func (j jump) render(*run) flow { return flow(j) }

type assignNode struct {
	name string
	expr expr
}

func assign(p *parser, t token) node {
	s := p.statement(expressions.AssignStatementSelector, t)
	if len(s.Path) != 1 {
		p.fail(t.at, "assign sets a plain name, without a dot")
	}
	p.settable(s.Path[0], t.at)
	return assignNode{s.Path[0], expr{s.ValueFn, t.at}}
}

func (a assignNode) render(n *run) flow {
	n.scope[a.name] = n.eval(a.expr)
	return onward
}

type captureNode struct {
	name string
	body []node
}

func capture(p *parser, t token) node {
	if t.text == "" || word(t.text) != len(t.text) {
		p.fail(t.at, "capture needs one plain name")
	}
	p.use(t.text, false, t.at)
	body, _ := p.body("endcapture")
	return captureNode{t.text, body}
}

// render keeps what the body prints, which is escaped already.
func (c captureNode) render(n *run) flow {
	defer func(out *buffer, capturing bool) { n.out, n.capturing = out, capturing }(n.out, n.capturing)
	n.out, n.capturing = &buffer{}, true
	f := n.body(c.body)
	v := n.wrap(n.out.String())
	v.safe = true
	n.scope[c.name] = v
	return f
}

// cycleNode prints its texts in turn.
type cycleNode struct {
	group string
	texts []string
}

func cycle(p *parser, t token) node {
	s := p.statement(expressions.CycleStatementSelector, t)
	group := s.Cycle.Group
	if group == "" {
		group = strings.Join(s.Cycle.Values, ",")
	}
	return cycleNode{group, s.Cycle.Values}
}

func (c cycleNode) render(n *run) flow {
	n.emit(c.texts[n.cycles[c.group]%len(c.texts)])
	n.cycles[c.group]++
	return onward
}
