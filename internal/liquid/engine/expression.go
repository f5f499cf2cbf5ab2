package engine

import "lunogram-users/internal/liquid"

// calc computes an expression.
type calc func(n *run) *value

// expr is an expression, and where it stands.
type expr struct {
	calc
	at int
}

// eval computes an expression.
func (n *run) eval(e expr) *value {
	n.step()
	n.at = e.at
	return e.calc(n)
}

// reader reads an expression, or the arguments of a tag, from the left.
type reader struct {
	*parser
	tag  token
	last lexeme
	left []lexeme // ends with finish
}

func (p *parser) reader(t token) *reader {
	p.check()
	return &reader{parser: p, tag: t, left: lex(t.text)}
}

func (r *reader) peek() lexeme { return r.left[0] }

func (r *reader) take() lexeme {
	r.last = r.left[0]
	if r.last.kind != finish {
		r.left = r.left[1:]
	}
	return r.last
}

// is reports whether a word or sign comes next.
func (r *reader) is(text string) bool { return r.peek().kind != literal && r.peek().text == text }

// accept takes a word or sign if it comes next.
func (r *reader) accept(text string) bool {
	found := r.is(text)
	if found {
		r.take()
	}
	return found
}

// need takes a word or sign.
func (r *reader) need(text string) {
	if !r.accept(text) {
		r.unexpected()
	}
}

// name takes a word.
func (r *reader) name() string {
	if r.peek().kind != word {
		r.unexpected()
	}
	return r.take().text
}

// keyword takes a word with a colon behind it, such as limit:, if one comes next.
func (r *reader) keyword() (string, bool) {
	if r.peek().kind != word || r.left[1].text != ":" {
		return "", false
	}
	name := r.take().text
	r.take()
	return name, true
}

// end makes sure that nothing is left.
func (r *reader) end() {
	if r.peek().kind != finish {
		r.unexpected()
	}
}

// expr reads the expression that a token holds.
func (p *parser) expr(t token) expr {
	r := p.reader(t)
	if r.peek().kind == finish {
		p.fail(t.at, "an expression is missing")
	}
	e := expr{r.condition(), t.at}
	r.end()
	return e
}

// printed reads the expression of an output. To print whether one of two is there, when one of them was meant, is a
// mistake, so that and and or need parentheses.
func (p *parser) printed(t token) expr {
	r := p.reader(t)
	if r.peek().kind == finish {
		p.fail(t.at, "an expression is missing")
	}
	e := expr{r.relation(), t.at}
	if r.is("or") || r.is("and") {
		p.fail(t.at, "%q makes true or false, and not one of the values: use the filter default or an if, or put parentheses around it",
			r.peek().text)
	}
	r.end()
	return e
}

// condition reads relations with and or or between them. Neither goes before the other; as in all of Liquid they are
// computed from the right.
func (r *reader) condition() calc {
	left := r.relation()
	switch {
	case r.accept("and"):
		right := r.condition()
		return func(n *run) *value { return n.wrap(left(n).test() && right(n).test()) }
	case r.accept("or"):
		right := r.condition()
		return func(n *run) *value { return n.wrap(left(n).test() || right(n).test()) }
	}
	return left
}

var relations = map[string]func(a, b *value) bool{
	"==": func(a, b *value) bool { return a.run.equal(a.v, b.v) }, "!=": differs, "<>": differs,
	"<":        func(a, b *value) bool { return a.run.less(a.v, b.v) },
	">":        func(a, b *value) bool { return a.run.less(b.v, a.v) },
	"<=":       func(a, b *value) bool { return a.run.less(a.v, b.v) || a.run.equal(a.v, b.v) },
	">=":       func(a, b *value) bool { return a.run.less(b.v, a.v) || a.run.equal(a.v, b.v) },
	"contains": (*value).contains,
}

func differs(a, b *value) bool { return !a.run.equal(a.v, b.v) }

// relation reads one operand with filters, or the comparison of two without.
func (r *reader) relation() calc {
	left := r.operand()
	if r.is("|") {
		return r.filters(left)
	}
	compare := relations[r.peek().text]
	if compare == nil || r.peek().kind == literal {
		return left
	}
	r.take()
	right := r.operand()
	return func(n *run) *value { return n.wrap(compare(left(n), right(n))) }
}

// filtered reads an operand with its filters.
func (r *reader) filtered() calc { return r.filters(r.operand()) }

// filters reads what is applied to an operand.
func (r *reader) filters(input calc) calc {
	for r.accept("|") {
		name := r.name()
		f, known := filters[name]
		if !known {
			r.fail(r.tag.at, "there is no filter %q", name)
		}
		if name == "json" && r.escape == liquid.JSON {
			r.fail(r.tag.at, `the filter "json" is of no use in JSON, as the quotes that it makes are escaped; print the value between quotes`)
		}
		input = r.filter(name, f, input)
	}
	return input
}

// filter reads the arguments of a filter.
func (r *reader) filter(name string, f filter, input calc) calc {
	inputs, named := []calc{input}, map[string]calc{}
	for more := r.accept(":"); more; more = r.accept(",") {
		if key, ok := r.keyword(); ok {
			named[key] = r.operand()
		} else {
			inputs = append(inputs, r.operand())
		}
	}
	return func(n *run) *value {
		c := &call{run: n, named: make(map[string]*value, len(named))}
		for _, input := range inputs {
			c.args = append(c.args, input(n))
		}
		for key, input := range named {
			c.named[key] = input(n)
		}
		return c.apply(name, f)
	}
}

// operand reads a literal, a variable, a range or what is in parentheses, with the members that are looked up in it.
func (r *reader) operand() calc {
	of := r.primary()
	for {
		switch {
		case r.accept("."):
			of = property(of, r.name())
		case r.accept("["):
			of = item(of, r.operand())
			r.need("]")
		default:
			return of
		}
	}
}

func property(of calc, key string) calc {
	return func(n *run) *value { return of(n).property(key) }
}

func item(of, index calc) calc {
	return func(n *run) *value { return of(n).index(index(n)) }
}

// constants are the words that are no variables.
var constants = map[string]any{"nil": nil, "null": nil, "true": true, "false": false, "blank": blank, "empty": empty}

func (r *reader) primary() calc {
	if r.accept("(") {
		return r.group()
	}
	l := r.peek()
	v, isConstant := constants[l.text]
	switch {
	case l.kind == literal:
		v = l.v
	case l.kind != word || relations[l.text] != nil:
		r.unexpected()
	case !isConstant:
		r.take()
		return func(n *run) *value { return n.variable(l.text) }
	}
	r.take()
	return func(n *run) *value { return &value{run: n, v: v, literal: true} }
}

// group reads what is in parentheses: a condition or a range.
func (r *reader) group() calc {
	inner := r.condition()
	if !r.accept("..") {
		r.need(")")
		return inner
	}
	to := r.operand()
	r.need(")")
	return func(n *run) *value {
		from, _ := inner(n).bound()
		to, _ := to(n).bound()
		return n.wrap(span{from, to})
	}
}

// variable returns the value of a name. Counters are seen where nothing else has their name.
func (n *run) variable(name string) *value {
	if v := n.scope[name]; v != nil {
		return v
	}
	if count, ok := n.counters[name]; ok {
		return n.wrap(count)
	}
	return &value{run: n, key: name, absent: true}
}
