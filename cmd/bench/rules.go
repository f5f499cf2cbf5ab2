package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"lunogram-users/internal/rule"
	"lunogram-users/internal/user"
)

// printRules prints what the longest rule costs, all of which must be looked at, and that of the specification.
func printRules() error {
	const short = `user.data.plan = "premium" AND user.data.lifetime_value > 1000`
	clause := short + ` AND user.data.last_login > now - 30 days AND (user.data.tags CONTAINS "vip" OR NOT user.email ENDS WITH "@example.com")`
	long := clause + strings.Repeat(" AND "+clause, (rule.MaxLength-len(clause))/len(" AND "+clause))
	fmt.Printf("\nrules, on one core\n")
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer w.Flush()
	fmt.Fprintf(w, "bytes\tparse, µs\tusers matched a second\t\n")
	for _, text := range []string{short, long} {
		parse, match, err := ruleCosts(text)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%d\t%.1f\t%.0f\t\n", len(text), parse.Seconds()*1e6, 1/match.Seconds())
	}
	return nil
}

// ruleCosts returns how long it takes to parse a rule, and to hold it against a user who matches.
func ruleCosts(text string) (parse, match time.Duration, err error) {
	r, err := rule.Parse(text)
	if err != nil {
		return 0, 0, err
	}
	now := time.Now()
	s := rule.Subject{User: &user.User{Email: "alice@example.com", Data: map[string]any{
		"plan": "premium", "lifetime_value": json.Number("2500"), "last_login": now.UTC().Format(time.RFC3339),
		"tags": []any{"beta", "vip"},
	}}}
	if !r.Match(s, now) {
		return 0, 0, errors.New("the rule of the benchmark does not match")
	}
	parse = each(func() { _, err = rule.Parse(text) })
	return parse, each(func() { r.Match(s, now) }), err
}

// each returns how long f takes, of as many calls as a moment allows.
func each(f func()) time.Duration {
	const calls, moment = 100, 300 * time.Millisecond
	start, n := time.Now(), 0
	for time.Since(start) < moment {
		for range calls {
			f()
		}
		n += calls
	}
	return time.Since(start) / time.Duration(n)
}
