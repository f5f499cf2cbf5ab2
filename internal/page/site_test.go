package page_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/link"
	"lunogram-users/internal/page"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

const (
	news     = "01a20aad-0000-7000-8000-00000000000a"
	offers   = "01a20aad-0000-7000-8000-00000000000b"
	delivery = "01a20aad-0000-7000-8000-00000000000c"
	hidden   = "01a20aad-0000-7000-8000-00000000000d"
	userID   = "01a20aad-1111-7000-8000-000000000001"
)

// site is the pages of one project, with what they log.
type site struct {
	*memory
	handler http.Handler
	logs    *bytes.Buffer
}

func newSite(t testing.TB) *site {
	t.Helper()
	p := project.New("", "northwind-production", time.Unix(0, 0))
	p.Settings = project.Settings{Brand: "Northwind", Color: "#0f766e"}
	m := &memory{
		project: p,
		user:    user.User{ID: userID},
		groups: []consent.Group{
			{ID: news, Name: "Weekly news", Description: "What is new, every Monday.", Channel: consent.Email, Public: true},
			{ID: offers, Name: "Offers", Channel: consent.Email, Public: true},
			{ID: delivery, Name: "Delivery alerts", Channel: consent.SMS, Public: true},
			{ID: hidden, Name: "Churn risk", Channel: consent.Email},
		},
		suppressed: map[string]bool{},
		states:     map[string]consent.State{},
	}
	s := &site{memory: m, logs: &bytes.Buffer{}}
	s.handler = page.New(m, page.Options{
		Log:       slog.New(slog.NewTextHandler(s.logs, nil)),
		RequestID: func(context.Context) string { return "req-1" },
	})
	return s
}

// preferences and unsubscribe return the paths of the user's links.
func (s *site) preferences(t testing.TB) string {
	return s.path(t, link.Link{Purpose: link.Preferences, ProjectID: s.project.ID, UserID: userID})
}

func (s *site) unsubscribe(t testing.TB, group string) string {
	return s.path(t, link.Link{Purpose: link.Unsubscribe, ProjectID: s.project.ID, UserID: userID, GroupID: group})
}

func (s *site) path(t testing.TB, l link.Link) string {
	t.Helper()
	token, err := link.Sign(s.project, l)
	if err != nil {
		t.Fatal(err)
	}
	return link.Path(l.Purpose, token)
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request, on which change may work.
func (s *site) do(t testing.TB, method, path, body string, change ...func(*http.Request)) answer {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.RemoteAddr = "203.0.113.9:0"
	r.Header.Set("User-Agent", "Mozilla/5.0 (test)")
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	a := answer{w.Code, w.Header(), w.Body.String()}
	if method != http.MethodHead {
		checkPage(t, method+" "+path, a)
	}
	return a
}

// post sends a form.
func (s *site) post(t testing.TB, path string, form url.Values) answer {
	t.Helper()
	return s.do(t, http.MethodPost, path, form.Encode())
}

var styleSheet = regexp.MustCompile(`(?s)<style>(.*?)</style>`)

// checkPage checks what is true of every answer: it is a whole page in a language, and its headers keep it and its
// address to itself.
func checkPage(t testing.TB, name string, a answer) {
	t.Helper()
	for _, want := range []string{"<!doctype html>", `<html lang="`, `<meta name="viewport"`, "<h1>", "</html>"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("%s: the page lacks %s:\n%s", name, want, a.body)
		}
	}
	for _, never := range []string{"<script", "javascript:", "http://", "https://", "src=", "@import", "url(", "ZgotmplZ", "{brand}", "{group}"} {
		if strings.Contains(a.body, never) {
			t.Errorf("%s: the page has %s:\n%s", name, never, a.body)
		}
	}
	style := styleSheet.FindStringSubmatch(a.body)
	if len(style) != 2 {
		t.Fatalf("%s: the page has no style:\n%s", name, a.body)
	}
	hash := sha256.Sum256([]byte(style[1]))
	for header, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8",
		"Content-Security-Policy": fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			base64.StdEncoding.EncodeToString(hash[:])),
		"Referrer-Policy":        "no-referrer",
		"X-Robots-Tag":           "noindex, nofollow",
		"Cache-Control":          "no-store",
		"X-Content-Type-Options": "nosniff",
		"Set-Cookie":             "",
		"Location":               "",
	} {
		if got := a.header.Get(header); got != want {
			t.Errorf("%s: %s is %q, want %q", name, header, got, want)
		}
	}
}

// text returns what a reader sees of a page: no markup.
func (a answer) text() string {
	s := styleSheet.ReplaceAllString(a.body, "")
	s = regexp.MustCompile(`<[^>]*>`).ReplaceAllString(s, "")
	return strings.Join(strings.Fields(s), " ")
}

// fields returns the hidden fields of the form that saves, and the switches that are on, as a browser would send them.
func (a answer) fields(t testing.TB) url.Values {
	t.Helper()
	form := url.Values{"action": {"save"}}
	for _, m := range regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]+)">`).FindAllStringSubmatch(a.body, -1) {
		form.Add(m[1], m[2])
	}
	for _, m := range regexp.MustCompile(`<input type="checkbox" id="[^"]+" name="on" value="([^"]+)"[^>]* checked>`).FindAllStringSubmatch(a.body, -1) {
		form.Add("on", m[1])
	}
	return form
}

// serve runs the site on loopback, for a browser.
func (s *site) serve(t testing.TB) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(s.handler)
	t.Cleanup(server.Close)
	return server
}
