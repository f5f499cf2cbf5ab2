package bucket_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"lunogram-users/internal/local/bucket"
)

// fixture is a store with a client.
type fixture struct {
	*s3.Client
	url       string
	directory string
	created   []bucket.Created
	fail      error // answered by the watcher
}

func open(t *testing.T, directory string) *fixture {
	t.Helper()
	f := &fixture{directory: directory}
	store, err := bucket.Open(bucket.Config{
		Directory: directory, Buckets: []string{"files"},
		Created: func(c bucket.Created) error { f.created = append(f.created, c); return f.fail },
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(store)
	t.Cleanup(server.Close)
	f.url = server.URL
	f.Client = s3.NewFromConfig(aws.Config{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), BaseEndpoint: &f.url,
		RetryMaxAttempts: 1,
	})
	return f
}

func (f *fixture) put(t *testing.T, key, content string) {
	t.Helper()
	_, err := f.PutObject(t.Context(), &s3.PutObjectInput{Bucket: new("files"), Key: &key, Body: strings.NewReader(content)})
	if err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
}

func (f *fixture) get(t *testing.T, key, span string) (string, error) {
	t.Helper()
	in := &s3.GetObjectInput{Bucket: new("files"), Key: &key}
	if span != "" {
		in.Range = &span
	}
	o, err := f.GetObject(t.Context(), in)
	if err != nil {
		return "", err
	}
	defer o.Body.Close()
	content, err := io.ReadAll(o.Body)
	return string(content), err
}

func code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return fmt.Sprint(err)
}

func TestObjectsOutliveTheStore(t *testing.T) {
	directory := t.TempDir()
	f := open(t, directory)
	f.put(t, "a/b", "one")
	f.put(t, "a", "two") // S3 knows no folders: both exist
	f.put(t, "a/b", "three")
	f.put(t, "gone", "x")
	if _, err := f.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: new("files"), Key: new("gone")}); err != nil {
		t.Fatal(err)
	}
	// A write cut short leaves content that nothing describes.
	orphan := filepath.Join(directory, "files", "orphan.data")
	if err := os.WriteFile(orphan, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	f = open(t, directory)
	for key, want := range map[string]string{"a/b": "three", "a": "two"} {
		if got, err := f.get(t, key, ""); err != nil || got != want {
			t.Errorf("%s: got %q (%v), want %q", key, got, err, want)
		}
	}
	if got, err := f.get(t, "a/b", "bytes=1-2"); err != nil || got != "hr" {
		t.Errorf("range: got %q (%v), want hr", got, err)
	}
	if _, err := f.get(t, "gone", ""); code(err) != "NoSuchKey" {
		t.Errorf("gone: got %v, want NoSuchKey", err)
	}
	if entries, err := os.ReadDir(filepath.Join(directory, "files")); err != nil || len(entries) != 4 {
		t.Errorf("files: got %d (%v), want 4 of two objects", len(entries), err)
	}
}

func TestConditions(t *testing.T) {
	f := open(t, t.TempDir())
	f.put(t, "k", "one")
	_, err := f.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: new("files"), Key: new("k"), Body: strings.NewReader("two"), IfNoneMatch: new("*"),
	})
	if code(err) != "PreconditionFailed" {
		t.Errorf("put of what exists: got %v, want PreconditionFailed", err)
	}
	if got, _ := f.get(t, "k", ""); got != "one" {
		t.Errorf("content: got %q, want one", got)
	}
	_, err = f.PutObject(t.Context(), &s3.PutObjectInput{Bucket: new("none"), Key: new("k"), Body: strings.NewReader("x")})
	if code(err) != "NoSuchBucket" {
		t.Errorf("put into no bucket: got %v, want NoSuchBucket", err)
	}
}

func TestWatcher(t *testing.T) {
	f := open(t, t.TempDir())
	f.put(t, "k", "one")
	f.fail = errors.New("cannot be told")
	_, err := f.PutObject(t.Context(), &s3.PutObjectInput{Bucket: new("files"), Key: new("k2"), Body: strings.NewReader("x")})
	if err == nil {
		t.Error("put that could not be told: got no error")
	}
	f.fail = nil
	postForm(t, f.url+"/files", map[string]string{"key": "form key"}, "from a form")
	if got, err := f.get(t, "form key", ""); err != nil || got != "from a form" {
		t.Errorf("form upload: got %q (%v)", got, err)
	}
	var keys []string
	for i, c := range f.created {
		keys = append(keys, c.Key)
		if i > 0 && c.Sequencer <= f.created[i-1].Sequencer {
			t.Errorf("sequencer %s does not follow %s", c.Sequencer, f.created[i-1].Sequencer)
		}
	}
	if got, want := strings.Join(keys, ","), "k,k2,form key"; got != want {
		t.Errorf("told: got %s, want %s", got, want)
	}
}

func postForm(t *testing.T, url string, fields map[string]string, content string) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range fields {
		_ = form.WriteField(name, value) // a buffer never fails
	}
	file, _ := form.CreateFormFile("file", "x.csv")
	_, _ = io.WriteString(file, content)
	_ = form.Close()
	response, err := http.Post(url, form.FormDataContentType(), &body)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("form upload: got %d", response.StatusCode)
	}
}

func TestList(t *testing.T) {
	f := open(t, t.TempDir())
	for _, key := range []string{"a", "b/1", "b/2", "c/1", "d"} {
		f.put(t, key, "x")
	}
	for _, test := range []struct {
		prefix, delimiter string
		limit             int32
		want              string
	}{
		{"", "", 1000, "a b/1 b/2 c/1 d"},
		{"", "", 2, "a b/1 | b/2 c/1 | d"},
		{"", "/", 1000, "a d b/ c/"},
		{"", "/", 1, "a | b/ | c/ | d"},
		{"b/", "/", 1000, "b/1 b/2"},
	} {
		var pages []string
		p := s3.NewListObjectsV2Paginator(f, &s3.ListObjectsV2Input{
			Bucket: new("files"), Prefix: &test.prefix, Delimiter: &test.delimiter, MaxKeys: &test.limit,
		})
		for p.HasMorePages() {
			page, err := p.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, o := range page.Contents {
				names = append(names, *o.Key)
			}
			for _, prefix := range page.CommonPrefixes {
				names = append(names, *prefix.Prefix)
			}
			pages = append(pages, strings.Join(names, " "))
		}
		if got := strings.Join(pages, " | "); got != test.want {
			t.Errorf("prefix %q delimiter %q limit %d: got %q, want %q", test.prefix, test.delimiter, test.limit, got, test.want)
		}
	}
}

// Newer SDKs send bodies in chunks with a checksum at the end.
func TestChunkedBody(t *testing.T) {
	f := open(t, t.TempDir())
	for _, test := range []struct {
		name, body, length string
		status             int
		want               string
	}{
		{"unsigned", "5\r\nhello\r\n1\r\n!\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "6", 200, "hello!"},
		{"signed", "3;chunk-signature=00\r\nabc\r\n0;chunk-signature=00\r\n\r\n", "3", 200, "abc"},
		{"empty", "0\r\n\r\n", "0", 200, ""},
		{"cut short", "5\r\nhel", "5", 500, ""},
		{"no size", "hello", "5", 500, ""},
		{"wrong length", "5\r\nhello\r\n0\r\n\r\n", "9", 400, ""},
		{"no length", "0\r\n\r\n", "", 400, ""},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, f.url+"/files/"+strings.ReplaceAll(test.name, " ", "-"), strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
		r.Header.Set("Content-Encoding", "aws-chunked")
		if test.length != "" {
			r.Header.Set("X-Amz-Decoded-Content-Length", test.length)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != test.status {
			t.Errorf("%s: got %d, want %d", test.name, response.StatusCode, test.status)
		}
		if test.status != 200 {
			continue
		}
		if got, err := f.get(t, test.name, ""); err != nil || got != test.want {
			t.Errorf("%s: got %q (%v), want %q", test.name, got, err, test.want)
		}
	}
}

func TestOpenRefusesName(t *testing.T) {
	if _, err := bucket.Open(bucket.Config{Directory: t.TempDir(), Buckets: []string{"No_Bucket"}}); err == nil {
		t.Error("got no error")
	}
}
