// Package apitest holds the HTTP traffic of tests to openapi.yaml. A [Contract] checks every answer, and every
// request that was answered with success: one that is meant to be bad need not be in the contract.
package apitest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/google/uuid"

	"lunogram-users/internal/moduleroot"
)

// Contract is openapi.yaml, ready to check traffic. It is safe for concurrent use.
type Contract struct {
	doc   *openapi3.T
	paths *http.ServeMux // the paths of doc, to find those of requests as the server does
}

// loaded is the contract of this test process, read once.
var loaded = sync.OnceValues(load)

// Load returns the contract in the openapi.yaml beside the go.mod above the working directory. It fails the test if
// there is none or if it is not valid.
func Load(t testing.TB) *Contract {
	t.Helper()
	c, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func load() (*Contract, error) {
	root, err := moduleroot.Dir()
	if err != nil {
		return nil, fmt.Errorf("find the module: %w", err)
	}
	doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join(root, "openapi.yaml"))
	if err != nil {
		return nil, fmt.Errorf("load openapi.yaml: %w", err)
	}
	if err := doc.Validate(context.Background(), openapi3.EnableExamplesValidation()); err != nil {
		return nil, fmt.Errorf("validate openapi.yaml: %w", err)
	}
	doc.Servers = nil // tests listen anywhere
	paths := http.NewServeMux()
	for path := range doc.Paths.Map() {
		paths.Handle(path, http.NotFoundHandler()) // never called
	}
	return &Contract{doc: doc, paths: paths}, nil
}

// Check fails the test if the exchange breaks the contract. An answer to a path or method that the contract does not
// have must be a problem document, as every failure but 429 must: no function answers that, only API Gateway by itself.
// The bodies of req and resp are not read: they are given beside them.
func (c *Contract) Check(t testing.TB, req *http.Request, reqBody []byte, resp *http.Response, respBody []byte) {
	t.Helper()
	for _, err := range c.faults(t.Context(), req, reqBody, resp, respBody) {
		t.Errorf("contract: %s %s: %d: %v", req.Method, req.URL.Path, resp.StatusCode, err)
	}
}

func (c *Contract) faults(ctx context.Context, req *http.Request, reqBody []byte, resp *http.Response, respBody []byte) []error {
	in, ok := c.request(ctx, req, reqBody)
	if !ok {
		return c.problem(resp, respBody)
	}
	var errs []error
	if resp.StatusCode < 300 {
		errs = append(errs, openapi3filter.ValidateRequest(ctx, in))
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: resp.StatusCode, Header: resp.Header, Options: in.Options,
	}
	errs = append(errs, openapi3filter.ValidateResponse(ctx, out.SetBodyBytes(respBody)))
	if resp.StatusCode == http.StatusNoContent && (len(respBody) > 0 || resp.Header.Get("Content-Type") != "") {
		errs = append(errs, errors.New("an empty answer has a body or a content type"))
	}
	// A page for people is one for failures too, where the contract says so.
	page := strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html")
	if resp.StatusCode >= 400 && resp.StatusCode != http.StatusTooManyRequests && !page {
		errs = append(errs, c.problem(resp, respBody)...)
	}
	return present(errs)
}

// present returns the errors that are not nil.
func present(errs []error) []error {
	var out []error
	for _, err := range errs {
		if err != nil {
			out = append(out, err)
		}
	}
	return out
}

// request finds the operation of a request, in the form to check. It has the path that the server makes of it, and
// where JSON is taken the media type that the server takes any other for.
func (c *Contract) request(ctx context.Context, req *http.Request, body []byte) (*openapi3filter.RequestValidationInput, bool) {
	r := req.Clone(ctx)
	clean := path.Clean("/" + req.URL.EscapedPath())
	r.URL = &url.URL{Path: clean, RawQuery: req.URL.RawQuery} // still escaped, so that no segment falls apart
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	if r.Method == http.MethodHead {
		r.Method = http.MethodGet
	}
	route, ok := c.route(r)
	if !ok {
		return nil, false
	}
	if b := route.Operation.RequestBody; b == nil || b.Value.Content["application/json"] != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return &openapi3filter.RequestValidationInput{
		Request: r, PathParams: parameters(route.Path, clean), Route: route,
		Options: &openapi3filter.Options{
			MultiError: true, IncludeResponseStatus: true, SkipSettingDefaults: true,
			ExcludeResponseBody:     req.Method == http.MethodHead,
			AuthenticationFunc:      openapi3filter.NoopAuthenticationFunc,
			SchemaValidationOptions: formats(),
		},
	}, true
}

// route returns the operation that a request names, and whether there is one.
func (c *Contract) route(r *http.Request) (*routers.Route, bool) {
	_, path := c.paths.Handler(r)
	item := c.doc.Paths.Value(path)
	if item == nil {
		return nil, false
	}
	operation := item.Operations()[r.Method]
	return &routers.Route{Spec: c.doc, Path: path, PathItem: item, Method: r.Method, Operation: operation}, operation != nil
}

// parameters returns what stands in a path for the {names} of its template.
func parameters(template, path string) map[string]string {
	values := strings.Split(path, "/")
	out := map[string]string{}
	for i, segment := range strings.Split(template, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			out[strings.TrimSuffix(name, "}")] = values[i]
		}
	}
	return out
}

// problem checks that a failure is a problem document that says what the status line says.
func (c *Contract) problem(resp *http.Response, body []byte) []error {
	if got, want := resp.Header.Get("Content-Type"), "application/problem+json"; got != want {
		return []error{errors.New("the content type of a failure is " + got + ", want " + want)}
	}
	if resp.Request != nil && resp.Request.Method == http.MethodHead {
		return nil
	}
	var doc map[string]any
	if err := json.Unmarshal(body, &doc); err != nil {
		return []error{err}
	}
	err := c.doc.Components.Schemas["Problem"].Value.VisitJSON(doc, openapi3.MultiErrors())
	if doc["status"] != float64(resp.StatusCode) {
		err = errors.Join(err, errors.New("the status member differs from the status"))
	}
	return present([]error{err})
}

// formats are the string formats that the library does not check by itself.
func formats() []openapi3.SchemaValidationOption {
	isUUID := openapi3.NewCallbackValidator(func(s string) error {
		if len(s) != 36 {
			return errors.New("is no UUID of 36 characters")
		}
		return uuid.Validate(s)
	})
	return []openapi3.SchemaValidationOption{openapi3.EnableFormatValidation(), openapi3.WithStringFormatValidator("uuid", isUUID)}
}
