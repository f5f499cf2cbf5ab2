package consent_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/consent"
)

func TestMaySend(t *testing.T) {
	t.Parallel()
	var (
		before, after = noon.Add(-time.Hour), noon.Add(time.Hour)
		news          = consent.Group{ID: "news", Channel: consent.Email}
		asked         = consent.Group{ID: "asked", Channel: consent.Email, Default: consent.Unsubscribed}
		open          = consent.Group{ID: "open", Channel: consent.Email, Default: consent.Subscribed}
		archived      = consent.Group{ID: "old", Channel: consent.Email, ArchivedAt: before}
		joined        = sub(consent.Subscribed, consent.ByAPI, before, "")
		left          = sub(consent.Unsubscribed, consent.ByOneClick, before, "")
		complaint     = consent.Suppression{Held: map[consent.Kind]consent.Hold{consent.Complaint: {Kind: consent.Complaint, Since: before}}}
		bounce        = consent.Suppression{Held: map[consent.Kind]consent.Hold{consent.Bounce: {Kind: consent.Bounce, Since: before}}}
		stopped       = consent.Suppression{Inbound: consent.Inbound{Verdict: consent.Stop, At: before}}
		started       = consent.Suppression{Inbound: consent.Inbound{Verdict: consent.Start, At: before}}
		erased        = consent.Suppression{Groups: []string{"news"}, LeftAt: noon}
		erasedAll     = consent.Suppression{Groups: []string{consent.AllGroups}, LeftAt: noon}
	)
	tests := []struct {
		name       string
		group      *consent.Group // nil for transactional
		optIn      bool
		subs       subs
		suppressed []consent.Suppression
		noAddress  bool
		want       []string // codes; none when allowed
	}{
		{name: "who said nothing", group: &news},
		{name: "who said nothing, opt-in", group: &news, optIn: true, want: []string{"not_opted_in from project_default"}},
		{name: "the group's default says no", group: &asked, want: []string{"not_opted_in from group_default"}},
		{name: "the group's default beats opt-in", group: &open, optIn: true},
		{name: "joined, opt-in", group: &news, optIn: true, subs: subs{"news": joined}},
		{name: "left", group: &open, subs: subs{"open": left}, want: []string{"unsubscribed by one_click"}},
		{name: "left everything", group: &open, subs: subs{"*": left}, want: []string{"unsubscribed by one_click"}},
		{name: "left everything but this", group: &open, subs: subs{"*": left, "open": joined}},
		{name: "no address", group: &news, noAddress: true, want: []string{"no_address"}},
		{name: "archived", group: &archived, want: []string{"group_archived"}},
		{name: "another channel", group: &consent.Group{ID: "texts", Channel: consent.SMS}, want: []string{"other_channel"}},
		{name: "bounce", group: &news, suppressed: []consent.Suppression{bounce}, want: []string{"suppressed of bounce"}},
		{name: "STOP", group: &news, suppressed: []consent.Suppression{stopped}, want: []string{"suppressed of stop"}},
		{name: "START", group: &news, suppressed: []consent.Suppression{started}},
		{name: "every reason is told", group: &asked, suppressed: []consent.Suppression{complaint, stopped}, noAddress: true,
			want: []string{"no_address", "suppressed of complaint", "suppressed of stop", "not_opted_in from group_default"}},
		{name: "an erased user had left", group: &news, suppressed: []consent.Suppression{erased}, want: []string{"left_before"}},
		{name: "an erased user had left another group", group: &open, suppressed: []consent.Suppression{erased}},
		{name: "an erased user had left everything", group: &open, suppressed: []consent.Suppression{erasedAll}, want: []string{"left_before"}},
		{name: "subscribed by API since", group: &news, suppressed: []consent.Suppression{erased},
			subs: subs{"news": sub(consent.Subscribed, consent.ByAPI, after, "")}, want: []string{"left_before"}},
		{name: "back by own word since", group: &news, suppressed: []consent.Suppression{erased},
			subs: subs{"news": sub(consent.Subscribed, consent.ByPage, after, "")}},
		{name: "own word of before the erasure", group: &news, suppressed: []consent.Suppression{erased},
			subs: subs{"news": sub(consent.Subscribed, consent.ByPage, before, "")}, want: []string{"left_before"}},
		{name: "transactional to who left everything", optIn: true, subs: subs{"*": left}, suppressed: []consent.Suppression{erasedAll, bounce, stopped}},
		{name: "transactional after a complaint", suppressed: []consent.Suppression{complaint}, want: []string{"suppressed of complaint"}},
		{name: "transactional without an address", noAddress: true, want: []string{"no_address"}},
	}
	for _, tt := range tests {
		decision := consent.MaySend(consent.Message{Channel: consent.Email, Group: tt.group, OptIn: tt.optIn}, consent.Recipient{
			Address: !tt.noAddress, Subscriptions: tt.subs, Suppressions: tt.suppressed,
		})
		var got []string
		for _, r := range decision.Reasons {
			text := string(r.Code)
			switch {
			case r.Kind != "":
				text += " of " + string(r.Kind)
			case r.How != "":
				text += " by " + string(r.How)
			case r.From != "":
				text += " from " + string(r.From)
			}
			got = append(got, text)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || decision.Allowed != (len(tt.want) == 0) {
			t.Errorf("%s: allowed %t, reasons (-want +got):\n%s", tt.name, decision.Allowed, diff)
		}
	}
}

func ExampleMaySend() {
	news := consent.Group{ID: "news", Channel: consent.Email}
	decision := consent.MaySend(consent.Message{Channel: consent.Email, Group: &news}, consent.Recipient{
		Address: true,
		Subscriptions: map[string]consent.Subscription{
			"news": {State: consent.Unsubscribed, How: consent.ByOneClick},
		},
	})
	fmt.Println(decision.Allowed, decision.Reasons[0].Code, decision.Reasons[0].How)
	// Output: false unsubscribed one_click
}

func TestStandingOf(t *testing.T) {
	t.Parallel()
	g := consent.Group{ID: "g", Channel: consent.Email}
	held := []consent.Suppression{{Held: map[consent.Kind]consent.Hold{consent.Bounce: {}}}}
	left := []consent.Suppression{{Groups: []string{"g"}, LeftAt: noon}}
	tests := []struct {
		name  string
		subs  subs
		held  []consent.Suppression
		optIn bool
		want  consent.Standing
	}{
		{"nothing said", nil, nil, true,
			consent.Standing{Group: g, State: consent.NotSet, Effective: consent.Unsubscribed, Source: consent.FromProjectDefault}},
		{"own word", subs{"g": sub(consent.Subscribed, consent.ByAPI, noon, "")}, nil, true,
			consent.Standing{Group: g, State: consent.Subscribed, Effective: consent.Subscribed, Source: consent.FromUser}},
		{"left everything", subs{"*": sub(consent.Unsubscribed, consent.ByPage, noon, "")}, nil, false,
			consent.Standing{Group: g, State: consent.NotSet, Effective: consent.Unsubscribed, Source: consent.FromUser}},
		{"suppressed", subs{"g": sub(consent.Subscribed, consent.ByAPI, noon, "")}, held, false,
			consent.Standing{Group: g, State: consent.Subscribed, Effective: consent.Unsubscribed, Source: consent.FromSuppression, Suppressed: true}},
		{"left before", subs{"g": sub(consent.Subscribed, consent.ByAPI, noon.Add(time.Hour), "")}, left, false,
			consent.Standing{Group: g, State: consent.Subscribed, Effective: consent.Unsubscribed, Source: consent.FromSuppression, LeftBefore: true}},
		{"left before, and back", subs{"g": sub(consent.Subscribed, consent.ByPage, noon.Add(time.Hour), "")}, left, false,
			consent.Standing{Group: g, State: consent.Subscribed, Effective: consent.Subscribed, Source: consent.FromUser}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, consent.StandingOf(tt.subs, g, tt.optIn, tt.held)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
