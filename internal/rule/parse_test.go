package rule_test

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/rule"
)

var (
	operators = []string{"=", "!=", "<", "<=", ">", ">=", "NOT", "IN", "CONTAINS", "STARTS WITH", "ENDS WITH", "EXISTS"}
	negatable = []string{"IN", "CONTAINS", "STARTS WITH", "ENDS WITH", "EXISTS"}
	starts    = []string{"user.…", "journey.…", "NOT", "("}
	inList    = []string{"a string in quotes", "a number", "TRUE", "FALSE", "NULL"}
	values    = append(inList[:len(inList):len(inList)], "now")
	ordered   = []string{"a string in quotes", "a number", "now"}
	keys      = []string{"a key in quotes", "an index such as 0", "*"}
	fields    = []string{
		".id", ".email", ".phone", ".timezone", ".locale", ".created_at", ".updated_at", ".data", ".subscriptions", ".identifiers",
	}
	inQuotes = `a key in quotes as in ["first name"]`
	escapes  = `an escape: one of \" \' \\ \/ \b \f \n \r \t, or \u and four hexadecimal digits`
)

func TestSyntaxErrors(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("user.data.a = 1 OR ", 300)
	for _, test := range []struct {
		text         string
		line, column int
		found        string
		expected     []string
	}{
		{"", 1, 1, "", starts},
		{" \n\t", 2, 2, "", starts},
		{`user.data.plan`, 1, 15, "", operators},
		{`user.data.plan = `, 1, 18, "", values},
		{`user.data.plan = premium`, 1, 18, "premium", values},
		{`user.data.plan "premium"`, 1, 16, `"premium"`, operators},
		{`user.data.plan LIKE "p%"`, 1, 16, "LIKE", operators},
		{`user.data.plan IS NULL`, 1, 16, "IS", operators},
		{`user.data.a NOT 5`, 1, 17, "5", negatable},
		{`user.data.a NOT = 5`, 1, 17, "=", negatable},
		{`user.data.a < TRUE`, 1, 15, "TRUE", ordered},
		{`user.data.a STARTS "x"`, 1, 20, `"x"`, []string{"WITH"}},
		{`user.data.a STARTS WITH 5`, 1, 25, "5", []string{"a string in quotes"}},
		{`user.data.a IN "x"`, 1, 16, `"x"`, []string{"("}},
		{`user.data.a IN ()`, 1, 17, ")", inList},
		{`user.data.a IN (1, now)`, 1, 20, "now", inList},
		{`user.data.a IN (1 2)`, 1, 19, "2", []string{",", ")"}},
		{`user.data.a CONTAINS now`, 1, 22, "now", inList},
		{`user.data.a = -`, 1, 16, "", []string{"a number"}},
		{`user.data.zip = 00501`, 1, 17, "00501", []string{"a number without leading zeros", "a string in quotes"}},
		{`user.data.a = user.data.b`, 1, 15, "user", values},

		{`user.data.a = 1 user.data.b = 2`, 1, 17, "user", []string{"AND", "OR", "the end of the rule"}},
		{`user.data.a = 1 && user.data.b = 2`, 1, 17, "&", []string{"AND", "OR", "the end of the rule"}},
		{`user.data.a = 1)`, 1, 16, ")", []string{"AND", "OR", "the end of the rule"}},
		{`(user.data.a = 1`, 1, 17, "", []string{"AND", "OR", ")"}},
		{`user.data.a = 1 AND`, 1, 20, "", starts},
		{`plan = "premium"`, 1, 1, "plan", starts},
		{`User.data.plan = "premium"`, 1, 1, "User", starts},
		{`EXISTS user.data.a`, 1, 1, "EXISTS", starts},

		{`user = 1`, 1, 6, "=", fields},
		{`user.first_name = "Alice"`, 1, 5, ".first_name", fields},
		{`user.data = 1`, 1, 11, "=", []string{". and a key", inQuotes}},
		{`user.data."a b" = 1`, 1, 10, ".", []string{". and a key", inQuotes}},
		{`user.data[0] = 1`, 1, 11, "0", []string{"a key in quotes"}},
		{`user.data[""] = 1`, 1, 11, `""`, []string{"a key in quotes"}},
		{`user.data.a[] = 1`, 1, 13, "]", keys},
		{`user.data.a[-1] = 1`, 1, 13, "-", keys},
		{`user.data.a[1.5] = 1`, 1, 13, "1.5", keys},
		{`user.data.a[99999999999999999999] = 1`, 1, 13, "99999999999999999999", keys},
		{`user.data.a["b" = 1`, 1, 17, "=", []string{"]"}},
		{`user.subscriptions = "x"`, 1, 20, "=", []string{". and the id of a group", inQuotes}},
		{`user.subscriptions.letter = "x"`, 1, 19, ".letter", []string{". and the id of a group, which is a UUID"}},
		{`user.subscriptions [ "a\"b" ]  = "x"`, 1, 20, `[ "a\"b" ]`, []string{". and the id of a group, which is a UUID"}},
		{`user.subscriptions.` + group + `0 = "x"`, 1, 19, "." + group + "0", []string{". and the id of a group, which is a UUID"}},
		{`user.subscriptions.` + group[:35] + `g = "x"`, 1, 19, "." + group[:35] + "g", []string{". and the id of a group, which is a UUID"}},
		{`user.identifiers[0] = "x"`, 1, 18, "0", []string{"a key in quotes"}},
		{`user.email.domain = "x"`, 1, 11, ".domain", operators},
		{`journey = 1`, 1, 9, "=", []string{". and a key", inQuotes}},

		{`user.data.a > now - x days`, 1, 21, "x", []string{"a whole number"}},
		{`user.data.a > now - 1.5 days`, 1, 21, "1.5", []string{"a whole number"}},
		{`user.data.a > now - 3 fortnights`, 1, 23, "fortnights", []string{"minutes", "hours", "days", "weeks", "months", "years"}},
		{`user.data.a > now + 101 years`, 1, 21, "101", []string{"at most 100 years"}},
		{`user.data.a > now 30 days`, 1, 19, "30", []string{"+", "-", "AND", "OR", "the end of the rule"}},

		{`user.data.a = "abc`, 1, 19, "", []string{`a closing "`}},
		{"user.data.a = 'abc\nAND user.data.b = 'x'", 1, 19, "\n", []string{`a closing '`}},
		{`user.data.a = "a\qb"`, 1, 17, `\q`, []string{escapes}},
		{`user.data.a = "\ud83dx"`, 1, 16, `\u`, []string{escapes}},
		{`user.data.a = "\`, 1, 16, `\`, []string{escapes}},
		{"user.data.a = “x”", 1, 15, "“", values},
		{"user.data.a = \"\xff\"", 1, 16, "byte 0xff", []string{"text in UTF-8"}},

		// Columns count characters, and lines end with a line feed.
		{`user.data.ståle = "é" AMD`, 1, 23, "AMD", []string{"AND", "OR", "the end of the rule"}},
		{"user.data.a = 1\r\nAND user.data.é ~ 2\n", 2, 17, "~", operators},

		{strings.Repeat("(", 51) + `user.id EXISTS`, 1, 51, "(", []string{"at most 50 levels of parentheses and NOT"}},
		{strings.Repeat("NOT ", 51) + `user.id EXISTS`, 1, 201, "NOT", []string{"at most 50 levels of parentheses and NOT"}},
		{long, 1, 4097, "5700 bytes", []string{"a rule of at most 4096 bytes"}},
		{strings.Repeat("user.data.a=1 OR ", 230) + `user.id EXISTS`, 1, 3925, "3924 bytes",
			[]string{"a rule of at most 4096 bytes when it is spaced out"}},
		{`user.id EXISTS "` + strings.Repeat("é", 100) + `"`, 1, 16, `"` + strings.Repeat("é", 19),
			[]string{"AND", "OR", "the end of the rule"}},
	} {
		_, err := rule.Parse(test.text)
		got, ok := errors.AsType[*rule.SyntaxError](err)
		if !ok {
			t.Errorf("%q: got error %v, want a SyntaxError", test.text, err)
			continue
		}
		want := &rule.SyntaxError{Line: test.line, Column: test.column, Expected: test.expected, Found: test.found}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.text, diff)
		}
	}
}

func TestSyntaxErrorText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"user.data.plan = \"premium\" AND\nuser.data.plan": "line 2, column 15: expected =, !=, <, <=, >, >=, NOT, IN, CONTAINS, STARTS WITH, " +
			"ENDS WITH or EXISTS, found the end of the rule",
		`user.data.a STARTS "x"`: `line 1, column 20: expected WITH, found "\"x\""`,
		`user.data.a = 1 or and`: `line 1, column 20: expected user.…, journey.…, NOT or (, found "and"`,
	} {
		if _, err := rule.Parse(text); err == nil || err.Error() != want {
			t.Errorf("%q:\ngot  %v\nwant %s", text, err, want)
		}
	}
}

// TestDepth checks that a rule may nest as deep as is promised.
func TestDepth(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		strings.Repeat("(", 50) + "user.id EXISTS" + strings.Repeat(")", 50),
		strings.Repeat("NOT ", 50) + "user.id EXISTS",
		strings.Repeat("(user.id EXISTS) AND ", 100) + "user.id EXISTS",
	} {
		mustParse(t, text)
	}
}

func TestString(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"  user.data.plan='premium'\n\tand user.data.lifetime_value>1000 ": `user.data.plan = "premium" AND user.data.lifetime_value > 1000`,
		`user.data.a==1 or user.data.a<>2`:                                 `user.data.a = 1 OR user.data.a != 2`,
		`((user.data.a=1)and(user.data.b=2 or user.data.c=3))`:             `user.data.a = 1 AND (user.data.b = 2 OR user.data.c = 3)`,
		`user.data.a=1 or (user.data.b=2 and user.data.c=3)`:               `user.data.a = 1 OR user.data.b = 2 AND user.data.c = 3`,
		`user.data.a=1 or (user.data.b=2 or user.data.c=3)`:                `user.data.a = 1 OR user.data.b = 2 OR user.data.c = 3`,
		`not(user.data.a=1) and not(user.data.b=2 or user.data.c=3)`:       `NOT user.data.a = 1 AND NOT (user.data.b = 2 OR user.data.c = 3)`,
		`not not user.data.a not exists`:                                   `NOT NOT user.data.a NOT EXISTS`,
		`user.data.a in(1,-2.50,1E3,"x",true,False,null)`:                  `user.data.a IN (1, -2.50, 1E3, "x", TRUE, FALSE, NULL)`,
		`user.data.a not starts  with 'x' or user.data.a ends with "y"`:    `user.data.a NOT STARTS WITH "x" OR user.data.a ENDS WITH "y"`,
		`user.data["a"]["first name"][ 0 ][*]['é-1'] contains "x"`:         `user.data.a["first name"][0][*].é-1 CONTAINS "x"`,
		`user.data["\"]"]='\'"\u00e9\u0007'`:                               `user.data["\"]"] = "'\"é\u0007"`,
		`user.data.a="\/\b\f\n\r\t\ud83d\ude00"`:                           `user.data.a = "/\u0008\u000c\n\r\t😀"`,
		`user.data.a>now-30day and user.data.a<NOW+1 Hours`:                `user.data.a > now - 30 days AND user.data.a < now + 1 hour`,
		`user.data.a>now+0 weeks`:                                          `user.data.a > now + 0 weeks`,
		"user.data.a\u00a0=\u2003- 5":                                      `user.data.a = -5`,
		`user.subscriptions.` + strings.ToUpper(group) + `="subscribed"`:   `user.subscriptions.` + group + ` = "subscribed"`,
		`user.subscriptions["` + group + `"]="subscribed"`:                 `user.subscriptions.` + group + ` = "subscribed"`,
		`user.identifiers.default="a" or journey.x exists`:                 `user.identifiers.default = "a" OR journey.x EXISTS`,
	} {
		r := mustParse(t, text)
		if got := r.String(); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", text, got, want)
		}
		if again := mustParse(t, want).String(); again != want {
			t.Errorf("%s parses to %s", want, again)
		}
	}
}

func TestUses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text              string
		fields            []string
		relative, journey bool
	}{
		{`user.data.b = 1 AND (user.data["a"] = 1 OR NOT user.data.b = 2)`, []string{"user.data.a", "user.data.b"}, false, false},
		{`user.data.items[*].price > 5 AND user.email EXISTS`, []string{"user.data.items[*].price", "user.email"}, false, false},
		{`user.created_at > now - 1 day`, []string{"user.created_at"}, true, false},
		{`user.data.a = "now" OR journey["x y"].z = 1`, []string{`journey["x y"].z`, "user.data.a"}, false, true},
		{`user.identifiers EXISTS AND user.identifiers.crm = "x" AND user.subscriptions.` + group + ` = "subscribed"`,
			[]string{"user.identifiers", "user.identifiers.crm", "user.subscriptions." + group}, false, false},
	} {
		r := mustParse(t, test.text)
		if diff := cmp.Diff(test.fields, r.Fields()); diff != "" {
			t.Errorf("%s: fields (-want +got):\n%s", test.text, diff)
		}
		if r.Relative() != test.relative || r.Journey() != test.journey {
			t.Errorf("%s: got relative %v, journey %v, want %v, %v", test.text, r.Relative(), r.Journey(), test.relative, test.journey)
		}
	}
}

// TestDocumented reads the rules that docs/rules.md shows.
func TestDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	_, examples, ok := strings.Cut(string(page), "## Examples")
	rules := regexp.MustCompile("`([^`]+)` \\|").FindAllStringSubmatch(examples, -1)
	first := regexp.MustCompile("(?s)```\n(.*?)```").FindStringSubmatch(string(page))
	if !ok || len(rules) < 8 || first == nil {
		t.Fatalf("%d examples", len(rules))
	}
	for _, example := range append(rules, first) {
		mustParse(t, example[1])
	}
}
