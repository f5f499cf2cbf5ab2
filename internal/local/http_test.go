package local_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"lunogram-users/internal/local"
)

func TestRequestReachesFunction(t *testing.T) {
	c := start(t, nil)
	header := http.Header{"Content-Type": {"application/json"}, "X-Many": {"a", "b"}, "Cookie": {"s=1; t=2"}}
	response, body := call(t, "POST", c.URL+"/echo?q=1&q=2&e=%26", `{"a":1}`, header)
	if response.StatusCode != 201 {
		t.Fatalf("status: got %d, want 201: %s", response.StatusCode, body)
	}
	if got, want := response.Header["Set-Cookie"], "a=1 b=2"; strings.Join(got, " ") != want {
		t.Errorf("cookies: got %q, want %q", got, want)
	}
	e := decode[events.APIGatewayV2HTTPRequest](t, body)
	for _, test := range []struct{ name, got, want string }{
		{"route", e.RouteKey, "ANY /echo"},
		{"body", e.Body, `{"a":1}`},
		{"query", e.RawQueryString, "q=1&q=2&e=%26"},
		{"parameter", e.QueryStringParameters["q"], "1,2"},
		{"header", e.Headers["x-many"], "a,b"},
		{"cookies", strings.Join(e.Cookies, "|"), "s=1|t=2"},
		{"cookie header", e.Headers["cookie"], ""},
		{"stage", e.RequestContext.Stage, "$default"},
		{"method", e.RequestContext.HTTP.Method, "POST"},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, test.got, test.want)
		}
	}
}

func TestRoutes(t *testing.T) {
	c := start(t, nil)
	for _, test := range []struct {
		method, path string
		status       int
		route, raw   string
	}{
		{"GET", "/items/a%20b", 201, "GET /items/{id}", "/items/a b"},
		{"GET", "//items/7", 201, "GET /{proxy+}", "//items/7"},
		{"GET", "/items/7/more", 201, "GET /{proxy+}", "/items/7/more"},
		{"DELETE", "/items/7", 404, "", ""},
		{"PUT", "/echo", 201, "ANY /echo", "/echo"},
	} {
		response, body := call(t, test.method, c.URL+test.path, "", nil)
		if response.StatusCode != test.status {
			t.Errorf("%s %s: got %d, want %d: %s", test.method, test.path, response.StatusCode, test.status, body)
			continue
		}
		if test.status == 404 {
			continue
		}
		e := decode[events.APIGatewayV2HTTPRequest](t, body)
		if e.RouteKey != test.route || e.RawPath != test.raw {
			t.Errorf("%s %s: got %q %q, want %q %q", test.method, test.path, e.RouteKey, e.RawPath, test.route, test.raw)
		}
	}
}

func TestFailures(t *testing.T) {
	c := start(t, nil)
	for _, test := range []struct {
		name, path, body string
		status           int
		message          string
	}{
		{"error", "/echo?do=fail", "", 500, "Internal Server Error"},
		{"exit", "/echo?do=die", "", 500, "Internal Server Error"},
		{"timeout", "/slow?do=sleep", "", 500, "Internal Server Error"},
		{"large", "/echo", strings.Repeat("x", 10<<20+1), 413, "Request Entity Too Large"},
		{"large event", "/echo", strings.Repeat("x", 7<<20), 413, "Request Entity Too Large"},
		{"inferred", "/echo?do=infer", "", 200, "just text"},
		{"after all that", "/echo", "", 201, ""},
	} {
		response, body := call(t, "POST", c.URL+test.path, test.body, nil)
		if response.StatusCode != test.status || !strings.Contains(body, test.message) {
			t.Errorf("%s: got %d %.100s, want %d %s", test.name, response.StatusCode, body, test.status, test.message)
		}
	}
	if processes, err := c.Processes("slow"); err != nil || len(processes) != 0 {
		t.Errorf("processes of the function that timed out: got %d (%v), want 0", len(processes), err)
	}
}

func TestProcessesAreReused(t *testing.T) {
	c := start(t, func(o *local.Options) { o.Concurrency = 3 })
	type answer struct {
		PID            int
		Greeting, Path string
	}
	_, body := call(t, "GET", c.URL+"/echo?do=pid", "", nil)
	first := decode[answer](t, body)
	if first.Greeting != "hello from local" || first.Path != "" {
		t.Errorf("environment: got %q and PATH %q, want the template's and none", first.Greeting, first.Path)
	}
	_, body = call(t, "GET", c.URL+"/echo?do=pid", "", nil)
	if second := decode[answer](t, body); second.PID != first.PID {
		t.Errorf("second request: got process %d, want %d", second.PID, first.PID)
	}
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() { call(t, "GET", c.URL+"/echo", "", nil) })
	}
	wait.Wait()
	processes, err := c.Processes("echo")
	if err != nil || len(processes) > 3 {
		t.Errorf("processes: got %d (%v), want at most 3", len(processes), err)
	}
	response, body := call(t, "POST", c.URL+"/_local/kill/echo", "", nil)
	if killed := decode[map[string]int](t, body)["killed"]; response.StatusCode != 200 || killed != len(processes) {
		t.Errorf("kill: got %d %s, want %d killed", response.StatusCode, body, len(processes))
	}
	if response, body := call(t, "GET", c.URL+"/echo", "", nil); response.StatusCode != 201 {
		t.Errorf("after the kill: got %d %s, want 201", response.StatusCode, body)
	}
}

func TestCORS(t *testing.T) {
	c := start(t, nil)
	origin := http.Header{"Origin": {"https://app.example"}, "Access-Control-Request-Method": {"POST"}}
	response, _ := call(t, "OPTIONS", c.URL+"/anything", "", origin)
	if response.StatusCode != 204 || response.Header.Get("Access-Control-Allow-Methods") != "GET,POST" {
		t.Errorf("preflight: got %d %v, want 204 and the methods", response.StatusCode, response.Header)
	}
	for _, test := range []struct{ origin, want string }{
		{"https://app.example", "https://app.example"}, // not the "*" of the function
		{"https://other.example", ""},
		{"", ""},
	} {
		header := http.Header{}
		if test.origin != "" {
			header.Set("Origin", test.origin)
		}
		response, _ := call(t, "GET", c.URL+"/echo", "", header)
		if got := response.Header.Get("Access-Control-Allow-Origin"); got != test.want {
			t.Errorf("origin %q: got %q, want %q", test.origin, got, test.want)
		}
	}
}
