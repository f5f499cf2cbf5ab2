package objects_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"lunogram-users/internal/csvimport"
)

// TestLinks uploads to a link and downloads from another, as a browser would: with nothing but the address.
func TestLinks(t *testing.T) {
	f := newFixture(t)
	before := time.Now()
	upload, err := f.links.Upload(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if life := upload.Expires.Sub(before); life < 59*time.Minute || life > 61*time.Minute {
		t.Errorf("the upload expires in %v, want an hour", life)
	}
	if status, _ := exchange(t, http.MethodPut, upload.URL, "identifier\nu1\n"); status != http.StatusOK {
		t.Fatalf("upload: got %d, want 200", status)
	}
	download, err := f.links.Download(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if status, got := exchange(t, http.MethodGet, download.URL, ""); status != http.StatusOK || got != "identifier\nu1\n" {
		t.Errorf("download: got %d %q, want what was uploaded", status, got)
	}
}

// TestLinksSignNoMoreThanTheyMust checks what a link asks of its user: with a checksum or a media type signed into it, a
// plain PUT would be refused.
func TestLinksSignNoMoreThanTheyMust(t *testing.T) {
	f := newFixture(t)
	link, err := f.links.Upload(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(link.URL)
	if err != nil {
		t.Fatal(err)
	}
	if got := u.Query().Get("X-Amz-SignedHeaders"); got != "host" {
		t.Errorf("signed headers: got %q, want host alone", got)
	}
	if got := u.Query().Get("X-Amz-Expires"); got != "3600" {
		t.Errorf("expires: got %q, want 3600", got)
	}
	for name := range u.Query() {
		if strings.Contains(strings.ToLower(name), "checksum") {
			t.Errorf("the link holds %s", name)
		}
	}
}

func TestNoLinkToNothing(t *testing.T) {
	f := newFixture(t)
	if link, err := f.links.Download(t.Context(), "results/p/none.errors.csv"); !errors.Is(err, csvimport.ErrGone) {
		t.Errorf("got %q and error %v, want ErrGone", link.URL, err)
	}
}

// exchange sends a request without any header of its own.
func exchange(t *testing.T, method, target, body string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(all)
}
