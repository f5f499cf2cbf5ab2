package system_test

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"lunogram-users/internal/project"
	"lunogram-users/internal/sms/twilio"
)

// twilioToken is the auth token that the functions of the test are told.
const twilioToken = "token-of-the-test"

// twilio posts an inbound message as Twilio does and returns the status and the body of the answer.
func (n *tenant) twilio(t *testing.T, token, text, from, id, optOut string) (int, string) {
	t.Helper()
	form := url.Values{
		"MessageSid": {id}, "AccountSid": {"AC1"}, "From": {from}, "To": {n.sender(t)}, "Body": {text}, "NumMedia": {"0"},
	}
	if optOut != "" {
		form.Set("OptOutType", optOut)
	}
	req, err := http.NewRequestWithContext(t.Context(), "POST", cloud.URL+twilio.Path, strings.NewReader(form.Encode()))
	must(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Twilio-Signature", twilio.Signature(token, cloud.URL+twilio.Path, form))
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(t, err)
	return resp.StatusCode, string(body)
}

func TestTwilio(t *testing.T) {
	n := newTenant(t)
	const number = "+15550106666"
	n.upsert(object{"identifier": pairs("x"), "phone": number})

	if status, body := n.twilio(t, "forged", "STOP", number, "SM0", ""); status != http.StatusForbidden || strings.Contains(body, number) {
		t.Errorf("a forged signature: got %d %s, want 403", status, body)
	}
	for range 2 { // Twilio sends it again when it has not seen the answer
		if status, body := n.twilio(t, twilioToken, "por favor, no me escriban más", number, "SM1", ""); status != http.StatusOK || body != "<Response/>" {
			t.Errorf("a message: got %d %s, want 200 and an empty document", status, body)
		}
	}
	n.await(t, "STOP", func() bool { return n.state(t, "x") == "unsubscribed*" })
	n.twilio(t, twilioToken, "ciao", number, "SM2", "START")
	n.await(t, "START", func() bool { return n.state(t, "x") == "not_set" })
	n.twilio(t, twilioToken, "por favor, no me escriban más", number, "SM1", "")
	n.twilio(t, twilioToken, "Stop", number, "SM3", "")
	n.await(t, "the second STOP", func() bool { return n.state(t, "x") == "unsubscribed*" })
	u, _ := n.byID(t, "x")
	events, err := n.store.Events(t.Context(), n.id, u.ID)
	must(t, err)
	if len(events) != 3 {
		t.Errorf("%d ledger lines, want 3: one for each message, posted however often", len(events))
	}
	if got := n.texts(t); len(got) != 0 {
		t.Errorf("sent %q, but Twilio answers", got)
	}
}

// texts returns the bodies of the text messages that were sent from the tenant's number.
func (n *tenant) texts(t *testing.T) []string {
	t.Helper()
	var bodies []string
	for _, text := range cloud.Texts() {
		if text.From == n.sender(t) {
			bodies = append(bodies, text.Body)
		}
	}
	return bodies
}

// TestOneConfirmation delivers a STOP several times while the function is killed again and again: the refusal is
// recorded, and confirmed at most once, also to a number that it has suppressed.
func TestOneConfirmation(t *testing.T) {
	n := newTenant(t)
	const number = "+15550107777"
	n.upsert(object{"identifier": pairs("x"), "phone": number})
	n.answeredBy = project.AnsweredByUs

	n.publish(t, "Stop!", number, "m1")
	n.publish(t, "Stop!", number, "m1")
	n.await(t, "confirmation", func() bool { return len(n.texts(t)) > 0 })
	n.publish(t, "START", number, "m2")
	n.await(t, "welcome", func() bool { return len(n.texts(t)) == 2 })

	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { n.publish(t, "STOP", number, "m3") })
		wg.Go(func() { _, _ = cloud.Kill("sms-stop") })
	}
	wg.Wait()
	n.await(t, "STOP under fire", func() bool { return n.state(t, "x") == "unsubscribed*" })
	n.publish(t, "help", number, "m4")
	n.await(t, "help", func() bool {
		return slices.ContainsFunc(n.texts(t), func(s string) bool { return strings.Contains(s, "data rates") })
	})
	got := n.texts(t)
	confirmed := 0
	for _, body := range got {
		if strings.Contains(body, "You are unsubscribed") {
			confirmed++
		}
	}
	if confirmed < 1 || confirmed > 2 || !strings.HasPrefix(got[0], t.Name()+": ") {
		t.Errorf("two STOPs were confirmed %d times, want once or, where the function was killed, never: %q", confirmed, got)
	}
}
