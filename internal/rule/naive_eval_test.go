package rule_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"lunogram-users/internal/user"
)

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
	if !ok || len(s) > 64 || !naiveTime.MatchString(s) {
		return time.Time{}, false
	}
	for _, layout := range []string{
		"2006-01-02", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05Z07:00",
		"2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02T15:04Z07:00", "2006-01-02 15:04Z07:00",
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
