package sms_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/project"
	"lunogram-users/internal/sms"
)

// carrier keeps what is sent, and fails if told to.
type carrier struct {
	mu   sync.Mutex
	sent []sms.Outbound
	err  error
}

func (c *carrier) Send(_ context.Context, m sms.Outbound) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent = append(c.sent, m)
	return c.err
}

// take returns the bodies of what was sent since the last call.
func (c *carrier) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var bodies []string
	for _, m := range c.sent {
		bodies = append(bodies, m.Body)
	}
	c.sent = nil
	return bodies
}

// settings changes the project's settings.
func (s *scene) settings(t *testing.T, change func(*project.Settings)) {
	t.Helper()
	_, err := s.store.ChangeSettings(t.Context(), s.project, func(p project.Settings) (project.Settings, error) {
		change(&p)
		return p, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestAnswers plays a conversation. Each STOP in force is confirmed once, a START once after it, a HELP every time.
func TestAnswers(t *testing.T) {
	t.Parallel()
	s := newScene(t, dynamotest.New(t), "+15550173001")
	s.answeredBy(t, project.AnsweredByUs)
	s.settings(t, func(p *project.Settings) { p.StopText, p.StartText, p.HelpText = "stopped", "started", "help" })
	for i, step := range []struct {
		body, id string
		second   int
		want     string
	}{
		{"see you", "m0", 0, ""},
		{"START", "m1", 1, ""}, // nothing was stopped
		{"HELP", "m2", 2, "help"},
		{"HELP", "m2", 2, ""}, // delivered twice
		{"Stop!", "m3", 3, "stopped"},
		{"Stop!", "m3", 3, ""},
		{"STOP", "m4", 4, ""}, // confirmed already
		{"help", "m5", 5, "help"},
		{"unstop", "m6", 6, "started"},
		{"unstop", "m6", 6, ""},
		{"START", "m7", 7, ""},
		{"stop", "m8", 5, ""}, // overtaken by the START
		{"stop", "m9", 9, "stopped"},
		{"Stop!", "m3", 3, ""},
		{"STOP 12345", "m10", 10, ""}, // a person decides
	} {
		s.handle(t, s.message(step.body, step.id, noon.Add(time.Duration(step.second)*time.Second)))
		if got := strings.Join(s.carrier.take(), ", "); got != step.want {
			t.Errorf("step %d, %s %s: got answers %q, want %q", i, step.body, step.id, got, step.want)
		}
	}
}

func TestAnswerGoesBack(t *testing.T) {
	t.Parallel()
	s := newScene(t, dynamotest.New(t), "73002")
	s.answeredBy(t, project.AnsweredByUs)
	s.settings(t, func(p *project.Settings) { p.StopText = "bye" })
	s.handle(t, s.message("STOP", "m1", noon.Add(-time.Minute)))
	want := []sms.Outbound{{From: s.number, To: s.phone, Body: "bye", TTL: 4 * time.Minute}}
	if diff := cmp.Diff(want, s.carrier.sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		answeredBy project.Answerer
		at         time.Time
		fails      error
		sent       int
	}{
		{"the provider answers", project.AnsweredByProvider, noon, nil, 0},
		{"too late to be presumed wanted", project.AnsweredByUs, noon.Add(-5 * time.Minute), nil, 0},
		{"the carrier fails", project.AnsweredByUs, noon, errors.New("not sent, or sent"), 1},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, dynamotest.New(t), fmt.Sprint(73010+i))
			s.answeredBy(t, tt.answeredBy)
			s.carrier.err = tt.fails
			for range 2 { // the second delivery sends nothing more
				s.handle(t, s.message("STOP", "m1", tt.at))
				s.check(t, consent.Unsubscribed, true, 1)
			}
			if got := len(s.carrier.take()); got != tt.sent {
				t.Errorf("sent %d messages, want %d", got, tt.sent)
			}
		})
	}
}

// TestOneAnswerToManyDeliveries delivers one STOP many times at once.
func TestOneAnswerToManyDeliveries(t *testing.T) {
	t.Parallel()
	s := newScene(t, dynamotest.New(t), "73020")
	s.answeredBy(t, project.AnsweredByUs)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { s.handle(t, s.message("STOP", "m1", noon)) })
	}
	wg.Wait()
	s.check(t, consent.Unsubscribed, true, 1)
	if got := s.carrier.take(); len(got) != 1 {
		t.Errorf("got answers %q, want one", got)
	}
}

// TestStopAndStartAtOnce delivers a STOP and a START of the same instant together, each twice: the STOP wins in
// whatever order they are handled, and what the recipient is told last is so.
func TestStopAndStartAtOnce(t *testing.T) {
	t.Parallel()
	store := dynamotest.New(t)
	for i := range 8 {
		s := newScene(t, store, fmt.Sprint(73030+i))
		s.answeredBy(t, project.AnsweredByUs)
		s.settings(t, func(p *project.Settings) { p.StopText, p.StartText = "stopped", "started" })
		var wg sync.WaitGroup
		for _, m := range []string{"START", "STOP", "STOP", "START"} {
			wg.Go(func() { s.handle(t, s.message(m, m, noon)) })
		}
		wg.Wait()
		s.check(t, consent.Unsubscribed, true, 2)
		if got := s.carrier.take(); !slices.Equal(got, []string{"stopped"}) {
			t.Errorf("got answers %q, want one that says stopped", got)
		}
	}
}

// TestAnswerIsNotRepeated breaks each exchange with DynamoDB of a STOP in turn. The repeat confirms it if the first
// delivery did not, unless the reply to the claim was lost; never do two.
func TestAnswerIsNotRepeated(t *testing.T) {
	t.Parallel()
	for i, fault := range []dynamotest.Fault{dynamotest.Throttled, dynamotest.Before, dynamotest.After} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			var faults dynamotest.Faults
			s := newScene(t, dynamotest.New(t, faults.Option(1)), fmt.Sprint(73040+i))
			s.answeredBy(t, project.AnsweredByUs)
			silent := 0
			for at := 1; ; at++ {
				// Each round is a START that makes room for an answer, and the STOP.
				second := func(n int) time.Time { return noon.Add(time.Duration(2*at+n-600) * time.Second) }
				s.handler.Now = func() time.Time { return second(0) }
				s.handle(t, s.message("START", fmt.Sprint("start", at), second(0)))
				s.carrier.take()
				stop := s.message("STOP", fmt.Sprint("stop", at), second(1))
				faults.Arm(fault, at, 1)
				err := s.handler.Handle(t.Context(), stop)
				seen := len(faults.Seen())
				faults.Arm("", 0, 0)
				s.handle(t, stop)
				sent := len(s.carrier.take())
				if sent > 1 || sent == 0 && fault != dynamotest.After {
					t.Errorf("exchange %d: the STOP was confirmed %d times, want once", at, sent)
				}
				silent += 1 - sent
				if seen < at {
					if err != nil {
						t.Fatalf("without a fault: %v", err)
					}
					break
				}
			}
			if silent > 1 {
				t.Errorf("%d confirmations were lost, want at most the one whose claim was", silent)
			}
		})
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	s := newScene(t, dynamotest.New(t), "73050")
	s.answeredBy(t, project.AnsweredByUs)
	tests := []struct{ name, body, locale, brand, own, want string }{
		{"the language of the word", "AYUDA", "de-AT", "Acme", "", "Acme: Responda STOP"},
		{"that of the project", "HELP", "de-AT", "Acme", "", "Acme: Mit STOP"},
		{"English", "HELP", "", "Acme", "", "Acme: Reply STOP"},
		{"English for one that we do not speak", "HELP", "sv", "Acme", "", "Acme: Reply STOP"},
		{"the project's name", "HELP", "", "", "", "TestTexts: Reply STOP"},
		{"the project's own text", "AYUDA", "de-AT", "Acme", "100% Acme: call 555", "100% Acme: call 555"},
		{"a brand with a verb", "HELP", "", "100%s", "", "100%s: Reply STOP"},
	}
	for i, tt := range tests {
		s.settings(t, func(p *project.Settings) { p.Locale, p.Brand, p.HelpText = tt.locale, tt.brand, tt.own })
		s.handle(t, s.message(tt.body, fmt.Sprint("m", i), noon))
		if got := s.carrier.take(); len(got) != 1 || !strings.HasPrefix(got[0], tt.want) {
			t.Errorf("%s: got %q, want one that starts with %q", tt.name, got, tt.want)
		}
	}
}

// TestTwilio handles what the webhook publishes.
func TestTwilio(t *testing.T) {
	t.Parallel()
	s := newScene(t, dynamotest.New(t), "+15550173060")
	publish := func(id, body, optOut string, n int) {
		m := fmt.Sprintf(`{"provider":"twilio","message_id":%q,"from":%q,"to":%q,"body":%q,"opt_out":%q,"news":1}`, id, s.phone, s.number, body, optOut)
		s.handle(t, event("sns-"+id, m, noon.Add(time.Duration(n)*time.Second)))
	}
	publish("SM1", "see you", "", 1)
	s.check(t, consent.NotSet, false, 0)
	publish("SM2", "ciao ciao", "STOP", 2)
	s.check(t, consent.Unsubscribed, true, 1)
	publish("SM2", "ciao ciao", "STOP", 9) // published again, with a later time
	s.check(t, consent.Unsubscribed, true, 1)
	publish("SM3", "STOP", "START", 3) // the owner's words
	s.check(t, consent.NotSet, false, 2)
	publish("SM4", "please stop", "LATER", 4) // an opinion that we do not know
	s.check(t, consent.Unsubscribed, true, 3)
	ledger, err := s.store.Events(t.Context(), s.project, s.user)
	if err != nil {
		t.Fatal(err)
	}
	var rules []string
	for _, e := range ledger {
		rules = append(rules, e.Evidence.Rule)
	}
	if want := []string{"twilio:STOP", "twilio:START", "stop"}; !slices.Equal(rules, want) {
		t.Errorf("got rules %q, want %q", rules, want)
	}
}

// TestReviewIsCutBetweenCharacters sends long texts whose characters straddle the bound in every way.
func TestReviewIsCutBetweenCharacters(t *testing.T) {
	t.Parallel()
	s := newScene(t, dynamotest.New(t), "73071")
	for pad := range utf8.UTFMax {
		text := strings.Repeat("!", pad) + "I said stop " + strings.Repeat("🛑", consent.MaxReviewText/4)
		s.handle(t, s.message(text, fmt.Sprint("m", pad), noon.Add(time.Duration(pad)*time.Second)))
	}
	page, err := s.store.Reviews(t.Context(), s.project, "", 10)
	if err != nil || len(page.Reviews) != utf8.UTFMax {
		t.Fatalf("Reviews: got %d, %v; want %d", len(page.Reviews), err, utf8.UTFMax)
	}
	for i, r := range page.Reviews {
		if !utf8.ValidString(r.Text) || len(r.Text) > consent.MaxReviewText || len(r.Text) <= consent.MaxReviewText-utf8.UTFMax {
			t.Errorf("pad %d: got %d bytes of text, ending %q", i, len(r.Text), r.Text[len(r.Text)-4:])
		}
	}
}

// TestReviews checks that what may be a refusal is listed once, and changes nothing until a person has decided.
func TestReviews(t *testing.T) {
	t.Parallel()
	s := newScene(t, dynamotest.New(t), "+15550173070")
	text := "I have told you to stop! " + strings.Repeat("ü", consent.MaxReviewText)
	for range 2 {
		s.handle(t, s.message(text, "m1", noon))
	}
	s.check(t, consent.NotSet, false, 0)
	page, err := s.store.Reviews(t.Context(), s.project, "", 10)
	if err != nil || len(page.Reviews) != 1 {
		t.Fatalf("Reviews: got %v, %v; want one", page.Reviews, err)
	}
	r := page.Reviews[0]
	if !strings.HasPrefix(text, r.Text) || len(r.Text) < consent.MaxReviewText-utf8.UTFMax || len(r.Text) > consent.MaxReviewText || !utf8.ValidString(r.Text) {
		t.Errorf("got %d bytes of text, want the first %d at most", len(r.Text), consent.MaxReviewText)
	}
	r.Text = ""
	want := consent.Review{MessageID: "m1", Phone: s.phone, Number: s.number, At: noon}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("review (-want +got):\n%s", diff)
	}
	if err := s.store.DecideReview(t.Context(), s.project, r.ID(), consent.Stop, consent.Evidence{}); err != nil {
		t.Fatal(err)
	}
	s.check(t, consent.Unsubscribed, true, 1)
	s.handle(t, s.message(text, "m1", noon)) // delivered once more, after the decision
	if page, err := s.store.Reviews(t.Context(), s.project, "", 10); err != nil || len(page.Reviews) != 0 {
		t.Errorf("Reviews: got %v, %v; want none", page.Reviews, err)
	}
}
