package objects_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"lunogram-users/internal/csvimport"
	"lunogram-users/internal/csvimport/objects"
)

const (
	bucket = "bucket"
	key    = "imports/p/äö and+more.csv"
)

// fixture is an S3 endpoint whose answers to GetObject pass through a hook.
type fixture struct {
	*objects.S3
	links   *objects.Links
	backend gofakes3.Backend
	gets    atomic.Int64
	get     func(n int64, w http.ResponseWriter, r *http.Request, next http.Handler)
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{backend: s3mem.New()}
	if err := f.backend.CreateBucket(bucket); err != nil {
		t.Fatal(err)
	}
	next := gofakes3.New(f.backend).Server()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && f.get != nil {
			f.get(f.gets.Add(1), w, r, next)
			return
		}
		next.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	once := func(o *s3.Options) { o.RetryMaxAttempts = 1 }
	f.S3, f.links = objects.New(cfg, bucket, once), objects.NewLinks(cfg, bucket, once)
	return f
}

func (f *fixture) put(t *testing.T, content []byte) (etag string) {
	t.Helper()
	if err := f.Put(t.Context(), key, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	obj, err := f.backend.HeadObject(bucket, key)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", obj.Hash)
}

func content(n int) []byte {
	random := rand.NewChaCha8([32]byte{})
	b := make([]byte, n)
	_, _ = random.Read(b)
	return b
}

// cut passes on only so many bytes of a body, then breaks the connection.
type cut struct {
	http.ResponseWriter
	left int
}

func (c *cut) Write(p []byte) (int, error) {
	if len(p) > c.left {
		_, _ = c.ResponseWriter.Write(p[:c.left])
		_ = http.NewResponseController(c.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	c.left -= len(p)
	return c.ResponseWriter.Write(p)
}

func TestReadsWhatWasPut(t *testing.T) {
	f := newFixture(t)
	for _, n := range []int{0, 1, 300_000} {
		want := content(n)
		r, err := f.Open(t.Context(), key, f.put(t, want), 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		if err := iotest.TestReader(r, want); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestReadsRanges(t *testing.T) {
	f := newFixture(t)
	whole := content(1000)
	etag := f.put(t, whole)
	tests := []struct {
		name     string
		from, to int64
		want     []byte
	}{
		{"the middle", 100, 200, whole[100:200]},
		{"from the start", 0, 1, whole[:1]},
		{"to the end", 990, -1, whole[990:]},
		{"nothing", 500, 500, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := f.Open(t.Context(), key, etag, tt.from, tt.to)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, tt.want) {
				t.Errorf("got %d bytes and error %v, want %d", len(got), err, len(tt.want))
			}
		})
	}
}

// TestResumesARange checks that a range whose connection breaks goes on where it was and ends where it should.
func TestResumesARange(t *testing.T) {
	f := newFixture(t)
	whole := content(100_000)
	etag := f.put(t, whole)
	f.get = func(_ int64, w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(&cut{w, 10_000}, r)
	}
	r, err := f.Open(t.Context(), key, etag, 20_000, 60_000)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, whole[20_000:60_000]) {
		t.Errorf("got %d bytes and error %v, want 40000", len(got), err)
	}
}

func TestListAndRemove(t *testing.T) {
	f := newFixture(t)
	for _, key := range []string{"work/p/b", "work/p/a", "work/q/c"} {
		if err := f.Put(t.Context(), key, strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Remove(t.Context(), "work/p/a"); err != nil {
		t.Error(err)
	}
	if err := f.Remove(t.Context(), "work/p/a"); err != nil {
		t.Errorf("remove again: got error %v, want none", err)
	}
	var got []string
	for key, err := range f.List(t.Context(), "work/p/") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, key)
	}
	if diff := cmp.Diff([]string{"work/p/b"}, got); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestResumesABrokenConnection(t *testing.T) {
	f := newFixture(t)
	want := content(1 << 20)
	etag := f.put(t, want)
	f.get = func(_ int64, w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(&cut{w, 150_000}, r)
	}
	r, err := f.Open(t.Context(), key, etag, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %d bytes and %v, want the %d of the object", len(got), err, len(want))
	}
	if n := f.gets.Load(); n < 7 {
		t.Errorf("got %d connections, want 7 at least", n)
	}
}

func TestGivesUp(t *testing.T) {
	f := newFixture(t)
	etag := f.put(t, content(1000))
	f.get = func(n int64, w http.ResponseWriter, r *http.Request, next http.Handler) {
		if n > 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(&cut{w, 500}, r)
	}
	r, err := f.Open(t.Context(), key, etag, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if len(got) != 500 || err == nil || errors.Is(err, csvimport.ErrGone) {
		t.Errorf("got %d bytes and error %v, want 500 and one that may be repeated", len(got), err)
	}
}

func TestGone(t *testing.T) {
	f := newFixture(t)
	if _, err := f.Open(t.Context(), key, "", 0, -1); !errors.Is(err, csvimport.ErrGone) {
		t.Errorf("no object: got error %v, want ErrGone", err)
	}
	etag := f.put(t, content(1<<20))
	if _, err := f.Open(t.Context(), key, strings.Repeat("0", 32), 0, -1); !errors.Is(err, csvimport.ErrGone) {
		t.Errorf("another ETag: got error %v, want ErrGone", err)
	}
	// Replaced while it is read, at an endpoint that heeds If-Match, as S3 does, and at one that does not.
	for _, heeds := range []bool{true, false} {
		f.gets.Store(0)
		f.get = func(n int64, w http.ResponseWriter, r *http.Request, next http.Handler) {
			switch {
			case n == 1:
				next.ServeHTTP(&cut{w, 1000}, r)
			case heeds && r.Header.Get("If-Match") == `"`+etag+`"`:
				w.WriteHeader(http.StatusPreconditionFailed)
				_, _ = io.WriteString(w, "<Error><Code>PreconditionFailed</Code></Error>")
			default:
				next.ServeHTTP(w, r)
			}
		}
		etag = f.put(t, content(1<<20))
		r, err := f.Open(t.Context(), key, etag, 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		f.put(t, content(2<<20))
		if got, err := io.ReadAll(r); !errors.Is(err, csvimport.ErrGone) {
			t.Errorf("heeds If-Match: %v: got %d bytes and error %v, want ErrGone", heeds, len(got), err)
		}
	}
}

func TestErrorsDoNotNameTheObject(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	once := func(o *s3.Options) { o.RetryMaxAttempts = 1 }
	nowhere, links := objects.New(cfg, bucket, once), objects.NewLinks(cfg, bucket, once)
	const name = "imports/p/secret.csv"
	for doing, do := range map[string]func() error{
		"open":     func() error { _, err := nowhere.Open(t.Context(), name, "", 0, -1); return err },
		"put":      func() error { return nowhere.Put(t.Context(), name, strings.NewReader("x")) },
		"remove":   func() error { return nowhere.Remove(t.Context(), name) },
		"download": func() error { _, err := links.Download(t.Context(), name); return err },
	} {
		if err := do(); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got error %v, want one without the name", doing, err)
		}
	}
}

func TestCancel(t *testing.T) {
	f := newFixture(t)
	etag := f.put(t, content(1<<20))
	f.get = func(_ int64, w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(&cut{w, 10}, r)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	r, err := f.Open(ctx, key, etag, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want the context's", err)
	}
}

func TestReplacesAStalledConnection(t *testing.T) {
	f := newFixture(t)
	f.SetStall(100 * time.Millisecond)
	want := content(100_000)
	etag := f.put(t, want)
	f.get = func(n int64, w http.ResponseWriter, r *http.Request, next http.Handler) {
		if n > 1 {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("ETag", `"`+etag+`"`)
		w.Header().Set("Content-Length", "100000")
		_, _ = w.Write(want[:1000])
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done() // the client hangs up
	}
	r, err := f.Open(t.Context(), key, etag, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %d bytes and %v, want the %d of the object", len(got), err, len(want))
	}
}
