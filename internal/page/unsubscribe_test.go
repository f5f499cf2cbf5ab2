package page_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/link"
	"lunogram-users/internal/user"
)

// TestRFC8058 sends the request of RFC 8058, section 8.3, as it stands there but for the path and host, and others that
// mail programs may send, each of them twice.
func TestRFC8058(t *testing.T) {
	t.Parallel()
	multipartForm := func(field, value string) (string, string) {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		_ = w.WriteField(field, value)
		_ = w.Close()
		return w.FormDataContentType(), b.String()
	}
	multipartType, multipartBody := multipartForm("List-Unsubscribe", "One-Click")
	const simple = "application/x-www-form-urlencoded"
	tests := []struct{ name, kind, body string }{
		{"the example of the RFC", simple, "List-Unsubscribe=One-Click"},
		{"multipart", multipartType, multipartBody},
		{"with a character set", simple + "; charset=UTF-8", "List-Unsubscribe=One-Click"},
		{"without a type", "", "List-Unsubscribe=One-Click"},
		{"another case", simple, "List-Unsubscribe=one-click"},
		{"with a line break", simple, "List-Unsubscribe=One-Click&"},
	}
	for _, test := range tests {
		s := newSite(t)
		for range 2 {
			a := s.do(t, "POST", s.unsubscribe(t, news), test.body, func(r *http.Request) {
				r.Header = http.Header{"Content-Length": {fmt.Sprint(len(test.body))}}
				if test.kind != "" {
					r.Header.Set("Content-Type", test.kind)
				}
			})
			if a.status != http.StatusOK || !strings.Contains(a.text(), "You are unsubscribed") {
				t.Errorf("%s: %d %s, want 200 at once", test.name, a.status, a.text())
			}
		}
		states, ledger := s.take()
		if diff := cmp.Diff(map[string]consent.State{news: consent.Unsubscribed}, states); diff != "" {
			t.Errorf("%s: states (-want +got):\n%s", test.name, diff)
		}
		one := line{news, consent.Unsubscribed, consent.ByOneClick, consent.Evidence{RequestID: "req-1"}}
		if diff := cmp.Diff([]line{one, one}, ledger); diff != "" {
			t.Errorf("%s: ledger (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestUnsubscribePage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := s.unsubscribe(t, news)
	a := s.do(t, "GET", path, "")
	if a.status != http.StatusOK || !strings.Contains(a.text(), "Do you want to stop getting Weekly news from Northwind?") {
		t.Errorf("the question is %d %s", a.status, a.text())
	}
	if n := strings.Count(a.body, "<button"); n != 1 {
		t.Errorf("the question has %d buttons, want 1", n)
	}
	for range 2 {
		a = s.post(t, path, url.Values{"action": {"unsubscribe"}})
		if a.status != http.StatusOK || !strings.Contains(a.text(), "You will no longer get Weekly news from Northwind.") {
			t.Errorf("the answer is %d %s", a.status, a.text())
		}
	}
	states, ledger := s.take()
	if diff := cmp.Diff(map[string]consent.State{news: consent.Unsubscribed}, states); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	if len(ledger) != 2 || ledger[0].How != consent.ByPage {
		t.Errorf("the ledger is %+v, want two lines of the page", ledger)
	}
	if a = s.do(t, "GET", path, ""); !strings.Contains(a.text(), "You are unsubscribed") {
		t.Errorf("opened again, the page says %s", a.text())
	}
}

// TestUnsubscribeRefuses sends bodies that are neither the button nor one-click: they are asked again, and change nothing.
func TestUnsubscribeRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, kind, body string }{
		{"nothing", "", ""},
		{"an empty form", "application/x-www-form-urlencoded", "a=b"},
		{"another value", "application/x-www-form-urlencoded", "List-Unsubscribe=Yes"},
		{"another field", "application/x-www-form-urlencoded", "list-unsubscribe=One-Click"},
		{"the buttons of the other page", "application/x-www-form-urlencoded", "action=stop"},
		{"JSON", "application/json", `{"List-Unsubscribe":"One-Click"}`},
		{"text", "text/plain", "List-Unsubscribe=One-Click"},
		{"a malformed type", "multipart/form-data; boundary", "List-Unsubscribe=One-Click"},
		{"multipart without parts", "multipart/form-data; boundary=x", "List-Unsubscribe=One-Click"},
		{"a malformed form", "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click&%zz"},
		{"too much", "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click&a=" + strings.Repeat("a", 1<<20)},
	}
	for _, test := range tests {
		s := newSite(t)
		a := s.do(t, "POST", s.unsubscribe(t, news), test.body, func(r *http.Request) { r.Header.Set("Content-Type", test.kind) })
		if a.status != http.StatusBadRequest || !strings.Contains(a.text(), "Do you want to stop") {
			t.Errorf("%s: %d %s, want 400 and the question", test.name, a.status, a.text())
		}
		if states, ledger := s.take(); len(states) > 0 || len(ledger) > 0 {
			t.Errorf("%s: changed %v, %v", test.name, states, ledger)
		}
	}
	// The query is no form.
	s := newSite(t)
	if a := s.do(t, "POST", s.unsubscribe(t, news)+"?List-Unsubscribe=One-Click&action=unsubscribe", ""); a.status != http.StatusBadRequest {
		t.Errorf("one-click in the query: status %d, want 400", a.status)
	}
}

func TestUnsubscribeFromWhatIsNotPublic(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := s.unsubscribe(t, hidden)
	a := s.do(t, "GET", path, "")
	if !strings.Contains(a.text(), "stop getting these messages from Northwind?") || strings.Contains(a.body, "Churn") {
		t.Errorf("the question is %s", a.text())
	}
	a = s.post(t, path, url.Values{"action": {"unsubscribe"}})
	if !strings.Contains(a.text(), "You will no longer get these messages from Northwind.") || strings.Contains(a.body, "Churn") {
		t.Errorf("the answer is %s", a.text())
	}
	if states, _ := s.take(); states[hidden] != consent.Unsubscribed {
		t.Errorf("the state is %q", states[hidden])
	}
}

func TestUnsubscribeFailsKindly(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		fail   error
		status int
		says   string
	}{
		{"the store is down", errors.New("down"), http.StatusServiceUnavailable, "That did not work"},
		{"the group went", consent.ErrNoGroup, http.StatusNotFound, "This link does not work"},
		{"the user went", user.ErrNotFound, http.StatusNotFound, "This link does not work"},
	} {
		s := newSite(t)
		s.writes = test.fail
		a := s.do(t, "POST", s.unsubscribe(t, news), "List-Unsubscribe=One-Click")
		if a.status != test.status || !strings.Contains(a.text(), test.says) {
			t.Errorf("%s: %d %s, want %d and %q", test.name, a.status, a.text(), test.status, test.says)
		}
	}
}

func TestEvidence(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 300)
	tests := []struct {
		name               string
		address, userAgent bool
		want               consent.Evidence
	}{
		{"none is kept unasked", false, false, consent.Evidence{RequestID: "req-1"}},
		{"address", true, false, consent.Evidence{RequestID: "req-1", Address: "203.0.113.9"}},
		{"browser", false, true, consent.Evidence{RequestID: "req-1", UserAgent: long[:512]}},
	}
	for _, test := range tests {
		s := newSite(t)
		s.project.Settings.KeepAddress, s.project.Settings.KeepUserAgent = test.address, test.userAgent
		for path, body := range map[string]string{
			s.unsubscribe(t, news): "List-Unsubscribe=One-Click",
			s.preferences(t):       "action=stop",
		} {
			s.do(t, "POST", path, body, func(r *http.Request) { r.Header.Set("User-Agent", long) })
		}
		_, ledger := s.take()
		for _, l := range ledger {
			if page := l.How == consent.ByPage; page != strings.HasPrefix(l.Evidence.Notice, "page en ") {
				t.Errorf("%s: the notice of %s is %q", test.name, l.How, l.Evidence.Notice)
			}
			l.Evidence.Notice = ""
			if diff := cmp.Diff(test.want, l.Evidence); diff != "" {
				t.Errorf("%s: evidence (-want +got):\n%s", test.name, diff)
			}
		}
		if len(ledger) != 2 {
			t.Errorf("%s: %d lines, want 2", test.name, len(ledger))
		}
	}
}

// TestScanners opens every kind of link 1,000 times with GET and with HEAD, as mail scanners do, with whatever looks like
// the wish to change something in the query: nothing changes.
func TestScanners(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.states[offers] = consent.Unsubscribed
	before, _ := s.take()
	for _, path := range []string{s.preferences(t), s.unsubscribe(t, news), s.unsubscribe(t, offers), s.unsubscribe(t, hidden)} {
		for _, method := range []string{"GET", "HEAD"} {
			for _, query := range []string{"", "?List-Unsubscribe=One-Click", "?action=unsubscribe", "?action=stop", "?action=save&was_on=" + news} {
				for range 200 {
					w := httptest.NewRecorder()
					if s.handler.ServeHTTP(w, httptest.NewRequest(method, path+query, nil)); w.Code != http.StatusOK {
						t.Fatalf("%s %s: status %d, want 200", method, path, w.Code)
					}
				}
			}
		}
	}
	after, ledger := s.take()
	if diff := cmp.Diff(before, after); diff != "" || len(ledger) > 0 {
		t.Errorf("states (-before +after):\n%s\nledger: %v", diff, ledger)
	}
}

func TestBadLinks(t *testing.T) {
	t.Parallel()
	s, other := newSite(t), newSite(t)
	gone := link.Link{Purpose: link.Preferences, ProjectID: s.project.ID, UserID: "01a20aad-1111-7000-8000-000000000009"}
	good, leave := s.preferences(t), s.unsubscribe(t, news)
	tests := []struct{ name, path string }{
		{"no token", "/preferences/"},
		{"another place", "/"},
		{"not a token", "/preferences/alice@example.com"},
		{"cut short", good[:len(good)-1]},
		{"changed", good[:len(good)-4] + "AAAA"},
		{"of another project", other.preferences(t)},
		{"of another purpose", strings.Replace(leave, "/unsubscribe/", "/preferences/", 1)},
		{"of another purpose", strings.Replace(good, "/preferences/", "/unsubscribe/", 1)},
		{"of an erased user", s.path(t, gone)},
	}
	want := s.do(t, "GET", "/preferences/x", "")
	for _, test := range tests {
		for method, body := range map[string]string{"GET": "", "POST": "List-Unsubscribe=One-Click&action=unsubscribe", "PUT": "x"} {
			a := s.do(t, method, test.path, body)
			if a.status != http.StatusNotFound || a.body != want.body {
				t.Errorf("%s %s: %d %s, want the page of every broken link", method, test.name, a.status, a.text())
			}
		}
		if a := s.do(t, "HEAD", test.path, ""); a.status != http.StatusNotFound {
			t.Errorf("HEAD %s: status %d, want 404", test.name, a.status)
		}
	}
	if states, ledger := s.take(); len(states) > 0 || len(ledger) > 0 {
		t.Errorf("changed %v, %v", states, ledger)
	}
	if s.logs.Len() > 0 {
		t.Errorf("a broken link is no fault of ours, but the log says %s", s.logs)
	}
}

func TestOtherSites(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		header http.Header
		status int
	}{
		{"our page in a browser", http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {"null"}}, http.StatusOK},
		{"our page in an older browser", http.Header{"Origin": {"null"}}, http.StatusOK},
		{"our page in a browser that tells the origin", http.Header{"Origin": {"https://example.com"}}, http.StatusOK},
		{"a mail program", nil, http.StatusOK},
		{"another site", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}, http.StatusForbidden},
		{"a hidden frame", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"null"}}, http.StatusForbidden},
		{"another site in an older browser", http.Header{"Origin": {"https://evil.example"}}, http.StatusForbidden},
	}
	for _, test := range tests {
		s := newSite(t)
		a := s.do(t, "POST", s.preferences(t), "action=stop", func(r *http.Request) {
			maps.Copy(r.Header, test.header)
		})
		if a.status != test.status {
			t.Errorf("%s: status %d, want %d", test.name, a.status, test.status)
		}
		if a.status == http.StatusForbidden && !strings.Contains(a.text(), "The request came from another website.") {
			t.Errorf("%s: the page says %s", test.name, a.text())
		}
		if _, ledger := s.take(); (len(ledger) > 0) != (test.status == http.StatusOK) {
			t.Errorf("%s: ledger %v", test.name, ledger)
		}
	}
}
