package rule_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/rule"
	"lunogram-users/internal/user"
)

var now = time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC)

// group is the id of a subscription group that alice has left.
const group = "0190b5a0-7b1e-7c3a-9f00-0123456789ab"

// joined is the id of one that she has joined, and unsaid that of one of which she has said nothing.
const (
	joined = "0190b5a0-7b1e-7c3a-9f00-0123456789ac"
	unsaid = "0190b5a0-7b1e-7c3a-9f00-0123456789ad"
)

// alice is the user whom most tests hold rules against.
func alice(t testing.TB) *user.User {
	t.Helper()
	return &user.User{
		ID: "0190b5a0-0000-7000-8000-000000000001", Email: "Alice@example.com", Phone: "+15550100", Locale: "es-MX",
		Identifiers: []user.Identifier{
			{Pair: user.Pair{Source: "default", ExternalID: "user_123"}},
			{Pair: user.Pair{Source: "posthog", ExternalID: "ph_1"}},
			{Pair: user.Pair{Source: "posthog", ExternalID: "ph_2"}},
		},
		Subscriptions: map[string]consent.Subscription{
			group:  {State: consent.Unsubscribed},
			joined: {State: consent.Subscribed},
		},
		CreatedAt: time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC),
		UpdatedAt: now.Add(-time.Hour),
		Data: object(t, `{
			"plan": "premium", "lifetime_value": 2500, "exact": 0.30, "huge": 12345678901234567890123456789012345678,
			"vip": true, "off": false, "nothing": null, "empty": "", "zip": "00501", "count": "1500",
			"debt": -10.5, "tags": ["vip", "beta", 7, null], "no_tags": [], "address": {"city": "Austin", "state": "TX"},
			"items": [{"sku": "a", "price": 5}, {"sku": "b", "price": 12.50}, {"sku": "c"}],
			"matrix": [[1, 2], [3]], "first name": "Ståle", "a-b": 1, "2fa": true,
			"born": "1990-05-01", "last_login": "2026-06-01T08:00:00+02:00", "exported": "2026-06-01 06:00:00",
			"dates": ["2026-01-01", "2026-06-10"]
		}`),
	}
}

func object(t testing.TB, text string) map[string]any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var out map[string]any
	if err := dec.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

func mustParse(t testing.TB, text string) *rule.Rule {
	t.Helper()
	r, err := rule.Parse(text)
	if err != nil {
		t.Fatalf("Parse(%q): %v", text, err)
	}
	return r
}

func TestMatch(t *testing.T) {
	t.Parallel()
	subject := rule.Subject{User: alice(t), Journey: object(t, `{"score_lookup": {"body": {"score": 42}}, "tier": "gold"}`)}
	for text, want := range map[string]bool{
		// The specification's.
		`user.data.plan = "premium" AND user.data.lifetime_value > 1000`: true,
		`user.data.plan = "enterprise"`:                                  false,

		// Strings.
		`user.data.plan = 'premium'`:                       true,
		`user.data.plan == "premium"`:                      true,
		`user.data.plan = "Premium"`:                       false,
		`user.data.plan != "free"`:                         true,
		`user.data.plan <> "premium"`:                      false,
		`user.data.plan > "free"`:                          true,
		`user.data.plan < "free"`:                          false,
		`user.data.plan IN ("free", "premium")`:            true,
		`user.data.plan IN ("free", 5, NULL)`:              false,
		`user.data.plan NOT IN ("free", "trial")`:          true,
		`user.data.plan NOT IN ("premium")`:                false,
		`user.data.plan CONTAINS "REM"`:                    true,
		`user.data.plan CONTAINS "x"`:                      false,
		`user.data.plan NOT CONTAINS "x"`:                  true,
		`user.data.plan STARTS WITH "PRE"`:                 true,
		`user.data.plan STARTS WITH "mium"`:                false,
		`user.data.plan NOT STARTS WITH "mium"`:            true,
		`user.data.plan ENDS WITH "Mium"`:                  true,
		`user.data.plan ENDS WITH "a premium"`:             false,
		`user.data.plan NOT ENDS WITH "premium"`:           false,
		`user.data["first name"] CONTAINS "TÅL"`:           true,
		`user.data.empty = ""`:                             true,
		`user.data.plan CONTAINS ""`:                       true,
		`user.data.zip = "00501"`:                          true,
		`user.email ENDS WITH "@EXAMPLE.COM"`:              true,
		`user.email = "alice@example.com"`:                 false,
		`user.locale STARTS WITH "es"`:                     true,
		`user.id = "0190b5a0-0000-7000-8000-000000000001"`: true,

		// Numbers.
		`user.data.lifetime_value = 2500`:                         true,
		`user.data.lifetime_value = 2.5e3`:                        true,
		`user.data.lifetime_value = 2500.000`:                     true,
		`user.data.lifetime_value != 2500.0`:                      false,
		`user.data.lifetime_value >= 2500`:                        true,
		`user.data.lifetime_value > 2500`:                         false,
		`user.data.lifetime_value <= 2500.01`:                     true,
		`user.data.lifetime_value < -1`:                           false,
		`user.data.exact = 0.3`:                                   true,
		`user.data.huge = 12345678901234567890123456789012345678`: true,
		`user.data.huge = 12345678901234567890123456789012345677`: false,
		`user.data.huge > 12345678901234567890123456789012345677`: true,
		`user.data.lifetime_value IN (1, 2500)`:                   true,
		`user.data.debt < -10`:                                    true,
		`user.data.debt < -10.49 AND user.data.debt > -10.51`:     true,
		`user.data.debt = - 1.05e1`:                               true,
		`user.data.debt < 0 AND user.data.debt < 1`:               true,
		`user.data.debt > -1e9300000000000000000`:                 true,
		`user.data.lifetime_value < 1e9300000000000000000`:        true,
		`user.data.lifetime_value > 1e-9300000000000000000`:       true,

		// Booleans and null.
		`user.data.vip = TRUE`:           true,
		`user.data.vip = false`:          false,
		`user.data.off != true`:          true,
		`user.data["2fa"] = true`:        true,
		`user.data.nothing = NULL`:       true,
		`user.data.missing = NULL`:       false,
		`user.data.plan = NULL`:          false,
		`user.data.plan != NULL`:         true,
		`user.data.address != NULL`:      true,
		`user.data.nothing != NULL`:      false,
		`user.data.missing != NULL`:      false,
		`user.data.nothing IN (1, NULL)`: true,
		`user.data.nothing EXISTS`:       false,
		`user.data.nothing NOT EXISTS`:   true,
		`user.data.nothing != "x"`:       false,
		`user.data.nothing NOT IN ("x")`: false,

		// Missing values and other types: false, also where the operator negates.
		`user.data.missing = "x"`:               false,
		`user.data.missing != "x"`:              false,
		`user.data.missing NOT IN ("x")`:        false,
		`user.data.missing NOT CONTAINS "x"`:    false,
		`user.data.missing EXISTS`:              false,
		`user.data.missing NOT EXISTS`:          true,
		`NOT user.data.missing = "x"`:           true,
		`user.data.plan > 1000`:                 false,
		`user.data.plan < 1000`:                 false,
		`user.data.plan != 1000`:                false,
		`user.data.count > 1000`:                false,
		`user.data.zip = 501`:                   false,
		`user.data.lifetime_value = "2500"`:     false,
		`user.data.lifetime_value CONTAINS "5"`: false,
		`user.data.vip = "true"`:                false,
		`user.data.vip = 1`:                     false,
		`user.data.address = "Austin"`:          false,
		`user.data.address NOT CONTAINS "x"`:    false,
		`user.data.plan.city = "x"`:             false,
		`user.timezone EXISTS`:                  false,
		`user.email EXISTS AND user.id EXISTS`:  true,
		`user.data.empty EXISTS`:                true,

		// Paths.
		`user.data.address.city = "Austin"`:       true,
		`user.data["address"]["city"] = "Austin"`: true,
		`user.data.address EXISTS`:                true,
		`user.data.a-b = 1`:                       true,
		`user.data.2fa = TRUE`:                    true,
		`user.data.items[0].price = 5`:            true,
		`user.data.items[1].price = 12.5`:         true,
		`user.data.items[2].price EXISTS`:         false,
		`user.data.items[3].price EXISTS`:         false,
		`user.data.items[*].price > 10`:           true,
		`user.data.items[*].price > 13`:           false,
		`user.data.items[*].price != 5`:           false,
		`user.data.items[*].price != 6`:           true,
		`user.data.items[*].sku CONTAINS "B"`:     true,
		`user.data.items[*].none EXISTS`:          false,
		`user.data.items.price = 5`:               false,
		`user.data.matrix[*][*] = 3`:              true,
		`user.data.matrix[0][1] = 2`:              true,
		`user.data.matrix[*] = 3`:                 true,
		`user.data.matrix = 3`:                    false,

		// Arrays.
		`user.data.tags = "vip"`:                 true,
		`user.data.tags = "VIP"`:                 false,
		`user.data.tags != "vip"`:                false,
		`user.data.tags != "gold"`:               true,
		`user.data.tags CONTAINS "vip"`:          true,
		`user.data.tags CONTAINS "vi"`:           false,
		`user.data.tags[*] CONTAINS "VI"`:        true,
		`user.data.tags CONTAINS 7`:              true,
		`user.data.tags CONTAINS 7.0`:            true,
		`user.data.tags CONTAINS NULL`:           true,
		`user.data.tags NOT CONTAINS "gold"`:     true,
		`user.data.tags STARTS WITH "BE"`:        true,
		`user.data.tags > 6`:                     true,
		`user.data.tags IN ("gold", "beta")`:     true,
		`user.data.tags NOT IN ("gold", "beta")`: false,
		`user.data.no_tags EXISTS`:               true,
		`user.data.no_tags[*] EXISTS`:            false,
		`user.data.no_tags = "x"`:                false,
		`user.data.no_tags != "x"`:               true,
		`user.data.no_tags NOT CONTAINS "x"`:     true,
		`user.data.no_tags[*] != "x"`:            false,

		// Dates: this is 2026-06-15T12:00:00Z.
		`user.data.born < "2000-01-01"`:                                                  true,
		`user.data.born >= "1990-05-01T00:00:00Z"`:                                       true,
		`user.data.born = "1990-05-01T02:00:00+02:00"`:                                   true,
		`user.data.born != "1990-05-01T02:00:00+02:00"`:                                  false,
		`user.data.last_login = "2026-06-01T06:00:00Z"`:                                  true,
		`user.data.last_login > "2026-06-01T07:00:00Z"`:                                  false,
		`user.data.last_login = "2026-06-01T06:00"`:                                      true,
		`user.data.last_login = "2026-06-01 06:00Z"`:                                     true,
		`user.data.last_login = "2026-06-01T09:00+03:00"`:                                true,
		`user.data.last_login <= "2026-06-01T06:00.5Z"`:                                  false,
		`user.data.last_login <= "2026-06-01T06:00:Z"`:                                   false,
		`user.data.last_login <= "2026-06-01T06:00:00.` + strings.Repeat("9", 60) + `Z"`: false,
		`user.data.exported = "2026-06-01T06:00:00Z"`:                                    true,
		`user.data.exported IN ("2026-06-01 06:00:00.000")`:                              true,
		`user.data.plan > "2000-01-01"`:                                                  false,
		`user.data.plan != "2000-01-01"`:                                                 true,
		`user.data.lifetime_value > "2000-01-01"`:                                        false,
		`user.data.last_login > now - 30 days`:                                           true,
		`user.data.last_login > now - 2 weeks`:                                           false,
		`user.data.last_login > now - 1 month`:                                           true,
		`user.data.last_login > NOW -15 DAYS`:                                            true,
		`user.data.last_login < now`:                                                     true,
		`user.data.born < now - 36 years`:                                                true,
		`user.data.born < now-37years`:                                                   false,
		`user.data.dates > now - 10 days`:                                                true,
		`user.data.dates[0] > now - 10 days`:                                             false,
		`user.data.plan < now`:                                                           false,
		`user.data.missing < now`:                                                        false,
		`user.data.lifetime_value < now`:                                                 false,
		`user.created_at >= "2026-01-31" AND user.created_at < "2026-02-01"`:             true,
		`user.created_at = "2026-01-31T10:00:00Z"`:                                       true,
		`user.created_at = "yesterday"`:                                                  false,
		`user.created_at CONTAINS "2026"`:                                                false,
		`user.updated_at > now - 61 minutes`:                                             true,
		`user.updated_at >= now - 1 hour`:                                                true,
		`user.updated_at > now - 1 hour`:                                                 false,
		`user.updated_at < now + 5 minutes`:                                              true,

		// Subscriptions and identifiers.
		`user.subscriptions.` + group + ` = "unsubscribed"`:   true,
		`user.subscriptions["` + group + `"] != "subscribed"`: true,
		`user.subscriptions.` + joined + ` = "subscribed"`:    true,
		`user.subscriptions.` + unsaid + ` = "not_set"`:       true,
		`user.subscriptions.` + unsaid + ` EXISTS`:            true,
		`user.identifiers.default = "user_123"`:               true,
		`user.identifiers.default = "ph_1"`:                   false,
		`user.identifiers.posthog = "ph_2"`:                   true,
		`user.identifiers.posthog != "ph_2"`:                  false,
		`user.identifiers.posthog != "ph_3"`:                  true,
		`user.identifiers.posthog CONTAINS "ph_1"`:            true,
		`user.identifiers.posthog CONTAINS "ph"`:              false,
		`user.identifiers.posthog STARTS WITH "PH"`:           true,
		`user.identifiers.posthog IN ("ph_0", "ph_1")`:        true,
		`user.identifiers.segment EXISTS`:                     false,
		`user.identifiers.segment != "x"`:                     false,
		`user.identifiers = "ph_2"`:                           true,
		`user.identifiers EXISTS`:                             true,

		// Journeys.
		`journey.score_lookup.body.score >= 42`: true,
		`journey.tier = "gold"`:                 true,
		`journey.missing = "gold"`:              false,

		// Precedence: NOT before AND before OR.
		`user.data.vip = TRUE OR user.data.vip = TRUE AND user.data.vip = FALSE`:           true,
		`(user.data.vip = TRUE OR user.data.vip = TRUE) AND user.data.vip = FALSE`:         false,
		`NOT user.data.vip = FALSE AND user.data.vip = TRUE`:                               true,
		`NOT (user.data.vip = FALSE OR user.data.vip = TRUE)`:                              false,
		`not not user.data.vip = true and user.data.plan in ('premium') or user.id exists`: true,
	} {
		if got := mustParse(t, text).Match(subject, now); got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}

// TestUnset checks what is missing of a profile that has nothing, and values that JSON does not have.
func TestUnset(t *testing.T) {
	t.Parallel()
	s := rule.Subject{User: &user.User{Data: map[string]any{
		"bad": json.Number("1.2.3"), "word": json.Number("x"), "none": json.Number(""), "int": 5,
	}}}
	for text, want := range map[string]bool{
		`user.created_at EXISTS`: false, `user.updated_at < now`: false, `user.identifiers EXISTS`: false, `user.id EXISTS`: false,
		`user.email EXISTS`: false, `user.email = ""`: false, `user.email = NULL`: false, `user.email != NULL`: false,
		`user.phone EXISTS`: false, `user.timezone NOT EXISTS`: true, `user.locale != "en"`: false,
		`user.subscriptions.` + unsaid + ` = "not_set"`: true,
		`user.data.bad EXISTS`:                          true, `user.data.bad > 1`: false, `user.data.word != 1`: false, `user.data.none = 0`: false,
		`user.data.int = 5`: false, `user.data.int EXISTS`: true,
	} {
		if got := mustParse(t, text).Match(s, now); got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}

// TestValuesAsJSON checks what docs/rules.md promises: a value that is written as JSON means itself in a rule, whatever it holds.
func TestValuesAsJSON(t *testing.T) {
	t.Parallel()
	for _, value := range []any{
		`" OR user.id EXISTS OR user.data.x = "`, `\`, `\"`, `'`, "a\nb\r\t\b\f\x00\x7f", "</script>&", "\u2028\u2029", "🦊é\ufeff", "", "${x}", "/",
		json.Number("-0.5e-3"), json.Number("12345678901234567890"), true, false,
	} {
		written, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		key := "key"
		if s, ok := value.(string); ok && s != "" {
			key = s
		}
		quoted, _ := json.Marshal(key)
		text := "user.data[" + string(quoted) + "] = " + string(written)
		r := mustParse(t, text)
		if !r.Match(rule.Subject{User: &user.User{ID: "u", Data: map[string]any{key: value}}}, now) {
			t.Errorf("%s does not hold of its value", text)
		}
		if r.Match(rule.Subject{User: &user.User{ID: "u", Data: map[string]any{key: "other"}}}, now) {
			t.Errorf("%s holds of another value", text)
		}
	}
}
