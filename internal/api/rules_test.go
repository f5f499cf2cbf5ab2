package api_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

func TestCheckRule(t *testing.T) {
	tn := newTenant(t)
	path := tn.consentPath("/rules/check")
	type fault struct {
		Line, Column int
		Expected     []string
		Found        string
		Detail       string
	}
	type answer struct {
		Valid             bool
		Rule              string
		Fields            []string
		Relative, Journey *bool
		Warnings          []map[string]string
		Errors            []fault
	}
	check := func(rule string) answer {
		return decode[answer](t, tn.want(200, "POST", path, fmt.Sprintf(`{"rule":%q}`, rule)).body)
	}
	want := answer{
		Valid: true, Rule: `user.data.b = 1 AND (user.created_at > now - 30 days OR journey.x EXISTS)`,
		Fields: []string{"journey.x", "user.created_at", "user.data.b"}, Relative: new(true), Journey: new(true), Warnings: []map[string]string{},
	}
	if diff := cmp.Diff(want, check("user.data.b=1 and\n (user.created_at > now - 30 days or journey.x exists)")); diff != "" {
		t.Errorf("a rule (-want +got):\n%s", diff)
	}
	if got := check("user.id EXISTS"); !got.Valid || *got.Relative || *got.Journey {
		t.Errorf("a plain rule: got %+v", got)
	}
	got := check("user.data.b = 1\nAND ANDROID")
	if got.Valid || len(got.Errors) != 1 || got.Errors[0].Line != 2 || got.Errors[0].Column != 5 || len(got.Errors[0].Expected) == 0 ||
		got.Errors[0].Found == "" || !strings.HasPrefix(got.Errors[0].Detail, "line 2, column 5: expected ") {
		t.Errorf("no rule: got %+v", got)
	}
	mine := tn.group(`"name":"News","channel":"email"`)
	got = check(fmt.Sprintf(`user.subscriptions.%s = "subscribed" OR user.subscriptions.%s = "subscribed" OR user.created_at STARTS WITH "2026"`, mine, aliceID))
	if !got.Valid || len(got.Warnings) != 2 || !strings.Contains(got.Warnings[0]["comparison"], aliceID) || got.Warnings[1]["detail"] == "" {
		t.Errorf("a rule to warn of: got %+v", got)
	}
	if got := check(""); got.Valid {
		t.Errorf("nothing: got %+v", got)
	}
	if got := check("user.data." + strings.Repeat("x", 5000) + " EXISTS"); got.Valid {
		t.Error("5,000 characters are a rule")
	}
	for body, want := range map[string][]string{
		`{}`: {"/rule"}, `{"rule":1}`: {"/rule"}, `{"rule":"x","rules":[]}`: {"/rules"},
		`{"rule":"x","rule":"y","rule":"z"}`: {"/rule"}, `{"rule":"x"}{"rule":"y"}`: {""},
	} {
		if diff := cmp.Diff(want, tn.want(400, "POST", path, body).problem(t).at()); diff != "" {
			t.Errorf("%s: faults (-want +got):\n%s", body, diff)
		}
	}
}

func TestEvaluateRule(t *testing.T) {
	tn := newTenant(t)
	path := tn.consentPath("/rules/evaluate")
	rich, poor := tn.make("rich", `,"data":{"plan":"premium","lifetime_value":2500}`), tn.make("poor", `,"data":{"plan":"premium","lifetime_value":"abc"}`)
	type answer struct {
		Results []struct {
			Name      map[string]string
			UserID    *string `json:"user_id"`
			Matches   bool
			DecidedBy []struct {
				Comparison string
				Outcome    bool
			} `json:"decided_by"`
		}
	}
	ask := func(rest string) []string {
		t.Helper()
		var got []string
		body := tn.want(200, "POST", path, fmt.Sprintf(`{"rule":"user.data.plan = \"premium\" AND user.data.lifetime_value > 1000 OR journey.cart.total > 100",%s}`, rest)).body
		for _, r := range decode[answer](t, body).Results {
			words := []string{r.Name["user_id"] + r.Name["external_id"], fmt.Sprint(r.Matches)}
			if r.UserID == nil {
				words = append(words, "nobody")
			}
			for _, c := range r.DecidedBy {
				words = append(words, fmt.Sprintf("[%s %t]", c.Comparison, c.Outcome))
			}
			got = append(got, strings.Join(words, " "))
		}
		return got
	}
	tests := []struct {
		name, rest string
		want       []string
	}{
		{"by id and identifier", fmt.Sprintf(`"user_ids":[%q,%q],"identifiers":[{"external_id":"rich"},{"source":"crm","external_id":"x"}]`, poor, rich),
			[]string{poor + " false", rich + " true", "rich true", "x false nobody"}},
		{"on a journey", fmt.Sprintf(`"user_ids":[%q],"journey":{"cart":{"total":100.5}}`, poor), []string{poor + " true"}},
		{"explained", `"identifiers":[{"external_id":"poor"},{"external_id":"rich"},{"external_id":"nobody"}],"explain":true`, []string{
			"poor false [user.data.lifetime_value > 1000 false] [journey.cart.total > 100 false]",
			`rich true [user.data.plan = "premium" true] [user.data.lifetime_value > 1000 true]`,
			"nobody false nobody",
		}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, ask(tt.rest)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	for body, want := range map[string][]string{
		`{}`: {"", "/rule"},
		fmt.Sprintf(`{"rule":"user.","user_ids":[%q]}`, rich):                        {"/rule"},
		fmt.Sprintf(`{"rule":"user.id EXISTS","user_ids":[%q],"journey":[]}`, rich):  {"/journey"},
		fmt.Sprintf(`{"rule":"user.id EXISTS","user_ids":[%q],"explain":"y"}`, rich): {"/explain"},
		fmt.Sprintf(`{"rule":"user.id EXISTS","user_ids":[%q],"journeys":{}}`, rich): {"/journeys"},
		`{"rule":"user.id EXISTS","user_ids":[1,"x"],"identifiers":[1,{"external_id":123,"source":[]}]}`: {
			"/identifiers/0", "/identifiers/1/external_id", "/identifiers/1/source", "/user_ids/0", "/user_ids/1"},
		`{"rule":"user.id EXISTS","user_ids":["` + strings.Repeat(`x","`, 100) + `x"]}`: nil,
	} {
		got := tn.want(400, "POST", path, body).problem(t).at()
		if want != nil {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: faults (-want +got):\n%s", body, diff)
			}
		}
	}
}

func TestPreviewRule(t *testing.T) {
	tn := newTenant(t)
	path := tn.consentPath("/rules/preview")
	var users []string
	for i := range 6 {
		users = append([]string{tn.make(fmt.Sprint("u", i), fmt.Sprintf(`,"data":{"n":%d}`, i))}, users...)
	}
	type answer struct {
		Results  []userBody
		LookedAt int `json:"looked_at"`
		Matched  int
	}
	ask := func(body string) (got answer, ids []string) {
		got = decode[answer](t, tn.want(200, "POST", path, body).body)
		for _, u := range got.Results {
			ids = append(ids, u.ID)
		}
		return got, ids
	}
	got, ids := ask(`{"rule":"user.data.n >= 2"}`)
	if diff := cmp.Diff(users[:4], ids); diff != "" || got.LookedAt != 6 || got.Matched != 4 {
		t.Errorf("got %d of %d, want 4 of 6 (-want +got):\n%s", got.Matched, got.LookedAt, diff)
	}
	got, ids = ask(`{"rule":"user.data.n IN (4, 2, 0)","limit":2}`)
	if diff := cmp.Diff([]string{users[1], users[3]}, ids); diff != "" || got.LookedAt != 4 || got.Matched != 2 {
		t.Errorf("got %d of %d, want 2 of 4 (-want +got):\n%s", got.Matched, got.LookedAt, diff)
	}
	if got, _ := ask(`{"rule":"user.data.n > 9","limit":null}`); got.LookedAt != 6 || got.Matched != 0 {
		t.Errorf("got %+v, want nobody", got)
	}
	for body, want := range map[string][]string{
		`{}`: {"/rule"}, `{"rule":"journey.x EXISTS"}`: {"/rule"}, `{"rule":"user.id EXISTS","limit":51}`: {"/limit"},
		`{"rule":"user.id EXISTS","limit":0.5}`: {"/limit"}, `{"rule":"user.id EXISTS","limit":"5","x":1}`: {"/limit", "/x"},
	} {
		if diff := cmp.Diff(want, tn.want(400, "POST", path, body).problem(t).at()); diff != "" {
			t.Errorf("%s: faults (-want +got):\n%s", body, diff)
		}
	}
}

// crowd has users without end, so many on a page.
type crowd struct {
	*dynamo.Store
	perPage int
}

func (c crowd) Users(_ context.Context, _, _ string, limit int) (user.Page, error) {
	return user.Page{Users: make([]user.User, min(limit, c.perPage)), Next: "x"}, nil
}

// TestPreviewEnds checks that a rule that matches nobody is not held against all users of a big project.
func TestPreviewEnds(t *testing.T) {
	tn := newTenant(t)
	for perPage, want := range map[int]string{100: "1000", 70: "1000", 10: "200", 0: "0"} {
		s := newServer(t, crowd{tn.store, perPage})
		r := s.do(tn.keys[project.Support], "POST", tn.consentPath("/rules/preview"), `{"rule":"user.email EXISTS"}`)
		if r.status != 200 || !strings.Contains(r.body, `"looked_at":`+want+`,"matched":0`) {
			t.Errorf("pages of %d: got %d %s, want %s that were looked at", perPage, r.status, r.body, want)
		}
	}
}

// giants has users without end each of whom takes a megabyte in a reply.
type giants struct{ *dynamo.Store }

func (giants) Users(context.Context, string, string, int) (user.Page, error) {
	u := user.User{Data: map[string]any{"bio": strings.Repeat("<", 170<<10)}}
	return user.Page{Users: []user.User{u, {}, u, u}, Next: "x"}, nil
}

// TestPreviewFits checks that a preview of big users is filled early, instead of being too large to be sent.
func TestPreviewFits(t *testing.T) {
	tn := newTenant(t)
	s := newBareServer(t, giants{tn.store}, nil) // the users have no ids
	r := s.do(tn.keys[project.Support], "POST", tn.consentPath("/rules/preview"), `{"rule":"user.data.bio EXISTS"}`)
	if r.status != 200 || !strings.Contains(r.body, `"looked_at":7,"matched":5}`) {
		t.Errorf("got %d with %d bytes, ending in %q, want 5 that match of 7", r.status, len(r.body), r.body[max(0, len(r.body)-60):])
	}
}
