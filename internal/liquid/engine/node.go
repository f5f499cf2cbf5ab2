package engine

import (
	"strconv"
	"strings"
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

// jump is a {% break %} if it is true, and a {% continue %} if not. Outside a loop it ends the template.
type jump bool

func (j jump) render(*run) flow {
	if j {
		return breaking
	}
	return continuing
}

type assignNode struct {
	name string
	expr expr
}

func assign(p *parser, t token) node {
	r := p.reader(t)
	name := r.name()
	if r.is(".") || r.is("[") {
		p.fail(t.at, "assign sets a plain name, without a dot")
	}
	if !r.accept("=") {
		p.fail(t.at, "assign needs a name, = and a value")
	}
	e := expr{r.condition(), t.at}
	r.end()
	return assignNode{name, e}
}

// render gives what has no path the name, so that members that it lacks can be listed. Null stays nameless, as it was
// assigned on purpose.
func (a assignNode) render(n *run) flow {
	v := n.eval(a.expr)
	if v.v != nil {
		v = v.called(a.name)
	}
	n.scope[a.name] = v
	return onward
}

type captureNode struct {
	name string
	body []node
}

func capture(p *parser, t token) node {
	name := p.plainName(t)
	body, _ := p.body("endcapture")
	return captureNode{name, body}
}

// plainName reads the only argument of a tag, a name, around which there may be quotes.
func (p *parser) plainName(t token) string {
	name := strings.Trim(t.text, `"'`)
	if name == "" || wordSize(name) != len(name) {
		p.fail(t.at, "%s needs one plain name", t.name)
	}
	return name
}

// render keeps what the body prints, which is escaped already.
func (c captureNode) render(n *run) flow {
	defer func(out *buffer, capturing bool) { n.out, n.capturing = out, capturing }(n.out, n.capturing)
	n.out, n.capturing = &buffer{}, true
	f := n.body(c.body)
	n.scope[c.name] = &value{run: n, v: n.out.String(), key: c.name, safe: true}
	return f
}

// counterNode prints a counter of the template, which {% assign %} does not touch.
type counterNode struct {
	name      string
	ahead, by int
}

// counter reads a tag that counts by so many, and prints the counter and so many ahead of what it was before.
func counter(p *parser, t token, ahead, by int) node {
	return counterNode{p.plainName(t), ahead, by}
}

func (c counterNode) render(n *run) flow {
	n.emit(strconv.Itoa(n.counters[c.name] + c.ahead))
	n.counters[c.name] += c.by
	return onward
}

// cycleNode prints its values in turn.
type cycleNode struct {
	group  string // the arguments, if it has no name
	name   *expr
	values []expr
}

func cycle(p *parser, t token) node {
	r := p.reader(t)
	c := cycleNode{group: t.text}
	first := r.turn()
	if r.accept(":") {
		c.name = new(first)
		first = r.turn()
	}
	c.values = []expr{first}
	for r.accept(",") {
		c.values = append(c.values, r.turn())
	}
	r.end()
	return c
}

// turn reads a value of a cycle. A literal is part of the template and printed as it stands.
func (r *reader) turn() expr {
	isLiteral := r.peek().kind == literal
	of := r.operand()
	return expr{at: r.tag.at, calc: func(n *run) *value {
		v := of(n)
		v.safe = v.safe || isLiteral
		return v
	}}
}

func (c cycleNode) render(n *run) flow {
	group := c.group
	if c.name != nil {
		group = "name: " + n.eval(*c.name).text()
	}
	n.emit(n.shown(n.eval(c.values[n.cycles[group]%len(c.values)])))
	n.cycles[group]++
	return onward
}
