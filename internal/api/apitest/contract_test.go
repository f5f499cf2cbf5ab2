package apitest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"lunogram-users/internal/api/apitest"
	"lunogram-users/internal/moduleroot"
)

// verdict collects the failures that a contract reports instead of failing the test.
type verdict struct {
	testing.TB
	failures []string
}

func (v *verdict) Helper() {}

func (v *verdict) Errorf(format string, args ...any) {
	v.failures = append(v.failures, fmt.Sprintf(format, args...))
}

const (
	goodUser = `{"id":"019abd3c-8c1e-7c57-9d0e-1f4b7c1a2b3c","project_id":"019abd3c-0000-7000-8000-000000000001",` +
		`"identifier":[{"source":"default","external_id":"a","metadata":null}],"data":{},"has_push_device":false,"version":0,` +
		`"created_at":"2026-11-23T10:15:30.125Z","updated_at":"2026-11-23T10:15:30.125Z"}`
	goodProblem = `{"type":"urn:lunogram-users:problem:not-found","title":"resource not found","status":404,"detail":"x"}`
	goodRequest = `{"identifier":[{"external_id":"a"}]}`
)

func TestContract(t *testing.T) {
	contract := apitest.Load(t)
	tests := []struct {
		name, method, path, request string
		status                      int
		contentType, body           string
		want                        string // in the one failure, "" for none
	}{
		{"good", "POST", "/api/client/users", goodRequest, 200, "application/json", goodUser, ""},
		{"double slash", "POST", "//api/client/users/", goodRequest, 200, "application/json", goodUser, ""},
		{"bad request accepted", "POST", "/api/client/users", `{}`, 200, "application/json", goodUser, "identifier"},
		{"bad request refused", "POST", "/api/client/users", `{}`, 401, "application/problem+json", strings.ReplaceAll(goodProblem, "404", "401"), ""},
		{"unknown member", "POST", "/api/client/users", goodRequest, 200, "application/json", strings.Replace(goodUser, `"data"`, `"x":1,"data"`, 1), "x"},
		{"no UUID", "POST", "/api/client/users", goodRequest, 200, "application/json", strings.Replace(goodUser, "019abd3c-8c1e", "alice", 1), "anyOf"},
		{"no time", "POST", "/api/client/users", goodRequest, 200, "application/json", strings.Replace(goodUser, "2026-11-23T", "yesterday ", 1), "anyOf"},
		{"wrong media type", "POST", "/api/client/users", goodRequest, 200, "text/html", goodUser, "text/html"},
		{"status not in the contract", "POST", "/api/client/users", goodRequest, 404, "application/problem+json", goodProblem, "status is not supported"},
		{"no such path", "GET", "/nowhere", "", 404, "application/problem+json", goodProblem, ""},
		{"no such path, plain text", "GET", "/nowhere", "", 404, "text/plain", "404 page not found", "text/plain"},
		{"status differs", "GET", "/nowhere", "", 405, "application/problem+json", goodProblem, "differs"},
		{"problem lacks a member", "GET", "/nowhere", "", 404, "application/problem+json", `{"status":404}`, "detail"},
		{"throttled", "POST", "/api/client/users", goodRequest, 429, "application/json", `{"message":"Too Many Requests"}`, ""},
		{"throttled, of another form", "POST", "/api/client/users", goodRequest, 429, "application/json", `{}`, "message"},
		{"crashed", "POST", "/api/client/users", goodRequest, 500, "application/json", `{"message":"Internal Server Error"}`, "application/json"},
		{"204 with a type", "DELETE", "/api/client/users", goodRequest, 204, "application/json", "", "empty answer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := &verdict{TB: t}
			h := contract.Handler(v, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tt.contentType)
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			}))
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, httptest.NewRequest(tt.method, tt.path, strings.NewReader(tt.request)))
			if rec.Code != tt.status || rec.Body.String() != tt.body {
				t.Errorf("the answer arrived as %d %q", rec.Code, rec.Body)
			}
			if got := strings.Join(v.failures, "\n"); tt.want == "" && got != "" || !strings.Contains(got, tt.want) || tt.want != "" && got == "" {
				t.Errorf("failures: got %q, want %q in it", got, tt.want)
			}
		})
	}
}

// TestThrottling checks that every operation documents the 429 that API Gateway answers by itself.
func TestThrottling(t *testing.T) {
	root, err := moduleroot.Dir()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join(root, "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			answer := operation.Responses.Status(http.StatusTooManyRequests)
			if answer == nil || answer.Value.Content.Get("application/json") == nil {
				t.Errorf("%s %s does not document 429 in application/json", method, path)
			}
		}
	}
}

// TestTransport checks that bodies pass through it and are checked.
func TestTransport(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); err != nil || string(body) != goodRequest {
			t.Errorf("the server got %q, %v", body, err)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, strings.Replace(goodUser, "false", "null", 1))
	}))
	defer server.Close()
	v := &verdict{TB: t}
	client := &http.Client{Transport: apitest.Load(t).Transport(v, nil)}
	resp, err := client.Post(server.URL+"/api/client/users", "text/plain", strings.NewReader(goodRequest))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(body), "has_push_device") {
		t.Errorf("the client got %q, %v", body, err)
	}
	if len(v.failures) != 1 || !strings.Contains(v.failures[0], "has_push_device") {
		t.Errorf("failures: got %q, want one about has_push_device", v.failures)
	}
}
