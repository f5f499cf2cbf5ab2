package gateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// response is what a function answered.
type response struct {
	status  int
	headers map[string]string
	cookies []string
	body    []byte
}

// parseResponse reads the JSON of a function, format 2.0: an object with a statusCode, or anything else, which
// is the body of a 200.
// Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func parseResponse(payload []byte) (response, error) {
	var document struct {
		StatusCode json.RawMessage `json:"statusCode"`
		Headers    map[string]any  `json:"headers"`
		Cookies    []string        `json:"cookies"`
		Body       *string         `json:"body"`
		Base64     bool            `json:"isBase64Encoded"`
	}
	if !json.Valid(payload) {
		return response{}, errors.New("it is not JSON")
	}
	if !hasStatusCode(payload) {
		return inferred(payload), nil
	}
	if err := json.Unmarshal(payload, &document); err != nil {
		return response{}, fmt.Errorf("it has a statusCode but not the format: %w", err)
	}
	status, err := strconv.Atoi(string(bytes.Trim(document.StatusCode, `"`)))
	if err != nil || status < 200 || status > 599 {
		return response{}, errors.New("its statusCode is not one")
	}
	r := response{status: status, cookies: document.Cookies, headers: make(map[string]string, len(document.Headers))}
	for name, value := range document.Headers {
		if r.headers[name], err = headerValue(value); err != nil {
			return response{}, err
		}
	}
	if document.Body != nil {
		r.body = []byte(*document.Body)
	}
	if document.Base64 {
		if r.body, err = base64.StdEncoding.DecodeString(string(r.body)); err != nil {
			return response{}, errors.New("its body is not the base64 it says it is")
		}
	}
	return r, nil
}

func hasStatusCode(payload []byte) bool {
	var object map[string]json.RawMessage
	if json.Unmarshal(payload, &object) != nil {
		return false
	}
	_, ok := object["statusCode"]
	return ok
}

// inferred is the response that API Gateway makes of JSON without a statusCode. A string is its own body.
func inferred(payload []byte) response {
	body := payload
	var text string
	if json.Unmarshal(payload, &text) == nil && bytes.HasPrefix(bytes.TrimSpace(payload), []byte(`"`)) {
		body = []byte(text)
	}
	return response{status: http.StatusOK, headers: map[string]string{"content-type": "application/json"}, body: body}
}

func headerValue(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	default:
		return "", errors.New("a header is neither text, number nor boolean")
	}
}

// hopByHop are header fields of the function that API Gateway does not pass on, or writes itself.
var hopByHop = map[string]bool{
	"Connection": true, "Content-Length": true, "Keep-Alive": true, "Te": true, "Trailer": true,
	"Transfer-Encoding": true, "Upgrade": true, "Date": true,
}

// write writes the response; amend changes its header last.
func (r response) write(w http.ResponseWriter, amend func(http.Header)) {
	h := w.Header()
	for name, value := range r.headers {
		if !hopByHop[http.CanonicalHeaderKey(name)] {
			h.Set(name, value)
		}
	}
	for _, cookie := range r.cookies {
		h.Add("Set-Cookie", cookie)
	}
	if h.Get("Content-Type") == "" && len(r.body) > 0 {
		h.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	amend(h)
	if r.status != http.StatusNoContent && r.status != http.StatusNotModified {
		h.Set("Content-Length", strconv.Itoa(len(r.body)))
	}
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body) // fails when there must be no body, or the client went away
}
