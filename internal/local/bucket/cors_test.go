package bucket_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"lunogram-users/internal/local/bucket"
)

func TestCORS(t *testing.T) {
	store, err := bucket.Open(bucket.Config{
		Directory: t.TempDir(), Buckets: []string{"open", "closed"},
		CORS: map[string][]bucket.CORS{"open": {
			{Origins: []string{"https://*.example.com"}, Methods: []string{"PUT"}, Headers: []string{"content-*"}, Expose: []string{"ETag"}, MaxAge: 9},
			{Origins: []string{"*"}, Methods: []string{"GET"}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	const page = "https://app.example.com"
	tests := []struct {
		name, method, path, host, origin, asks, headers string
		status                                          int
		allow                                           string
	}{
		{"preflight", "OPTIONS", "/open/x", "", page, "PUT", "Content-Type", 200, page},
		{"preflight, address by host", "OPTIONS", "/x", "open.localhost:9000", page, "PUT", "", 200, page},
		{"preflight by the second rule", "OPTIONS", "/open/x", "", "http://other", "GET", "", 200, "*"},
		{"preflight, another origin", "OPTIONS", "/open/x", "", "https://example.org", "PUT", "", 403, ""},
		{"preflight, another method", "OPTIONS", "/open/x", "", page, "DELETE", "", 403, ""},
		{"preflight, another header", "OPTIONS", "/open/x", "", page, "PUT", "Content-Type, X-Other", 403, ""},
		{"preflight, no rules", "OPTIONS", "/closed/x", "", page, "PUT", "", 403, ""},
		{"upload", "PUT", "/open/x", "", page, "", "", 200, page},
		{"upload from another origin", "PUT", "/open/x", "", "https://example.org", "", "", 200, ""},
		{"upload without a page", "PUT", "/open/x", "", "", "", "", 200, ""},
		{"upload, no rules", "PUT", "/closed/x", "", page, "", "", 200, ""},
		{"download", "GET", "/open/x", "", "http://other", "", "", 200, "*"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), tt.method, tt.path, strings.NewReader("x"))
			if tt.host != "" {
				r.Host = tt.host
			}
			for name, value := range map[string]string{
				"Origin": tt.origin, "Access-Control-Request-Method": tt.asks, "Access-Control-Request-Headers": tt.headers,
			} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			r.Header.Set("Content-Length", "1")
			w := httptest.NewRecorder()
			store.ServeHTTP(w, r)
			if w.Code != tt.status || w.Header().Get("Access-Control-Allow-Origin") != tt.allow {
				t.Errorf("got %d, allowed %q; want %d, %q: %s", w.Code, w.Header().Get("Access-Control-Allow-Origin"), tt.status, tt.allow, w.Body)
			}
			if tt.allow == page && (w.Header().Get("Access-Control-Expose-Headers") != "ETag" || w.Header().Get("Access-Control-Max-Age") != "9") {
				t.Errorf("got headers %v, want those of the first rule", http.Header(w.Header()))
			}
		})
	}
}
