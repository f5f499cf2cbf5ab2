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
	Log       *slog.Logger
}

// Handler returns a handler of Path, and of no other.
func (h *Webhook) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST "+Path, h)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, "there is nothing at this path")
	})
	return mux
}

// ServeHTTP answers a message with an empty TwiML document, which sends nothing. A signature that is not Twilio's is
// 403. When a message cannot be published it is 503, upon which Twilio tries the fallback address, and again if the
// address asks for it.
func (h *Webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		refuseForm(w, err)
		return
	}
	if !signed(r.Header.Get("X-Twilio-Signature"), h.Tokens, h.address(r.URL), r.PostForm) {
		h.Log.WarnContext(r.Context(), "the signature of a Twilio message does not fit: check PublicUrl and the auth tokens")
		refuse(w, http.StatusForbidden, "the signature is not one of the configured account for the configured address")
		return
	}
	message, ok := inbound(r.PostForm)
	if !ok {
		refuse(w, http.StatusBadRequest, "this is no inbound message: MessageSid, From or To is missing")
		return
	}
	if err := h.publish(r.Context(), message); err != nil {
		h.Log.ErrorContext(r.Context(), "a Twilio message was not published", slog.Any("error", err))
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusServiceUnavailable, "the message could not be taken; send it again")
		return
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, _ = io.WriteString(w, "<Response/>") // the client may have gone away
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

func refuseForm(w http.ResponseWriter, err error) {
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		refuse(w, http.StatusRequestEntityTooLarge, "the body is larger than 64 KB")
		return
	}
	refuse(w, http.StatusBadRequest, "the body is not a form")
}

// Sorry answers when the handler fails in a way that nobody foresaw.
func Sorry() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusInternalServerError, "something went wrong on our side; the request id names the log entry")
	})
}

// refuse answers with a problem document (RFC 9457).
func refuse(w http.ResponseWriter, status int, detail string) {
	document, _ := json.Marshal(struct { // strings and a number always marshal
		Type      string `json:"type"`
		Title     string `json:"title"`
		Status    int    `json:"status"`
		Detail    string `json:"detail"`
		RequestID string `json:"request_id,omitempty"`
	}{"about:blank", http.StatusText(status), status, detail, w.Header().Get("X-Request-Id")})
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = w.Write(document) // the client may have gone away
}
