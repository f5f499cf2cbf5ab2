package local

import (
	"encoding/json"
	"net/http"
	"sync"
)

const textPath = "/_local/sms"

// maxTexts is how many text messages are kept, the newest.
const maxTexts = 1000

// Text is a text message that a function sent. Nobody gets it.
type Text struct {
	ID   string `json:"id"`
	From string `json:"from"`
	To   string `json:"to"`
	Body string `json:"body"`
}

// outbox holds what was sent, oldest first.
type outbox struct {
	mu    sync.Mutex
	texts []Text
}

func (o *outbox) add(t Text) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.texts = append(o.texts, t)
	o.texts = o.texts[max(0, len(o.texts)-maxTexts):]
}

// Texts returns the text messages that functions sent, oldest first, as far as they are kept.
func (c *Cloud) Texts() []Text {
	c.outbox.mu.Lock()
	defer c.outbox.mu.Unlock()
	return append([]Text{}, c.outbox.texts...)
}

// serveTexts lists what was sent.
func (c *Cloud) serveTexts(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"texts": c.Texts()})
}

// serveSMS serves the AWS JSON 1.0 protocol of End User Messaging, of which functions use one action.
// Source: https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendTextMessage.html
func (c *Cloud) serveSMS(w http.ResponseWriter, r *http.Request) {
	var in struct {
		From string `json:"OriginationIdentity"`
		To   string `json:"DestinationPhoneNumber"`
		Body string `json:"MessageBody"`
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxMessage)).Decode(&in)
	if r.Header.Get("X-Amz-Target") != "PinpointSMSVoiceV2.SendTextMessage" || err != nil || in.To == "" || in.Body == "" {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": "ValidationException", "Message": "not a text message"})
		return
	}
	t := Text{ID: newMessageID(), From: in.From, To: in.To, Body: in.Body}
	c.outbox.add(t)
	_ = json.NewEncoder(w).Encode(map[string]string{"MessageId": t.ID}) // the client may have gone away
}
