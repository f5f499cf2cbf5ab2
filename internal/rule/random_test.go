package rule_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/rule"
	"lunogram-users/internal/user"
)

// chance makes random rules and subjects that meet each other often: few keys, few values, of all types.
type chance struct{ *rand.Rand }

func newChance(seed uint64) chance { return chance{rand.New(rand.NewPCG(seed, 1))} }

func (c chance) of(options ...string) string { return options[c.IntN(len(options))] }

func (c chance) key() string { return c.of("a", "b", "c") }

// date returns a date near now, in one of the forms that dates have, or nearly.
func (c chance) date() string {
	t := now.Add(time.Duration(c.IntN(120)-60) * 12 * time.Hour)
	switch c.IntN(8) {
	case 0:
		t = t.Add(time.Duration(c.IntN(2000)) * time.Millisecond)
		return t.In(time.FixedZone("", 3600*(c.IntN(9)-4))).Format("2006-01-02T15:04:05.000Z07:00")
	case 1:
		return t.Format(time.DateTime)
	case 2:
		return t.Format(time.RFC3339)
	case 3:
		return t.Format("2006-01-02T15:04:05")
	case 4:
		return c.of("2026-02-30", "2026-1-01", "2026-06-15T12:00:60Z", "2026-06-15T11:60:00Z",
			"2026-06-15T24:00:00Z", "2026-06-15T12:00", "2026-06-15x", "2026-06-15T12:00:00.Z", "2026-06-15T12:00:00+0200",
			"2026-06-15 12:00:00-02:00", "20260615", "2024-02-29")
	}
	return t.Format(time.DateOnly)
}

func (c chance) text() string {
	return c.of("", "a", "A", "ab", "aB", "b", "bA", "é", "É", "aÉb", `"`, `'`, `\`, "\n", "1", "5", "true")
}

func (c chance) number() string {
	return c.of("0", "-0", "0.0", "1", "1.0", "-1", "5", "5.00", "50e-1", "0.5E1", "5.0000000000000000000000000001", "10", "-10.5",
		"1e2", "100", "1e-3", "0.001", "12345678901234567890123456789012345678", "12345678901234567890123456789012345679", "1E+125", "0e9")
}

// value returns a JSON value that nests at most so deep.
func (c chance) value(depth int) any {
	kinds := 8
	if depth > 0 {
		kinds = 12
	}
	switch c.IntN(kinds) {
	case 0:
		return nil
	case 1:
		return c.IntN(2) == 0
	case 2, 3:
		return json.Number(c.number())
	case 4, 5:
		return c.text()
	case 6, 7:
		return c.date()
	case 8, 9:
		list := make([]any, c.IntN(4))
		for i := range list {
			list[i] = c.value(depth - 1)
		}
		return list
	}
	return c.object(depth - 1)
}

func (c chance) object(depth int) map[string]any {
	o := map[string]any{}
	for range c.IntN(4) {
		o[c.key()] = c.value(depth)
	}
	return o
}

func (c chance) subject() rule.Subject {
	u := &user.User{
		ID: "0190b5a0-0000-7000-8000-000000000001", Email: c.of("", "a@example.com", "B@EXAMPLE.COM"), Phone: c.of("", "+15550100"),
		Timezone: c.of("", "Europe/Paris"), Locale: c.of("", "es-MX"), Data: c.object(3),
		CreatedAt: now.Add(-time.Duration(c.IntN(100)) * 24 * time.Hour), UpdatedAt: now.Add(-time.Duration(c.IntN(100)) * time.Hour),
		Subscriptions: map[string]consent.Subscription{},
	}
	for range c.IntN(4) {
		u.Identifiers = append(u.Identifiers, user.Identifier{Pair: user.Pair{Source: c.key(), ExternalID: c.text()}})
	}
	for range c.IntN(3) {
		u.Subscriptions[c.of(groups[0], groups[1], "*")] = consent.Subscription{State: consent.State(c.of("subscribed", "unsubscribed"))}
	}
	return rule.Subject{User: u, Journey: c.object(2)}
}

// keyword returns a keyword in some case.
func (c chance) keyword(s string) string {
	return c.of(s, s, strings.ToLower(s), s[:1]+strings.ToLower(s[1:]))
}

func (c chance) space() string { return c.of(" ", " ", "  ", "\n", "\t", "\r\n") }

// rule returns a rule that nests at most so deep.
func (c chance) rule(depth int) string {
	if depth == 0 {
		return c.comparison()
	}
	switch c.IntN(5) {
	case 0:
		return c.keyword("NOT") + c.space() + c.rule(depth-1)
	case 1:
		return "(" + c.of("", " ") + c.rule(depth-1) + ")"
	case 2:
		return c.comparison()
	}
	return c.rule(depth-1) + c.space() + c.keyword(c.of("AND", "OR")) + c.space() + c.rule(depth-1)
}

func (c chance) path() string {
	switch c.IntN(12) {
	case 0:
		return "user." + c.of("id", "email", "phone", "timezone", "locale")
	case 1:
		return "user." + c.of("created_at", "updated_at")
	case 2:
		id := c.of(groups...)
		return "user.subscriptions" + c.of("."+id, `["`+id+`"]`)
	case 3:
		return "user.identifiers" + c.of("", c.step(), c.step())
	case 4:
		return "journey" + c.step() + c.steps()
	}
	return "user.data" + c.step() + c.steps()
}

func (c chance) step() string {
	key := c.key()
	return c.of("."+key, "."+key, `["`+key+`"]`, `[ '`+key+`' ]`)
}

func (c chance) steps() string {
	steps := c.of("", "", c.step(), "[*]", "[0]", "[1]")
	if steps == "" {
		return ""
	}
	return steps + c.steps()
}

func (c chance) quoted() string {
	s := c.text()
	if c.IntN(3) == 0 {
		s = c.date()
	}
	escaped, _ := json.Marshal(s)
	if c.IntN(2) == 0 {
		return string(escaped)
	}
	return "'" + strings.NewReplacer(`\\`, `\\`, `\"`, `"`, "'", `\'`).Replace(string(escaped[1:len(escaped)-1])) + "'"
}

func (c chance) literal() string {
	return c.of(c.quoted(), c.quoted(), c.quoted(), c.number(), c.number(), c.keyword("TRUE"), c.keyword("FALSE"), c.keyword("NULL"))
}

func (c chance) moment() string {
	unit := c.keyword(c.of("MINUTE", "HOUR", "DAY", "DAY", "WEEK", "MONTH", "YEAR")) + c.of("", "s")
	offset := c.of(" ", "") + c.of("-", "+") + c.of(" ", "") + fmt.Sprint(c.IntN(40)) + c.of(" ", "") + unit
	return c.keyword("NOW") + c.of("", offset)
}

func (c chance) comparison() string {
	path, not := c.path(), c.of("", "", c.keyword("NOT")+c.space())
	switch c.IntN(10) {
	case 0, 1:
		return path + c.of("", " ") + c.of("=", "==", "!=", "<>") + c.of("", " ") + c.of(c.literal(), c.literal(), c.literal(), c.moment())
	case 2, 3:
		return path + c.of("", " ") + c.of("<", "<=", ">", ">=") + c.of("", " ") + c.of(c.quoted(), c.number())
	case 4, 5:
		return path + c.of("", " ") + c.of("<", "<=", ">", ">=") + c.of("", " ") + c.moment()
	case 6:
		values := []string{c.literal()}
		for range c.IntN(4) {
			values = append(values, c.literal())
		}
		return path + c.space() + not + c.keyword("IN") + c.of("(", " ( ") + strings.Join(values, c.of(",", ", ")) + ")"
	case 7:
		return path + c.space() + not + c.keyword("CONTAINS") + c.space() + c.literal()
	case 8:
		return path + c.space() + not + c.keyword(c.of("STARTS", "ENDS")) + c.space() + c.keyword("WITH") + c.space() + c.quoted()
	}
	return path + c.space() + not + c.keyword("EXISTS")
}

// moments returns all moments at which a rule may change its mind about a subject, and those just before and after: every date
// of the subject, as far from now as any moment of the rule.
func moments(n naive, document any) []time.Time {
	var all []time.Time
	var collect func(v any)
	offsets := n.offsets()
	collect = func(v any) {
		if t, ok := naiveMoment(v); ok {
			for _, offset := range offsets {
				at := t.Add(-offset)
				all = append(all, at.Add(-1), at, at.Add(1))
			}
		}
		switch v := v.(type) {
		case []any:
			for _, element := range v {
				collect(element)
			}
		case map[string]any:
			for _, member := range v {
				collect(member)
			}
		}
	}
	collect(document)
	slices.SortFunc(all, time.Time.Compare)
	return all
}

func (n naive) offsets() []time.Duration {
	var all []time.Duration
	for _, part := range n.parts {
		all = append(all, part.offsets()...)
	}
	for _, value := range n.values {
		if offset, ok := value.(time.Duration); ok {
			all = append(all, offset)
		}
	}
	return all
}
