package gateway

import (
	"encoding/base64"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"lunogram-users/internal/local/sam"
)

// newRequest makes the event of a request, payload version 2.0.
// Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func newRequest(r *http.Request, m match, body []byte, id string, now time.Time) events.APIGatewayV2HTTPRequest {
	ip := sourceIP(r)
	path := decodedPath(r.URL)
	text, encoded := encodeBody(body, r.Header.Get("Content-Type"))
	return events.APIGatewayV2HTTPRequest{
		Version:               "2.0",
		RouteKey:              m.route.key(),
		RawPath:               path,
		RawQueryString:        r.URL.RawQuery,
		Cookies:               cookies(r.Header),
		Headers:               headers(r, ip),
		QueryStringParameters: queryParameters(r.URL.RawQuery),
		PathParameters:        m.variables,
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey:     m.route.key(),
			AccountID:    sam.AccountID,
			Stage:        "$default",
			RequestID:    id,
			APIID:        sam.StackName,
			DomainName:   r.Host,
			DomainPrefix: firstLabel(r.Host),
			Time:         now.UTC().Format("02/Jan/2006:15:04:05 -0700"),
			TimeEpoch:    now.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method:    r.Method,
				Path:      path,
				Protocol:  r.Proto,
				SourceIP:  ip,
				UserAgent: r.UserAgent(),
			},
		},
		Body:            text,
		IsBase64Encoded: encoded,
	}
}

// decodedPath returns the path as an HTTP API passes it on: decoded, unlike in the events of REST APIs and
// function URLs, and cut at a decoded question mark. Slashes are not collapsed.
func decodedPath(u *url.URL) string {
	path, _, _ := strings.Cut(u.Path, "?")
	return path
}

func sourceIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func firstLabel(host string) string {
	label, _, _ := strings.Cut(host, ".")
	return label
}

// headers returns the header fields in lower case, several values of one joined by commas, and those that API
// Gateway adds. Cookies are apart.
func headers(r *http.Request, ip string) map[string]string {
	h := make(map[string]string, len(r.Header)+5)
	for name, values := range r.Header {
		if name != "Cookie" {
			h[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	h["host"] = r.Host
	if r.ContentLength >= 0 && (r.ContentLength > 0 || r.Header.Get("Content-Length") != "") {
		h["content-length"] = strconv.FormatInt(r.ContentLength, 10)
	}
	h["x-forwarded-for"] = strings.TrimPrefix(r.Header.Get("X-Forwarded-For")+", "+ip, ", ")
	h["x-forwarded-proto"] = "http"
	h["x-forwarded-port"] = port(r.Host)
	return h
}

func port(host string) string {
	if _, p, err := net.SplitHostPort(host); err == nil {
		return p
	}
	return "80"
}

func cookies(h http.Header) []string {
	var list []string
	for _, line := range h["Cookie"] {
		for cookie := range strings.SplitSeq(line, ";") {
			if cookie = strings.TrimSpace(cookie); cookie != "" {
				list = append(list, cookie)
			}
		}
	}
	return list
}

// queryParameters joins several values of one parameter by commas. What cannot be decoded is left out, as it
// stands in rawQueryString anyway.
func queryParameters(raw string) map[string]string {
	values, _ := url.ParseQuery(raw)
	if len(values) == 0 {
		return nil
	}
	joined := make(map[string]string, len(values))
	for name, list := range values {
		joined[name] = strings.Join(list, ",")
	}
	return joined
}

// encodeBody returns the body as it is if its type is one that API Gateway takes for text, and else in base64:
// also a form, and a body without a type.
func encodeBody(body []byte, contentType string) (text string, encoded bool) {
	if len(body) == 0 {
		return "", false
	}
	// A JSON string cannot hold what is not UTF-8; base64 keeps it for the function to judge.
	if isText(contentType) && utf8.Valid(body) {
		return string(body), false
	}
	return base64.StdEncoding.EncodeToString(body), true
}

func isText(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		media, _, _ = strings.Cut(strings.ToLower(contentType), ";")
	}
	switch media {
	case "application/json", "application/xml", "application/javascript":
		return true
	default:
		return strings.HasPrefix(media, "text/")
	}
}
