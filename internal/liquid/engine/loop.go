package engine

import (
	"fmt"
	"math"
)

// loopNode is a {% for %} or a {% tablerow %}.
type loopNode struct {
	name       string // of the item
	in         expr
	options    map[string]expr // limit, offset and cols, as far as they are given
	reversed   bool
	table      bool
	body, none []node // none is rendered if there is nothing to loop over
}

func loop(p *parser, t token) node {
	l := p.loopHead(t)
	body, stop := p.body("else", "end"+t.name)
	if l.body = body; stop.name == "else" {
		l.none, _ = p.body("end" + t.name)
	}
	return l
}

// loopHead reads the arguments of a loop. Between its options there may be commas.
func (p *parser) loopHead(t token) loopNode {
	r := p.reader(t)
	l := loopNode{name: r.name(), options: map[string]expr{}, table: t.name == "tablerow"}
	r.need("in")
	l.in = expr{r.filtered(), t.at}
	for r.peek().kind != finish {
		r.accept(",")
		if r.accept("reversed") {
			l.reversed = true
			continue
		}
		name, ok := r.keyword()
		if !ok {
			r.unexpected()
		}
		if name != "limit" && name != "offset" && name != "cols" {
			p.fail(t.at, "a loop has no option %q, only limit, offset, cols and reversed", name)
		}
		l.options[name] = expr{r.operand(), t.at}
	}
	return l
}

func (l loopNode) render(n *run) flow {
	all := n.eval(l.in).items()
	first, last := l.bounds(n, all.len)
	if first >= last {
		return n.body(l.none)
	}
	state := "forloop"
	if l.table {
		state = "tablerowloop"
	}
	outer := n.scope[state]
	defer func(item *value) { n.scope[l.name], n.scope[state] = item, outer }(n.scope[l.name])
	cols := max(l.option(n, "cols", math.MaxInt), 1)
	for i := range last - first {
		n.step()
		n.scope[state] = l.progress(n, i, last-first, cols, outer)
		at := first + i
		if l.reversed {
			at = last - 1 - i
		}
		n.scope[l.name] = all.at(at).called(l.name)
		if f := n.cell(l, i, last-first, cols); f == breaking {
			break
		}
	}
	return onward
}

// bounds returns the range of items that offset and limit leave.
func (l loopNode) bounds(n *run, size int) (first, last int) {
	first = min(max(l.option(n, "offset", 0), 0), size)
	return first, first + min(max(l.option(n, "limit", size), 0), size-first)
}

// option returns what an option says, or what stands for one that is not given, or missing.
func (l loopNode) option(n *run, name string, otherwise int) int {
	e, given := l.options[name]
	if !given {
		return otherwise
	}
	if i, ok := n.eval(e).bound(); ok {
		return i
	}
	return otherwise
}

// cell renders one iteration; that of a table within its cell.
func (n *run) cell(l loopNode, i, length, cols int) flow {
	if !l.table {
		return n.body(l.body)
	}
	if i%cols == 0 {
		n.emit(fmt.Sprintf(`<tr class="row%d">`, i/cols+1))
	}
	n.emit(fmt.Sprintf(`<td class="col%d">`, i%cols+1))
	f := n.body(l.body)
	n.emit("</td>")
	if (i+1)%cols == 0 || i+1 == length || f == breaking {
		n.emit("</tr>")
	}
	return f
}

// progress returns the variable forloop or tablerowloop, with that of the loop around it.
func (l loopNode) progress(n *run, i, length, cols int, outer *value) *value {
	v := map[string]any{
		"first": i == 0, "last": i == length-1, "length": length,
		"index": i + 1, "index0": i, "rindex": length - i, "rindex0": length - i - 1,
	}
	if outer != nil {
		v["parentloop"] = outer.v
	}
	if !l.table {
		return &value{run: n, v: v, key: "forloop"}
	}
	v["row"], v["col"], v["col0"] = i/cols+1, i%cols+1, i%cols
	v["col_first"], v["col_last"] = i%cols == 0, (i+1)%cols == 0 || i+1 == length
	return &value{run: n, v: v, key: "tablerowloop"}
}
