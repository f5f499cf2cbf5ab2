package rule_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/rule"
)

func TestWarnings(t *testing.T) {
	t.Parallel()
	const group = `user.subscriptions.0190b5a0-7b1e-7c3a-9f00-0123456789ab`
	isGroup := func(id string) bool { return id == "0190b5a0-7b1e-7c3a-9f00-0123456789ab" }
	certain := []string{
		`user.subscriptions.0190b5a0-7b1e-7c3a-9f00-0123456789ff EXISTS`,
		group + ` = "yes"`, group + ` != "SUBSCRIBED"`, group + ` = TRUE`, group + ` IN ("subscribed", "no")`, group + ` CONTAINS "x"`,
		group + ` = NULL`, group + ` NOT STARTS WITH "a"`, group + ` < "a"`, group + ` > now`, group + ` NOT EXISTS`,
		`user.created_at STARTS WITH "2026"`, `user.updated_at NOT CONTAINS "2026"`, `user.created_at > "last week"`,
		`user.created_at = 20260131`, `user.created_at IN ("2026-01-31", "")`, `user.created_at NOT EXISTS`,
		`user.phone = 5550100`, `user.locale IN (TRUE)`, `user.timezone < now`, `user.id NOT EXISTS`,
		`user.identifiers.default = 17`, `user.identifiers NOT EXISTS`,
	}
	open := []string{
		group + ` = "subscribed"`, group + ` != "not_set"`, group + ` NOT IN ("unsubscribed", "not_set")`, group + ` CONTAINS "SUB"`,
		group + ` ENDS WITH "set"`, group + ` >= "t"`, group + ` EXISTS`,
		`user.created_at >= "2026-01-31"`, `user.created_at < now - 30 days`, `user.created_at IN ("2026-01-31T10:00")`, `user.created_at EXISTS`,
		`user.phone = "5550100"`, `user.email != NULL`, `user.email NOT IN (NULL)`, `user.identifiers.crm != 17`, `user.email NOT EXISTS`, `user.id EXISTS`, `user.identifiers > now`, `user.identifiers.default = "17"`,
		`user.identifiers.crm NOT EXISTS`, `user.data.a STARTS WITH "2026"`, `user.data.a > "last week"`, `user.data.a = NULL`, `journey.a = 1`,
	}
	for _, text := range certain {
		r := mustParse(t, `user.data.x = 1 OR NOT `+text)
		got, want := r.Warnings(isGroup), mustParse(t, text).String()
		if len(got) != 1 || got[0].Comparison != want || got[0].Detail == "" {
			t.Errorf("%s: got %+v, want one warning", text, got)
		}
	}
	for _, text := range open {
		if diff := cmp.Diff([]rule.Warning(nil), mustParse(t, text).Warnings(isGroup)); diff != "" {
			t.Errorf("%s: warnings (-want +got):\n%s", text, diff)
		}
	}
	r := mustParse(t, `user.subscriptions.0190b5a0-7b1e-7c3a-9f00-00000000000b EXISTS AND user.id EXISTS AND NOT user.subscriptions.0190b5a0-7b1e-7c3a-9f00-00000000000a = "not_set"`)
	if diff := cmp.Diff([]string{"0190b5a0-7b1e-7c3a-9f00-00000000000b", "0190b5a0-7b1e-7c3a-9f00-00000000000a"}, r.Groups()); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
}
