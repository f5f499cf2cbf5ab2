// Package twilio receives the inbound messages of Twilio (https://www.twilio.com/docs/messaging/guides/webhook-request):
// it checks that they are Twilio's and publishes them in the form of [sms.Inbound]. It acts on none of them, so that
// Twilio is answered at once, and a message that it sends twice is recognised by its id where it is acted upon.
// Nothing personal is logged.
package twilio

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"

	"lunogram-users/internal/sms"
)

// Path is where Twilio posts to.
const Path = "/sms/twilio"

// maxBody is far more than a message of 1,600 characters with its parameters, in bytes.
const maxBody = 64 << 10

// Publisher hands messages on. Publish returns when the message is safe; it is called concurrently.
type Publisher interface {
	Publish(ctx context.Context, message []byte) error
}

// Webhook is the handler of inbound messages. It is safe for concurrent use.
type Webhook struct {
	// PublicURL is the address of the API as Twilio was told it, without Path: "https://api.example.com". What the
	// request says of its own address is not believed.
	PublicURL string
	// Tokens are the auth tokens of the account: the primary one and, while it is changed, the secondary one. Without
	// any, every request is refused.
	Tokens    []string
	Publisher Publisher
	// Refuse answers with a problem document (RFC 9457) of the status. The detail is one of ours.
	Refuse func(w http.ResponseWriter, r *http.Request, status int, detail string)
	Log    *slog.Logger
}

// Handler returns a handler of Path, and of no other.
func (h *Webhook) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST "+Path, h)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		h.Refuse(w, r, http.StatusNotFound, "there is nothing at this path")
	})
	return mux
}

// ServeHTTP answers a message with an empty TwiML document, which sends nothing. A signature that is not Twilio's is
// 403. When a message cannot be published it is 503, upon which Twilio tries the fallback address.
func (h *Webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if status, detail := h.accept(r); status != http.StatusOK {
		h.Refuse(w, r, status, detail)
		return
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, _ = io.WriteString(w, "<Response/>") // the client may have gone away
}

// accept checks and publishes the message of a request, and says what to answer.
func (h *Webhook) accept(r *http.Request) (status int, detail string) {
	err := r.ParseForm()
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge, "the body is larger than 64 KB"
	}
	if err != nil {
		return http.StatusBadRequest, "the body is not a form"
	}
	if !signed(r.Header.Get("X-Twilio-Signature"), h.Tokens, h.address(r.URL), r.PostForm) {
		h.Log.WarnContext(r.Context(), "the signature of a Twilio message does not fit: check PublicUrl and the auth tokens")
		return http.StatusForbidden, "the signature is not that of the configured account and address"
	}
	message, ok := inbound(r.PostForm)
	if !ok {
		return http.StatusBadRequest, "this is no inbound message: MessageSid, From or To is missing"
	}
	if err := h.publish(r.Context(), message); err != nil {
		h.Log.ErrorContext(r.Context(), "a Twilio message was not published", slog.Any("error", err))
		return http.StatusServiceUnavailable, "the message could not be taken; send it again"
	}
	return http.StatusOK, ""
}

// address returns the address that Twilio signed.
func (h *Webhook) address(u *url.URL) string {
	if u.RawQuery == "" {
		return h.PublicURL + Path
	}
	return h.PublicURL + Path + "?" + u.RawQuery
}

// inbound reads the parameters that we need. Others come and go without notice.
func inbound(form url.Values) (sms.Inbound, bool) {
	m := sms.Inbound{
		Provider: "twilio", MessageID: form.Get("MessageSid"), From: form.Get("From"), To: form.Get("To"),
		Body: form.Get("Body"), OptOut: form.Get("OptOutType"),
	}
	return m, m.MessageID != "" && m.From != "" && m.To != ""
}

func (h *Webhook) publish(ctx context.Context, m sms.Inbound) error {
	message, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return h.Publisher.Publish(ctx, message)
}
