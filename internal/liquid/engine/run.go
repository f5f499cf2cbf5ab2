package engine

import (
	"fmt"

	"lunogram-users/internal/liquid"
)

// run is the rendering of one template.
type run struct {
	*renderer
	*budget
	template string
	escape   liquid.Escape

	scope    map[string]*value // what {% assign %} sets is the template's own
	counters map[string]int    // of {% increment %} and {% decrement %}

	out     *buffer
	at      int  // offset of what is being parsed or rendered
	testing bool // whether a missing value is no news, as it is only tested
	// capturing says that out is not the result but a value.
	capturing bool
	cycles    map[string]int
}

func (r *renderer) newRun(template string, escape liquid.Escape) *run {
	n := &run{renderer: r, budget: &r.budget, template: template, escape: escape, out: &buffer{}}
	n.cycles, n.counters = map[string]int{}, map[string]int{}
	n.scope = make(map[string]*value, len(r.vars)+2)
	for name, v := range r.vars {
		n.scope[name] = &value{run: n, key: name, v: v}
	}
	return n
}

// rescue turns the panic that broke off the work into an *liquid.Error with the place where that was.
func (n *run) rescue(err *error) {
	r := recover()
	if r == nil {
		return
	}
	e := &liquid.Error{Kind: liquid.ErrValue, Message: "this cannot be computed"} // what a panic of somebody else says may hold a value
	if s, ok := r.(stop); ok {
		e = s.err
	}
	if e.Line == 0 {
		e.At(n.template, n.at)
	}
	*err = e
}

// fail breaks off the work because of what stands at an offset.
func (n *run) fail(at int, format string, args ...any) {
	n.at = at
	panic(stop{&liquid.Error{Kind: liquid.ErrSyntax, Message: fmt.Sprintf(format, args...)}})
}

// refuse breaks off the work because of a value.
func (n *run) refuse(format string, args ...any) {
	panic(stop{&liquid.Error{Kind: liquid.ErrValue, Message: fmt.Sprintf(format, args...)}})
}

// test reports whether an expression is neither false nor null nor missing, which is all that is false in Liquid.
func (n *run) test(e expr) bool {
	return n.quietly(func() bool { return n.eval(e).test() })
}

// quietly carries out a test, in which missing values are no news.
func (n *run) quietly(test func() bool) bool {
	defer func(before bool) { n.testing = before }(n.testing)
	n.testing = true
	return test()
}
