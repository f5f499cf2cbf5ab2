package consent_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/consent"
)

func TestChanges(t *testing.T) {
	t.Parallel()
	groups := []consent.Group{
		{ID: "mail", Channel: consent.Email}, {ID: "text", Channel: consent.SMS}, {ID: "old", Channel: consent.Email, ArchivedAt: noon},
	}
	current := subs{"mail": sub(consent.Subscribed, consent.ByAPI, noon, ""), "text": sub(consent.Unsubscribed, consent.ByInboundSMS, noon, consent.NotSet)}
	choice := func(group string, state consent.State) consent.Choice {
		return consent.Choice{Group: group, State: state}
	}
	tests := []struct {
		name    string
		choices []consent.Choice
		want    []string // group from>to, in the order of groups
		err     error
	}{
		{"one", []consent.Choice{choice("mail", consent.Unsubscribed)}, []string{"mail subscribed>unsubscribed"}, nil},
		{"what changes nothing is a line too", []consent.Choice{choice("mail", consent.Subscribed)}, []string{"mail subscribed>subscribed"}, nil},
		{"taken back", []consent.Choice{choice("text", consent.NotSet)}, []string{"text unsubscribed>not_set"}, nil},
		{"an archived group is still one", []consent.Choice{choice("old", consent.Unsubscribed)}, []string{"old not_set>unsubscribed"}, nil},
		{"a group too many", []consent.Choice{choice("mail", consent.Unsubscribed), choice("none", consent.Unsubscribed)}, nil, consent.ErrNoGroup},
		{"everything", []consent.Choice{choice("*", consent.Unsubscribed)},
			[]string{"* not_set>unsubscribed", "mail subscribed>unsubscribed", "text unsubscribed>unsubscribed"}, nil},
		{"everything but one, in any order", []consent.Choice{choice("mail", consent.Subscribed), choice("*", consent.Unsubscribed)},
			[]string{"* not_set>unsubscribed", "mail subscribed>subscribed", "text unsubscribed>unsubscribed"}, nil},
	}
	for _, tt := range tests {
		set := consent.Setting{Choices: tt.choices, How: consent.ByPage}
		changes, err := set.Changes(current, groups, noon, "w")
		var got, ids []string
		for _, c := range changes {
			got = append(got, c.Event.Group+" "+string(c.Event.From)+">"+string(c.Event.To))
			ids = append(ids, c.Event.ID)
			if (c.To == nil) != (c.Event.To == consent.NotSet) || c.To != nil && *c.To != sub(c.Event.To, consent.ByPage, noon, "") {
				t.Errorf("%s: %s becomes %+v", tt.name, c.Event.Group, c.To)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || !errors.Is(err, tt.err) {
			t.Errorf("%s: error %v, want %v, changes (-want +got):\n%s", tt.name, err, tt.err, diff)
		}
		again, _ := set.Changes(current, groups, noon, "w")
		if len(slices.Compact(slices.Sorted(slices.Values(ids)))) != len(ids) || !cmp.Equal(changes, again) {
			t.Errorf("%s: the ids of lines are not those of the occurrence: %v", tt.name, ids)
		}
	}
}

func TestCheckSetting(t *testing.T) {
	t.Parallel()
	set := consent.Setting{Choices: []consent.Choice{
		{Group: "a", State: consent.Subscribed}, {Group: "b", State: "yes"}, {Group: "a", State: consent.NotSet},
	}}
	want := map[int]consent.Fault{
		1: {Field: "state", Detail: "must be subscribed, unsubscribed or not_set"},
		2: {Field: "subscription_id", Detail: "is there twice"},
	}
	if diff := cmp.Diff(want, set.Check()); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestCheckGroup(t *testing.T) {
	t.Parallel()
	valid := consent.Group{Name: "News", Channel: consent.Email}
	if faults := valid.Check(); len(faults) != 0 {
		t.Errorf("a valid group: %v", faults)
	}
	bad := consent.GroupPatch{Name: new(""), Description: new(strings.Repeat("ü", 1001)), Default: new(consent.NotSet)}.Apply(valid)
	bad.Channel = "fax"
	var fields []string
	for _, f := range bad.Check() {
		fields = append(fields, f.Field)
	}
	if diff := cmp.Diff([]string{"name", "description", "channel", "default"}, fields); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	if got := (consent.GroupPatch{Public: new(true)}).Apply(valid); !got.Public || got.Name != "News" {
		t.Errorf("patched: %+v", got)
	}
}
