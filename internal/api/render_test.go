package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"lunogram-users/internal/project"
)

// specified is the user of the product specification.
const specified = `{"identifier":[{"external_id":"user_123"},{"source":"anonymous","external_id":"a1"}],"email":"alice@example.com",
	"data":{"first_name":"Alice","last_name":"Smith","plan":"premium","company":"Acme Inc","lifetime_value":2500,"<b>":"x",
	"address":{"city":"Austin","state":"TX"},"quote":"Al \"the\nboss\" <script>","big":12345678901234567890.5}}`

// rendered is the answer of POST …/render.
type rendered struct {
	UserID         string            `json:"user_id"`
	Parts          map[string]string `json:"parts"`
	Missing        []string          `json:"missing"`
	PreferencesURL string            `json:"preferences_url"`
	UnsubscribeURL *string           `json:"unsubscribe_url"`
	Headers        map[string]string `json:"headers"`
}

func (tn *tenant) render(body string) rendered {
	tn.t.Helper()
	return decode[rendered](tn.t, tn.want(200, "POST", tn.consentPath("/render"), body).body)
}

// quote returns text as JSON.
func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func TestRenderOnTheStore(t *testing.T) {
	tn := newTenant(t)
	group := tn.group(`"name":"News","channel":"email"`)
	u := tn.user(200, "POST", client, specified)
	body := fmt.Sprintf(`{"identifier":[{"external_id":"user_123"}],"subscription_id":%q,"journey":{"step":{"n":1.50}},"parts":{
		"subject":{"template":"Hi {{ user.data.first_name }} & co","escape":"text"},
		"body":{"template":%s},
		"json":{"template":"{\"q\":\"{{ user.data.quote }}\"}","escape":"json"},
		"user":{"template":%s,"escape":"text"}}}`, group,
		quote(`<p title="{{ user.data.quote }}">{{ user.data.nope }}</p><a href="{{ unsubscribe_url }}">x</a><a href="{{ preferences_url }}">y</a>`),
		quote(`{{ user.id }} {{ user.email }} {{ user.external_id }} {{ user.anonymous_id }} {{ user.version }} {{ user.data.big }} {{ user.data.lifetime_value }} `+
			`{{ user.identifier[1].source }} {{ journey.step.n }} {{ user.created_at | date: "%Y" }} {{ user.phone }}`))
	got := tn.render(body)
	leave := *got.UnsubscribeURL
	want := map[string]string{
		"subject": "Hi Alice & co",
		"body": `<p title="Al &#34;the` + "\n" + `boss&#34; &lt;script&gt;"></p><a href="` + leave + `">x</a><a href="` +
			got.PreferencesURL + `">y</a>`,
		"json": `{"q":"Al \"the\nboss\" <script>"}`,
		"user": u.ID + " alice@example.com user_123 a1 0 12345678901234567890.5 2500 anonymous 1.50 " + fmt.Sprint(time.Now().UTC().Year()) + " ",
	}
	if diff := cmp.Diff(want, got.Parts); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"user.data.nope", "user.phone"}, got.Missing); diff != "" || got.UserID != u.ID {
		t.Errorf("user %s, missing (-want +got):\n%s", got.UserID, diff)
	}
	if got.Headers["List-Unsubscribe"] != "<"+leave+">" || !strings.HasPrefix(got.PreferencesURL, "https://") {
		t.Errorf("links: %+v", got)
	}

	alone := tn.render(fmt.Sprintf(`{"user_id":%q,"template":"{{ user.data.quote }}{{ unsubscribe_url }}{{ now | date: '%%Y' | size }}"}`, u.ID))
	if alone.Parts["template"] != "Al &#34;the\nboss&#34; &lt;script&gt;4" || alone.UnsubscribeURL != nil || len(alone.Headers) != 0 {
		t.Errorf("a single part without a group: %+v", alone)
	}
	if diff := cmp.Diff([]string{"unsubscribe_url"}, alone.Missing); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
	tn.want(404, "POST", tn.consentPath("/render"), fmt.Sprintf(`{"user_id":%q,"template":"x"}`, uuid.NewString()))
	tn.want(404, "POST", tn.consentPath("/render"), `{"identifier":[{"external_id":"nobody"}],"template":"x"}`)
	tn.want(404, "POST", tn.consentPath("/render"), fmt.Sprintf(`{"user_id":%q,"template":"x","subscription_id":%q}`, u.ID, uuid.NewString()))
}

// TestRenderSpecification is row 26 of the acceptance checklist: the if-block and the nested path of the specification.
func TestRenderSpecification(t *testing.T) {
	tn := newTenant(t)
	u := tn.user(200, "POST", client, specified)
	got := tn.render(fmt.Sprintf(`{"user_id":%q,"parts":{"custom":{"template":%s},"nested":{"template":%s},"tags":{"template":%s}}}`, u.ID,
		quote("Hi\n{{user.data.first_name}}, Thanks for being a\n{{user.data.plan}}\nmember! {% if user.data.company %} We hope the team at\n{{user.data.company}}\nis enjoying Lunogram. {% endif %}"),
		quote(`{{user.data.address.city}}, {{user.data.address.state}}`), quote(`{% if user.data.company %}yes{% endif %}`)))
	want := map[string]string{
		"custom": "Hi\nAlice, Thanks for being a\npremium\nmember!  We hope the team at\nAcme Inc\nis enjoying Lunogram. ",
		"nested": "Austin, TX", "tags": "yes",
	}
	if diff := cmp.Diff(want, got.Parts); diff != "" || len(got.Missing) != 0 {
		t.Errorf("missing %v, parts (-want +got):\n%s", got.Missing, diff)
	}
}

func TestRenderFaults(t *testing.T) {
	tn := newTenant(t)
	u := tn.user(200, "POST", client, specified)
	tests := []struct {
		name, fields string
		want         []string // pointer: start of the detail
	}{
		{"syntax", `"parts":{"a/b":{"template":"x\n{{ user. }}"},"c":{"template":"{% if %}"},"d":{"template":"ok"}}`,
			[]string{"/parts/a~1b/template: line 2, column 1: something is missing at the end, at {{ user. }}", "/parts/c/template: line 1, column 1: an expression"}},
		{"bomb", `"parts":{"a":{"template":"{% for i in (1..1000000000) %}` + strings.Repeat("0123456789", 100) + `{% endfor %}"},"b":{"template":"x"}}`,
			[]string{"/parts/a/template: line 1, column 1: the result would be larger than 1 MB"}},
		{"value", `"template":"{{ 1 | divided_by: 0 }}"`, []string{"/template: line 1, column 1: this divides by zero"}},
		{"escape", `"template":"x","escape":"xml"`, []string{"/escape: must be html, text or json"}},
		{"misspelt", `"parts":{"a":{"template":"x","escpe":"text"}},"jurney":{}`, []string{"/jurney: is not known", "/parts/a/escpe: is not known"}},
		{"nothing", `"journey":{}`, []string{"/template: is needed"}},
		{"both", `"template":"x","parts":{"a":{"template":"x"}}`, []string{"/template: must be left out"}},
		{"no part", `"parts":{}`, []string{"/parts: must hold 1 to 20 parts"}},
		{"no template", `"parts":{"a":{}}`, []string{"/parts/a/template: is needed"}},
		{"types", `"parts":{"a":1},"journey":[]`, []string{"/journey: must be an object", "/parts/a: must be an object", "/parts/a/template: is needed"}},
		{"too many", `"parts":{` + strings.TrimSuffix(strings.Repeat(`"`+strings.Repeat("p", 9)+`%d":{"template":"x"},`, 21), ",") + `}`, []string{"/parts: must hold 1 to 20 parts"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if n := strings.Count(tt.fields, "%d"); n > 0 {
				for i := range n {
					tt.fields = strings.Replace(tt.fields, "%d", fmt.Sprint(i), 1)
				}
			}
			var got []string
			problem := tn.want(400, "POST", tn.consentPath("/render"), fmt.Sprintf(`{"user_id":%q,%s}`, u.ID, tt.fields)).problem(t)
			for _, f := range problem.Errors {
				got = append(got, f["pointer"]+": "+f["detail"])
			}
			if len(got) != len(tt.want) {
				t.Fatalf("got %q, want %q", got, tt.want)
			}
			for i := range got {
				if !strings.HasPrefix(got[i], tt.want[i]) {
					t.Errorf("got %q, want %q", got[i], tt.want[i])
				}
			}
		})
	}
	p := tn.want(400, "POST", tn.consentPath("/render"), fmt.Sprintf(`{"user_id":%q,"template":"{%% for i in (1..1000) %%}%s{%% endfor %%}","escape":"text"}`,
		u.ID, strings.Repeat("\\u0001", 1000))).problem(t)
	if p.Detail != "the rendered parts do not fit into an answer" {
		t.Errorf("an answer that does not fit: %+v", p)
	}
	if logs := tn.logs.String(); strings.Contains(logs, "Alice") || strings.Contains(logs, "{{") {
		t.Errorf("the logs tell what was rendered:\n%s", logs)
	}
}

// TestTemplatesAreForEditors is the table of who may render and update, and of which project.
func TestTemplatesAreForEditors(t *testing.T) {
	tn, other := newTenant(t), newTenant(t)
	u := tn.user(200, "POST", client, specified)
	for target, body := range map[string]string{
		tn.consentPath("/render"):         fmt.Sprintf(`{"user_id":%q,"template":"x"}`, u.ID),
		tn.admin + "/" + u.ID + "/update": `{"template":{"a":"b"},"dry_run":true}`,
	} {
		for role, want := range map[project.Role]int{project.Client: 403, project.Support: 403, project.Editor: 200, project.Admin: 200} {
			tn.wantAs(role, want, "POST", target, body)
			if r := other.do(other.keys[role], "POST", target, body); r.status != 401 {
				t.Errorf("%s as %s of another project: got %d, want 401", target, role, r.status)
			}
		}
		if r := tn.do("", "POST", target, body); r.status != 401 {
			t.Errorf("%s without a key: got %d, want 401", target, r.status)
		}
	}
	other.want(404, "POST", other.consentPath("/render"), fmt.Sprintf(`{"user_id":%q,"template":"x"}`, u.ID))
	other.want(404, "POST", other.admin+"/"+u.ID+"/update", `{"template":{"a":"b"}}`)
}
