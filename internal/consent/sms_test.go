package consent_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"lunogram-users/internal/consent"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// subs is what a user said, by group id.
type subs = map[string]consent.Subscription

func sub(state consent.State, how consent.How, at time.Time, prior consent.State) consent.Subscription {
	return consent.Subscription{State: state, How: how, At: at, Prior: prior}
}

func TestApplyInbound(t *testing.T) {
	t.Parallel()
	var (
		before  = noon.Add(-time.Hour)
		after   = noon.Add(time.Hour)
		groups  = []consent.Group{{ID: "mail", Channel: consent.Email}, {ID: "text", Channel: consent.SMS}}
		stopped = sub(consent.Unsubscribed, consent.ByInboundSMS, before, consent.NotSet)
	)
	tests := []struct {
		name    string
		verdict consent.Verdict
		late    bool
		current subs
		want    subs // of group text afterwards; a group mail never changes
	}{
		{"stop of who said nothing", consent.Stop, false, subs{},
			subs{"text": sub(consent.Unsubscribed, consent.ByInboundSMS, noon, consent.NotSet)}},
		{"stop of a subscriber", consent.Stop, false,
			subs{"text": sub(consent.Subscribed, consent.ByAPI, before, "")},
			subs{"text": sub(consent.Unsubscribed, consent.ByInboundSMS, noon, consent.Subscribed)}},
		{"a second stop keeps the prior state", consent.Stop, false, subs{"text": stopped}, subs{"text": stopped}},
		{"stop of who left by the API", consent.Stop, false,
			subs{"text": sub(consent.Unsubscribed, consent.ByAPI, before, "")},
			subs{"text": sub(consent.Unsubscribed, consent.ByAPI, before, "")}},
		{"stop older than a newer choice", consent.Stop, false,
			subs{"text": sub(consent.Subscribed, consent.ByPage, after, "")},
			subs{"text": sub(consent.Subscribed, consent.ByPage, after, "")}},
		{"stop at the moment of a choice", consent.Stop, false,
			subs{"text": sub(consent.Subscribed, consent.ByPage, noon, "")},
			subs{"text": sub(consent.Unsubscribed, consent.ByInboundSMS, noon, consent.Subscribed)}},
		{"late stop", consent.Stop, true, subs{}, subs{}},
		{"stop leaves other channels", consent.Stop, false,
			subs{"mail": sub(consent.Subscribed, consent.ByAPI, before, "")},
			subs{"mail": sub(consent.Subscribed, consent.ByAPI, before, ""),
				"text": sub(consent.Unsubscribed, consent.ByInboundSMS, noon, consent.NotSet)}},

		{"start lifts a stop of who had said nothing", consent.Start, false, subs{"text": stopped}, subs{}},
		{"start lifts a stop of a subscriber", consent.Start, false,
			subs{"text": sub(consent.Unsubscribed, consent.ByInboundSMS, before, consent.Subscribed)},
			subs{"text": sub(consent.Subscribed, consent.ByInboundSMS, noon, "")}},
		{"start does not lift what the user chose elsewhere", consent.Start, false,
			subs{"text": sub(consent.Unsubscribed, consent.ByPage, before, "")},
			subs{"text": sub(consent.Unsubscribed, consent.ByPage, before, "")}},
		{"start subscribes nobody", consent.Start, false, subs{}, subs{}},
		{"start of a subscriber", consent.Start, false,
			subs{"text": sub(consent.Subscribed, consent.ByAPI, before, "")},
			subs{"text": sub(consent.Subscribed, consent.ByAPI, before, "")}},
		{"start older than the stop", consent.Start, false,
			subs{"text": sub(consent.Unsubscribed, consent.ByInboundSMS, after, consent.NotSet)},
			subs{"text": sub(consent.Unsubscribed, consent.ByInboundSMS, after, consent.NotSet)}},
		{"late start", consent.Start, true, subs{"text": stopped}, subs{"text": stopped}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := consent.Inbound{Verdict: tt.verdict, MessageID: "m1", At: noon}
			current := maps.Clone(tt.current)
			changes := consent.ApplyInbound(current, groups, in, tt.late)
			if diff := cmp.Diff(tt.current, current); diff != "" {
				t.Errorf("the argument was modified (-before +after):\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, consent.Apply(current, changes)); diff != "" {
				t.Errorf("subscriptions (-want +got):\n%s", diff)
			}
			wantLine := consent.Event{
				ID: consent.EventID(noon, "m1", "text"), Group: "text", Channel: consent.SMS,
				From: consent.StateOf(tt.current, "text"), To: consent.StateOf(tt.want, "text"),
				How: consent.ByInboundSMS, Evidence: consent.Evidence{MessageID: "m1"}, At: noon,
			}
			if len(changes) != 1 {
				t.Fatalf("got %d changes, want 1: a line for every SMS group and no other", len(changes))
			}
			if diff := cmp.Diff(wantLine, changes[0].Event); diff != "" {
				t.Errorf("ledger line (-want +got):\n%s", diff)
			}
		})
	}
}

func TestApplyInboundOtherVerdicts(t *testing.T) {
	t.Parallel()
	groups := []consent.Group{{ID: "text", Channel: consent.SMS}}
	for _, verdict := range []consent.Verdict{consent.None, consent.Help} {
		in := consent.Inbound{Verdict: verdict, MessageID: "m1", At: noon}
		if got := consent.ApplyInbound(nil, groups, in, false); got != nil {
			t.Errorf("ApplyInbound of %q: got %v, want nil", verdict, got)
		}
	}
}

// TestStopThenStart is the property that matters: whatever a user had said, a START after a STOP gives it back, and
// applying either twice is the same as once.
func TestStopThenStart(t *testing.T) {
	t.Parallel()
	groups := []consent.Group{{ID: "a", Channel: consent.SMS}, {ID: "b", Channel: consent.SMS}}
	states := []subs{
		{},
		{"a": sub(consent.Subscribed, consent.ByAPI, noon, "")},
		{"a": sub(consent.Unsubscribed, consent.ByAPI, noon, ""), "b": sub(consent.Subscribed, consent.ByPage, noon, "")},
		{"a": sub(consent.Unsubscribed, consent.ByOneClick, noon, "")},
	}
	apply := func(s subs, v consent.Verdict, minutes int, id string) subs {
		in := consent.Inbound{Verdict: v, MessageID: id, At: noon.Add(time.Duration(minutes) * time.Minute)}
		once := consent.Apply(s, consent.ApplyInbound(s, groups, in, false))
		twice := consent.Apply(once, consent.ApplyInbound(once, groups, in, false))
		if diff := cmp.Diff(once, twice); diff != "" {
			t.Errorf("%s applied twice (-once +twice):\n%s", v, diff)
		}
		return once
	}
	for _, before := range states {
		left := apply(apply(before, consent.Stop, 1, "m1"), consent.Stop, 2, "m2")
		for _, g := range groups {
			if got := consent.StateOf(left, g.ID); got != consent.Unsubscribed {
				t.Errorf("after STOP group %s is %s, want unsubscribed", g.ID, got)
			}
		}
		back := apply(left, consent.Start, 3, "m3")
		for _, g := range groups {
			if got, want := consent.StateOf(back, g.ID), consent.StateOf(before, g.ID); got != want {
				t.Errorf("after STOP, STOP, START group %s is %s, want %s as before", g.ID, got, want)
			}
		}
	}
}

func TestEventID(t *testing.T) {
	t.Parallel()
	id := consent.EventID(noon, "message", "group")
	if again := consent.EventID(noon, "message", "group"); again != id {
		t.Errorf("the same occurrence has the ids %s and %s, want one", id, again)
	}
	parsed, err := uuid.Parse(id)
	if err != nil || parsed.Version() != 7 || parsed.Variant() != uuid.RFC4122 {
		t.Errorf("EventID: got %s (%v), want a UUIDv7", id, err)
	}
	if sec, nsec := parsed.Time().UnixTime(); !time.Unix(sec, nsec).Equal(noon) {
		t.Errorf("the id holds %v, want %v", time.Unix(sec, nsec).UTC(), noon)
	}

	different := []string{
		id, consent.EventID(noon, "message", "group2"), consent.EventID(noon, "messageg", "roup"),
		consent.EventID(noon, "message"), consent.EventID(noon), consent.EventID(noon, "", "message", "group"),
	}
	slices.Sort(different)
	if n := len(slices.Compact(different)); n != 6 {
		t.Errorf("six occurrences have %d ids", n)
	}
	for ms := range 100 {
		earlier := consent.EventID(noon.Add(time.Duration(ms)*time.Millisecond), "x")
		later := consent.EventID(noon.Add(time.Duration(ms+1)*time.Millisecond), "x")
		if earlier >= later {
			t.Fatalf("%s is not before %s, though it happened a millisecond earlier", earlier, later)
		}
	}
}
