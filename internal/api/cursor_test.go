package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestCursor checks that a cursor continues its own query, whatever the limit, and no other.
func TestCursor(t *testing.T) {
	var got asked
	f := pages(&got)
	f.addKey("sk_support_b", projectB, "support")
	s := newServer(t, f)
	first := func(query string) string {
		body := decode[pageBody](t, s.do("sk_support", "GET", adminA+query, "").body)
		if body.NextCursor == nil {
			t.Fatalf("%s: got no cursor", query)
		}
		return *body.NextCursor
	}
	queries := []string{"?", "?search=alice", "?search=bob", "/lookup?email=a%40b.co", "/lookup?email=b%40b.co", "/lookup?phone=%2B15550100001"}
	for _, of := range queries {
		cursor := url.QueryEscape(first(of))
		if strings.Contains(cursor, "next") {
			t.Errorf("%s: the cursor %q shows the position", of, cursor)
		}
		for _, in := range queries {
			want, after := http.StatusBadRequest, ""
			if in == of {
				want, after = http.StatusOK, "next"
			}
			got = asked{}
			r := s.do("sk_support", "GET", adminA+in+"&limit=7&cursor="+cursor, "")
			if r.status != want || got.After != after {
				t.Errorf("the cursor of %s in %s: got %d after %q, want %d after %q", of, in, r.status, got.After, want, after)
			}
			if want == http.StatusOK && decode[pageBody](t, r.body).NextCursor != nil {
				t.Errorf("%s: got a cursor after the last page", of)
			}
		}
		elsewhere := strings.Replace(adminA, projectA, projectB, 1)
		if r := s.do("sk_support_b", "GET", elsewhere+of+"&cursor="+cursor, ""); r.status != http.StatusBadRequest {
			t.Errorf("the cursor of %s in another project: got %d, want 400", of, r.status)
		}
	}
}

func TestCursorTampered(t *testing.T) {
	var got asked
	s := newServer(t, pages(&got))
	cursor := *decode[pageBody](t, s.do("sk_support", "GET", adminA, "").body).NextCursor
	tampered := map[string]string{"truncated to nothing": "A", "padded": cursor + "=", "extended": cursor + "AAAA", "spaced": cursor + "%0A"}
	for i := range cursor {
		tampered[fmt.Sprintf("cut at %d", i)] = cursor[:max(i, 1)]
		flipped := []byte(cursor)
		flipped[i] = 'A' + (flipped[i]+1)%26
		if string(flipped) != cursor {
			tampered[fmt.Sprintf("changed at %d", i)] = string(flipped)
		}
	}
	for name, c := range tampered {
		if r := s.do("sk_support", "GET", adminA+"?cursor="+c, ""); r.status != http.StatusBadRequest {
			t.Errorf("%s: got %d, want 400", name, r.status)
		}
	}
}

// FuzzCursor checks that nobody can make a cursor.
func FuzzCursor(f *testing.F) {
	for _, seed := range []string{"", "AQ", "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "next", "=", "\x01\xff", "Ag"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		var got asked
		s := newBareServer(t, pages(&got), nil)
		r := s.do("sk_support", "GET", adminA+"?cursor="+url.QueryEscape(cursor), "")
		if want := http.StatusBadRequest; cursor != "" && r.status != want {
			t.Errorf("got %d %s, want %d", r.status, r.body, want)
		}
		if got.After != "" {
			t.Errorf("the store was asked for what is after %q", got.After)
		}
	})
}
