package local

import (
	"encoding/xml"
	"errors"
	"net/http"
)

const snsPath = "/_local/sns"

// snsNamespace is that of the documents of SNS.
// Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const snsNamespace = "http://sns.amazonaws.com/doc/2010-03-31/"

// serveSNS serves the AWS query protocol of SNS, of which functions use one action: Publish.
func (c *Cloud) serveSNS(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 3*maxMessage) // each byte of a form may take three
	if err := r.ParseForm(); err != nil {
		snsError(w, http.StatusBadRequest, "InvalidParameter", "the body is not a form, or too long")
		return
	}
	body := r.PostForm.Get("Message")
	switch action := r.PostForm.Get("Action"); {
	case action != "Publish":
		snsError(w, http.StatusBadRequest, "InvalidAction", "the local cloud has no action "+action)
		return
	case body == "" || len(body) > maxMessage:
		snsError(w, http.StatusBadRequest, "InvalidParameter", "a message has at least a byte and at most 256 KB")
		return
	}
	id, err := c.Publish(r.PostForm.Get("TopicArn"), Message{Body: body})
	switch {
	case errors.Is(err, ErrUnknown):
		snsError(w, http.StatusNotFound, "NotFound", "the topic does not exist")
	case err != nil:
		c.log.Error("publish a message", "error", err)
		snsError(w, http.StatusInternalServerError, "InternalError", "the message was not accepted")
	default:
		snsAnswer(w, http.StatusOK, struct {
			XMLName   xml.Name `xml:"PublishResponse"`
			Namespace string   `xml:"xmlns,attr"`
			MessageID string   `xml:"PublishResult>MessageId"`
			RequestID string   `xml:"ResponseMetadata>RequestId"`
		}{Namespace: snsNamespace, MessageID: id, RequestID: newMessageID()})
	}
}

func snsError(w http.ResponseWriter, status int, code, message string) {
	kind := "Sender"
	if status >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	snsAnswer(w, status, struct {
		XMLName   xml.Name `xml:"ErrorResponse"`
		Namespace string   `xml:"xmlns,attr"`
		Type      string   `xml:"Error>Type"`
		Code      string   `xml:"Error>Code"`
		Message   string   `xml:"Error>Message"`
		RequestID string   `xml:"RequestId"`
	}{Namespace: snsNamespace, Type: kind, Code: code, Message: message, RequestID: newMessageID()})
}

func snsAnswer(w http.ResponseWriter, status int, document any) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_ = xml.NewEncoder(w).Encode(document) // the client may have gone away
}
