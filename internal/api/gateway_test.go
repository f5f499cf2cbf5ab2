package api_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/api"
	"lunogram-users/internal/user"
)

// event returns an event in the form of the documentation's example.
func event(t *testing.T, change func(*events.APIGatewayV2HTTPRequest)) events.APIGatewayV2HTTPRequest {
	t.Helper()
	text, err := os.ReadFile("testdata/event.json")
	if err != nil {
		t.Fatal(err)
	}
	e := decode[events.APIGatewayV2HTTPRequest](t, string(text))
	if change != nil {
		change(&e)
	}
	return e
}

// pass sends an event through a handler.
func pass(t *testing.T, e events.APIGatewayV2HTTPRequest, h http.HandlerFunc) events.APIGatewayV2HTTPResponse {
	t.Helper()
	resp, err := api.Gateway(h)(t.Context(), e)
	if err != nil {
		t.Fatalf("got the error %v; a function never returns one", err)
	}
	return resp
}

func TestGatewayServesTheAPI(t *testing.T) {
	f := willing()
	h := api.Upsert(f, api.Options{Log: slog.New(slog.DiscardHandler)})
	resp := pass(t, event(t, nil), h.ServeHTTP)
	if resp.StatusCode != http.StatusOK || resp.IsBase64Encoded || !strings.Contains(resp.Body, aliceID) {
		t.Errorf("got %d %s, want 200 with the user", resp.StatusCode, resp.Body)
	}
	for name, want := range map[string]string{"Etag": `"3"`, "Content-Type": "application/json", "X-Request-Id": "JKJaXmPLvHcESHA="} {
		if got := resp.Headers[name]; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestGatewayKeepsHeadersWhole(t *testing.T) {
	e := event(t, func(e *events.APIGatewayV2HTTPRequest) {
		e.Headers["if-match"] = `"a,b"`
		e.Headers["accept"] = "text/html, application/json;q=0.9"
		e.Cookies = []string{"a=1", "b=2"}
	})
	pass(t, e, func(_ http.ResponseWriter, r *http.Request) {
		want := http.Header{
			"Authorization": {"Bearer pk_client"}, "Content-Type": {"application/json"}, "X-Forwarded-For": {"203.0.113.9"},
			"If-Match": {`"a,b"`}, "Accept": {"text/html, application/json;q=0.9"}, "Cookie": {"a=1; b=2"},
		}
		if diff := cmp.Diff(want, r.Header); diff != "" {
			t.Errorf("headers (-want +got):\n%s", diff)
		}
		if got, want := r.Host, "api.example.com"; got != want {
			t.Errorf("Host: got %q, want %q", got, want)
		}
		if c, err := r.Cookie("b"); err != nil || c.Value != "2" {
			t.Errorf("cookie b: got %v, %v, want 2", c, err)
		}
	})
}

func TestGatewayRemoteAddrHasAPort(t *testing.T) {
	for ip, want := range map[string]string{"203.0.113.9": "203.0.113.9:0", "2001:db8::1": "[2001:db8::1]:0"} {
		e := event(t, func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.HTTP.SourceIP = ip })
		pass(t, e, func(_ http.ResponseWriter, r *http.Request) {
			if r.RemoteAddr != want {
				t.Errorf("RemoteAddr: got %q, want %q", r.RemoteAddr, want)
			}
		})
	}
}

func TestGatewayWritesAsNetHTTPDoes(t *testing.T) {
	tests := []struct {
		name   string
		serve  http.HandlerFunc
		status int
		body   string
		header map[string]string
	}{
		{"nothing", func(http.ResponseWriter, *http.Request) {}, 200, "", nil},
		{"the first status counts", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("A", "1")
			w.WriteHeader(http.StatusNoContent)
			w.Header().Set("B", "2")
			w.WriteHeader(http.StatusTeapot)
		}, 204, "", map[string]string{"A": "1"}},
		{"a body means 200", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, "hi")
			w.WriteHeader(http.StatusTeapot)
		}, 200, "hi", map[string]string{"Content-Type": "text/plain"}},
		{"an empty write has no type", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(nil) }, 200, "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp := pass(t, event(t, nil), tt.serve)
			if resp.StatusCode != tt.status || resp.Body != tt.body {
				t.Errorf("got %d %q, want %d %q", resp.StatusCode, resp.Body, tt.status, tt.body)
			}
			if tt.header == nil {
				tt.header = map[string]string{}
			}
			if diff := cmp.Diff(tt.header, resp.Headers); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGatewayAnswersHeadWithoutBody(t *testing.T) {
	e := event(t, func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.HTTP.Method = "HEAD" })
	resp := pass(t, e, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "body") })
	if resp.StatusCode != http.StatusOK || resp.Body != "" {
		t.Errorf("got %d %q, want 200 and no body", resp.StatusCode, resp.Body)
	}
}

// TestGatewayRefusesWhatCannotBeARequest checks that it is a problem, not a function error, and that nothing of it
// is printed.
func TestGatewayRefusesWhatCannotBeARequest(t *testing.T) {
	tests := map[string]func(*events.APIGatewayV2HTTPRequest){
		"bad escape":         func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "/api/client/%zz-alice" },
		"cut escape":         func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "/api/client/alice%2" },
		"control character":  func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "/alice\x00" },
		"bad query":          func(e *events.APIGatewayV2HTTPRequest) { e.RawQueryString = "email=alice\x7f" },
		"bad path elsewhere": func(e *events.APIGatewayV2HTTPRequest) { e.RawPath, e.RequestContext.HTTP.Path = "", "/%alice" },
		"bad method":         func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.HTTP.Method = "alice alice" },
		"bad base64": func(e *events.APIGatewayV2HTTPRequest) {
			e.IsBase64Encoded, e.Body = true, "alice!"
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			printed := capture(t)
			resp := pass(t, event(t, change), func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") })
			p := decode[document](t, resp.Body)
			if resp.StatusCode != http.StatusBadRequest || p.Type != "urn:lunogram-users:problem:bad-request" {
				t.Errorf("got %d %s, want a problem of 400", resp.StatusCode, resp.Body)
			}
			if p.RequestID != "JKJaXmPLvHcESHA=" || resp.Headers["Content-Type"] != "application/problem+json" {
				t.Errorf("got the request id %q and type %q", p.RequestID, resp.Headers["Content-Type"])
			}
			if out := printed(); out != "" {
				t.Errorf("printed %q, want nothing", out)
			}
		})
	}
}

// capture collects what is printed to the standard output and error until its result is called.
func capture(t *testing.T) func() string {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "printed")
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = file, file
	log.SetOutput(file)
	return func() string {
		os.Stdout, os.Stderr = stdout, stderr
		log.SetOutput(stderr)
		text, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		_ = file.Close()
		return string(text)
	}
}

func TestGatewayPathsAndBodies(t *testing.T) {
	tests := []struct {
		name              string
		change            func(*events.APIGatewayV2HTTPRequest)
		path, query, body string
	}{
		{"as it is", func(*events.APIGatewayV2HTTPRequest) {}, "/api/client/users", "", known},
		{"double slash", func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "//api/client/users" }, "//api/client/users", "", known},
		{"escaped slash", func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "/a%2Fb" }, "/a%2Fb", "", known},
		{"unescaped by the gateway", func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "/a?b#c d" }, "/a%3Fb%23c%20d", "", known},
		{"query", func(e *events.APIGatewayV2HTTPRequest) { e.RawQueryString = "a=%2B&b=x,y" }, "/api/client/users", "a=%2B&b=x,y", known},
		{"parsed query only", func(e *events.APIGatewayV2HTTPRequest) {
			e.QueryStringParameters = map[string]string{"a": "+"}
		}, "/api/client/users", "a=%2B", known},
		{"base64", func(e *events.APIGatewayV2HTTPRequest) {
			e.IsBase64Encoded, e.Body = true, base64.StdEncoding.EncodeToString([]byte("\xff\x00"))
		}, "/api/client/users", "", "\xff\x00"},
		{"no body", func(e *events.APIGatewayV2HTTPRequest) { e.Body = "" }, "/api/client/users", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			called := false
			pass(t, event(t, tt.change), func(_ http.ResponseWriter, r *http.Request) {
				called = true
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				got := []string{r.URL.EscapedPath(), r.URL.RawQuery, string(body)}
				if diff := cmp.Diff([]string{tt.path, tt.query, tt.body}, got); diff != "" {
					t.Errorf("path, query, body (-want +got):\n%s", diff)
				}
			})
			if !called {
				t.Error("the handler was not called")
			}
		})
	}
}

// TestGatewayAnswersInTime checks that a slow store is a 504 before the function is stopped.
func TestGatewayAnswersInTime(t *testing.T) {
	f := willing()
	f.upsert = func(user.Upsert) (user.User, error) { return user.User{}, context.DeadlineExceeded }
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	h := api.Upsert(f, api.Options{Log: slog.New(slog.DiscardHandler)})
	resp, err := api.Gateway(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stop, _ := ctx.Deadline()
		if own, ok := r.Context().Deadline(); !ok || stop.Sub(own) < 100*time.Millisecond {
			t.Errorf("the deadline is %v before the function is stopped, want time to answer", stop.Sub(own))
		}
		h.ServeHTTP(w, r)
	}))(ctx, event(t, nil))
	if err != nil || resp.StatusCode != http.StatusGatewayTimeout {
		t.Errorf("got %d, %v, want 504", resp.StatusCode, err)
	}
}

// TestGatewayResponsesEncode checks the answer in the form that the Lambda runtime sends.
func TestGatewayResponsesEncode(t *testing.T) {
	resp := pass(t, event(t, nil), func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		w.Header().Add("Vary", "Origin")
		w.Header().Add("Vary", "Accept")
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = w.Write([]byte{0xff})
	})
	got, err := json.Marshal(resp)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"statusCode":200,"headers":{"Content-Type":"application/octet-stream","Vary":"Origin,Accept"},` +
		`"multiValueHeaders":null,"body":"/w==","isBase64Encoded":true,"cookies":["a=1"]}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
}
