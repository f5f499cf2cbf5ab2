package sms_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/uuid"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/project"
	"lunogram-users/internal/sms"
	"lunogram-users/internal/user"
)

// noon is when the first message of a test was published.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// lockedBuffer is a log that several goroutines write to.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func (b *lockedBuffer) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.buf.Reset()
}

// scene is a project with one SMS group, one e-mail group, a number of its own and a user.
type scene struct {
	store         *dynamo.Store
	handler       *sms.Handler
	carrier       *carrier
	log           *lockedBuffer
	project       string
	user          string
	phone, number string
}

func newScene(t *testing.T, store *dynamo.Store, number string) *scene {
	t.Helper()
	s := &scene{store: store, carrier: &carrier{}, log: &lockedBuffer{}, phone: "+15550172999", number: number}
	s.handler = &sms.Handler{
		Directory: store, Ledger: store, Carrier: s.carrier, Now: func() time.Time { return noon },
		Log: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	s.project = dynamotest.Project(t, store).ID
	for name, channel := range map[string]consent.Channel{"Offers": consent.SMS, "News": consent.Email} {
		g := consent.Group{ID: uuid.NewString(), ProjectID: s.project, Name: name, Channel: channel, CreatedAt: noon}
		if err := store.CreateGroup(t.Context(), g); err != nil {
			t.Fatal(err)
		}
	}
	s.answeredBy(t, project.AnsweredByProvider)
	u, err := store.Upsert(t.Context(), user.Upsert{
		ProjectID:   s.project,
		Identifiers: []user.Sent{{Pair: user.Pair{Source: user.DefaultSource, ExternalID: "alice"}}},
		Patch:       user.Patch{Phone: &s.phone},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.user = u.ID
	return s
}

// message is the event of one inbound message, as SNS delivers what AWS End User Messaging publishes.
func (s *scene) message(body, id string, at time.Time) events.SNSEvent {
	payload, err := json.Marshal(map[string]string{
		"originationNumber": s.phone, "destinationNumber": s.number, "messageKeyword": "KEYWORD",
		"messageBody": body, "inboundMessageId": id, "previousPublishedMessageId": "wJalrXUtnFEMI",
	})
	if err != nil {
		panic(err)
	}
	return event("sns-"+id, string(payload), at)
}

func event(id, message string, at time.Time) events.SNSEvent {
	return events.SNSEvent{Records: []events.SNSEventRecord{{
		EventSource: "aws:sns",
		SNS:         events.SNSEntity{Type: "Notification", MessageID: id, Message: message, Timestamp: at},
	}}}
}

// answeredBy sets who answers what is sent to the number.
func (s *scene) answeredBy(t *testing.T, a project.Answerer) {
	t.Helper()
	if err := s.store.PutSender(t.Context(), project.Sender{Number: s.number, ProjectID: s.project, AnsweredBy: a}); err != nil {
		t.Fatal(err)
	}
}

// handle delivers an event and checks that it is acknowledged and that nothing personal was logged.
func (s *scene) handle(t *testing.T, e events.SNSEvent) {
	t.Helper()
	if err := s.handler.Handle(t.Context(), e); err != nil {
		t.Fatalf("Handle: %v", err)
	}
	for _, personal := range []string{s.phone, s.phone[1:], s.number} {
		if strings.Contains(s.log.String(), personal) {
			t.Errorf("the log holds %s:\n%s", personal, s.log)
		}
	}
}

// standing returns where the user stands with the SMS group, and checks that the e-mail group was left alone.
func (s *scene) standing(t *testing.T) (state consent.State, suppressed bool) {
	t.Helper()
	standings, err := s.store.Subscriptions(t.Context(), s.project, s.user)
	if err != nil || len(standings) != 2 {
		t.Fatalf("Subscriptions: got %v, %v; want two", standings, err)
	}
	if news := standings[0]; news.State != consent.NotSet || news.Suppressed {
		t.Errorf("the e-mail group: got %s, suppressed %t; want it untouched", news.State, news.Suppressed)
	}
	return standings[1].State, standings[1].Suppressed
}

func (s *scene) check(t *testing.T, state consent.State, suppressed bool, lines int) {
	t.Helper()
	gotState, gotSuppressed := s.standing(t)
	if gotState != state || gotSuppressed != suppressed {
		t.Errorf("got %s, suppressed %t; want %s, %t", gotState, gotSuppressed, state, suppressed)
	}
	ledger, err := s.store.Events(t.Context(), s.project, s.user)
	if err != nil || len(ledger) != lines {
		t.Errorf("got %d ledger lines (%v), want %d: %v", len(ledger), err, lines, ledger)
	}
}

func TestStopAndStart(t *testing.T) {
	t.Parallel()
	s := newScene(t, dynamotest.New(t), "+15550172001")
	minute := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }

	for _, body := range []string{"when do you start?", "bus stop", "HELP", ""} {
		s.handle(t, s.message(body, "chat", noon))
		s.check(t, consent.NotSet, false, 0)
	}
	stop := s.message("Stop!", "m1", minute(1))
	s.handle(t, stop)
	s.check(t, consent.Unsubscribed, true, 1)
	s.handle(t, stop) // delivered twice
	s.check(t, consent.Unsubscribed, true, 1)
	s.handle(t, s.message("UNSUBSCRIBE", "m2", minute(2)))
	s.check(t, consent.Unsubscribed, true, 2)
	s.handle(t, s.message("START", "m4", minute(4)))
	s.check(t, consent.NotSet, false, 3)
	s.handle(t, s.message("stop", "m3", minute(3))) // overtaken by the START
	s.check(t, consent.NotSet, false, 4)
	s.handle(t, stop) // delivered once more, much later
	s.check(t, consent.NotSet, false, 4)
}

func TestShortCode(t *testing.T) {
	t.Parallel()
	s := newScene(t, dynamotest.New(t), "72002")
	s.handle(t, s.message("STOP", "m1", noon))
	s.check(t, consent.Unsubscribed, true, 1)
}

func TestMessageIDFallsBackToThatOfTheTopic(t *testing.T) {
	t.Parallel()
	s := newScene(t, dynamotest.New(t), "+15550172003")
	s.handle(t, s.message("STOP", "", noon))
	s.check(t, consent.Unsubscribed, true, 1)
	ledger, err := s.store.Events(t.Context(), s.project, s.user)
	if err != nil || len(ledger) != 1 || ledger[0].Evidence.MessageID != "sns-" {
		t.Errorf("got %+v, %v; want one line whose evidence is sns-", ledger, err)
	}
}

// TestPermanentFaults checks that what no repeat can mend is acknowledged, logged without the numbers, and has no effect.
func TestPermanentFaults(t *testing.T) {
	t.Parallel()
	s := newScene(t, dynamotest.New(t), "+15550172004")
	const orphan = "+15550172005"
	if err := s.store.PutSender(t.Context(), project.Sender{Number: orphan, ProjectID: uuid.NewString()}); err != nil {
		t.Fatal(err)
	}
	replace := func(old, new string) events.SNSEvent {
		e := s.message("STOP", "m1", noon)
		e.Records[0].SNS.Message = strings.ReplaceAll(e.Records[0].SNS.Message, old, new)
		return e
	}
	tests := []struct {
		name  string
		event events.SNSEvent
		logs  string
	}{
		{"not JSON", event("x", "STOP", noon), "malformed"},
		{"another JSON", event("x", `["STOP"]`, noon), "malformed"},
		{"empty", event("x", "{}", noon), "who wrote"},
		{"a number as a number", event("x", `{"originationNumber":15550172999}`, noon), "malformed"},
		{"national number", replace(s.phone, "5550172999"), "who wrote"},
		{"alphanumeric destination", replace(s.number, "ACME"), "written to"},
		{"without any id", event("", replace(`"m1"`, `""`).Records[0].SNS.Message, noon), "message id"},
		{"without a time", s.message("STOP", "m1", time.Time{}), "time of publication"},
		{"unknown destination", replace(s.number, "+15550172998"), "no project"},
		{"destination of a project that is gone", replace(s.number, orphan), "does not exist"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s.log.Reset()
			s.handle(t, tt.event)
			s.check(t, consent.NotSet, false, 0)
			if !strings.Contains(s.log.String(), tt.logs) {
				t.Errorf("the log says %q, want %q", s.log, tt.logs)
			}
		})
	}
}

// TestRepeat breaks each exchange with DynamoDB in turn: the event is given back to Lambda, and its repeat is right.
func TestRepeat(t *testing.T) {
	t.Parallel()
	for _, fault := range []dynamotest.Fault{dynamotest.Throttled, dynamotest.Before, dynamotest.After} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			var faults dynamotest.Faults
			// Each fault has numbers of its own, as a number belongs to one project.
			number := map[dynamotest.Fault]string{dynamotest.Throttled: "72010", dynamotest.Before: "72011", dynamotest.After: "72012"}[fault]
			s := newScene(t, dynamotest.New(t, faults.Option(1)), number)
			failed := 0
			for at := 1; ; at++ {
				stop := s.message("STOP", uuid.NewString(), noon.Add(time.Duration(at)*time.Minute))
				faults.Arm(fault, at, 1)
				err := s.handler.Handle(t.Context(), stop)
				seen := len(faults.Seen())
				faults.Arm("", 0, 0)
				if seen < at { // past the last exchange: nothing broke
					if err != nil {
						t.Fatalf("without a fault: %v", err)
					}
					s.check(t, consent.Unsubscribed, true, at)
					break
				}
				if err != nil {
					failed++
					if strings.Contains(err.Error(), s.phone) {
						t.Errorf("the error holds the number: %v", err)
					}
					s.handle(t, stop)
				}
				s.check(t, consent.Unsubscribed, true, at)
			}
			if failed == 0 {
				t.Error("no fault was given back to Lambda")
			}
		})
	}
}

// TestSeveralRecords checks that one message that fails does not keep the others from being handled.
func TestSeveralRecords(t *testing.T) {
	t.Parallel()
	var faults dynamotest.Faults
	s := newScene(t, dynamotest.New(t, faults.Option(1)), "+15550172006")
	bad, good := s.message("STOP", "m1", noon), s.message("STOP", "m2", noon.Add(time.Second))
	faults.Arm(dynamotest.Throttled, 1, 1)
	err := s.handler.Handle(t.Context(), events.SNSEvent{Records: append(bad.Records, good.Records...)})
	if err == nil || !strings.Contains(err.Error(), "sns-m1") || strings.Contains(err.Error(), "sns-m2") {
		t.Errorf("got %v, want an error of the message sns-m1 only", err)
	}
	s.check(t, consent.Unsubscribed, true, 1)
}

func TestParseNumber(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"+15550100000": "+15550100000", " +15550100000 ": "+15550100000", "123": "123", "12345678": "12345678",
		"12": "", "123456789": "", "5550100000": "", "12a45": "", "ACME": "", "": "", "+12": "",
	} {
		got, err := sms.ParseNumber(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("ParseNumber(%q): got %q, %v; want %q", in, got, err, want)
		}
	}
}
