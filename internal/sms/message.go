package sms

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/consent/words"
	"lunogram-users/internal/user"
)

// Inbound is a message as webhooks publish it to the topic, in JSON. Its fields are as the provider gave them.
type Inbound struct {
	Provider  string `json:"provider"` // such as twilio; never ""
	MessageID string `json:"message_id"`
	From      string `json:"from"` // who wrote
	To        string `json:"to"`   // which of our numbers they wrote to
	Body      string `json:"body"`
	// OptOut is STOP, START or HELP if the provider has taken the message for that and acted upon it, else "".
	OptOut string `json:"opt_out,omitempty"`
}

// maxMessageID is far more than a provider's ids have, and far less than a key may have.
const maxMessageID = 255

// message is an inbound message that was understood.
type message struct {
	from, to string // who wrote, and which of our numbers they wrote to
	id       string
	body     string
	meaning  words.Meaning
	at       time.Time
}

// parse reads the payload of a webhook, or else that of a two-way SMS of AWS
// (https://docs.aws.amazon.com/sms-voice/latest/userguide/two-way-sms-payload.html).
// Its errors repeat nothing of the payload.
func parse(envelope events.SNSEntity) (message, error) {
	in, err := decode([]byte(envelope.Message))
	if err != nil {
		return message{}, err
	}
	from, err := user.ParsePhone(in.From)
	if err != nil {
		return message{}, fmt.Errorf("the number of who wrote %w", err)
	}
	to, err := ParseNumber(in.To)
	if err != nil {
		return message{}, fmt.Errorf("the number written to %w", err)
	}
	id := in.MessageID
	if id == "" {
		id = envelope.MessageID
	}
	if id == "" || len(id) > maxMessageID || envelope.Timestamp.IsZero() {
		return message{}, errors.New("a message id or the time of publication is missing, or the id too long")
	}
	return message{from: from, to: to, id: id, body: in.Body, meaning: in.meaning(), at: envelope.Timestamp.UTC()}, nil
}

// decode returns the message of either payload.
func decode(payload []byte) (Inbound, error) {
	var p struct {
		Inbound
		Originator  string `json:"originationNumber"`
		Destination string `json:"destinationNumber"`
		MessageBody string `json:"messageBody"`
		InboundID   string `json:"inboundMessageId"`
	}
	if json.Unmarshal(payload, &p) != nil {
		return Inbound{}, errors.New("the payload is that of neither a two-way SMS nor a webhook")
	}
	if p.Provider != "" {
		return p.Inbound, nil
	}
	return Inbound{MessageID: p.InboundID, From: p.Originator, To: p.Destination, Body: p.MessageBody}, nil
}

// meaning returns what the message asks for. The provider's opinion counts where it has one: it has acted upon it, and
// its words may have been chosen by the owner of the number.
func (in Inbound) meaning() words.Meaning {
	m := words.Classify(in.Body)
	verdict, ok := map[string]consent.Verdict{"STOP": consent.Stop, "START": consent.Start, "HELP": consent.Help}[in.OptOut]
	if ok {
		m.Verdict, m.Rule = verdict, in.Provider+":"+in.OptOut
	}
	return m
}

// inbound returns what the ledger is told of a message.
func (m message) inbound() consent.Inbound {
	return consent.Inbound{Verdict: m.meaning.Verdict, MessageID: m.id, Rule: m.meaning.Rule, At: m.at}
}

// review returns what a person must decide.
func (m message) review() consent.Review {
	return consent.Review{MessageID: m.id, Phone: m.from, Number: m.to, Text: clip(m.body, consent.MaxReviewText), At: m.at}
}

// clip returns at most n bytes of s, as valid UTF-8.
func clip(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= n {
		return s
	}
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// ParseNumber returns one of our own numbers in canonical form: E.164, or a short code of three to eight
// digits, which has no such form.
func ParseNumber(s string) (string, error) {
	phone, err := user.ParsePhone(s)
	if err == nil {
		return phone, nil
	}
	if len(s) < 3 || len(s) > 8 {
		return "", errNumber
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return "", errNumber
		}
	}
	return s, nil
}

var errNumber = errors.New("must be a number in E.164 form, such as +15550101234, or a short code, such as 12345")
