package rule_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"lunogram-users/internal/rule"
	"lunogram-users/internal/user"
)

// profile is what a user may have in a table: 400 KB.
const profile = 400 << 10

// filled returns a rule of nearly MaxLength bytes of the same clause, numbered.
func filled(clause string) string {
	var b strings.Builder
	for i := 0; ; i++ {
		next := fmt.Sprintf(clause, i)
		if i > 0 {
			next = " OR " + next
		}
		if b.Len()+len(next) > rule.MaxLength {
			return b.String()
		}
		b.WriteString(next)
	}
}

// in returns a comparison of nearly MaxLength bytes with as many values as fit.
func in(value func(int) string) string {
	var b strings.Builder
	b.WriteString(`user.data.a IN (` + value(0))
	for i := 1; ; i++ {
		next := ", " + value(i)
		if b.Len()+len(next)+len(")") > rule.MaxLength {
			return b.String() + ")"
		}
		b.WriteString(next)
	}
}

// worst are pairs of rules and values of user.data.a that take long, none of which matches.
func worst() map[string]struct {
	rule  string
	value any
} {
	const overhead = 1 // of an element in the table, beside its bytes
	numbers := slices.Repeat([]any{json.Number("5")}, profile/(2+overhead))
	digits := slices.Repeat([]any{json.Number("12345678901234567890123456789012345.678")}, profile/(21+overhead))
	dates := slices.Repeat([]any{"2026-01-31T10:00"}, profile/(16+overhead))
	texts := slices.Repeat([]any{"z"}, profile/(1+overhead))
	words := slices.Repeat([]any{strings.Repeat("ж", 20)}, profile/(40+overhead))
	var kinds strings.Builder
	for r := 'А'; r < 'А'+1300; r++ {
		kinds.WriteString(string(r))
	}
	return map[string]struct {
		rule  string
		value any
	}{
		"in numbers":           {in(func(i int) string { return fmt.Sprint(100 + i) }), numbers},
		"in long numbers":      {in(func(i int) string { return fmt.Sprintf("12345678901234567890123456789012345.%d", 700+i) }), digits},
		"in texts":             {in(func(i int) string { return fmt.Sprintf("%q", fmt.Sprint(i)) }), texts},
		"in dates":             {in(func(i int) string { return fmt.Sprintf(`"%d-02-01"`, 1000+i) }), dates},
		"equal numbers":        {filled(`user.data.a = 1%d`), numbers},
		"less than numbers":    {filled(`user.data.a < -1%d`), numbers},
		"equal long numbers":   {filled(`user.data.a = 12345678901234567890123456789012345.6%d`), digits},
		"nothing":              {filled(`user.data.a = 1%d`), make([]any, profile/(1+overhead))},
		"elements":             {filled(`user.data.a[*].b = %d`), numbers},
		"dates":                {filled(`user.data.a > now + 2%d days`), dates},
		"contains an element":  {filled(`user.data.a CONTAINS "%d"`), texts},
		"contains, one text":   {filled(`user.data.a CONTAINS "%d"`), strings.Repeat("z", profile)},
		"contains, other case": {filled(`user.data.a CONTAINS "ж%d"`), strings.Repeat("ж", profile/2)},
		"dates, plain":         {filled(`user.data.a < "19%02d-01-01"`), dates},
		"contains, just seen":  {filled(`user.data.a CONTAINS "ж%d"`), strings.Repeat("ж", 2400)},
		"contains, many kinds": {`user.data.a CONTAINS "` + kinds.String() + `"`, strings.Repeat("ж", profile/2)},
		"contains once":        {`user.data.a CONTAINS "жд"`, strings.Repeat("ж", profile/2)},
		"contains, repetitive": {filled(`user.data.a CONTAINS "ЖЖЖЖЖЖЖЖ%d"`), strings.Repeat("жжжжжжжд", profile/16)},
		"starts":               {filled(`user.data.a STARTS WITH "` + strings.Repeat("Ж", 20) + `%d"`), words},
		"ends":                 {filled(`user.data.a ENDS WITH "%d` + strings.Repeat("Ж", 20) + `"`), words},
	}
}

// BenchmarkWorst measures the slowest rules of 4 KB for the slowest users of 400 KB.
func BenchmarkWorst(b *testing.B) {
	for name, w := range worst() {
		r, s := mustParse(b, w.rule), rule.Subject{User: &user.User{Data: map[string]any{"a": w.value}}}
		b.Run(name+"/match", func(b *testing.B) {
			for b.Loop() {
				if r.Match(s, now) {
					b.Fatal("it matches")
				}
			}
		})
		b.Run(name+"/next", func(b *testing.B) {
			for b.Loop() {
				r.Next(s, now)
			}
		})
	}
}

// TestBounded checks what a rule makes of a user of whom it does not see all: what it does not see is not there, and nothing is
// said of all values.
func TestBounded(t *testing.T) {
	t.Parallel()
	const elements, comparisons = 200_000, 100 // of which each sees 2,621
	list := slices.Repeat([]any{any("z")}, elements)
	list[2000], list[elements-1] = "early", "late"
	objects := slices.Repeat([]any{any(map[string]any{"b": "z"})}, elements)
	objects[elements-1] = map[string]any{"b": "late"}
	dates := slices.Repeat([]any{any("2026-06-01")}, profile/(10+1))
	dates[len(dates)-1] = "2026-06-14"
	s := rule.Subject{User: &user.User{Data: map[string]any{
		"list": list, "objects": objects, "dates": dates, "text": strings.Repeat("z", profile-4) + "late", "none": make([]any, elements),
	}}}
	for _, tt := range []struct {
		text         string
		alone, among bool
	}{
		{`user.data.list = "early"`, true, true},
		{`user.data.list CONTAINS "late"`, true, false},
		{`user.data.list NOT CONTAINS "late"`, false, false},
		{`user.data.list != "never"`, true, false},
		{`NOT user.data.list = "never"`, true, true},
		{`user.data.list IN ("late", "never")`, true, false},
		{`user.data.list NOT IN ("never", "once")`, true, false},
		{`user.data.objects[*].b = "late"`, true, false},
		{`user.data.objects[*].b != "never"`, true, false},
		{`user.data.objects[199999].b = "late"`, true, true},
		{`user.data.text CONTAINS "LATE"`, true, false},
		{`user.data.text NOT CONTAINS "never"`, true, false},
		{`user.data.text ENDS WITH "LATE"`, true, true},
		{`user.data.dates > now - 2 days`, true, false},
		{`user.data.none[*] NOT EXISTS`, true, false},
		{`user.data.list EXISTS`, true, true},
	} {
		if got := mustParse(t, tt.text).Match(s, now); got != tt.alone {
			t.Errorf("%s: got %v, want %v", tt.text, got, tt.alone)
		}
		among := mustParse(t, tt.text+strings.Repeat(` OR user.data.x = 1`, comparisons-1))
		got, next := among.Match(s, now), among.Next(s, now)
		if explained, _ := among.Explain(s, now); got != tt.among || explained != got {
			t.Errorf("%s among %d: got %v, explained %v, want %v", tt.text, comparisons, got, explained, tt.among)
		}
		if !next.IsZero() {
			t.Errorf("%s among %d: the next change is at %v, want none", tt.text, comparisons, next)
		}
	}
}
