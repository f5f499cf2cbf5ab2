package engine_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/liquid"
	"lunogram-users/internal/liquid/engine"
)

// specification is the template of the product specification.
const specification = `{
  "full_name": "{{ user.data.first_name }} {{ user.data.last_name }}",
  "last_score": "{{ journey.score_lookup.body.score }}"
}`

func TestUpdate(t *testing.T) {
	tests := []struct {
		name, template, vars, want string
		missing                    []string
	}{
		{name: "specification", template: specification, want: `{"full_name":"Alice Smith","last_score":42}`},
		{name: "a quote in a value", template: specification,
			vars: `{"user":{"data":{"first_name":"Al \"the\nboss\" \\","last_name":"}"}},"journey":{"score_lookup":{"body":{"score":"1\""}}}}`,
			want: `{"full_name":"Al \"the\nboss\" \\ }","last_score":"1\""}`},
		{name: "types", template: `{"n":"{{ user.data.score }}","big":"{{ user.data.big }}","b":"{{ user.data.active }}","l":"{{ user.data.tags }}",
			"o":"{{ user.data.address }}","s":"{{ user.data.plan }}","null":"{{ user.data.nothing }}","price":"{{- user.data.price -}}"}`,
			want: `{"n":2.5,"big":12345678901234567890123,"b":true,"l":["a","b","c"],"o":{"city":"Austin","state":"TX"},"s":"premium","null":null,"price":1.10}`},
		{name: "results of filters", template: `{"n":"{{ user.data.score | times: 2 }}","size":"{{ user.data.tags | size }}","l":"{{ 'a,b' | split: ',' }}",
			"sum":"{{ user.data.items | sum: 'n' }}","v":"{{ user.version | plus: 1 }}","r":"{{ (1..3) }}","big":"{{ user.data.big | default: 1 }}"}`,
			want: `{"n":5,"size":3,"l":["a","b"],"sum":3,"v":4,"r":[1,2,3],"big":12345678901234567890123}`},
		{name: "text", template: `{"n":" {{ user.data.score }}","t":"{% if user.data.active %}yes{% endif %}","a":"plain"}`,
			want: `{"n":" 2.5","t":"yes","a":"plain"}`},
		{name: "what is no string stays", template: `{"n":1.10,"b":false,"x":null,"big":12345678901234567890123,"e":{},"l":[]}`,
			want: `{"n":1.10,"b":false,"x":null,"big":12345678901234567890123,"e":{},"l":[]}`},
		{name: "deep", template: `{"a":{"b":["{{ user.data.plan }}",{"c":"{{ user.data.score }}"}]}}`, want: `{"a":{"b":["premium",{"c":2.5}]}}`},
		{name: "missing", template: `{"a":"{{ user.data.nope }}","b":"x{{ user.data.nope }}","c":["{{ user.data.nope }}"],"d":{"e":"{{ user.data.nope }}"},
			"f":"{{ user.data.nope | default: 0 }}"}`,
			want: `{"b":"x","c":[null],"f":0}`, missing: []string{"user.data.nope"}},
		{name: "all of an object missing", template: `{"address":{"city":"{{ journey.lookup.city }}","geo":{"lat":"{{ journey.lookup.lat }}"}},"e":{},"n":{"e":{}},
			"l":[{"x":"{{ journey.lookup.x }}"}],"some":{"city":"{{ journey.lookup.city }}","plan":"{{ user.data.plan }}"},"null":{"x":"{{ user.data.nothing }}"}}`,
			want:    `{"e":{},"n":{"e":{}},"l":[null],"some":{"plan":"premium"},"null":{"x":null}}`,
			missing: []string{"journey.lookup.city", "journey.lookup.lat", "journey.lookup.x"}},
		{name: "nothing found", template: `{"a":"{{ user.data.items | find: 'n', 99 }}","b":"{{ journey.orders | first }}","c":"{{ journey.orders | last }}"}`,
			want: `{}`, missing: []string{"journey.orders"}},
		{name: "keys stay", template: `{"{{ user.data.plan }}":"x"}`, want: `{"{{ user.data.plan }}":"x"}`},
		{name: "empty", template: `{}`, want: `{}`},
		{name: "bare output", template: `{"n": {{ user.data.score }}, "s":"{{ user.data.nope | default: "it's" }}", "l": [{{ user.data.plan }}, 1]}`,
			want: `{"n":2.5,"s":"it's","l":["premium",1]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.vars == "" {
				tt.vars = alice
			}
			template, err := liquid.ParseObject(tt.template)
			if err != nil {
				t.Fatal(err)
			}
			r := engine.New(vars(t, tt.vars), liquid.Options{Now: now})
			got, err := r.Update(template)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(vars(t, tt.want), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff(tt.missing, r.Missing()); diff != "" {
				t.Errorf("missing (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUpdateErrors(t *testing.T) {
	tests := []struct {
		name, template, pointer string
		kind                    error
	}{
		{"syntax", `{"a":{"b/c":["x","{{ x | nope }}"]}}`, "/a/b~1c/1", liquid.ErrSyntax},
		{"loop", `{"a":"{% for i in (1..1000000000) %}{% endfor %}"}`, "/a", liquid.ErrTooSlow},
		{"range", `{"a":"{{ (1..1000000000) }}"}`, "/a", liquid.ErrTooLarge},
		{"value", `{"a":"{{ 1 | divided_by: 0 }}"}`, "/a", liquid.ErrValue},
		{"no number", `{"a":"{{ 1e308 | times: 1e308 }}"}`, "/a", liquid.ErrValue},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			template, err := liquid.ParseObject(tt.template)
			if err != nil {
				t.Fatal(err)
			}
			_, err = engine.New(bulk(), liquid.Options{Time: liquid.DefaultTime / 10}).Update(template)
			e, ok := errors.AsType[*liquid.Error](err)
			if !ok || e.Pointer != tt.pointer || !errors.Is(err, tt.kind) {
				t.Errorf("got %v, want %v at %s", err, tt.kind, tt.pointer)
			}
		})
	}
}

func TestUpdateIsBounded(t *testing.T) {
	template := map[string]any{}
	for i := range 5000 {
		template[strings.Repeat("k", i%100)+string(rune('a'+i/100))] = "{{ user.data }}"
	}
	_, err := engine.New(bulk(), liquid.Options{}).Update(template)
	if !errors.Is(err, liquid.ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
	template = map[string]any{"a": strings.Repeat("x", liquid.MaxTemplate/2), "b": strings.Repeat("x", liquid.MaxTemplate/2+1)}
	if _, err := engine.New(nil, liquid.Options{}).Update(template); !errors.Is(err, liquid.ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
}

// FuzzUpdate proves that whatever the template and the values, what comes out is JSON with the keys of the template.
func FuzzUpdate(f *testing.F) {
	for _, template := range []string{specification, `{"n": {{ user.data.score }}, "s":"{{ x | default: "it's" }}"}`, `{"a":["{{ (1..3) }}"]}`, `{"a":"\"}`, `{{{`} {
		f.Add(template, `a "quoted" \ value`)
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		template, err := liquid.ParseObject(text)
		if err != nil {
			return
		}
		vars := map[string]any{"user": map[string]any{"data": map[string]any{"first_name": value, "score": json.Number("2.5")}}, "x": value}
		got, err := engine.New(vars, liquid.Options{Time: liquid.DefaultTime / 20}).Update(template)
		if e, ok := errors.AsType[*liquid.Error](err); ok {
			e.Within(text)
			return
		}
		if _, err := json.Marshal(got); err != nil {
			t.Error(err)
		}
		for key := range got {
			if _, ok := template[key]; !ok {
				t.Errorf("a new key: %q", key)
			}
		}
	})
}
