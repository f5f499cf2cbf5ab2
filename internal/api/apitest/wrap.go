package apitest

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Handler wraps a handler so that every exchange is checked. It buffers whole bodies. It may be used concurrently,
// until the test ends.
func (c *Contract) Handler(t testing.TB, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Helper()
		var body []byte
		if r.Body != nil {
			body, _ = io.ReadAll(r.Body) // what cannot be read cannot be checked
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		resp := rec.Result()
		resp.Request = r
		c.Check(t, r, body, resp, rec.Body.Bytes())
		maps.Copy(w.Header(), resp.Header)
		w.WriteHeader(resp.StatusCode)
		_, _ = w.Write(rec.Body.Bytes())
	})
}

// Transport wraps a transport (http.DefaultTransport if nil) so that every exchange is checked. It buffers whole
// bodies. It may be used concurrently, until the test ends.
func (c *Contract) Transport(t testing.TB, base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return transport{t: t, contract: c, base: base}
}

type transport struct {
	t        testing.TB
	contract *Contract
	base     http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (tr transport) RoundTrip(r *http.Request) (*http.Response, error) {
	tr.t.Helper()
	var sent []byte
	if r.Body != nil {
		var err error
		if sent, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		_ = r.Body.Close() // it was read to the end
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(sent))
	}
	resp, err := tr.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	received, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close() // it was read to the end
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(received))
	tr.contract.Check(tr.t, r, sent, resp, received)
	return resp, nil
}
