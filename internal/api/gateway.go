package api

import (
	"context"
	"encoding/base64"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"
)

// reserve is what is kept of a function's time to answer with a problem instead of being cut off.
const reserve = 500 * time.Millisecond

// Gateway returns the Lambda function that serves h behind an API Gateway HTTP API (payload format 2.0:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html).
// It never returns an error and may be called concurrently.
//
// The adapter that it uses differs from net/http in ways that are mended here: it splits headers at commas, lets
// the last WriteHeader win, calls a handler that writes nothing an error, gives RemoteAddr no port, and turns a
// request that it cannot convert into a function error and lines of plain text in the log, path included.
func Gateway(h http.Handler) func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	adapter := httpadapter.NewV2(mend(h))
	refuse := httpadapter.NewV2(mend(chain(failure(errBadPath, slog.Default()), requestID, secureHeaders)))
	return func(ctx context.Context, event events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		ctx, cancel := inTime(ctx)
		defer cancel()
		if id := event.RequestContext.RequestID; id != "" {
			ctx = withRequestID(ctx, id)
		}
		ctx = context.WithValue(ctx, envelopeContext{}, newEnvelope(event))
		event, ok := convertible(event)
		if !ok {
			return refuse.ProxyWithContext(ctx, event)
		}
		return adapter.ProxyWithContext(ctx, event)
	}
}

// inTime returns a context that ends a little before the function is stopped.
func inTime(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-reserve))
}

// convertible returns the event in a form that the adapter converts without fault. If the event has none, it is one
// that asks for nothing, and false. Headers and the domain are left out: mend puts them back from the envelope.
func convertible(event events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPRequest, bool) {
	event.Headers, event.Cookies = nil, nil
	event.RequestContext.DomainName = "host"
	if event.RawPath == "" {
		event.RawPath = event.RequestContext.HTTP.Path
	}
	// The gateway may have unescaped the path: these two would start a query or a fragment.
	event.RawPath = strings.NewReplacer("?", "%3F", "#", "%23").Replace(event.RawPath)
	if event.IsBase64Encoded {
		body, err := base64.StdEncoding.DecodeString(event.Body)
		if err != nil {
			return nowhere(), false
		}
		event.Body, event.IsBase64Encoded = string(body), false
	}
	target := "https://host/" + strings.TrimPrefix(event.RawPath, "/")
	if event.RawQueryString != "" {
		target += "?" + event.RawQueryString
	}
	if _, err := http.NewRequest(event.RequestContext.HTTP.Method, target, nil); err != nil {
		return nowhere(), false
	}
	return event, true
}

// nowhere is an event that always converts.
func nowhere() events.APIGatewayV2HTTPRequest {
	event := events.APIGatewayV2HTTPRequest{RawPath: "/"}
	event.RequestContext.HTTP.Method = http.MethodGet
	return event
}

type envelopeContext struct{}

// envelope is what the adapter would spoil of an event.
type envelope struct {
	headers http.Header
	host    string
	remote  string
}

func newEnvelope(event events.APIGatewayV2HTTPRequest) envelope {
	headers := http.Header{}
	for name, value := range event.Headers {
		headers.Set(name, value)
	}
	if len(event.Cookies) > 0 {
		headers.Set("Cookie", strings.Join(event.Cookies, "; ")) // RFC 6265, 4.2.1
	}
	host := headers.Get("Host")
	headers.Del("Host") // as net/http does: it is Request.Host
	if host == "" {
		host = event.RequestContext.DomainName
	}
	return envelope{headers: headers, host: host, remote: net.JoinHostPort(event.RequestContext.HTTP.SourceIP, "0")}
}

// mend gives h the request and the writer that net/http would.
func mend(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if e, ok := r.Context().Value(envelopeContext{}).(envelope); ok {
			r.Header, r.Host, r.RemoteAddr = e.headers, e.host, e.remote
			r.URL.Scheme, r.URL.Host = "", "" // as in a request that a server has read
		}
		answer := &gatewayWriter{to: w, header: http.Header{}, headless: r.Method == http.MethodHead}
		h.ServeHTTP(answer, r)
		answer.WriteHeader(http.StatusOK) // unless there is a status already
	})
}

// gatewayWriter writes as net/http does: the first status counts, headers set after it do not, and the answer to
// HEAD has no body.
type gatewayWriter struct {
	to       http.ResponseWriter
	header   http.Header
	headless bool
	sent     bool
}

// Header returns the headers to be sent with the status.
func (w *gatewayWriter) Header() http.Header { return w.header }

// WriteHeader sends the status and headers, once.
func (w *gatewayWriter) WriteHeader(status int) {
	if w.sent {
		return
	}
	w.sent = true
	maps.Copy(w.to.Header(), w.header.Clone())
	w.to.WriteHeader(status)
}

// Write sends a part of the body.
func (w *gatewayWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.headless || len(p) == 0 {
		return len(p), nil
	}
	return w.to.Write(p)
}
