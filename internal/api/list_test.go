package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/api"
	"lunogram-users/internal/user"
)

type pageBody struct {
	Results []struct {
		ID string `json:"id"`
	} `json:"results"`
	NextCursor *string `json:"next_cursor"`
	Limit      int     `json:"limit"`
}

// asked is what the store was asked for a page.
type asked struct {
	Query, Value, After string
	Limit               int
}

// pages returns a store that has one more page, at the position "next", after every first one, and notes what it is
// asked.
func pages(last *asked) *fake {
	f := newFake()
	f.page = func(query, value, after string, limit int) (user.Page, error) {
		*last = asked{query, value, after, limit}
		p := user.Page{Users: []user.User{alice()}}
		if after == "" {
			p.Next = "next"
		}
		return p, nil
	}
	f.byPair = func(p user.Pair) (user.User, error) {
		*last = asked{Query: "pair", Value: p.Source + ":" + p.ExternalID}
		return alice(), nil
	}
	return f
}

func TestListAndLookup(t *testing.T) {
	tests := []struct {
		query string
		want  asked
	}{
		{"", asked{"all", "", "", 20}},
		{"?limit=1", asked{"all", "", "", 1}},
		{"?limit=100&offset=0", asked{"all", "", "", 100}},
		{"?search=alice%40&limit=5", asked{"search", "alice@", "", 5}},
		{"?search=%20%20", asked{"all", "", "", 20}},
		{"?search=%2B15550100001", asked{"search", "+15550100001", "", 20}},
		{"?search=+15550100001", asked{"search", "+15550100001", "", 20}},
		{"?search=Jane+Doe", asked{"search", "Jane Doe", "", 20}},
		{"?search=alice+x%40example.com", asked{"search", "alice+x@example.com", "", 20}},
		{"?search=alice+x@", asked{"search", "alice+x@", "", 20}},
		{"?search=%20alice%2Bx@%20", asked{"search", "alice+x@", "", 20}},
		{"/lookup?external_id=user_123", asked{Query: "pair", Value: "default:user_123"}},
		{"/lookup?external_id=a%2Fb&source=crm", asked{Query: "pair", Value: "crm:a/b"}},
		{"/lookup?email=Alice%40Example.com", asked{"email", "alice@example.com", "", 20}},
		{"/lookup?email=a+tag@example.com&limit=3", asked{"email", "a+tag@example.com", "", 3}},
		{"/lookup?phone=%2B15550100001", asked{"phone", "+15550100001", "", 20}},
		{"/lookup?phone=+15550100001", asked{"phone", "+15550100001", "", 20}},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			var got asked
			r := newServer(t, pages(&got)).do("sk_support", "GET", adminA+tt.query, "")
			if r.status != http.StatusOK {
				t.Fatalf("got %d %s, want 200", r.status, r.body)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("the store was asked (-want +got):\n%s", diff)
			}
			if isUser := r.header.Get("ETag") != ""; isUser != (got.Query == "pair") {
				t.Errorf("has an ETag: got %v, want one on a user only", isUser)
			}
			if body := decode[pageBody](t, r.body); body.Limit != tt.want.Limit {
				t.Errorf("limit: got %d, want %d", body.Limit, tt.want.Limit)
			}
		})
	}
}

func TestBadQueries(t *testing.T) {
	tests := []struct {
		query string
		want  []string
	}{
		{"?limit=0", []string{"?limit"}},
		{"?limit=101", []string{"?limit"}},
		{"?limit=", []string{"?limit"}},
		{"?limit=1.5", []string{"?limit"}},
		{"?limit=1&limit=2", []string{"?limit"}},
		{"?offset=20", []string{"?offset"}},
		{"?cursor=x", []string{"?cursor"}},
		{"?cursor=x&limit=x&offset=x", []string{"?cursor", "?limit", "?offset"}},
		{"?search=%ff", []string{"?search"}},
		{"?search=" + strings.Repeat("x", 513), []string{"?search"}},
		{"?search=%zz", nil},
		{"?a;b", nil},
		{"/lookup", []string{"?email", "?external_id", "?phone"}},
		{"/lookup?limit=5", []string{"?email", "?external_id", "?phone"}},
		{"/lookup?source=crm", []string{"?external_id"}},
		{"/lookup?external_id=", []string{"?external_id"}},
		{"/lookup?external_id=null", []string{"?external_id"}},
		{"/lookup?external_id=%ff", []string{"?external_id"}},
		{"/lookup?external_id=a&external_id=b", []string{"?external_id"}},
		{"/lookup?external_id=a&email=a%40b.co", []string{"?email", "?external_id"}},
		{"/lookup?email=a%40b.co&phone=%2B15550100001", []string{"?email", "?phone"}},
		{"/lookup?email=", []string{"?email"}},
		{"/lookup?email=alice", []string{"?email"}},
		{"/lookup?phone=0155", []string{"?phone"}},
		{"/lookup?phone=0155&limit=0", []string{"?limit", "?phone"}},
		{"/lookup?%zz", nil},
	}
	var got asked
	s := newServer(t, pages(&got))
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			r := s.do("sk_support", "GET", adminA+tt.query, "")
			if r.status != http.StatusBadRequest {
				t.Fatalf("got %d %s, want 400", r.status, r.body)
			}
			if diff := cmp.Diff(tt.want, r.problem(t).at()); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEmptyPage(t *testing.T) {
	f := newFake()
	f.page = func(string, string, string, int) (user.Page, error) { return user.Page{}, nil }
	r := newServer(t, f).do("sk_support", "GET", adminA, "")
	if got, want := r.body, `{"results":[],"next_cursor":null,"limit":20}`+"\n"; got != want {
		t.Errorf("body: got %s, want %s", got, want)
	}
}

// TestAnswersFitAFunction checks that what cannot be in the reply of a function is a problem that says what to do, and
// that a smaller limit does it.
func TestAnswersFitAFunction(t *testing.T) {
	f := newFake()
	f.page = func(_, _, _ string, limit int) (user.Page, error) {
		p := user.Page{Next: "next"}
		for range min(limit, 7) { // about 2 MB, as stored
			u := alice()
			u.Data = map[string]any{"control": strings.Repeat("\x01", 390<<10)} // a byte becomes seven in the reply
			p.Users = append(p.Users, u)
		}
		return p, nil
	}
	s := newServer(t, f)
	h := api.Gateway(s.http)
	for query, want := range map[string]int{"limit=1": 200, "limit=20": 500} {
		e := event(t, func(e *events.APIGatewayV2HTTPRequest) {
			e.RequestContext.HTTP.Method, e.RawPath, e.RawQueryString = "GET", adminA, query
			e.Headers["authorization"] = "sk_support"
		})
		resp, err := h(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		reply, err := json.Marshal(resp)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != want || len(reply) > 6<<20 {
			t.Errorf("%s: got %d in a reply of %d bytes, want %d in at most 6 MB", query, resp.StatusCode, len(reply), want)
		}
		if want == http.StatusInternalServerError {
			p := decode[document](t, resp.Body)
			if p.Type != "urn:lunogram-users:problem:answer-too-large" || !strings.Contains(p.Detail, "limit") {
				t.Errorf("%s: got %q, %q, want a type of its own and a way out", query, p.Type, p.Detail)
			}
			if !strings.Contains(s.logs.String(), p.RequestID) {
				t.Errorf("%s: the request id is not in the log: %s", query, s.logs)
			}
		}
	}
}

// TestShortPages checks that a page of fewer users than the limit, and even an empty one, leads on.
func TestShortPages(t *testing.T) {
	f := newFake()
	f.page = func(_, _, after string, _ int) (user.Page, error) {
		pages := map[string]user.Page{"": {Users: []user.User{alice()}, Next: "1"}, "1": {Next: "2"}, "2": {Users: []user.User{alice()}}}
		return pages[after], nil
	}
	s := newServer(t, f)
	var got []int
	for cursor := ""; ; {
		page := decode[pageBody](t, s.do("sk_support", "GET", adminA+"?cursor="+cursor, "").body)
		got = append(got, len(page.Results))
		if page.NextCursor == nil {
			break
		}
		cursor = *page.NextCursor
	}
	if diff := cmp.Diff([]int{1, 0, 1}, got); diff != "" {
		t.Errorf("users on each page (-want +got):\n%s", diff)
	}
}
