package rule_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/rule"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	const a, b, no, nay = `user.data.vip = TRUE`, `user.data.plan = "premium"`, `user.data.off = TRUE`, `user.data.zip = 501`
	yes := func(text string) rule.Comparison { return rule.Comparison{Text: text, Holds: true} }
	not := func(text string) rule.Comparison { return rule.Comparison{Text: text} }
	for _, test := range []struct {
		text  string
		holds bool
		why   []rule.Comparison
	}{
		{a, true, []rule.Comparison{yes(a)}},
		{`NOT ` + no, true, []rule.Comparison{not(no)}},
		{a + ` AND ` + b, true, []rule.Comparison{yes(a), yes(b)}},
		{a + ` AND ` + no + ` AND ` + nay, false, []rule.Comparison{not(no), not(nay)}},
		{no + ` OR ` + nay, false, []rule.Comparison{not(no), not(nay)}},
		{no + ` OR ` + a + ` OR ` + b, true, []rule.Comparison{yes(a), yes(b)}},
		{a + ` AND (` + no + ` OR ` + b + `)`, true, []rule.Comparison{yes(a), yes(b)}},
		{`NOT (` + a + ` AND ` + no + `)`, true, []rule.Comparison{not(no)}},
		{`user.email = 'secret@example.com'`, false, []rule.Comparison{not(`user.email = "secret@example.com"`)}},
	} {
		holds, why := mustParse(t, test.text).Explain(rule.Subject{User: alice(t)}, now)
		if diff := cmp.Diff(test.why, why); diff != "" || holds != test.holds {
			t.Errorf("%s: got %v, want %v; why (-want +got):\n%s", test.text, holds, test.holds, diff)
		}
	}
}

// TestNext: it is 2026-06-15T12:00:00Z, alice logged in on 2026-06-01T06:00:00Z and was changed an hour ago.
func TestNext(t *testing.T) {
	t.Parallel()
	login := time.Date(2026, 6, 1, 6, 0, 0, 0, time.UTC)
	const day, never, instant = 24 * time.Hour, 0, time.Nanosecond
	never30 := `user.data.plan = "free" AND user.data.last_login > now - 30 days`
	for _, test := range []struct {
		text string
		want time.Time
	}{
		{`user.data.plan = "premium"`, time.Time{}},
		{`user.data.last_login > now - 30 days`, login.Add(30 * day)},
		{`user.data.last_login >= now - 30 days`, login.Add(30*day + instant)},
		{`user.data.last_login < now - 30 days`, login.Add(30*day + instant)},
		{`user.data.last_login <= now - 30 days`, login.Add(30 * day)},
		{`user.data.last_login = now - 30 days`, login.Add(30 * day)},
		{`NOT user.data.last_login > now - 30 days`, login.Add(30 * day)},
		{`user.data.last_login > now - 10 days`, time.Time{}},
		{`user.data.last_login < now`, time.Time{}},
		{`user.updated_at >= now - 1 hour`, now.Add(instant)},
		{`user.updated_at > now - 1 hour`, time.Time{}},
		{`user.updated_at = now - 60 minutes`, now.Add(instant)},
		{`user.data.missing > now - 30 days`, time.Time{}},
		{`user.data.plan > now - 30 days`, time.Time{}},

		// Of two dates the later holds longer, and the earlier comes first.
		{`user.data.dates > now - 1 year`, time.Date(2026, 6, 10, 0, 0, 0, 0, time.UTC).Add(365 * day)},
		{`user.data.dates[*] > now - 1 year`, time.Date(2026, 6, 10, 0, 0, 0, 0, time.UTC).Add(365 * day)},
		{`user.data.dates < now - 1 year`, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(365*day + instant)},

		// What does not decide wakes nobody.
		{never30, time.Time{}},
		{`user.data.plan = "premium" OR user.data.last_login > now - 30 days`, time.Time{}},
		{`user.data.plan = "premium" AND user.data.last_login > now - 30 days`, login.Add(30 * day)},
		{`user.data.last_login > now - 30 days AND user.data.last_login > now - 20 days`, login.Add(20 * day)},
		{`user.data.last_login > now - 30 days OR user.data.last_login > now - 20 days`, login.Add(30 * day)},
		{`user.data.last_login < now - 30 days AND user.data.last_login < now - 20 days`, login.Add(30*day + instant)},
		{`user.data.last_login < now - 30 days OR user.data.last_login < now - 20 days`, login.Add(20*day + instant)},
	} {
		r, s := mustParse(t, test.text), rule.Subject{User: alice(t)}
		got := r.Next(s, now)
		if !got.Equal(test.want) {
			t.Errorf("%s: got %v, want %v", test.text, got, test.want)
		}
		if got.IsZero() {
			continue
		}
		if r.Match(s, now) != r.Match(s, got.Add(-instant)) || r.Match(s, now) == r.Match(s, got) {
			t.Errorf("%s: it does not change at %v", test.text, got)
		}
	}
}

// TestNextOfRealClock checks that a monotonic reading does no harm.
func TestNextOfRealClock(t *testing.T) {
	t.Parallel()
	u, at := alice(t), time.Now()
	u.UpdatedAt = at.Add(-time.Hour)
	got := mustParse(t, `user.updated_at > now - 2 hours`).Next(rule.Subject{User: u}, at)
	if want := at.Add(time.Hour); !got.Equal(want.Round(0)) || got != got.UTC() {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestNoUser checks that without a profile all that is said of one is missing.
func TestNoUser(t *testing.T) {
	t.Parallel()
	s := rule.Subject{Journey: map[string]any{"tier": "gold"}}
	for text, want := range map[string]bool{
		`user.id EXISTS`: false, `user.data.a NOT EXISTS`: true, `user.data.a != 1`: false, `user.identifiers EXISTS`: false,
		`user.subscriptions.` + joined + ` = "not_set"`: false, `user.created_at < now`: false, `journey.tier = "gold"`: true,
	} {
		if got := mustParse(t, text).Match(s, now); got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}
