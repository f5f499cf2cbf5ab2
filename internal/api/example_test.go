package api_test

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"

	"lunogram-users/internal/api"
)

// The Python SDK doubles the first slash and leaves out the word Bearer.
func ExampleUpsert() {
	store := willing() // in a function, a *dynamo.Store
	h := api.Upsert(store, api.Options{Log: slog.New(slog.DiscardHandler)})

	r := httptest.NewRequest("POST", "//api/client/users", strings.NewReader(`{"identifier": [{"external_id": "user_123"}]}`))
	r.Header.Set("Authorization", "pk_client")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)

	fmt.Println(w.Code, w.Header().Get("ETag"))
	fmt.Print(w.Body)
	// Output:
	// 200 "3"
	// {"id":"019abd3c-8c1e-7c57-9d0e-1f4b7c1a2b3c","project_id":"019abd3c-0000-7000-8000-00000000000a","identifier":[{"source":"default","external_id":"user_123","metadata":null}],"data":{},"has_push_device":false,"version":3,"created_at":"2026-11-23T10:15:30.125Z","updated_at":"2026-11-23T10:16:30.125Z"}
}
