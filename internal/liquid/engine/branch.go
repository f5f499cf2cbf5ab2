package engine

// branch is a body that is rendered if its test says so, or always if it has none.
type branch struct {
	test func(*run) bool
	body []node
}

// branches are rendered up to the first whose test holds.
type branches []branch

func (b branches) render(n *run) flow {
	for _, branch := range b {
		if branch.test == nil || branch.test(n) {
			return n.body(branch.body)
		}
	}
	return onward
}

func ifBlock(p *parser, t token) node {
	e, wanted := p.expr(t), t.name == "if"
	test := func(n *run) bool { return n.test(e) == wanted }
	return p.branches(test, "elsif", "end"+t.name)
}

// branches reads the bodies of an if or unless, whose other tests are elsif.
func (p *parser) branches(test func(*run) bool, elsif, end string) branches {
	var all branches
	for {
		body, t := p.body(elsif, "else", end)
		all = append(all, branch{test, body})
		switch t.name {
		case elsif:
			e := p.expr(t)
			test = func(n *run) bool { return n.test(e) }
		case "else":
			body, _ := p.body(end)
			return append(all, branch{nil, body})
		default:
			return all
		}
	}
}

// caseBlock compares one value with those of each {% when %}. What stands before the first is not rendered.
func caseBlock(p *parser, t token) node {
	subject := p.expr(t)
	var all branches
	_, t = p.body("when", "else", "endcase")
	for {
		var test func(*run) bool
		switch t.name {
		case "when":
			test = isAny(subject, p.candidates(t))
		case "endcase":
			return all
		}
		body, next := p.body("when", "else", "endcase")
		all = append(all, branch{test, body})
		t = next
	}
}

// candidates reads the values of a {% when %}, between which there are commas or the word or.
func (p *parser) candidates(t token) []expr {
	r := p.reader(t)
	all := []expr{{r.operand(), t.at}}
	for r.accept(",") || r.accept("or") {
		all = append(all, expr{r.operand(), t.at})
	}
	r.end()
	return all
}

// isAny returns the test whether the subject equals any of the values.
func isAny(subject expr, candidates []expr) func(*run) bool {
	return func(n *run) bool {
		return n.quietly(func() bool {
			v := n.eval(subject)
			for _, e := range candidates {
				if n.equal(v.v, n.eval(e).v) {
					return true
				}
			}
			return false
		})
	}
}
