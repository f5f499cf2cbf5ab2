package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/user"
)

const known = `{"identifier":[{"external_id":"user_123"}]}`

// TestUpsertDecodes checks what the store is asked for.
func TestUpsertDecodes(t *testing.T) {
	tests := []struct {
		name, body string
		want       user.Upsert
	}{
		{"pair only", known, user.Upsert{Identifiers: sent("default", "user_123")}},
		{"empty source", `{"identifier":[{"source":"","external_id":"a"}]}`, user.Upsert{Identifiers: sent("default", "a")}},
		{"null source and metadata", `{"identifier":[{"source":null,"external_id":"a","metadata":null}]}`,
			user.Upsert{Identifiers: sent("default", "a")}},
		{"nulls keep", `{"identifier":[{"external_id":"a"}],"email":null,"phone":null,"timezone":null,"locale":null,"data":null}`,
			user.Upsert{Identifiers: sent("default", "a")}},
		{"unknown fields", `{"anonymous_id":7,"identifier":[{"external_id":"a","created_at":[]}],"x":{}}`,
			user.Upsert{Identifiers: sent("default", "a")}},
		{"trailing bytes", known + ` trailing`, user.Upsert{Identifiers: sent("default", "user_123")}},
		{"trailing backslash", known + `\`, user.Upsert{Identifiers: sent("default", "user_123")}},
		{"duplicate pairs", `{"identifier":[{"external_id":"a"},{"source":"default","external_id":"a"}]}`,
			user.Upsert{Identifiers: sent("default", "a")}},
		{"escapes", `{"identifier":[{"external_id":"\ud83e\udd8a\\ud800\u0041"}]}`, user.Upsert{Identifiers: sent("default", `🦊\ud800A`)}},
		{"contact fields in canonical form",
			`{"identifier":[{"external_id":"a"}],"email":" A@b.co ","phone":"+15550100001","timezone":"Europe/Paris","locale":"es_mx"}`,
			user.Upsert{Identifiers: sent("default", "a"), Patch: user.Patch{
				Email: new("A@b.co"), Phone: new("+15550100001"), Timezone: new("Europe/Paris"), Locale: new("es-MX"),
			}}},
		{"numbers keep their digits; a null is stored",
			`{"identifier":[{"external_id":"a"}],"data":{"n":1.10,"big":12345678901234567890123456789,"e":1E5,"no":null}}`,
			user.Upsert{Identifiers: sent("default", "a"), Patch: user.Patch{Data: map[string]any{
				"n": json.Number("1.10"), "big": json.Number("12345678901234567890123456789"), "e": json.Number("1E5"), "no": nil,
			}}}},
	}
	for _, path := range []string{client, scopedA, adminA} {
		for _, tt := range tests {
			t.Run(path+" "+tt.name, func(t *testing.T) {
				f := newFake()
				var got user.Upsert
				f.upsert = func(req user.Upsert) (user.User, error) { got = req; return alice(), nil }
				if r := newServer(t, f).do("sk_editor", "POST", path, tt.body); r.status != http.StatusOK {
					t.Fatalf("got %d %s, want 200", r.status, r.body)
				}
				tt.want.ProjectID = projectA
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("the store was asked (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func sent(source, id string) []user.Sent {
	return []user.Sent{{Pair: user.Pair{Source: source, ExternalID: id}}}
}

func TestUpsertAnswersSecretKeysWithTheWholeUser(t *testing.T) {
	f := newFake()
	f.upsert = func(user.Upsert) (user.User, error) { return alice(), nil }
	r := newServer(t, f).do("sk_editor", "POST", client, known)
	want := `{"id":"019abd3c-8c1e-7c57-9d0e-1f4b7c1a2b3c","project_id":"019abd3c-0000-7000-8000-00000000000a",` +
		`"identifier":[{"id":"019abd3c-8c1e-7c58-a1b2-3c4d5e6f7a8b","source":"default","external_id":"user_123","metadata":null,` +
		`"created_at":"2026-11-23T10:15:30.125Z","updated_at":"2026-11-23T10:15:30.125Z"}],` +
		`"email":"alice@example.com","phone":"+15550100001","timezone":"America/New_York","locale":"es-MX",` +
		`"data":{"big":12345678901234567890.000000001,"html":"<b>&","secret":"stored"},"has_push_device":false,"version":3,` +
		`"created_at":"2026-11-23T10:15:30.125Z","updated_at":"2026-11-23T10:16:30.125Z"}` + "\n"
	if diff := cmp.Diff(want, r.body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	if got, want := r.header.Get("ETag"), `"3"`; got != want {
		t.Errorf("ETag: got %q, want %q", got, want)
	}
	if got, want := r.header.Get("Content-Type"), "application/json"; got != want {
		t.Errorf("Content-Type: got %q, want %q", got, want)
	}
}

func TestUpsertAnswersPublicKeysWithWhatTheySent(t *testing.T) {
	f := newFake()
	f.upsert = func(user.Upsert) (user.User, error) {
		u := alice()
		u.Identifiers = append(u.Identifiers, user.Identifier{ID: bobID, Pair: user.Pair{Source: "crm", ExternalID: "stored-id"}})
		return u, nil
	}
	s := newServer(t, f)
	r := s.do("pk_client", "POST", client,
		`{"identifier":[{"external_id":"user_123","metadata":{"m":1}}],"email":"new@example.com","data":{"plan":"free"}}`)
	want := `{"id":"019abd3c-8c1e-7c57-9d0e-1f4b7c1a2b3c","project_id":"019abd3c-0000-7000-8000-00000000000a",` +
		`"identifier":[{"source":"default","external_id":"user_123","metadata":{"m":1}}],"email":"new@example.com",` +
		`"data":{"plan":"free"},"has_push_device":false,"version":3,` +
		`"created_at":"2026-11-23T10:15:30.125Z","updated_at":"2026-11-23T10:16:30.125Z"}` + "\n"
	if diff := cmp.Diff(want, r.body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	r = s.do("pk_client", "POST", client, known)
	for _, stored := range []string{"stored", "alice@", "+1555", "New_York", "es-MX", pairID} {
		if strings.Contains(r.body, stored) {
			t.Errorf("a public key is told %q, which it did not send: %s", stored, r.body)
		}
	}
}

func TestUpsertConflictNamesUsersToSecretKeysOnly(t *testing.T) {
	f := newFake()
	f.upsert = func(user.Upsert) (user.User, error) {
		return user.User{}, &user.ConflictError{UserIDs: []string{aliceID, bobID}}
	}
	s := newServer(t, f)
	for _, tt := range []struct {
		key  string
		want []string
	}{{"pk_client", nil}, {"sk_editor", []string{aliceID, bobID}}} {
		r := s.do(tt.key, "POST", client, known)
		if r.status != http.StatusConflict {
			t.Errorf("%s: got %d, want 409", tt.key, r.status)
		}
		if diff := cmp.Diff(tt.want, r.problem(t).UserIDs); diff != "" {
			t.Errorf("%s: user_ids (-want +got):\n%s", tt.key, diff)
		}
	}
}

func TestUpsertIfMatch(t *testing.T) {
	tests := []struct {
		header string
		want   *int64
		status int
	}{
		{`"3"`, new(int64(3)), 200},
		{`3`, new(int64(3)), 200},
		{` "0" `, new(int64(0)), 200},
		{``, nil, 200},
		{`"3", "4"`, nil, 400},
		{`W/"3"`, nil, 400},
		{`"03"`, nil, 400},
		{`-1`, nil, 400},
		{`"`, nil, 400},
		{`abc`, nil, 400},
		{`99999999999999999999`, nil, 400},
	}
	for _, tt := range tests {
		t.Run(tt.header, func(t *testing.T) {
			f := newFake()
			var got *int64
			f.upsert = func(req user.Upsert) (user.User, error) { got = req.IfMatch; return alice(), nil }
			var header []string
			if tt.header != "" {
				header = []string{"If-Match", tt.header}
			}
			r := newServer(t, f).do("pk_client", "POST", client, known, header...)
			if r.status != tt.status {
				t.Errorf("got %d %s, want %d", r.status, r.body, tt.status)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("IfMatch (-want +got):\n%s", diff)
			}
		})
	}
}

// TestUpsertIfMatchAny checks that * demands a user who exists, also when that user changes meanwhile.
func TestUpsertIfMatchAny(t *testing.T) {
	notFound := func(user.Pair) (user.User, error) { return user.User{}, user.ErrNotFound }
	tests := []struct {
		name   string
		byPair func(user.Pair) (user.User, error)
		races  int // how often the version is stale
		want   int
	}{
		{"exists", func(user.Pair) (user.User, error) { return alice(), nil }, 0, 200},
		{"lost two races", func(user.Pair) (user.User, error) { return alice(), nil }, 2, 200},
		{"loses every race", func(user.Pair) (user.User, error) { return alice(), nil }, 100, 503},
		{"nobody", notFound, 0, 412},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake()
			f.byPair = tt.byPair
			f.upsert = func(req user.Upsert) (user.User, error) {
				if req.IfMatch == nil || *req.IfMatch != 3 {
					t.Errorf("IfMatch: got %v, want the version read, 3", req.IfMatch)
				}
				if tt.races--; tt.races >= 0 {
					return user.User{}, user.ErrVersion
				}
				return alice(), nil
			}
			r := newServer(t, f).do("sk_editor", "POST", client, known, "If-Match", "*")
			if r.status != tt.want {
				t.Errorf("got %d %s, want %d", r.status, r.body, tt.want)
			}
		})
	}
}
