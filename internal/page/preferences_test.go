package page_test

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/consent"
)

func TestPreferencesShowPublicGroups(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.states[offers] = consent.Unsubscribed
	s.suppressed[delivery] = true
	a := s.do(t, "GET", s.preferences(t), "")
	if a.status != http.StatusOK {
		t.Fatalf("status %d, want 200", a.status)
	}
	for _, want := range []string{
		"Your preferences – Northwind", "Choose what Northwind may send you.", "Weekly news", "What is new, every Monday.", "Offers",
		"Delivery alerts", "Stopped for your phone number.", "Stop everything",
	} {
		if !strings.Contains(a.text(), want) {
			t.Errorf("the page does not say %q: %s", want, a.text())
		}
	}
	if strings.Contains(a.body, "Churn risk") || strings.Contains(a.body, hidden) || strings.Contains(a.body, "production") {
		t.Errorf("the page shows what is not for recipients: %s", a.body)
	}
	want := url.Values{"action": {"save"}, "was_on": {news}, "was_off": {offers}, "on": {news}}
	if diff := cmp.Diff(want, a.fields(t)); diff != "" {
		t.Errorf("what the form sends (-want +got):\n%s", diff)
	}
}

func TestPreferencesAreSaved(t *testing.T) {
	t.Parallel()
	const on, off = consent.Subscribed, consent.Unsubscribed
	tests := []struct {
		name   string
		before map[string]consent.State
		form   url.Values
		after  map[string]consent.State
		ledger []line
		says   []string
	}{
		{
			"one off", nil,
			url.Values{"action": {"save"}, "was_on": {news, offers, delivery}, "on": {offers, delivery}},
			map[string]consent.State{news: off},
			[]line{{Group: news, To: off}},
			[]string{"Saved – Northwind", "You will no longer get Weekly news."},
		},
		{
			"one on, two off", map[string]consent.State{offers: off},
			url.Values{"action": {"save"}, "was_on": {news, delivery}, "was_off": {offers}, "on": {offers}},
			map[string]consent.State{news: off, offers: on, delivery: off},
			[]line{{Group: news, To: off}, {Group: offers, To: on}, {Group: delivery, To: off}},
			[]string{"You will no longer get Weekly news.", "You will get Offers.", "You will no longer get Delivery alerts."},
		},
		{
			"nothing moved: who said nothing says nothing", nil,
			url.Values{"action": {"save"}, "was_on": {news, offers, delivery}, "on": {news, offers, delivery}},
			map[string]consent.State{}, nil,
			[]string{"You changed nothing, so everything stays as it is."},
		},
		{
			"groups that are not shown, or of nobody", nil,
			url.Values{"action": {"save"}, "was_on": {hidden, "x"}, "on": {"y"}},
			map[string]consent.State{}, nil, []string{"You changed nothing"},
		},
		{
			"everything", map[string]consent.State{offers: on},
			url.Values{"action": {"stop"}},
			map[string]consent.State{news: off, offers: off, delivery: off, hidden: off},
			[]line{{Group: consent.AllGroups, To: off}},
			[]string{"Everything is stopped – Northwind", "Northwind will send you no more of these messages."},
		},
	}
	for _, test := range tests {
		s := newSite(t)
		maps.Copy(s.states, test.before)
		a := s.post(t, s.preferences(t), test.form)
		if a.status != http.StatusOK {
			t.Errorf("%s: status %d, want 200", test.name, a.status)
		}
		states, ledger := s.take()
		for i := range test.ledger {
			test.ledger[i].How, test.ledger[i].Evidence.RequestID = consent.ByPage, "req-1"
			if i < len(ledger) {
				test.ledger[i].Evidence.Notice = ledger[i].Evidence.Notice
			}
		}
		if diff := cmp.Diff(test.after, states); diff != "" {
			t.Errorf("%s: states (-want +got):\n%s", test.name, diff)
		}
		if diff := cmp.Diff(test.ledger, ledger); diff != "" {
			t.Errorf("%s: ledger (-want +got):\n%s", test.name, diff)
		}
		for _, want := range test.says {
			if !strings.Contains(a.text(), want) {
				t.Errorf("%s: the page does not say %q: %s", test.name, want, a.text())
			}
		}
		again := s.do(t, "GET", s.preferences(t), "")
		if diff := cmp.Diff(again.fields(t), a.fields(t)); diff != "" {
			t.Errorf("%s: the switches stand otherwise than on a fresh page (-fresh +got):\n%s", test.name, diff)
		}
	}
}

// TestTwoTabs saves two pages that were opened together: the second must not undo the first.
func TestTwoTabs(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := s.preferences(t)
	first, second := s.do(t, "GET", path, "").fields(t), s.do(t, "GET", path, "").fields(t)
	first["on"] = []string{offers, delivery}
	second["on"] = []string{news, offers}
	for name, form := range map[string]url.Values{"first": first, "second": second} {
		if a := s.post(t, path, form); a.status != http.StatusOK {
			t.Errorf("%s tab: status %d, want 200", name, a.status)
		}
	}
	states, _ := s.take()
	want := map[string]consent.State{news: consent.Unsubscribed, delivery: consent.Unsubscribed}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

// TestSuppressedStaysSo checks that a switch that does nothing cannot be moved by hand, but a user may still say no.
func TestSuppressedStaysSo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.suppressed[delivery] = true
	s.post(t, s.preferences(t), url.Values{"action": {"save"}, "was_off": {delivery}, "on": {delivery}})
	if states, ledger := s.take(); len(states) > 0 || len(ledger) > 0 {
		t.Errorf("switched on what is suppressed: %v, %v", states, ledger)
	}
	a := s.post(t, s.preferences(t), url.Values{"action": {"stop"}})
	if states, _ := s.take(); states[delivery] != consent.Unsubscribed {
		t.Errorf("stopping everything left the suppressed group %q", states[delivery])
	}
	if !strings.Contains(a.text(), "text START to the number") {
		t.Errorf("the page no longer says why: %s", a.text())
	}
}

func TestPreferencesFailKindly(t *testing.T) {
	t.Parallel()
	moved := url.Values{"action": {"save"}, "was_on": {news, offers}, "on": {offers}}
	tests := []struct {
		name   string
		fail   error
		form   url.Values
		status int
		says   string
		on     []string // switches after it
	}{
		{"the store is down", errors.New("down for 5550100"), moved, http.StatusServiceUnavailable, "That did not work", []string{offers, delivery}},
		{"a group went", consent.ErrNoGroup, moved, http.StatusConflict, "choose again below", []string{news, offers, delivery}},
		{"no button", nil, url.Values{"on": {offers}}, http.StatusBadRequest, "choose again below", []string{news, offers, delivery}},
		{"another button", nil, url.Values{"action": {"unsubscribe"}}, http.StatusBadRequest, "choose again below", []string{news, offers, delivery}},
		{"one-click is for the other link", nil, url.Values{"List-Unsubscribe": {"One-Click"}}, http.StatusBadRequest, "choose again", []string{news, offers, delivery}},
	}
	for _, test := range tests {
		s := newSite(t)
		s.writes = test.fail
		a := s.post(t, s.preferences(t), test.form)
		if a.status != test.status || !strings.Contains(a.text(), test.says) {
			t.Errorf("%s: %d %s, want %d and %q", test.name, a.status, a.text(), test.status, test.says)
		}
		if diff := cmp.Diff(test.on, a.fields(t)["on"]); diff != "" {
			t.Errorf("%s: switches that are on (-want +got):\n%s", test.name, diff)
		}
		if states, ledger := s.take(); len(states) > 0 || len(ledger) > 0 {
			t.Errorf("%s: changed %v, %v", test.name, states, ledger)
		}
	}
}

func TestReadFailsKindly(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.reads = errors.New("down")
	for _, path := range []string{s.preferences(t), s.unsubscribe(t, news)} {
		a := s.do(t, "GET", path, "")
		if a.status != http.StatusServiceUnavailable || !strings.Contains(a.text(), "Please try again") || a.header.Get("Retry-After") == "" {
			t.Errorf("%s: %d %s, want 503 and to try again", path, a.status, a.text())
		}
	}
	if !strings.Contains(s.logs.String(), "error=down") {
		t.Errorf("the log does not say why: %s", s.logs)
	}
}

func TestNoPublicGroups(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.groups = s.groups[3:]
	a := s.do(t, "GET", s.preferences(t), "")
	if !strings.Contains(a.text(), "nothing to choose") || !strings.Contains(a.text(), "Stop everything") || strings.Contains(a.body, `value="save"`) {
		t.Errorf("the page of no groups is %s", a.text())
	}
}
