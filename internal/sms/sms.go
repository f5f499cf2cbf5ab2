// Package sms acts on inbound text messages of AWS End User Messaging, which publishes them to a topic:
// a STOP or START is recorded for its sender, everything else is left alone. Nothing personal is logged.
package sms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/user"
)

// Senders knows whom our numbers belong to. It is called concurrently.
type Senders interface {
	// Sender returns the id of the project that the number or short code belongs to, or user.ErrNotFound.
	Sender(ctx context.Context, number string) (projectID string, err error)
}

// Recorder carries out what recipients ask. It is called concurrently.
type Recorder interface {
	// Record applies a STOP or START of a number (E.164) to the project: suppression, states and ledger.
	// A repeated call acts once, and a late one does not undo a newer one, so that any error may be
	// answered by calling again; but a project that does not exist is user.ErrNotFound.
	Record(ctx context.Context, projectID, phone string, in consent.Inbound) error
}

// Handler handles inbound messages. All fields are required. It is safe for concurrent use.
type Handler struct {
	Senders  Senders
	Recorder Recorder
	Log      *slog.Logger
}

// Handle acts on every message of the event. It returns an error only when a repeat may help, for Lambda delivers
// the event again then; a message that can never be understood is logged and done with. Repeats are harmless.
func (h *Handler) Handle(ctx context.Context, event events.SNSEvent) error {
	var errs []error
	for _, record := range event.Records {
		if err := h.handle(ctx, record.SNS); err != nil {
			errs = append(errs, fmt.Errorf("message %s: %w", record.SNS.MessageID, err))
		}
	}
	return errors.Join(errs...)
}

func (h *Handler) handle(ctx context.Context, envelope events.SNSEntity) error {
	log := h.Log.With(slog.String("sns_message", envelope.MessageID))
	m, err := parse(envelope)
	if err != nil {
		log.ErrorContext(ctx, "malformed inbound message", slog.Any("error", err))
		return nil
	}
	if m.in.Verdict != consent.Stop && m.in.Verdict != consent.Start {
		log.DebugContext(ctx, "inbound message asks for nothing", slog.String("verdict", string(m.in.Verdict)))
		return nil
	}
	projectID, err := h.Senders.Sender(ctx, m.to)
	if errors.Is(err, user.ErrNotFound) {
		log.ErrorContext(ctx, "inbound message to a number of no project; add it with usersctl sender add")
		return nil
	}
	if err != nil {
		return err
	}
	log = log.With(slog.String("project", projectID), slog.String("verdict", string(m.in.Verdict)))
	err = h.Recorder.Record(ctx, projectID, m.from, m.in)
	if errors.Is(err, user.ErrNotFound) {
		log.ErrorContext(ctx, "inbound message to a number of a project that does not exist")
		return nil
	}
	if err == nil {
		log.InfoContext(ctx, "inbound message recorded")
	}
	return err
}

// maxMessageID is far more than a provider's ids have, and far less than a key may have.
const maxMessageID = 255

// message is an inbound message that was understood.
type message struct {
	from, to string // who wrote, and which of our numbers they wrote to
	in       consent.Inbound
}

// parse reads the payload of a two-way SMS
// (https://docs.aws.amazon.com/sms-voice/latest/userguide/two-way-sms-payload.html).
// Its errors repeat nothing of the payload.
func parse(envelope events.SNSEntity) (message, error) {
	var payload struct {
		From      string `json:"originationNumber"`
		To        string `json:"destinationNumber"`
		Body      string `json:"messageBody"`
		MessageID string `json:"inboundMessageId"`
	}
	if json.Unmarshal([]byte(envelope.Message), &payload) != nil {
		return message{}, errors.New("the payload is not that of a two-way SMS")
	}
	from, err := user.ParsePhone(payload.From)
	if err != nil {
		return message{}, fmt.Errorf("originationNumber %w", err)
	}
	to, err := ParseNumber(payload.To)
	if err != nil {
		return message{}, fmt.Errorf("destinationNumber %w", err)
	}
	id := payload.MessageID
	if id == "" {
		id = envelope.MessageID
	}
	if id == "" || len(id) > maxMessageID || envelope.Timestamp.IsZero() {
		return message{}, errors.New("a message id or the time of publication is missing, or the id too long")
	}
	return message{from: from, to: to, in: consent.Inbound{
		Verdict: consent.Classify(payload.Body).Verdict, MessageID: id, At: envelope.Timestamp.UTC(),
	}}, nil
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
