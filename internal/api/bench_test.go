package api_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"lunogram-users/internal/api"
)

// The benchmarks measure what the HTTP layer itself costs: the store answers at once.

const typical = `{"identifier":[{"external_id":"user_123"}],"email":"alice@example.com","data":{"first_name":"Alice",` +
	`"plan":"premium","company":"Acme Inc","signup_source":"webinar","lifetime_value":2500}}`

func BenchmarkUpsert(b *testing.B) {
	h := api.Upsert(willing(), api.Options{Log: slog.New(slog.DiscardHandler)})
	b.ReportAllocs()
	for b.Loop() {
		serve(b, h, "POST", client, typical)
	}
}

func BenchmarkGet(b *testing.B) {
	h := api.Get(willing(), api.Options{Log: slog.New(slog.DiscardHandler)})
	b.ReportAllocs()
	for b.Loop() {
		serve(b, h, "GET", aliceAt, "")
	}
}

func serve(b *testing.B, h http.Handler, method, path, body string) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer sk_editor")
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	if rec.Code != http.StatusOK {
		b.Fatalf("got %d %s, want 200", rec.Code, rec.Body)
	}
}
