package system_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"lunogram-users/internal/project"
)

// sender is the number of the tenant, which must be its own as a number belongs to one project.
func (n *tenant) sender(t *testing.T) string {
	t.Helper()
	digits := strings.Map(func(r rune) rune {
		if r >= 'a' {
			return '0' + (r-'a')%10
		}
		return r
	}, strings.ReplaceAll(n.id, "-", ""))
	number := "+1" + digits[len(digits)-11:]
	must(t, n.store.PutSender(t.Context(), project.Sender{Number: number, ProjectID: n.id, AnsweredBy: n.answeredBy}))
	return number
}

// publish sends an inbound message in the form of AWS two-way SMS to the topic.
func (n *tenant) publish(t *testing.T, text, from, id string, headers ...string) {
	t.Helper()
	message, err := json.Marshal(object{
		"originationNumber": from, "destinationNumber": n.sender(t), "messageKeyword": "KEYWORD_1",
		"messageBody": text, "inboundMessageId": id, "previousPublishedMessageId": "",
	})
	must(t, err)
	req, err := http.NewRequestWithContext(t.Context(), "POST", n.cloud.URL+"/_local/sns/InboundSmsTopic", strings.NewReader(string(message)))
	must(t, err)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("publish: %s", resp.Status)
	}
}

// state returns the user's state in the SMS group through the API, with a * when suppressed.
func (n *tenant) state(t *testing.T, externalID string) string {
	t.Helper()
	u, ok := n.byID(t, externalID)
	if !ok {
		t.Fatalf("no user %s", externalID)
	}
	r := n.call("GET", n.admin("/"+u.ID+"/subscriptions"), n.secret, nil)
	for _, s := range r.body["results"].([]any) {
		if s := s.(object); s["channel"] == "sms" {
			if s["suppressed"] == true {
				return s["state"].(string) + "*"
			}
			return s["state"].(string)
		}
	}
	t.Fatalf("no SMS group in %v", r.body)
	return ""
}

func TestStopAndStart(t *testing.T) {
	n, other := newTenant(t), newTenant(t)
	const number = "+15550104444"
	for _, id := range []string{"x", "y"} {
		n.upsert(object{"identifier": pairs(id), "phone": number})
	}
	n.upsert(object{"identifier": pairs("z"), "phone": "+15550105555"})
	other.upsert(object{"identifier": pairs("x"), "phone": number})

	n.publish(t, "when do you start?", number, "m0")
	n.publish(t, " Stop! ", number, "m1", "X-Timestamp", "2026-11-01T10:00:00.000Z")
	for _, id := range []string{"x", "y"} {
		n.await(t, "STOP of "+id, func() bool { return n.state(t, id) == "unsubscribed*" })
	}
	if got := n.state(t, "z"); got != "not_set" {
		t.Errorf("another number is %s", got)
	}
	if got := other.state(t, "x"); got != "not_set" {
		t.Errorf("the number in another project is %s", got)
	}
	n.publish(t, "START", number, "m2", "X-Timestamp", "2026-11-01T11:00:00.000Z")
	for _, id := range []string{"x", "y"} {
		n.await(t, "START of "+id, func() bool { return n.state(t, id) == "not_set" })
	}
	n.publish(t, " Stop! ", number, "m1", "X-Timestamp", "2026-11-01T10:00:00.000Z")
	n.publish(t, "STOP", number, "m3", "X-Timestamp", "2026-11-01T12:00:00.000Z")
	n.await(t, "the second STOP", func() bool { return n.state(t, "x") == "unsubscribed*" && n.state(t, "y") == "unsubscribed*" })
	u, _ := n.byID(t, "x")
	events, err := n.store.Events(t.Context(), n.id, u.ID)
	must(t, err)
	if len(events) != 3 {
		t.Errorf("%d ledger lines, want 3: one for each message that meant something, delivered however often", len(events))
	}
}

// TestTextsOutOfOrder delivers each message twice: a STOP that a newer START has overtaken, then a STOP and a START of the
// same instant together.
func TestTextsOutOfOrder(t *testing.T) {
	n := newTenant(t)
	const number = "+15550108888"
	n.upsert(object{"identifier": pairs("x"), "phone": number})
	u, _ := n.byID(t, "x")
	lines := func() int {
		events, err := n.store.Events(t.Context(), n.id, u.ID)
		must(t, err)
		return len(events)
	}
	publish := func(text, id, at string) {
		n.publish(t, text, number, id, "X-Timestamp", "2026-11-01T"+at+"Z")
	}
	publish("STOP", "m1", "10:00:00")
	n.await(t, "STOP", func() bool { return n.state(t, "x") == "unsubscribed*" })
	publish("START", "m3", "12:00:00")
	n.await(t, "START", func() bool { return n.state(t, "x") == "not_set" })
	for range 2 {
		publish("STOP", "m2", "11:00:00")
	}
	n.await(t, "the late STOP in the ledger", func() bool { return lines() == 3 })
	if got := n.state(t, "x"); got != "not_set" {
		t.Errorf("after a late STOP the state is %s, want not_set", got)
	}
	var wg sync.WaitGroup
	for _, text := range []string{"START", "STOP", "START", "STOP"} {
		wg.Go(func() { publish(text, "both-"+text, "13:00:00") })
	}
	wg.Wait()
	n.await(t, "both in the ledger", func() bool { return lines() == 5 })
	n.await(t, "the STOP", func() bool { return n.state(t, "x") == "unsubscribed*" })
}
