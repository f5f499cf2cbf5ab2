package api_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/user"
)

func TestPatch(t *testing.T) {
	tests := []struct {
		name, body string
		status     int
		want       user.Patch
		at         []string
	}{
		{name: "nothing", body: `{}`, status: 200},
		{name: "null clears, absent keeps", body: `{"email":null,"phone":"+15550100001"}`, status: 200,
			want: user.Patch{Email: new(""), Phone: new("+15550100001")}},
		{name: "clear all", body: `{"email":null,"phone":null,"timezone":null,"locale":null}`, status: 200,
			want: user.Patch{Email: new(""), Phone: new(""), Timezone: new(""), Locale: new("")}},
		{name: "data: null removes, the rest replaces", body: `{"data":{"z":null,"b":null,"keep":{"x":null},"n":1.50}}`, status: 200,
			want: user.Patch{
				Data:       map[string]any{"keep": map[string]any{"x": nil}, "n": json.Number("1.50")},
				RemoveData: []string{"b", "z"},
			}},
		{name: "identifiers are ignored", body: `{"identifier":[{"external_id":"x"}]}`, status: 200},
		{name: "data null", body: `{"data":null}`, status: 400, at: []string{"/data"}},
		{name: "data an array", body: `{"data":[]}`, status: 400, at: []string{"/data"}},
		{name: "email empty", body: `{"email":""}`, status: 400, at: []string{"/email"}},
		{name: "several", body: `{"email":1,"locale":"?","data":{"":1}}`, status: 400, at: []string{"/data/", "/email", "/locale"}},
		{name: "no object", body: `[]`, status: 400, at: []string{""}},
		{name: "empty body", body: ``, status: 400, at: []string{""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake()
			var got user.Patch
			f.patch = func(p user.Patch, _ *int64) (user.User, error) { got = p; return alice(), nil }
			r := newServer(t, f).do("sk_editor", "PATCH", aliceAt, tt.body)
			if r.status != tt.status {
				t.Fatalf("got %d %s, want %d", r.status, r.body, tt.status)
			}
			if tt.status != http.StatusOK {
				if diff := cmp.Diff(tt.at, r.problem(t).at()); diff != "" {
					t.Errorf("faults (-want +got):\n%s", diff)
				}
				return
			}
			if len(got.Data) == 0 {
				got.Data = nil
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("the store was asked (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPatchIfMatch(t *testing.T) {
	f := newFake()
	f.patch = func(_ user.Patch, ifMatch *int64) (user.User, error) {
		if ifMatch != nil && *ifMatch != 3 {
			return user.User{}, user.ErrVersion
		}
		return alice(), nil
	}
	s := newServer(t, f)
	for header, want := range map[string]int{`"3"`: 200, `*`: 200, `"2"`: 412, `two`: 400} {
		if r := s.do("sk_editor", "PATCH", aliceAt, `{}`, "If-Match", header); r.status != want {
			t.Errorf("If-Match %s: got %d %s, want %d", header, r.status, r.body, want)
		}
	}
}

func TestGetUser(t *testing.T) {
	f := newFake()
	f.user = func(id string) (user.User, error) {
		if id != aliceID {
			return user.User{}, user.ErrNotFound
		}
		return alice(), nil
	}
	s := newServer(t, f)
	for path, want := range map[string]int{
		aliceAt:                            200,
		aliceAt + "/":                      200,
		"//" + adminA[1:] + "//" + aliceID: 200,
		adminA + "/" + bobID:               404,
		adminA + "/no-uuid":                404,
		adminA + "/019ABD3C-8C1E-7C57-9D0E-1F4B7C1A2B3C": 200,
		adminA + "/019abd3c8c1e7c579d0e1f4b7c1a2b3c":     404,
		adminA + "/a%2Fb": 404,
	} {
		r := s.do("sk_support", "GET", path, "")
		if r.status != want {
			t.Errorf("GET %s: got %d %s, want %d", path, r.status, r.body, want)
		}
		if want == http.StatusOK && r.header.Get("ETag") != `"3"` {
			t.Errorf("GET %s: ETag: got %q, want %q", path, r.header.Get("ETag"), `"3"`)
		}
	}
}

func TestUserWithNothing(t *testing.T) {
	f := newFake()
	f.user = func(string) (user.User, error) {
		u := alice()
		u.Email, u.Phone, u.Timezone, u.Locale, u.Data, u.Version = "", "", "", "", nil, 0
		return u, nil
	}
	r := newServer(t, f).do("sk_support", "GET", aliceAt, "")
	got := decode[map[string]any](t, r.body)
	for _, name := range []string{"email", "phone", "timezone", "locale"} {
		if _, ok := got[name]; ok {
			t.Errorf("%s is there, want it left out when not set", name)
		}
	}
	if diff := cmp.Diff(map[string]any{}, got["data"]); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
}

func TestSubscriptions(t *testing.T) {
	f := newFake()
	f.subscriptions = func() ([]consent.Standing, error) {
		return []consent.Standing{
			{Group: consent.Group{ID: bobID, Name: "News", Channel: consent.Email}, State: consent.NotSet,
				Effective: consent.Subscribed, Source: consent.FromProjectDefault},
			{Group: consent.Group{ID: pairID, Name: "Texts", Channel: consent.SMS, Public: true}, State: consent.Unsubscribed,
				Effective: consent.Unsubscribed, Source: consent.FromSuppression, Suppressed: true},
		}, nil
	}
	r := newServer(t, f).do("sk_support", "GET", aliceAt+"/subscriptions", "")
	want := `{"results":[{"subscription_id":"` + bobID + `","name":"News","channel":"email","state":"not_set","effective":"subscribed","source":"project_default","public":false,"suppressed":false},` +
		`{"subscription_id":"` + pairID + `","name":"Texts","channel":"sms","state":"unsubscribed","effective":"unsubscribed","source":"suppression","public":true,"suppressed":true}],"limit":50}` + "\n"
	if diff := cmp.Diff(want, r.body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

func TestDelete(t *testing.T) {
	tests := []struct {
		name, path, body string
		err              error
		want             int
	}{
		{"user", aliceAt, "", nil, 204},
		{"no such user", aliceAt, "", user.ErrNotFound, 404},
		{"no id", adminA + "/x", "", nil, 404},
		{"identifier", aliceAt + "/identifiers/" + pairID, "", nil, 204},
		{"last identifier", aliceAt + "/identifiers/" + pairID, "", user.ErrLastIdentifier, 409},
		{"no such identifier", aliceAt + "/identifiers/" + pairID, "", user.ErrNotFound, 404},
		{"no identifier id", aliceAt + "/identifiers/x", "", nil, 404},
		{"by pairs", client, known, nil, 204},
		{"by pairs, scoped", scopedA, known, nil, 204},
		{"by pairs of nobody", client, known, user.ErrNotFound, 404},
		{"by pairs of several", client, known, &user.ConflictError{UserIDs: []string{aliceID, bobID}}, 409},
		{"by no pairs", client, `{"identifier":[]}`, nil, 400},
		{"without a body", client, ``, nil, 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake()
			f.erase = func() error { return tt.err }
			f.eraseByPairs = func([]user.Pair) error { return tt.err }
			f.detach = func(string) error { return tt.err }
			r := newServer(t, f).do("sk_editor", "DELETE", tt.path, tt.body)
			if r.status != tt.want {
				t.Errorf("got %d %s, want %d", r.status, r.body, tt.want)
			}
		})
	}
}
