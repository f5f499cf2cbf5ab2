package api_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lunogram-users/internal/api"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

func TestKeyStoreFails(t *testing.T) {
	f := willing()
	f.keyErr = fmt.Errorf("read key: %w", user.ErrUnavailable)
	s := newServer(t, f)
	if r := s.do("pk_client", "POST", client, known); r.status != http.StatusServiceUnavailable {
		t.Errorf("got %d, want 503", r.status)
	}
	f.keyErr = nil
	if r := s.do("pk_client", "POST", client, known); r.status != http.StatusOK {
		t.Errorf("once the store is back: got %d, want 200: an error must not be cached", r.status)
	}
}

// TestKeyCache follows a key through the cache by the minute.
func TestKeyCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := willing()
		h := api.Upsert(f, api.Options{Log: slog.New(slog.DiscardHandler)})
		call := func(key string, want, reads int) {
			t.Helper()
			before := f.reads()
			r := httptest.NewRequest("POST", client, strings.NewReader(known))
			r.Header.Set("Authorization", key)
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			if got := f.reads() - before; rec.Code != want || got != reads {
				t.Errorf("%s: got %d after %d reads, want %d after %d", key, rec.Code, got, want, reads)
			}
		}
		call("pk_client", 200, 1)
		time.Sleep(59 * time.Second)
		call("pk_client", 200, 0)
		delete(f.keys, project.HashKey("pk_client")) // revoked
		time.Sleep(time.Second)
		call("pk_client", 401, 1)
		call("pk_client", 401, 0)
		f.addKey("pk_client", projectA, project.Client)
		time.Sleep(5 * time.Second)
		call("pk_client", 200, 1)
	})
}

// TestKeyCacheIsBounded sends more wrong keys than the cache holds; the right one stays cached.
func TestKeyCacheIsBounded(t *testing.T) {
	f := willing()
	h := api.Upsert(f, api.Options{Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return created }})
	call := func(key string) {
		r := httptest.NewRequest("POST", client, strings.NewReader(known))
		r.Header.Set("Authorization", key)
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	call("pk_client")
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range 2_600 {
				call(fmt.Sprintf("sk_%d_%d", worker, i))
			}
		})
	}
	wg.Wait()
	before := f.reads()
	call("pk_client")
	if got := f.reads() - before; got != 0 {
		t.Errorf("the right key was read again %d times, want 0", got)
	}
}
