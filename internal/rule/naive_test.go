package rule_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"lunogram-users/internal/user"
)

// This file is the language once more, written from docs/rules.md alone, as simple as can be and slow: what the package is
// compared with. It uses nothing of the package.

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
	naiveToken = regexp.MustCompile(`^\s*((?:user|journey)(?:\.[\pL\pN_-]+|\[\s*(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\d+|\*)\s*\])+|` +
		`"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|(?i:now)(?:\s*[+-]\s*\d+\s*[a-zA-Z]+)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[a-zA-Z]+|!=|<=|>=|<>|==|[=<>(),]|$)`)
	naiveStep = regexp.MustCompile(`^(?:\.([\pL\pN_-]+)|\[\s*(?:("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(\d+)|\*)\s*\])`)
	naiveNow  = regexp.MustCompile(`^(?i:now)(?:\s*([+-])\s*(\d+)\s*([a-zA-Z]+?)s?)?$`)
	naiveTime = regexp.MustCompile(`^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?)?$`)
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

// document returns the subject as one JSON value, but that times are times.
func document(u *user.User, journey map[string]any, groups []string) map[string]any {
	profile := map[string]any{"id": u.ID, "data": u.Data, "created_at": u.CreatedAt, "updated_at": u.UpdatedAt}
	for name, value := range map[string]string{"email": u.Email, "phone": u.Phone, "timezone": u.Timezone, "locale": u.Locale} {
		if value != "" {
			profile[name] = value
		}
	}
	states := map[string]any{}
	for _, g := range groups {
		states[g] = "not_set"
		for _, name := range []string{"*", g} {
			if s, ok := u.Subscriptions[name]; ok {
				states[g] = string(s.State)
			}
		}
	}
	profile["subscriptions"] = states
	sources, all := map[string]any{}, []any(nil)
	for _, id := range u.Identifiers {
		list, _ := sources[id.Source].([]any)
		sources[id.Source], all = append(list, id.ExternalID), append(all, id.ExternalID)
	}
	if all != nil {
		profile["all_identifiers"] = all
	}
	profile["identifiers"] = sources
	return map[string]any{"user": profile, "journey": journey}
}

// holds evaluates the rule. The outcomes of comparisons that are in forced are those, whatever the document says.
func (n naive) holds(document map[string]any, now time.Time, forced func(text string) (holds, ok bool)) bool {
	and, or := true, false
	for _, part := range n.parts {
		holds := part.holds(document, now, forced)
		and, or = and && holds, or || holds
	}
	switch n.op {
	case "AND":
		return and
	case "OR":
		return or
	case "NOT":
		return !and
	}
	if forced != nil {
		if holds, ok := forced(n.text); ok {
			return holds
		}
	}
	return n.compare(document, now)
}

func (n naive) compare(document map[string]any, now time.Time) bool {
	yes, no := false, false
	for _, v := range naiveFind(document, n.path) {
		outcomes := []string{}
		list, isList := v.([]any)
		switch {
		case n.op == "EXISTS" && v != nil:
			outcomes = append(outcomes, "yes")
		case isList:
			outcomes = append(outcomes, "no")
			for _, element := range list {
				op := n.op
				if op == "CONTAINS" {
					op = "="
				}
				outcomes = append(outcomes, naiveTests(op, element, n.values, now)...)
			}
		default:
			outcomes = append(outcomes, naiveTests(n.op, v, n.values, now)...)
		}
		yes = yes || slices.Contains(outcomes, "yes")
		no = no || slices.Contains(outcomes, "no")
	}
	switch {
	case !n.negated:
		return yes
	case n.op == "EXISTS":
		return !yes
	}
	return !yes && no
}

// naiveFind returns all values at a path.
func naiveFind(v any, path []any) []any {
	if len(path) == 0 {
		return []any{v}
	}
	switch step := path[0].(type) {
	case string:
		if m, ok := v.(map[string]any); ok {
			if v, ok := m[step]; ok {
				return naiveFind(v, path[1:])
			}
		}
	case int:
		if list, ok := v.([]any); ok && step < len(list) {
			return naiveFind(list[step], path[1:])
		}
	default:
		var all []any
		list, _ := v.([]any)
		for _, element := range list {
			all = append(all, naiveFind(element, path[1:])...)
		}
		return all
	}
	return nil
}

func naiveTests(op string, v any, values []any, now time.Time) []string {
	var outcomes []string
	for _, value := range values {
		outcomes = append(outcomes, naiveTest(op, v, value, now))
	}
	return outcomes
}

// naiveTest returns yes, no, or none if the operator is not for the types.
func naiveTest(op string, v, value any, now time.Time) string {
	answer := func(holds bool) string { return map[bool]string{true: "yes", false: "no"}[holds] }
	s, isText := v.(string)
	literal, isTextLiteral := value.(string)
	switch op {
	case "CONTAINS", "STARTS", "ENDS":
		if !isText || !isTextLiteral {
			return "none"
		}
		for from := range len(s) + 1 {
			for to := from; to <= len(s); to++ {
				fits := op == "CONTAINS" || op == "STARTS" && from == 0 || op == "ENDS" && to == len(s)
				if fits && strings.EqualFold(s[from:to], literal) {
					return "yes"
				}
			}
		}
		return "no"
	case "=":
		switch {
		case value == nil:
			return answer(v == nil)
		case isText && isTextLiteral && s == literal:
			return "yes"
		}
	}
	sign, ok := naiveOrder(v, value, now)
	switch {
	case !ok && op == "=" && isText && isTextLiteral:
		return "no"
	case !ok && op == "=" && fmt.Sprintf("%T%T", v, value) == "boolbool":
		return answer(v == value)
	case !ok:
		return "none"
	}
	return answer(slices.Contains(map[string][]int{"=": {0}, "<": {-1}, "<=": {-1, 0}, ">": {1}, ">=": {1, 0}}[op], sign))
}

// naiveOrder compares numbers, moments, and texts of which the literal is no moment.
func naiveOrder(v, value any, now time.Time) (int, bool) {
	if n, ok := v.(json.Number); ok {
		m, ok := value.(*big.Rat)
		return naiveSign(ok, func() int { return naiveNumber(string(n)).Cmp(m) })
	}
	at, isMoment := naiveMoment(v)
	if offset, ok := value.(time.Duration); ok {
		return naiveSign(isMoment, func() int { return at.Compare(now.Add(offset)) })
	}
	if other, ok := naiveMoment(value); ok {
		return naiveSign(isMoment, func() int { return at.Compare(other) })
	}
	s, isText := v.(string)
	literal, isTextLiteral := value.(string)
	return cmp.Compare(s, literal), isText && isTextLiteral
}

func naiveSign(ok bool, sign func() int) (int, bool) {
	if !ok {
		return 0, false
	}
	return sign(), true
}

func naiveMoment(v any) (time.Time, bool) {
	if t, ok := v.(time.Time); ok {
		return t, true
	}
	s, ok := v.(string)
	if !ok || !naiveTime.MatchString(s) {
		return time.Time{}, false
	}
	for _, layout := range []string{"2006-01-02", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
