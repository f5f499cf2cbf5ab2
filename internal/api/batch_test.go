package api_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// batchBody is the answer to a batch as a client reads it.
type batchBody struct {
	Results []struct {
		Status  int
		Outcome string
		User    *userBody
		Problem *document
	} `json:"results"`
}

// said returns each result as its status and its outcome or the pointers of its problem.
func (b batchBody) said() []string {
	var out []string
	for _, r := range b.Results {
		what := r.Outcome
		if r.Problem != nil {
			what = fmt.Sprint(r.Problem.at())
		}
		out = append(out, fmt.Sprint(r.Status, " ", what))
	}
	return out
}

// TestBatchOnTheStore sends good and bad users, twice.
func TestBatchOnTheStore(t *testing.T) {
	tn := newTenant(t)
	a := tn.user(200, "POST", client, `{"identifier":[{"external_id":"a"}],"data":{"secret":"stored"}}`)
	b := tn.user(200, "POST", client, `{"identifier":[{"external_id":"b"}]}`)
	batch := `{"users":[
		{"identifier":[{"external_id":"a"}],"email":"a@example.com"},
		{"identifier":[{"external_id":"new"}],"data":{"n":12345678901234567890.5}},
		{"identifier":[{"external_id":"c"}],"email":"nobody"},
		{"identifier":[{"external_id":"new"}],"data":{"n":2}},
		{"identifier":[{"external_id":"b"},{"external_id":"a"}]},
		"no object",
		{"identifier":[{"external_id":"\ud83d"}],"data":{"x":[{"y":"\udc00"}]}},
		{"identifier":[{"external_id":"a"}],"email":"a@example.com"},
		{},
		null
	]}`
	for round, want := range [][]string{
		{"200 updated", "200 created", "400 [/users/2/email]", "200 updated", "409 []", "400 [/users/5]",
			"400 [/users/6/data/x/0/y /users/6/identifier/0/external_id]", "200 unchanged", "400 [/users/8/identifier]", "400 [/users/9]"},
		{"200 unchanged", "200 updated", "400 [/users/2/email]", "200 updated", "409 []", "400 [/users/5]",
			"400 [/users/6/data/x/0/y /users/6/identifier/0/external_id]", "200 unchanged", "400 [/users/8/identifier]", "400 [/users/9]"},
	} {
		got := decode[batchBody](t, tn.want(200, "POST", client+"/batch", batch).body)
		if diff := cmp.Diff(want, got.said()); diff != "" {
			t.Fatalf("round %d (-want +got):\n%s", round, diff)
		}
		if diff := cmp.Diff([]string{a.ID, b.ID}, got.Results[4].Problem.UserIDs); diff != "" {
			t.Errorf("user_ids (-want +got):\n%s", diff)
		}
		if u := got.Results[0].User; u.ID != a.ID || u.Version != 1 || u.Email != "a@example.com" || len(u.Data) > 0 {
			t.Errorf("round %d: got %+v, want what was sent and version 1", round, u)
		}
		if u := got.Results[3].User; u.ID != got.Results[1].User.ID || u.Version != 1+2*round {
			t.Errorf("round %d: the second upsert of one user: got %+v", round, u)
		}
	}
}

// TestBatchTellsPublicKeysNothing checks that a public key learns of a user in a batch what it learns of one alone.
func TestBatchTellsPublicKeysNothing(t *testing.T) {
	tn := newTenant(t)
	tn.user(200, "POST", client, `{"identifier":[{"external_id":"a"},{"source":"crm","external_id":"secret-id"}],
		"email":"secret@example.com","data":{"secret":"stored"}}`)
	tn.user(200, "POST", client, `{"identifier":[{"external_id":"b"}]}`)
	for _, body := range []string{
		`{"users":[{"identifier":[{"external_id":"a"}],"data":{"mine":1}}]}`,
		`{"users":[{"identifier":[{"external_id":"a"}],"data":{"mine":1}}]}`, // unchanged
		`{"users":[{"identifier":[{"external_id":"a"},{"external_id":"b"}]}]}`,
	} {
		for _, path := range []string{client, tn.scoped} {
			r := tn.do(tn.keys[project.Client], "POST", path+"/batch", body)
			if r.status != http.StatusOK || strings.Contains(r.body, "secret") || strings.Contains(r.body, "user_ids") {
				t.Errorf("%s %s: got %d %s, want 200 without what is stored", path, body, r.status, r.body)
			}
		}
	}
}

func TestBatchFailures(t *testing.T) {
	f := newFake()
	f.batch = func(batch []user.Upsert) []user.Result {
		return []user.Result{{Err: user.ErrUnavailable}, {Err: user.ErrTooLarge}, {Err: errors.New("secret")},
			{UserID: aliceID, Outcome: user.Created, CreatedAt: created, UpdatedAt: created.Add(time.Second)}}[:len(batch)]
	}
	s := newServer(t, f)
	r := s.do("pk_client", "POST", client+"/batch", `{"users":[`+strings.Join([]string{known, known, known, known}, ",")+`]}`)
	got := decode[batchBody](t, r.body)
	if diff := cmp.Diff([]string{"503 []", "413 []", "500 []", "200 created"}, got.said()); diff != "" || r.status != http.StatusOK {
		t.Errorf("got %d, results (-want +got):\n%s", r.status, diff)
	}
	id := got.Results[2].Problem.RequestID
	if logs := s.logs.String(); id == "" || !strings.Contains(logs, id) || !strings.Contains(logs, "secret") {
		t.Errorf("the log does not say what went wrong with request %q: %s", id, logs)
	}
	if strings.Contains(r.body, "secret") {
		t.Errorf("the answer says what went wrong: %s", r.body)
	}
}

func TestBatchRefusesBadBodies(t *testing.T) {
	many := func(n int) string { return `{"users":[` + strings.TrimSuffix(strings.Repeat(known+",", n), ",") + `]}` }
	tests := []struct {
		name, body string
		status     int
		at         []string
	}{
		{"the most", many(100), 200, nil},
		{"one too many", many(101), 400, []string{"/users"}},
		{"none", `{"users":[]}`, 400, []string{"/users"}},
		{"null", `{"users":null}`, 400, []string{"/users"}},
		{"absent", `{"Users":[` + known + `]}`, 400, []string{"/users"}},
		{"no array", `{"users":{}}`, 400, []string{"/users"}},
		{"an array", `[` + known + `]`, 400, []string{""}},
		{"no object", `null`, 400, []string{""}},
		{"empty", ``, 400, []string{""}},
		{"cut short", `{"users":[` + known, 400, []string{""}},
		{"over a megabyte", `{"users":[` + known + `],"x":"` + strings.Repeat("x", 1<<20) + `"}`, 413, nil},
		{"with bytes behind it", many(1) + "}", 200, nil},
	}
	s := newBareServer(t, willing(), nil) // not all that is answered with 200 is in the contract
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := s.do("pk_client", "POST", client+"/batch", tt.body)
			if r.status != tt.status {
				t.Fatalf("got %d %s, want %d", r.status, r.body, tt.status)
			}
			if tt.status != http.StatusOK {
				if diff := cmp.Diff(tt.at, r.problem(t).at()); diff != "" {
					t.Errorf("faults (-want +got):\n%s", diff)
				}
			}
		})
	}
	if r := s.do("pk_client", "POST", client+"/batch", many(1), "If-Match", `"1"`); r.status != http.StatusBadRequest {
		t.Errorf("with If-Match: got %d, want 400", r.status)
	}
}

// TestBatchListsSomeFaults checks that the faults of many users fit into one answer.
func TestBatchListsSomeFaults(t *testing.T) {
	bad := `{"identifier":[` + strings.TrimSuffix(strings.Repeat(`{},`, 20), ",") + `],"email":""}`
	r := newServer(t, newFake()).do("pk_client", "POST", client+"/batch", `{"users":[`+strings.TrimSuffix(strings.Repeat(bad+",", 100), ",")+`]}`)
	got := decode[batchBody](t, r.body)
	if r.status != http.StatusOK || len(got.Results) != 100 {
		t.Fatalf("got %d and %d results, want 200 and 100", r.status, len(got.Results))
	}
	for n, result := range got.Results {
		if at := result.Problem.at(); len(at) != 10 || at[0] != fmt.Sprintf("/users/%d/email", n) {
			t.Fatalf("user %d: got faults %v, want 10", n, at)
		}
	}
}
