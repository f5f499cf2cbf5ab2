package user_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/user"
)

var start = time.UnixMilli(1_800_000_000_000).UTC()

// mint gives ids n1, n2, … and a time one hour after start.
func mint() user.Mint {
	n := 0
	return user.Mint{Now: start.Add(time.Hour), NewID: func() string {
		n++
		return fmt.Sprintf("n%d", n)
	}}
}

// person returns a user with the pairs, attached a minute apart.
func person(id string, pairs ...string) user.User {
	u := user.User{ID: id, ProjectID: "p", Data: map[string]any{}}
	for i, p := range pairs {
		source, externalID, _ := strings.Cut(p, ":")
		u.Identifiers = append(u.Identifiers, user.Identifier{
			ID: p, Pair: user.Pair{Source: source, ExternalID: externalID}, CreatedAt: start.Add(time.Duration(i) * time.Minute),
		})
	}
	return u
}

func pairsOf(ids []user.Identifier) string {
	var names []string
	for _, id := range ids {
		names = append(names, id.Source+":"+id.ExternalID)
	}
	return strings.Join(names, " ")
}

func TestSurvivor(t *testing.T) {
	tests := []struct {
		name     string
		users    []user.User
		survivor string
		absorbed string
		ok       bool
	}{
		{"one", []user.User{person("1", "default:a")}, "1", "[]", true},
		{"known and anonymous", []user.User{person("1", "anonymous:x"), person("2", "default:a")}, "2", "[1]", true},
		{"all anonymous: the oldest", []user.User{person("3", "anonymous:z"), person("1", "anonymous:x"), person("2", "anonymous:y")}, "1", "[2 3]", true},
		{"a named visitor is known", []user.User{person("1", "anonymous:x", "crm:1"), person("2", "anonymous:y")}, "1", "[2]", true},
		{"two known", []user.User{person("1", "default:a"), person("2", "crm:b"), person("3", "anonymous:x")}, "", "[]", false},
	}
	for _, tt := range tests {
		survivor, absorbed, ok := user.Survivor(tt.users)
		ids := []string{}
		for _, u := range absorbed {
			ids = append(ids, u.ID)
		}
		if survivor.ID != tt.survivor || fmt.Sprint(ids) != tt.absorbed || ok != tt.ok {
			t.Errorf("%s: %q %v %t, want %q %s %t", tt.name, survivor.ID, ids, ok, tt.survivor, tt.absorbed, tt.ok)
		}
	}
}

func TestAbsorb(t *testing.T) {
	known := person("k", "default:a")
	known.Email, known.Version = "known@example.com", 4
	known.Data = map[string]any{"plan": "premium", "nil": nil}
	visitor := person("v", "anonymous:x")
	visitor.Email, visitor.Phone, visitor.Locale = "visitor@example.com", "+15550101234", "fr"
	visitor.Data = map[string]any{"plan": "free", "nil": "set", "utm": "ad"}

	p, err := user.Absorb(known, visitor, nil, nil, mint())
	if err != nil {
		t.Fatal(err)
	}
	got := p.After
	if got.Email != "known@example.com" || got.Phone != "+15550101234" || got.Locale != "fr" {
		t.Errorf("contact fields: %q %q %q", got.Email, got.Phone, got.Locale)
	}
	if diff := cmp.Diff(map[string]any{"plan": "premium", "nil": nil, "utm": "ad"}, got.Data); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"/data/utm", "/locale", "/phone"}, p.Filled); diff != "" {
		t.Errorf("filled (-want +got):\n%s", diff)
	}
	if pairsOf(got.Identifiers) != "anonymous:x default:a" || pairsOf(p.Moved) != "anonymous:x" || got.Version != 5 {
		t.Errorf("identifiers %s, moved %s, version %d", pairsOf(got.Identifiers), pairsOf(p.Moved), got.Version)
	}
	if !cmp.Equal(known.Data, map[string]any{"plan": "premium", "nil": nil}) {
		t.Errorf("the merge modified its argument: %v", known.Data)
	}
}

func TestAbsorbKeepsTheStricterConsent(t *testing.T) {
	left := consent.Subscription{State: consent.Unsubscribed, How: consent.ByPage, At: start}
	stopped := consent.Subscription{State: consent.Unsubscribed, How: consent.ByInboundSMS, At: start, Prior: consent.NotSet}
	joined := consent.Subscription{State: consent.Subscribed, How: consent.ByAPI, At: start}
	unset := consent.Subscription{}
	stoppedAfterJoin := stopped
	stoppedAfterJoin.Prior = consent.Subscribed
	tests := []struct {
		name         string
		known, other consent.Subscription
		want         consent.Subscription
		lines        int
	}{
		{"the visitor left", joined, left, left, 1},
		{"the visitor left, the known said nothing", unset, left, left, 1},
		{"the known left", left, joined, left, 0},
		{"the visitor joined: no consent for the known", unset, joined, unset, 0},
		{"both left", left, left, left, 0},
		{"the visitor sent STOP: START gives back the known's word", joined, stopped, stoppedAfterJoin, 1},
		{"a choice goes further than a STOP", stopped, left, left, 1},
		{"a STOP goes no further than a choice", left, stopped, left, 0},
		{"both said nothing", unset, unset, unset, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			known, other := person("k", "default:a"), person("v", "anonymous:x")
			for u, s := range map[*user.User]consent.Subscription{&known: tt.known, &other: tt.other} {
				if s != unset {
					u.Subscriptions = map[string]consent.Subscription{"g": s}
				}
			}
			p, err := user.Absorb(known, other, nil, nil, mint())
			if err != nil {
				t.Fatal(err)
			}
			if got := p.After.Subscriptions["g"]; got != tt.want || len(p.Consent) != tt.lines {
				t.Errorf("got %+v and %d ledger lines, want %+v and %d", got, len(p.Consent), tt.want, tt.lines)
			}
		})
	}
}

func TestAmendReleasesTheOldestAnonymous(t *testing.T) {
	u := person("k", "default:a", "anonymous:1", "anonymous:2", "anonymous:3", "anonymous:4", "anonymous:5",
		"anonymous:6", "anonymous:7", "anonymous:8", "anonymous:9", "anonymous:10")
	req := user.Upsert{Identifiers: []user.Sent{sent("default", "a"), sent("anonymous", "1"), sent("anonymous", "11")}}
	p, err := user.Plan{Before: u, After: u}.Amend(&req, mint())
	if err != nil {
		t.Fatal(err)
	}
	if pairsOf(p.Added) != "anonymous:11" || pairsOf(p.Released) != "anonymous:2" || len(p.After.Identifiers) != 11 {
		t.Errorf("added %s, released %s, %d identifiers; the sent anonymous:1 must stay",
			pairsOf(p.Added), pairsOf(p.Released), len(p.After.Identifiers))
	}
}

func TestAmendBoundsIdentifiers(t *testing.T) {
	var pairs []string
	for i := range user.MaxIdentifiers - 1 {
		pairs = append(pairs, fmt.Sprintf("crm:%d", i))
	}
	full := person("k", append(pairs, "anonymous:x")...)
	req := user.Upsert{Identifiers: []user.Sent{sent("crm", "0"), sent("erp", "1")}}
	p, err := user.Plan{Before: full, After: full}.Amend(&req, mint())
	if err != nil || pairsOf(p.Released) != "anonymous:x" {
		t.Errorf("released %q, %v; want the anonymous identifier to make room", pairsOf(p.Released), err)
	}
	_, err = user.Plan{Before: p.After, After: p.After}.Amend(&user.Upsert{Identifiers: []user.Sent{sent("erp", "2")}}, mint())
	if diff := cmp.Diff([]string{"/identifier"}, pointers(t, err)); diff != "" {
		t.Errorf("one too many (-want +got):\n%s", diff)
	}
}

func TestAbsorbCarriesRefusalsOver(t *testing.T) {
	t.Parallel()
	left := consent.Subscription{State: consent.Unsubscribed, How: consent.ByPage, At: start}
	joined := consent.Subscription{State: consent.Subscribed, How: consent.ByAPI, At: start}
	known := user.User{ID: "k", Subscriptions: map[string]consent.Subscription{"joined": joined}}
	visitor := user.User{
		ID: "v", Ledger: consent.Ledger{Lines: 2, Head: "h"},
		Subscriptions: map[string]consent.Subscription{consent.AllGroups: left, "kept": joined},
	}
	groups := []consent.Group{{ID: "joined", Channel: consent.SMS}}
	plan, err := user.Absorb(known, visitor, nil, groups, mint())
	if err != nil {
		t.Fatal(err)
	}
	var events []consent.Event
	for _, c := range plan.Consent {
		events = append(events, c.Event)
	}
	if broken := plan.After.Ledger.Verify(events); len(broken) > 0 || plan.After.Ledger.Lines != 3 || events[2].Channel != consent.SMS {
		t.Errorf("the ledger after the merge: %+v of %+v; want 3 whole lines, the last of SMS", broken, plan.After.Ledger)
	}
	// Who left everything had left what the other had joined; a subscription is not carried over.
	want := map[string]consent.Subscription{"joined": left, consent.AllGroups: left}
	if diff := cmp.Diff(want, plan.After.Subscriptions); diff != "" {
		t.Errorf("subscriptions (-want +got):\n%s", diff)
	}
	var lines []string
	for _, c := range plan.Consent {
		e := c.Event
		lines = append(lines, e.Group+" "+string(e.From)+">"+string(e.To))
		if e.Evidence.UserID != "v" || e.Evidence.Absorbed != visitor.Ledger || e.How != consent.ByMerge {
			t.Errorf("line of %q: %+v", e.Group, e)
		}
	}
	if diff := cmp.Diff([]string{" not_set>not_set", "* not_set>unsubscribed", "joined subscribed>unsubscribed"}, lines); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}
