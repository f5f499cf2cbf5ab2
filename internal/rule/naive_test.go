package rule_test

import (
	"encoding/json"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// This file and naive_eval_test.go are the language once more, written from docs/rules.md alone, as simple as can be and slow:
// what the package is compared with. They use nothing of the package.

// naive is a part of a rule: a comparison, or some parts that AND, OR or NOT joins.
type naive struct {
	op    string
	parts []naive

	text    string // of a comparison, as it is written
	path    []any  // string, int, or nil for every element
	negated bool
	values  []any // nil, bool, string, *big.Rat or time.Duration, which is from now
}

var (
	naiveToken = regexp.MustCompile(`^\s*((?:user|journey)(?:\.[\pL\pN_-]+|\[\s*(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\d+|\*)\s*\])+` +
		`|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|(?i:now)(?:\s*[+-]\s*\d+\s*[a-zA-Z]+)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?` +
		`|[a-zA-Z]+|!=|<=|>=|<>|==|[=<>(),]|$)`)
	naiveStep = regexp.MustCompile(`^(?:\.([\pL\pN_-]+)|\[\s*(?:("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(\d+)|\*)\s*\])`)
	naiveNow  = regexp.MustCompile(`^(?i:now)(?:\s*([+-])\s*(\d+)\s*([a-zA-Z]+?)s?)?$`)
	naiveTime = regexp.MustCompile(`^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?$`)
)

// naiveReader reads a rule that is known to be one.
type naiveReader struct{ rest, token string }

func parseNaive(text string) naive {
	r := &naiveReader{rest: text}
	r.next()
	return r.any()
}

func (r *naiveReader) next() (was string) {
	was = r.token
	m := naiveToken.FindStringSubmatch(r.rest)
	r.token, r.rest = m[1], r.rest[len(m[0]):]
	return was
}

func (r *naiveReader) is(keyword string) bool { return strings.EqualFold(r.token, keyword) }

func (r *naiveReader) any() naive {
	n := naive{op: "OR", parts: []naive{r.all()}}
	for r.is("OR") {
		r.next()
		n.parts = append(n.parts, r.all())
	}
	return n
}

func (r *naiveReader) all() naive {
	n := naive{op: "AND", parts: []naive{r.one()}}
	for r.is("AND") {
		r.next()
		n.parts = append(n.parts, r.one())
	}
	return n
}

func (r *naiveReader) one() naive {
	switch {
	case r.is("NOT"):
		r.next()
		return naive{op: "NOT", parts: []naive{r.one()}}
	case r.is("("):
		r.next()
		n := r.any()
		r.next()
		return n
	}
	before := r.token + r.rest
	n := r.comparison()
	n.text = strings.TrimSpace(strings.TrimSuffix(before, r.token+r.rest))
	return n
}

func (r *naiveReader) comparison() naive {
	n := naive{path: naivePath(r.next())}
	if r.is("NOT") {
		r.next()
		n.negated = true
	}
	switch n.op = strings.ToUpper(r.next()); n.op {
	case "==":
		n.op = "="
	case "!=", "<>":
		n.op, n.negated = "=", true
	case "STARTS", "ENDS":
		r.next()
	case "EXISTS":
		return n
	case "IN":
		for !r.is(")") {
			r.next()
			n.values = append(n.values, naiveValue(r.next()))
		}
		r.next()
		n.op = "="
		return n
	}
	n.values = []any{naiveValue(r.next())}
	return n
}

func naivePath(text string) []any {
	root := regexp.MustCompile(`^\w+`).FindString(text)
	path := []any{root}
	for text = text[len(root):]; text != ""; {
		m := naiveStep.FindStringSubmatch(text)
		switch {
		case m[1] != "":
			path = append(path, m[1])
		case m[2] != "":
			path = append(path, naiveValue(m[2]))
		case m[3] != "":
			i, _ := strconv.Atoi(m[3])
			path = append(path, i)
		default:
			path = append(path, nil)
		}
		text = text[len(m[0]):]
	}
	if len(path) == 2 && path[1] == "identifiers" {
		path[1] = "all_identifiers"
	}
	return path
}

func naiveValue(token string) any {
	if token[0] == '"' || token[0] == '\'' {
		inner := regexp.MustCompile(`\\.|"`).ReplaceAllStringFunc(token[1:len(token)-1], func(s string) string {
			switch s {
			case `\'`:
				return `'`
			case `"`:
				return `\"`
			}
			return s
		})
		var s string
		if err := json.Unmarshal([]byte(`"`+inner+`"`), &s); err != nil {
			panic(err)
		}
		return s
	}
	switch strings.ToUpper(token) {
	case "TRUE", "FALSE":
		return strings.EqualFold(token, "TRUE")
	case "NULL":
		return nil
	}
	if m := naiveNow.FindStringSubmatch(token); m != nil {
		minutes := map[string]int{"minute": 1, "hour": 60, "day": 24 * 60, "week": 7 * 24 * 60, "month": 30 * 24 * 60, "year": 365 * 24 * 60}
		n, _ := strconv.Atoi(m[1] + m[2])
		return time.Duration(n*minutes[strings.ToLower(m[3])]) * time.Minute
	}
	return naiveNumber(token)
}

func naiveNumber(s string) *big.Rat {
	n, ok := new(big.Rat).SetString(s)
	if !ok {
		panic(s)
	}
	return n
}
