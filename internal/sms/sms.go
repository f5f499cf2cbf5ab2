// Package sms acts on inbound text messages that a topic delivers: those of AWS End User Messaging, which publishes
// them itself, and those that the webhook of another provider passes on. A STOP or START is recorded for its sender, what
// may be a refusal is put before a person, and where no provider answers, we do: once. Nothing personal is logged.
package sms

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// Handler handles inbound messages. All fields are required. It is safe for concurrent use.
type Handler struct {
	Directory Directory
	Ledger    Ledger
	Carrier   Carrier
	Now       func() time.Time // must be safe for concurrent use
	Log       *slog.Logger
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
	log = log.With(slog.String("verdict", string(m.meaning.Verdict)))
	if m.meaning.Verdict == consent.None {
		log.DebugContext(ctx, "inbound message asks for nothing")
		return nil
	}
	sender, err := h.Directory.Sender(ctx, m.to)
	if errors.Is(err, user.ErrNotFound) {
		log.ErrorContext(ctx, "inbound message to a number of no project; add it with usersctl sender add")
		return nil
	}
	if err != nil {
		return err
	}
	log = log.With(slog.String("project", sender.ProjectID))
	err = h.act(ctx, sender, m, log)
	if errors.Is(err, user.ErrNotFound) {
		log.ErrorContext(ctx, "inbound message to a number of a project that does not exist")
		return nil
	}
	return err
}

// act does what the message asks for. What was asked is recorded first: it must come about even if no answer does, and
// an answer must tell what came about.
func (h *Handler) act(ctx context.Context, sender project.Sender, m message, log *slog.Logger) error {
	switch m.meaning.Verdict {
	case consent.Unclear:
		if err := h.Ledger.AddReview(ctx, sender.ProjectID, m.review()); err != nil {
			return err
		}
		log.InfoContext(ctx, "inbound message awaits a person's decision")
		return nil
	case consent.Stop, consent.Start:
		if err := h.Ledger.Record(ctx, sender.ProjectID, m.from, m.inbound()); err != nil {
			return err
		}
		log.InfoContext(ctx, "inbound message recorded")
	}
	if sender.AnsweredBy != project.AnsweredByUs {
		return nil
	}
	return h.answer(ctx, sender, m, log)
}
