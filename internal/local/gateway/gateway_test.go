package gateway_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"lunogram-users/internal/local/gateway"
)

// function is an Invoker.
type function func(ctx context.Context, event []byte) ([]byte, error)

func (f function) Invoke(ctx context.Context, event []byte) ([]byte, error) { return f(ctx, event) }

// answering returns a function that always answers the same.
func answering(payload string) function {
	return func(context.Context, []byte) ([]byte, error) { return []byte(payload), nil }
}

func newGateway(t *testing.T, c gateway.Config) *gateway.Gateway {
	t.Helper()
	g, err := gateway.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestRouteChoice(t *testing.T) {
	var routes []gateway.Route
	for _, key := range []string{
		"", "ANY /{proxy+}", "GET /users", "ANY /users", "GET /users/{id}", "GET /users/lookup",
		"GET /users/{id}/x", "GET /users/{rest+}", "POST /files/{name+}",
	} {
		method, path, _ := strings.Cut(key, " ")
		name := key
		routes = append(routes, gateway.Route{Method: method, Path: path, Function: function(
			func(_ context.Context, event []byte) ([]byte, error) {
				var r events.APIGatewayV2HTTPRequest
				err := json.Unmarshal(event, &r)
				text, _ := json.Marshal(name + "|" + r.PathParameters["id"] + r.PathParameters["rest"] + r.PathParameters["proxy"] + r.PathParameters["name"])
				return text, err
			})})
	}
	g := newGateway(t, gateway.Config{Routes: routes})
	for _, test := range []struct{ method, path, want string }{
		{"GET", "/users", "GET /users|"},
		{"POST", "/users", "ANY /users|"},
		{"GET", "/users/7", "GET /users/{id}|7"},
		{"GET", "/users/lookup", "GET /users/lookup|"},
		{"GET", "/users/a%2Fb", "GET /users/{id}|a/b"},
		{"GET", "/users/7/x", "GET /users/{id}/x|7"},
		{"GET", "/users/7/y", "GET /users/{rest+}|7/y"},
		{"POST", "/users/7", "ANY /{proxy+}|users/7"},
		{"POST", "/files/a/b%20c", "POST /files/{name+}|a/b c"},
		{"GET", "//users", "ANY /{proxy+}|/users"},
		{"GET", "/", "|"},
	} {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequest(test.method, test.path, nil))
		if got := w.Body.String(); got != test.want {
			t.Errorf("%s %s: got %q, want %q", test.method, test.path, got, test.want)
		}
	}
}

func TestNewRejectsRoutes(t *testing.T) {
	for _, routes := range [][]gateway.Route{
		{{Method: "GET", Path: "/a"}, {Method: "GET", Path: "/a"}},
		{{Method: "GET", Path: "/{a+}/b"}},
		{{Method: "GET", Path: "/{a"}},
	} {
		if _, err := gateway.New(gateway.Config{Routes: routes}); err == nil {
			t.Errorf("%v: got no error", routes)
		}
	}
}

// The split between text and base64 is that of AWS, observed on a real HTTP API.
func TestBodyEncoding(t *testing.T) {
	for _, test := range []struct {
		contentType, body string
		encoded           bool
	}{
		{"application/json", `{"a":"ü"}`, false},
		{"application/json; charset=utf-8", `{}`, false},
		{"text/csv", "a,b", false},
		{"application/xml", "<a/>", false},
		{"application/json", "\xff", true},
		{"application/x-www-form-urlencoded", "a=b", true},
		{"application/octet-stream", "x", true},
		{"", "x", true},
		{"", "", false},
	} {
		var got events.APIGatewayV2HTTPRequest
		g := newGateway(t, gateway.Config{Routes: []gateway.Route{{Function: function(
			func(_ context.Context, event []byte) ([]byte, error) {
				return []byte("{}"), json.Unmarshal(event, &got)
			})}}})
		r := httptest.NewRequest("POST", "/", strings.NewReader(test.body))
		if test.contentType != "" {
			r.Header.Set("Content-Type", test.contentType)
		}
		g.ServeHTTP(httptest.NewRecorder(), r)
		want := test.body
		if test.encoded {
			want = base64.StdEncoding.EncodeToString([]byte(want))
		}
		if got.IsBase64Encoded != test.encoded || got.Body != want {
			t.Errorf("%s %q: got %q (base64 %t), want %q (%t)", test.contentType, test.body, got.Body, got.IsBase64Encoded, want, test.encoded)
		}
	}
}

func TestResponse(t *testing.T) {
	for _, test := range []struct {
		payload     string
		status      int
		contentType string
		body        string
	}{
		{`{"statusCode":204}`, 204, "", ""},
		{`{"statusCode":200,"body":"x"}`, 200, "text/plain;charset=UTF-8", "x"},
		{`{"statusCode":"201","headers":{"content-type":"a/b","x-n":1.5}}`, 201, "a/b", ""},
		{`{"statusCode":200,"isBase64Encoded":true,"body":"eA=="}`, 200, "text/plain;charset=UTF-8", "x"},
		{`{"a":1}`, 200, "application/json", `{"a":1}`},
		{`"text"`, 200, "application/json", "text"},
		{`[1]`, 200, "application/json", "[1]"},
		{`null`, 200, "application/json", "null"},
		{`{"statusCode":"many"}`, 500, "application/json", "Internal Server Error"},
		{`{"statusCode":99}`, 500, "application/json", "Internal Server Error"},
		{`{"statusCode":200,"headers":{"a":[]}}`, 500, "application/json", "Internal Server Error"},
		{`{"statusCode":200,"isBase64Encoded":true,"body":"?"}`, 500, "application/json", "Internal Server Error"},
		{`not JSON`, 500, "application/json", "Internal Server Error"},
	} {
		g := newGateway(t, gateway.Config{Routes: []gateway.Route{{Function: answering(test.payload)}}})
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != test.status || w.Header().Get("Content-Type") != test.contentType || !strings.Contains(w.Body.String(), test.body) {
			t.Errorf("%s: got %d %q %q, want %d %q %q", test.payload, w.Code, w.Header().Get("Content-Type"), w.Body, test.status, test.contentType, test.body)
		}
	}
}

func TestIntegrationTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, gateway.Config{Routes: []gateway.Route{{Function: function(
			func(ctx context.Context, _ []byte) ([]byte, error) {
				<-ctx.Done()
				return nil, context.Cause(ctx)
			})}}})
		start := time.Now()
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != 503 || !strings.Contains(w.Body.String(), "Service Unavailable") {
			t.Errorf("got %d %s, want 503", w.Code, w.Body)
		}
		if got := time.Since(start); got != 30*time.Second {
			t.Errorf("got it after %v, want 30s", got)
		}
	})
}

func TestCORS(t *testing.T) {
	failing := function(func(context.Context, []byte) ([]byte, error) { return nil, errors.New("no") })
	star := &gateway.CORS{Origins: []string{"*"}, Methods: []string{"GET", "POST"}, Headers: []string{"a"}, Expose: []string{"etag"}, MaxAge: 9}
	some := &gateway.CORS{Origins: []string{"https://one.example", "http://*"}, Credentials: true}
	for _, test := range []struct {
		name, method, origin string
		cors                 *gateway.CORS
		status               int
		want                 http.Header
	}{
		{"preflight", "OPTIONS", "https://any.example", star, 204, http.Header{
			"Access-Control-Allow-Origin": {"*"}, "Access-Control-Allow-Methods": {"GET,POST"},
			"Access-Control-Allow-Headers": {"a"}, "Access-Control-Max-Age": {"9"}, "Access-Control-Expose-Headers": {"etag"}}},
		{"preflight of a stranger", "OPTIONS", "https://two.example", some, 204, http.Header{}},
		{"pattern", "GET", "http://x.example", some, 500, http.Header{
			"Access-Control-Allow-Origin": {"http://x.example"}, "Access-Control-Allow-Credentials": {"true"}}},
		{"stranger", "GET", "https://two.example", some, 500, http.Header{}},
		{"no origin", "GET", "", star, 500, http.Header{}},
		{"no CORS", "OPTIONS", "https://any.example", nil, 500, http.Header{}},
	} {
		g := newGateway(t, gateway.Config{Routes: []gateway.Route{{Function: failing}}, CORS: test.cors})
		r := httptest.NewRequest(test.method, "/", nil)
		if test.origin != "" {
			r.Header.Set("Origin", test.origin)
			r.Header.Set("Access-Control-Request-Method", "POST")
		}
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if w.Code != test.status {
			t.Errorf("%s: got %d, want %d", test.name, w.Code, test.status)
		}
		for _, field := range []string{"Allow-Origin", "Allow-Methods", "Allow-Headers", "Allow-Credentials", "Max-Age", "Expose-Headers"} {
			name := "Access-Control-" + field
			if got, want := w.Header().Get(name), test.want.Get(name); got != want {
				t.Errorf("%s: %s: got %q, want %q", test.name, name, got, want)
			}
		}
	}
}
