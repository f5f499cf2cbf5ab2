package engine

import (
	"fmt"

	"github.com/osteele/liquid/expressions"

	"lunogram-users/internal/liquid"
)

// run is the rendering of one template.
type run struct {
	*renderer
	*budget
	template string
	escape   liquid.Escape

	config expressions.Config // with the filters that the template names
	scope  map[string]any     // *value; what {% assign %} sets is the template's own
	ctx    expressions.Context

	out     *buffer
	at      int  // offset of what is being parsed or rendered
	testing bool // whether a missing value is no news, as it is only tested
	// capturing says that out is not the result but a value.
	capturing bool
	cycles    map[string]int
}

func (r *renderer) newRun(template string, escape liquid.Escape) *run {
	n := &run{renderer: r, budget: &r.budget, template: template, escape: escape, out: &buffer{}, cycles: map[string]int{}}
	n.scope = make(map[string]any, len(r.vars)+2)
	for name, v := range r.vars {
		n.scope[name] = &value{run: n, key: name, v: v}
	}
	n.scope["blank"], n.scope["empty"] = n.wrap(blank), n.wrap(empty)
	return n
}

// rescue turns the panic that broke off the work into an *liquid.Error with the place where that was.
func (n *run) rescue(err *error) {
	r := recover()
	if r == nil {
		return
	}
	e := &liquid.Error{Kind: liquid.ErrValue, Message: "this cannot be computed"} // the library panicked; what it says may hold a value
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

// expr is an expression, and where it stands.
type expr struct {
	expressions.Expression
	at int
}

// eval computes an expression.
func (n *run) eval(e expr) *value {
	n.step()
	n.at = e.at
	v, err := e.Evaluate(n.ctx)
	if err != nil {
		n.refuse("this cannot be computed") // what the library says may hold a value
	}
	return n.wrap(v)
}

// test reports whether an expression is neither false nor null nor missing, which is all that is false in Liquid.
func (n *run) test(e expr) bool {
	return n.quietly(func() bool { return n.eval(e).Test() })
}

// quietly carries out a test, in which missing values are no news.
func (n *run) quietly(test func() bool) bool {
	defer func(before bool) { n.testing = before }(n.testing)
	n.testing = true
	return test()
}

// start makes the context of the parsed template.
func (n *run) start() { n.ctx = expressions.NewContext(n.scope, n.config) }

// use lets a template use a name or a filter that stands in an expression.
func (n *run) use(word string, isFilter bool, at int) {
	if !isFilter {
		if _, known := n.scope[word]; !known {
			n.scope[word] = &value{run: n, key: word, absent: true}
		}
		return
	}
	f, known := filters[word]
	if !known {
		n.fail(at, "there is no filter %q", word)
	}
	if word == "json" && n.escape == liquid.JSON {
		n.fail(at, "the filter \"json\" is of no use in JSON, as the quotes that it makes are escaped; print the value between quotes")
	}
	n.config.AddFilter(word, func(args ...any) any { return n.filter(word, f, args) })
}
