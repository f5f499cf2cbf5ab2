package api_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"lunogram-users/internal/api"
	"lunogram-users/internal/consent"
	"lunogram-users/internal/liquid"
	"lunogram-users/internal/liquid/engine"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// updated is the answer of POST …/update.
type updated struct {
	userBody
	Missing []string `json:"missing"`
}

func (tn *tenant) update(userID, body string, header ...string) updated {
	tn.t.Helper()
	return decode[updated](tn.t, tn.want(200, "POST", tn.admin+"/"+userID+"/update", body, header...).body)
}

// TestUpdateSpecification is the example of the specification.
func TestUpdateSpecification(t *testing.T) {
	const template = `{
  "full_name": "{{ user.data.first_name }} {{ user.data.last_name }}",
  "last_score": "{{ journey.score_lookup.body.score }}"
}`
	tn := newTenant(t)
	u := tn.user(200, "POST", client, specified)
	at := tn.admin + "/" + u.ID
	for i, sent := range []string{template, quote(template)} {
		r := tn.want(200, "POST", at+"/update", fmt.Sprintf(`{"template":%s,"journey":{"score_lookup":{"body":{"score":4%d.50}}}}`, sent, i))
		if want := fmt.Sprintf("%q", fmt.Sprint(i+1)); r.header.Get("ETag") != want {
			t.Errorf("ETag %s, want %s", r.header.Get("ETag"), want)
		}
		stored := tn.want(200, "GET", at, "").body
		if !strings.Contains(stored, `"full_name":"Alice Smith"`) || !strings.Contains(stored, fmt.Sprintf(`"last_score":4%d.5,`, i)) {
			t.Errorf("stored: %s", stored)
		}
		if strings.TrimSuffix(r.body, `,"missing":[]}`+"\n") != strings.TrimSuffix(stored, "}\n") {
			t.Errorf("answered\n%s, stored\n%s", r.body, stored)
		}
	}
}

// TestUpdateQuotes is row 25 of the acceptance checklist: a quote in a value does no harm.
func TestUpdateQuotes(t *testing.T) {
	tn := newTenant(t)
	u := tn.user(200, "POST", client, specified)
	got := tn.update(u.ID, `{"template":{"copy":"{{ user.data.quote }}","mixed":"<{{ user.data.quote }}>","deep":{"l":["{{ user.data.address }}","{{ user.data.big }}"]}}}`)
	want := map[string]any{
		"copy": "Al \"the\nboss\" <script>", "mixed": "<Al \"the\nboss\" <script>>",
		"deep": map[string]any{"l": []any{map[string]any{"city": "Austin", "state": "TX"}, 12345678901234567890.5}},
	}
	for key, v := range want {
		if diff := cmp.Diff(v, got.Data[key]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
}

func TestUpdateOnTheStore(t *testing.T) {
	tn := newTenant(t)
	u := tn.user(200, "POST", client, specified)
	at := tn.admin + "/" + u.ID

	got := tn.update(u.ID, `{"template":{"plan":"{{ user.data.nope }}","null":null,"text":"[{{ user.data.nope }}]","address":{"city":"Dallas"}}}`)
	if got.Data["plan"] != "premium" || got.Data["text"] != "[]" || got.Version != 1 {
		t.Errorf("a missing value: %+v", got.Data)
	}
	if v, ok := got.Data["null"]; !ok || v != nil {
		t.Errorf("a null is not stored: %+v", got.Data)
	}
	if diff := cmp.Diff(map[string]any{"city": "Dallas"}, got.Data["address"]); diff != "" {
		t.Errorf("the merge is not shallow (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"user.data.nope"}, got.Missing); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}

	dry := tn.update(u.ID, `{"template":{"plan":"{{ user.data.plan | upcase }}"},"dry_run":true}`)
	if stored := tn.user(200, "GET", at, ""); dry.Data["plan"] != "PREMIUM" || stored.Data["plan"] != "premium" || stored.Version != 1 || dry.Version != 1 {
		t.Errorf("dry run: %+v, stored %+v", dry, stored)
	}
	for _, nothing := range []string{`{}`, `""`, `"{}"`, `" "`, `{"a":"{{ user.data.nope }}"}`} {
		if got := tn.update(u.ID, `{"template":`+nothing+`}`); got.Version != 1 {
			t.Errorf("the template %s: version %d, want 1", nothing, got.Version)
		}
	}

	tn.want(412, "POST", at+"/update", `{"template":{"a":"b"}}`, "If-Match", `"0"`)
	tn.want(412, "POST", at+"/update", `{"template":{}}`, "If-Match", `"0"`)
	tn.want(400, "POST", at+"/update", `{"template":{}}`, "If-Match", `x`)
	if got := tn.update(u.ID, `{"template":{"a":"b"}}`, "If-Match", `"1"`); got.Version != 2 {
		t.Errorf("If-Match: version %d, want 2", got.Version)
	}
	tn.update(u.ID, `{"template":{"a":"b"}}`, "If-Match", `*`)
	before := tn.user(200, "GET", at, "")
	for _, same := range []string{`{"a":"b"}`, `{"lifetime_value":2.5e3,"address":{"city":"{{ user.data.address.city }}"},"null":null}`} {
		got := tn.update(u.ID, `{"template":`+same+`}`, "If-Match", `"2"`)
		if diff := cmp.Diff(before, got.userBody); diff != "" {
			t.Errorf("the template %s, which says what is there (-before +after):\n%s", same, diff)
		}
	}
	tn.want(412, "POST", at+"/update", `{"template":{"a":"b"}}`, "If-Match", `"1"`)
	tn.want(404, "POST", tn.admin+"/"+uuid.NewString()+"/update", `{"template":{"a":"b"}}`)
	tn.want(404, "POST", tn.admin+"/x/update", `{"template":{"a":"b"}}`)
	large := fmt.Sprintf(`{"external_id":"big"}],"data":{"a":%q}`, strings.Repeat("x", 250<<10))
	big := tn.user(200, "POST", client, `{"identifier":[`+large+`}`)
	for _, dry := range []string{"false", "true"} {
		tn.want(413, "POST", tn.admin+"/"+big.ID+"/update", `{"template":{"b":"{{ user.data.a }}"},"dry_run":`+dry+`}`)
		p := tn.want(400, "POST", tn.admin+"/"+big.ID+"/update", `{"template":{"b":"{{ user.data.a }}","c":"{{ user.data.a }}"},"dry_run":`+dry+`}`).problem(t)
		if got := p.Errors[0]; got["pointer"] != "/template" || got["detail"] != "the data that it makes must take at most 400 KB" {
			t.Errorf("data too large: %v", got)
		}
	}

	merged := tn.user(200, "POST", client, `{"identifier":[{"source":"anonymous","external_id":"v"}]}`)
	tn.user(200, "POST", client, `{"identifier":[{"external_id":"user_123"},{"source":"anonymous","external_id":"v"}]}`)
	if got := tn.update(merged.ID, `{"template":{"seen":"{{ user.id }}"}}`); got.ID != u.ID || got.Data["seen"] != u.ID {
		t.Errorf("by a merged id: %+v, want %s", got, u.ID)
	}
	etag := tn.want(200, "GET", at, "").header.Get("ETag")
	tn.want(412, "POST", tn.admin+"/"+merged.ID+"/update", `{"template":{"a":"c"}}`, "If-Match", etag)
	tn.want(412, "PATCH", tn.admin+"/"+merged.ID, `{"data":{"a":"c"}}`, "If-Match", etag)
}

func TestUpdateFaults(t *testing.T) {
	tn := newTenant(t)
	u := tn.user(200, "POST", client, specified)
	deep := strings.Repeat(`{"a":`, 40) + `1` + strings.Repeat(`}`, 40)
	tests := []struct{ name, body, want string }{
		{"syntax", `{"template":{"a":{"b":"{{ x | nope }}"}}}`, `/template/a/b: line 1, column 1: there is no filter "nope", at {{ x | nope }}`},
		{"syntax in text", `{"template":"{\"a\":\"{{ x | nope }}\"}"}`, `/template: /a: line 1, column 7: there is no filter "nope", at {{ x | nope }}`},
		{"no object", `{"template":"[1]"}`, `/template: line 1, column 1: the template must be one JSON object, at [1]`},
		{"no JSON", `{"template":"{\"a\" 1}"}`, `/template: line 1, column 6: the template must be one JSON object, and is no JSON here, at 1}`},
		{"another type", `{"template":1}`, `/template: must be an object, or the text of one`},
		{"none", `{}`, `/template: must be an object, or the text of one`},
		{"misspelt", `{"template":{},"dryrun":true}`, `/dryrun: is not known; known are template, journey, dry_run`},
		{"bomb", `{"template":{"a":"{{ (1..1000000000) | join }}"}}`, `/template/a: line 1, column 1: an array would be too long, at {{ (1..1000000000) | join }}`},
		{"what cannot be stored", `{"template":{"a":"{{ journey.n }}"},"journey":{"n":1e200}}`, `/template/a: a number must be below`},
		{"too deep", `{"template":{"a":"{{ journey }}"},"journey":` + deep + `}`, `/template/a/a/a`},
		{"empty key", `{"template":{"":"x"}}`, `/template/: `},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := tn.want(400, "POST", tn.admin+"/"+u.ID+"/update", tt.body).problem(t)
			if got := p.Errors[0]["pointer"] + ": " + p.Errors[0]["detail"]; !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if got := tn.user(200, "GET", tn.admin+"/"+u.ID, ""); got.Version != 0 {
		t.Errorf("a refused template was written: version %d", got.Version)
	}
}

// TestUpdatesAreNotLost counts with templates, many at a time: each sees what the one before wrote. One that lost every
// race says so, and changed nothing.
func TestUpdatesAreNotLost(t *testing.T) {
	tn := newTenant(t)
	u := tn.user(200, "POST", client, `{"identifier":[{"external_id":"u"}],"data":{"n":0}}`)
	var group sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range 8 {
		group.Go(func() {
			for range 5 {
				r := tn.do(tn.keys[project.Editor], "POST", tn.admin+"/"+u.ID+"/update", `{"template":{"n":"{{ user.data.n | plus: 1 }}"}}`)
				switch r.status {
				case http.StatusOK:
					mu.Lock()
					done++
					mu.Unlock()
				case http.StatusServiceUnavailable:
				default:
					t.Errorf("got %d %s", r.status, r.body)
				}
			}
		})
	}
	group.Wait()
	if got := tn.user(200, "GET", tn.admin+"/"+u.ID, ""); got.Data["n"] != float64(done) || done == 0 {
		t.Errorf("%d updates were answered with 200, the counter says %v", done, got.Data["n"])
	}
}

// racing is a fake store in which others write all the time.
type racing struct{ *fake }

func (racing) Group(context.Context, string, string) (consent.Group, error) {
	return consent.Group{}, user.ErrNotFound
}

func (racing) Owner(context.Context, string, []user.Pair) (string, error) { return alice().ID, nil }

// TestUpdateGivesUp loses every race: all renders share the time of one, and there are pauses between them.
func TestUpdateGivesUp(t *testing.T) {
	tests := []struct {
		name   string
		render time.Duration // what one takes
		tries  int
	}{
		{"quick", time.Millisecond, 8},
		{"slow", liquid.DefaultTime / 2, 2},
		{"as slow as may be", liquid.DefaultTime, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.user = func(string) (user.User, error) { return alice(), nil }
				f.patch = func(user.Patch, *int64) (user.User, error) { return user.User{}, user.ErrVersion }
				start, left := time.Now(), liquid.DefaultTime
				tries := 0
				templates := func(vars map[string]any, o liquid.Options) liquid.Renderer {
					if tries++; o.Time != left {
						t.Errorf("try %d may take %v, want %v", tries, o.Time, left)
					}
					time.Sleep(tt.render)
					left -= tt.render
					return engine.New(vars, o)
				}
				r := httptest.NewRequest("POST", "/api/admin/projects/"+projectA+"/subjects/users/"+alice().ID+"/update",
					strings.NewReader(`{"template":{"n":1}}`))
				r.Header.Set("Authorization", "Bearer sk_editor")
				w := httptest.NewRecorder()
				api.Render(racing{f}, templates, api.Options{Log: slog.New(slog.DiscardHandler)}).ServeHTTP(w, r)
				if w.Code != http.StatusServiceUnavailable || tries != tt.tries {
					t.Errorf("got %d %s after %d tries, want 503 after %d", w.Code, w.Body, tries, tt.tries)
				}
				if took := time.Since(start); took > 2*time.Second || tries > 1 && took <= time.Duration(tries)*tt.render {
					t.Errorf("took %v for %d tries of %v", took, tries, tt.render)
				}
			})
		})
	}
}
