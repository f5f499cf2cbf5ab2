package engine

import (
	"fmt"
	"math"

	"github.com/osteele/liquid/expressions"
)

// loopNode is a {% for %} or a {% tablerow %}.
type loopNode struct {
	expressions.Loop
	at         int
	table      bool
	body, none []node // none is rendered if there is nothing to loop over
}

func loop(p *parser, t token) node {
	l := loopNode{Loop: p.statement(expressions.LoopStatementSelector, t).Loop, at: t.at, table: t.name == "tablerow"}
	p.settable(l.Variable, t.at)
	p.use("forloop", false, t.at)
	body, stop := p.body("else", "end"+t.name)
	if l.body = body; stop.name == "else" {
		l.none, _ = p.body("end" + t.name)
	}
	return l
}

func (l loopNode) render(n *run) flow {
	all := n.eval(expr{l.Expr, l.at}).items()
	first, last := l.bounds(n, all.len)
	if first >= last {
		return n.body(l.none)
	}
	defer func(item, forloop any) { n.scope[l.Variable], n.scope["forloop"] = item, forloop }(n.scope[l.Variable], n.scope["forloop"])
	cols := n.columns(l)
	for i := range last - first {
		n.step()
		n.scope["forloop"] = n.wrap(progress(i, last-first))
		at := first + i
		if l.Reversed {
			at = last - 1 - i
		}
		n.scope[l.Variable] = all.at(at)
		if f := n.cell(l, i, last-first, cols); f == breaking {
			break
		}
	}
	return onward
}

// bounds returns the range of items that offset and limit leave.
func (l loopNode) bounds(n *run, size int) (first, last int) {
	if l.Offset != nil {
		first = min(max(n.count(l.Offset, l.at), 0), size)
	}
	last = size
	if l.Limit != nil {
		last = first + min(max(n.count(l.Limit, l.at), 0), size-first)
	}
	return first, last
}

// count computes an expression that must be an integer.
func (n *run) count(e expressions.Expression, at int) int { return n.eval(expr{e, at}).Int() }

// columns returns after how many cells a row of a table ends.
func (n *run) columns(l loopNode) int {
	if l.Cols == nil {
		return math.MaxInt
	}
	return max(n.count(l.Cols, l.at), 1)
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

// progress is the variable forloop.
func progress(i, length int) map[string]any {
	return map[string]any{
		"first": i == 0, "last": i == length-1, "length": length,
		"index": i + 1, "index0": i, "rindex": length - i, "rindex0": length - i - 1,
	}
}
