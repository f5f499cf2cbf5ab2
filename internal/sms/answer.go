package sms

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/consent/words"
	"lunogram-users/internal/project"
)

// answerWithin is how old a message may be when it is answered. A confirmation that comes within five minutes is
// presumed to be wanted, a later one must be justified (47 CFR 64.1200(a)(12)).
const answerWithin = 5 * time.Minute

// Carrier sends text messages. It is called concurrently.
type Carrier interface {
	// Send hands one message over. It repeats nothing that may have been accepted: an error can mean that the message
	// went out.
	Send(ctx context.Context, m Outbound) error
}

// Outbound is a message to a recipient.
type Outbound struct {
	From string // one of our numbers: E.164, or a short code
	To   string // E.164
	Body string
	TTL  time.Duration // after which it need not be delivered any more
}

// answer tells who wrote what became of it. It looks at no suppression: the answer to a STOP goes to a number that has
// just been suppressed. The right to answer is taken before the answer is sent, so that of two deliveries one answers;
// if the function ends in between, or the carrier fails, nobody does. What was asked for is done all the same.
func (h *Handler) answer(ctx context.Context, sender project.Sender, m message, log *slog.Logger) error {
	left := answerWithin - h.Now().Sub(m.at)
	if left <= 0 {
		log.WarnContext(ctx, "inbound message is not answered: it is too old")
		return nil
	}
	p, err := h.Directory.Project(ctx, sender.ProjectID)
	if err != nil {
		return err
	}
	granted, err := h.Ledger.ClaimAnswer(ctx, sender.ProjectID, m.from, m.inbound())
	if err != nil {
		return fmt.Errorf("claim the answer: %w", err)
	}
	if !granted {
		return nil
	}
	reply := Outbound{From: sender.Number, To: m.from, Body: text(p, m.meaning), TTL: min(left, answerWithin)}
	if err := h.Carrier.Send(ctx, reply); err != nil {
		log.ErrorContext(ctx, "the answer may not have been sent, and is not repeated", slog.Any("error", err))
		return nil
	}
	log.InfoContext(ctx, "inbound message answered")
	return nil
}

// text returns the project's answer: its own text, or ours in the language of what was said, or else in that of the
// project, or else in English.
func text(p project.Project, m words.Meaning) string {
	own := map[consent.Verdict]string{
		consent.Stop: p.Settings.StopText, consent.Start: p.Settings.StartText, consent.Help: p.Settings.HelpText,
	}[m.Verdict]
	if own != "" {
		return own
	}
	language, _, _ := strings.Cut(p.Settings.Locale, "-")
	for _, l := range []string{m.Language, language} {
		if t, ok := answers[l]; ok {
			return t.of(p, m.Verdict)
		}
	}
	return answers["en"].of(p, m.Verdict)
}

// texts are our answers in one language. Each has one %s, for the name that recipients know.
type texts struct{ stopped, started, help string }

func (t texts) of(p project.Project, v consent.Verdict) string {
	name := cmp.Or(p.Settings.Brand, p.Name)
	switch v {
	case consent.Stop:
		return fmt.Sprintf(t.stopped, name)
	case consent.Start:
		return fmt.Sprintf(t.started, name)
	default:
		return fmt.Sprintf(t.help, name)
	}
}

// answers are our texts by language (ISO 639-1). None advertises, and each fits into one message if the name is short.
// START takes a STOP back and subscribes nobody, so its answer promises no more than that.
var answers = map[string]texts{
	"en": {
		stopped: "%s: You are unsubscribed and will get no more texts from us. Reply START to take this back.",
		started: "%s: Your STOP is taken back. Reply STOP to get no more texts, HELP for help.",
		help:    "%s: Reply STOP to get no more texts from us. Message and data rates may apply.",
	},
	"es": {
		stopped: "%s: Se ha dado de baja y no recibirá más mensajes. Responda START para anularlo.",
		started: "%s: Su baja queda anulada. Responda STOP para no recibir más mensajes, HELP para ayuda.",
		help:    "%s: Responda STOP para no recibir más mensajes. Pueden aplicarse tarifas de mensajes y datos.",
	},
	"fr": {
		stopped: "%s : vous êtes désabonné et ne recevrez plus de SMS. Répondez START pour annuler.",
		started: "%s : votre désabonnement est annulé. Répondez STOP pour ne plus recevoir de SMS, HELP pour de l'aide.",
		help:    "%s : répondez STOP pour ne plus recevoir de SMS. Des frais de messagerie peuvent s'appliquer.",
	},
	"de": {
		stopped: "%s: Sie sind abgemeldet und erhalten keine SMS mehr von uns. Mit START machen Sie das rückgängig.",
		started: "%s: Ihre Abmeldung ist aufgehoben. Mit STOP erhalten Sie keine SMS mehr, mit HELP Hilfe.",
		help:    "%s: Mit STOP erhalten Sie keine SMS mehr von uns. Es gelten die Tarife Ihres Anbieters.",
	},
	"pt": {
		stopped: "%s: A sua inscrição foi cancelada e não receberá mais mensagens. Responda START para desfazer.",
		started: "%s: O cancelamento foi desfeito. Responda STOP para não receber mais mensagens, HELP para ajuda.",
		help:    "%s: Responda STOP para não receber mais mensagens. Podem aplicar-se tarifas de mensagens e dados.",
	},
	"nl": {
		stopped: "%s: U bent afgemeld en ontvangt geen sms meer van ons. Antwoord START om dit terug te draaien.",
		started: "%s: Uw afmelding is teruggedraaid. Antwoord STOP om geen sms meer te ontvangen, HELP voor hulp.",
		help:    "%s: Antwoord STOP om geen sms meer te ontvangen. De tarieven van uw provider gelden.",
	},
	"it": {
		stopped: "%s: La disiscrizione è avvenuta e non riceverà altri SMS. Risponda START per annullarla.",
		started: "%s: La disiscrizione è annullata. Risponda STOP per non ricevere altri SMS, HELP per aiuto.",
		help:    "%s: Risponda STOP per non ricevere altri SMS. Possono applicarsi i costi del suo operatore.",
	},
	"ar": {
		stopped: "%s: تم إلغاء اشتراكك ولن تصلك رسائل أخرى. أرسل START للتراجع.",
		started: "%s: تم التراجع عن إلغاء الاشتراك. أرسل STOP لإيقاف الرسائل أو HELP للمساعدة.",
		help:    "%s: أرسل STOP لإيقاف الرسائل. قد تطبق رسوم مزود الخدمة.",
	},
}
