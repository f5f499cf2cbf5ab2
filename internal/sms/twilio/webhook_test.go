package twilio_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/api"
	"lunogram-users/internal/sms"
	"lunogram-users/internal/sms/twilio"
)

// TestPublishedSignature checks the example that Twilio publishes.
// Source: https://www.twilio.com/docs/usage/webhooks/webhooks-security
func TestPublishedSignature(t *testing.T) {
	t.Parallel()
	form := url.Values{
		"CallSid": {"CA1234567890ABCDE"}, "Caller": {"+14158675309"}, "Digits": {"1234"}, "From": {"+14158675309"},
		"To": {"+18005551212"},
	}
	got := twilio.Signature("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", form)
	if want := "RSOYDt4T1cUTdK1PDd93/VVr8B8="; got != want {
		t.Errorf("Signature: got %s, want %s", got, want)
	}
}

// TestSignatureOfRepeatedParameters checks that the order of values does not matter and that one counts once, as in
// Twilio's own libraries.
func TestSignatureOfRepeatedParameters(t *testing.T) {
	t.Parallel()
	const address = "https://example.com/"
	sign := func(values ...string) string {
		return twilio.Signature("t", address, url.Values{"A": values, "B": {"x"}})
	}
	if sign("1", "2") != sign("2", "1") || sign("1", "1", "2") != sign("2", "1") || sign("1") == sign("1", "2") {
		t.Error("the signature of repeated parameters is not that of their sorted, different values")
	}
	if form := (url.Values{"A": {"2", "1"}}); twilio.Signature("t", address, form) == "" || form["A"][0] != "2" {
		t.Error("Signature changed the form")
	}
}

// published collects what is published, and fails if told to.
type published struct {
	messages [][]byte
	err      error
}

func (p *published) Publish(_ context.Context, message []byte) error {
	if p.err == nil {
		p.messages = append(p.messages, message)
	}
	return p.err
}

const (
	primary, secondary = "primary-token", "secondary-token"
	public             = "https://users.example.com"
	sender             = "+15550101234"
)

// inbound is the form of a message as Twilio posts it, changed by pairs of name and value.
func inbound(pairs ...string) url.Values {
	form := url.Values{
		"ToCountry": {"US"}, "SmsMessageSid": {"SM00"}, "NumMedia": {"0"}, "ToCity": {""}, "SmsSid": {"SM00"},
		"SmsStatus": {"received"}, "Body": {"STOP  "}, "To": {"+15550109999"}, "MessagingServiceSid": {"MG00"},
		"NumSegments": {"1"}, "MessageSid": {"SM00"}, "AccountSid": {"AC00"}, "From": {sender}, "ApiVersion": {"2010-04-01"},
	}
	for i := 0; i < len(pairs); i += 2 {
		form[pairs[i]] = append(form[pairs[i]][:0:0], pairs[i+1])
	}
	return form
}

// want is what is published of that form.
var want = sms.Inbound{Provider: "twilio", MessageID: "SM00", From: sender, To: "+15550109999", Body: "STOP  "}

func changed(change func(*sms.Inbound)) *sms.Inbound {
	m := want
	change(&m)
	return &m
}

func TestWebhook(t *testing.T) {
	t.Parallel()
	const path = "/sms/twilio"
	tests := []struct {
		name      string
		path      string
		form      url.Values
		signature string // of form at path if ""
		err       error  // of the publisher
		status    int
		want      *sms.Inbound
	}{
		{name: "an inbound message", form: inbound(), status: http.StatusOK, want: &want},
		{name: "signed with the secondary token", form: inbound(), signature: twilio.Signature(secondary, public+path, inbound()),
			status: http.StatusOK, want: &want},
		{name: "an address with a query", path: path + "?a=1&b=%20", form: inbound(), status: http.StatusOK, want: &want},
		{name: "a parameter that is new", form: inbound("Surprise", "ü+&=;"), status: http.StatusOK, want: &want},
		{name: "a repeated parameter", form: func() url.Values {
			form := inbound()
			form["MediaUrl"] = []string{"b", "a", "b"}
			return form
		}(), status: http.StatusOK, want: &want},
		{name: "an opinion of Twilio", form: inbound("OptOutType", "STOP", "Body", "ciao"), status: http.StatusOK,
			want: changed(func(m *sms.Inbound) { m.OptOut, m.Body = "STOP", "ciao" })},
		{name: "an empty body", form: inbound("Body", ""), status: http.StatusOK, want: changed(func(m *sms.Inbound) { m.Body = "" })},
		{name: "other letters", form: inbound("Body", "توقف 🛑"), status: http.StatusOK, want: changed(func(m *sms.Inbound) { m.Body = "توقف 🛑" })},

		{name: "no signature", form: inbound(), signature: "none", status: http.StatusForbidden},
		{name: "a foreign token", form: inbound(), signature: twilio.Signature("other", public+path, inbound()), status: http.StatusForbidden},
		{name: "an empty token", form: inbound(), signature: twilio.Signature("", public+path, inbound()), status: http.StatusForbidden},
		{name: "the address that the request claims", form: inbound(), signature: twilio.Signature(primary, "https://evil.example"+path, inbound()),
			status: http.StatusForbidden},
		{name: "another address", path: path + "?a=1", form: inbound(), signature: twilio.Signature(primary, public+path, inbound()), status: http.StatusForbidden},
		{name: "another body", form: inbound("Body", "START"), signature: twilio.Signature(primary, public+path, inbound()), status: http.StatusForbidden},
		{name: "no form", form: url.Values{}, signature: twilio.Signature(primary, public+path, inbound()), status: http.StatusForbidden},

		{name: "no message", form: inbound("MessageSid", ""), status: http.StatusBadRequest},
		{name: "nobody's message", form: inbound("From", ""), status: http.StatusBadRequest},
		{name: "too long", form: inbound("Body", strings.Repeat("x", 64<<10)), status: http.StatusRequestEntityTooLarge},
		{name: "not published", form: inbound(), err: errors.New("the topic is away"), status: http.StatusServiceUnavailable},
		{name: "another path", path: "/sms/twilio/x", form: inbound(), status: http.StatusNotFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var logs bytes.Buffer
			out := &published{err: tt.err}
			h := twilio.Webhook{PublicURL: public, Tokens: []string{"", primary, secondary}, Publisher: out, Refuse: api.Refuse,
				Log: slog.New(slog.NewTextHandler(&logs, nil))}
			if tt.path == "" {
				tt.path = path
			}
			if tt.signature == "" {
				tt.signature = twilio.Signature(primary, public+tt.path, tt.form)
			}
			r := httptest.NewRequest("POST", "http://evil.example"+tt.path, strings.NewReader(tt.form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("X-Forwarded-Host", "evil.example")
			r.Header.Set("X-Twilio-Signature", tt.signature)
			w := httptest.NewRecorder()
			h.Handler().ServeHTTP(w, r)

			if w.Code != tt.status {
				t.Errorf("status: got %d %s, want %d", w.Code, w.Body, tt.status)
			}
			check(t, w)
			var got *sms.Inbound
			for _, message := range out.messages {
				if got != nil {
					t.Fatalf("published twice: %s", message)
				}
				got = new(sms.Inbound)
				if err := json.Unmarshal(message, got); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("published (-want +got):\n%s", diff)
			}
			if strings.Contains(logs.String(), sender) || strings.Contains(logs.String(), sender[1:]) {
				t.Errorf("the log holds the number: %s", &logs)
			}
		})
	}
}

// check checks the form of an answer: empty TwiML, or a problem document.
func check(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	contentType := w.Header().Get("Content-Type")
	if w.Code == http.StatusOK {
		if w.Body.String() != "<Response/>" || !strings.HasPrefix(contentType, "text/xml") {
			t.Errorf("got %s %q, want an empty TwiML document", contentType, w.Body)
		}
		return
	}
	var problem struct {
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || problem.Status != w.Code || problem.Detail == "" || contentType != "application/problem+json" {
		t.Errorf("got %s %q, want a problem document", contentType, w.Body)
	}
	if strings.Contains(w.Body.String(), sender) {
		t.Errorf("the problem holds the number: %s", w.Body)
	}
}

// TestWithoutTokens checks that nothing is let in where Twilio is not used.
func TestWithoutTokens(t *testing.T) {
	t.Parallel()
	for _, tokens := range [][]string{nil, {""}} {
		out := &published{}
		h := twilio.Webhook{Tokens: tokens, Publisher: out, Refuse: api.Refuse, Log: slog.New(slog.DiscardHandler)}
		r := httptest.NewRequest("POST", "/sms/twilio", strings.NewReader(inbound().Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Twilio-Signature", twilio.Signature("", "/sms/twilio", inbound()))
		w := httptest.NewRecorder()
		h.Handler().ServeHTTP(w, r)
		if w.Code != http.StatusForbidden || len(out.messages) > 0 {
			t.Errorf("tokens %q: got %d and %d published, want 403 and none", tokens, w.Code, len(out.messages))
		}
	}
}

// FuzzWebhook posts any body under a signature that fits and under one that does not.
func FuzzWebhook(f *testing.F) {
	for _, body := range []string{"", inbound().Encode(), "MessageSid=%zz", "a=1;b=2", "MessageSid=1&MessageSid=2&From=&To=", "\x00\xff&=&&"} {
		f.Add(body, "c2lnbmF0dXJl")
	}
	f.Fuzz(func(t *testing.T, body, signature string) {
		post := func(signature string) (int, int) {
			out := &published{}
			h := twilio.Webhook{PublicURL: public, Tokens: []string{primary}, Publisher: out, Refuse: api.Refuse, Log: slog.New(slog.DiscardHandler)}
			r := httptest.NewRequest("POST", "/sms/twilio", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("X-Twilio-Signature", signature)
			w := httptest.NewRecorder()
			h.Handler().ServeHTTP(w, r)
			check(t, w)
			return w.Code, len(out.messages)
		}
		form, err := url.ParseQuery(body)
		fits := twilio.Signature(primary, public+"/sms/twilio", form)
		if code, n := post(fits); err == nil && code == http.StatusForbidden || (code == http.StatusOK) != (n == 1) {
			t.Errorf("body %q, signed: got %d and %d published", body, code, n)
		}
		if code, n := post(signature); signature != fits && (code == http.StatusOK || n > 0) {
			t.Errorf("body %q, signature %q: got %d and %d published, want a refusal", body, signature, code, n)
		}
	})
}
