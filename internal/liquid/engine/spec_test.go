package engine_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/liquid"
	"lunogram-users/internal/liquid/engine"
)

// vars decodes variables as the API does.
func vars(t testing.TB, text string) map[string]any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

const alice = `{"user": {"id": "018f", "email": "alice@example.com", "version": 3, "data": {
	"first_name": "Alice", "last_name": "Smith", "plan": "premium", "company": "Acme Inc", "lifetime_value": 2500,
	"address": {"city": "Austin", "state": "TX"}, "tags": ["a", "b", "c"], "nothing": null, "active": true, "score": 2.5,
	"big": 12345678901234567890123, "price": 1.10, "items": [{"name": "x", "n": 2}, {"n": 1}], "html": "<script>\"'&"}},
	"journey": {"score_lookup": {"body": {"score": 42}}}}`

var now = time.Date(2026, 11, 28, 9, 5, 0, 0, time.UTC)

func TestRenderSpecification(t *testing.T) {
	const hi = `Hi
{{user.data.first_name}}, Thanks for being a
{{user.data.plan}}
member! {% if user.data.company %} We hope the team at
{{user.data.company}}
is enjoying Lunogram. {% endif %}`
	tests := []struct {
		name, template, want string
		missing              []string
	}{
		{"using custom data", hi, "Hi\nAlice, Thanks for being a\npremium\nmember!  We hope the team at\nAcme Inc\nis enjoying Lunogram. ", nil},
		{"using custom data, no company", strings.ReplaceAll(hi, "company", "employer"),
			"Hi\nAlice, Thanks for being a\npremium\nmember! ", nil},
		{"nested properties", "{{user.data.address.city}}, {{user.data.address.state}}", "Austin, TX", nil},
		{"nested properties, missing", "{{user.data.address.zip}}|{{user.data.home.city}}", "|",
			[]string{"user.data.address.zip", "user.data.home.city"}},
		{"only tags", "{% if user.data.active %}yes{% endif %}", "yes", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := engine.New(vars(t, alice), liquid.Options{Now: now})
			got, err := r.Render(tt.template, liquid.Text)
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if diff := cmp.Diff(tt.missing, r.Missing()); diff != "" {
				t.Errorf("missing (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRenderValues(t *testing.T) {
	tests := map[string]string{
		`{{ user.data.lifetime_value }}`:                                                                                        "2500",
		`{{ user.data.score }}`:                                                                                                 "2.5",
		`{{ user.data.big }}`:                                                                                                   "12345678901234567890123",
		`{{ user.data.price }}`:                                                                                                 "1.10",
		`{{ user.data.lifetime_value | plus: 0.1 | minus: 0.3 }}`:                                                               "2499.8",
		`{{ user.data.lifetime_value | divided_by: 3 }}`:                                                                        "833",
		`{{ user.data.lifetime_value | divided_by: 3.0 | round: 2 }}`:                                                           "833.33",
		`{% if user.data.lifetime_value > 1000 %}y{% endif %}`:                                                                  "y",
		`{% if 1000 < user.data.lifetime_value %}y{% endif %}`:                                                                  "y",
		`{% if user.data.score == 2.5 and 2.5 == user.data.score %}y{% endif %}`:                                                "y",
		`{% if user.data.big > 5 %}y{% endif %}`:                                                                                "y",
		`{% if "premium" == user.data.plan %}y{% endif %}`:                                                                      "y",
		`{% if user.data.plan == "premium" %}y{% else %}n{% endif %}`:                                                           "y",
		`{% if user.data.first_name > 5 %}y{% else %}n{% endif %}`:                                                              "n",
		`{% unless user.data.nothing %}n{% endunless %}`:                                                                        "n",
		`{% if user.data.gone == nil and user.data.gone == blank %}y{% endif %}`:                                                "y",
		`{% if user.data.company != blank %}y{% endif %}`:                                                                       "y",
		`{% if user.data.tags contains "b" %}y{% endif %}`:                                                                      "y",
		`{% if user.data.plan contains "rem" and "premium" contains "rem" %}y{% endif %}`:                                       "y",
		`{% if "premium plus" contains user.data.plan %}y{% endif %}`:                                                           "y",
		`{% case user.data.plan %}{% when "free", "premium" %}P{% else %}X{% endcase %}`:                                        "P",
		`{% case user.data.plan %}{% when "free" %}F{% else %}X{% endcase %}`:                                                   "X",
		`{% for t in user.data.tags %}{{ forloop.index }}{{ t }} {% endfor %}`:                                                  "1a 2b 3c ",
		`{% for t in user.data.tags reversed limit:2 offset:1 %}{{ t }}{% endfor %}`:                                            "cb",
		`{% for t in user.data.gone %}x{% else %}none{% endfor %}`:                                                              "none",
		`{% for i in (1..5) %}{% if i == 3 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{% endfor %}`: "124",
		`{% for p in user.data.address %}{{ p[0] }}={{ p[1] }};{% endfor %}`:                                                    "city=Austin;state=TX;",
		`{% for i in (1..3) %}{% cycle "a", "b" %}{% endfor %}`:                                                                 "aba",
		`{% tablerow i in (1..3) cols:2 %}{{ i }}{% endtablerow %}`:                                                             `<tr class="row1"><td class="col1">1</td><td class="col2">2</td></tr><tr class="row2"><td class="col1">3</td></tr>`,
		`{% assign x = user.data.tags | join: "-" %}{{ x | upcase }}`:                                                           "A-B-C",
		`{% capture x %}[{{ user.data.plan }}]{% endcapture %}{{ x }}`:                                                          "[premium]",
		`{% raw %}{{ user }}{% endraw %}`:                                                                                       "{{ user }}",
		`a{% comment %}{% if %}{{ x | nope }}{% endcomment %}b{% # note's %}`:                                                   "ab",
		"a  {{- 1 -}}  b":                                          "a1b",
		"{{ user.data.plan\n  | upcase }}":                         "PREMIUM",
		`{{ user.data.nothing }}{{ nil }}{{ gone.with.the.wind }}`: "",
		`{{ user.data.first_name | default: "you" }}{{ user.data.gone | default: "you" }}`: "Aliceyou",
		`{{ user.data.address }}`: `{"city":"Austin","state":"TX"}`,
		`{{ user.data.tags }}`:    "abc",
		`{{ user.data.tags[0] }}{{ user.data.tags[-1] }}{{ user.data["plan"] }}`:                                         "acpremium",
		`{{ user.data.tags.size }}{{ user.data.tags.first }}{{ user.data.tags | size }}`:                                 "3a3",
		`{{ user.data.items | map: "n" | sort | join }}`:                                                                 "1 2",
		`{{ user.data.items | sort: "n" | map: "n" | join: "," }}`:                                                       "1,2",
		`{{ user.data.items | where: "n", 2 | size }}{{ user.data.items | where: "name" | size }}`:                       "11",
		`{{ user.data.items | sum: "n" }}`:                                                                               "3",
		`{{ "now" | date: "%Y-%m-%d %H:%M" }}`:                                                                           "2026-11-28 09:05",
		`{{ "2024-02-29T10:00:00Z" | date: "%e %B %Y" }}`:                                                                "29 February 2024",
		`{{ user.data.plan | date: "%Y" }}{{ user.data.gone | date: "%Y" }}`:                                             "premium",
		`{{ user.data.plan | slice: 0, 4 }}{{ user.data.plan | truncate: 5 }}`:                                           "prempr...",
		`{{ "a,b,,c,," | split: "," | size }}{{ "a b" | split: " " | last }}`:                                            "4b",
		`{{ "x" | append: "y" | prepend: "z" | replace: "y", "w" | capitalize }}`:                                        "Zxw",
		`{{ "Hello, World!" | handleize }}`:                                                                              "hello-world",
		`{{ 1 | pluralize: "item", "items" }}`:                                                                           "item",
		`{{ "a<b>c</b>" | strip_html }}`:                                                                                 "ac",
		`{{ user.data.html | json }}`:                                                                                    `"<script>\"'&"`,
		`{{ "b,a,b" | split: "," | uniq | sort | reverse | join: "" }}`:                                                  "ba",
		`{{ -7 | modulo: 3 }} {{ -7 | divided_by: 2 }} {{ 2.5 | round }} {{ 2.4 | ceil }}`:                               "2 -4 3 3",
		`{{ false | default: "x", allow_false: true }}{{ false | default: "y" }}`:                                        "falsey",
		`{% assign n = 3 %}{% for i in (1..n) %}{{ i }}{% endfor %}`:                                                     "123",
		`{% if user.data.tags[0] == "a" and user.data.items[1].n == 1 %}y{% endif %}`:                                    "y",
		`{% if nil == user.data.gone or user.data.gone != nil %}y{% else %}n{% endif %}`:                                 "y",
		`{% if true or false and false %}y{% else %}n{% endif %}{% if false and false or true %}y{% else %}n{% endif %}`: "yn",
		`{% if (false and false) or true %}y{% endif %}`:                                                                 "y",
		`{% if user.data.plan contains user.data.nope %}y{% else %}n{% endif %}{% if user.data.plan contains nil or "x" contains blank %}y{% else %}n{% endif %}`: "nn",
		`{{ user.data.big | plus: 1 }} {{ user.data.big | times: 10 | minus: user.data.big }} {{ user.data.big | divided_by: 10 }}`:                               "12345678901234567890124 111111110111111111011107 1234567890123456789012",
		`{{ user.data.big | modulo: 10 }} {{ user.data.big | abs }} {{ "12345678901234567890.75" | round: 1 }} {{ "-12345678901234567890.5" | floor }}`:           "3 12345678901234567890123 12345678901234567890.8 -12345678901234567891",
		`{{ 99999999999999999999 }} {{ 1e3 | plus: 0 }} {{ 0.1 | plus: 0.2 }} {{ 1 | divided_by: 3.0 }} {{ 12345678901234567890 | divided_by: 7.0 }}`:             "99999999999999999999 1000 0.3 0.333333333333333 1763668414462081127",
		`{{ 2.5 | times: 2 | divided_by: 2 }} {{ 1.5 | plus: 1.5 | json }} {{ 5.0 | at_least: 7 }}`:                                                               "2.5 3 7",
		`{% if 12345678901234567890 < 12345678901234567891 and 9007199254740993 > 9007199254740992.0 %}y{% endif %}`:                                              "y",
		`{% assign n = "2" %}{% for i in (1..n) %}{{ i }}{% endfor %}{% for t in user.data.tags limit: n, offset: "1" %}{{ t }}{% endfor %}`:                      "12bc",
		`{% for i in (1..2) %}{% for j in (1..2) %}{{ forloop.parentloop.index }}{{ forloop.index }} {% endfor %}{% endfor %}`:                                    "11 12 21 22 ",
		`{% tablerow i in (1..3) cols: 2 %}{{ tablerowloop.col }}{{ tablerowloop.row }}{{ tablerowloop.col_last }}{% endtablerow %}`:                              `<tr class="row1"><td class="col1">11false</td><td class="col2">21true</td></tr><tr class="row2"><td class="col1">12true</td></tr>`,
		`{% for i in (1..3) %}{% cycle user.data.plan, 1, "<b>" %}{% endfor %}{% for i in (1..3) %}{% cycle "g": i, "x" %}{% endfor %}`:                           "premium1<b>1x3",
		`{% echo user.data.plan | upcase %}{% increment n %}{% increment n %}{{ n }}{% decrement m %}{% decrement m %}`:                                           "PREMIUM012-1-2",
		`{% capture 'x' %}a{% endcapture %}{{ x }}{% comment %}{% comment %}b{% endcomment %}c{% endcomment %}d`:                                                  "ad",
		`{% assign o = user.data.items | find: "n", 2 %}{{ o.name }}{{ user.data.items | reject: "n", 2 | size }}`:                                                "x1",
		"{%\u00a0if\u00a0user.data.plan\u00a0==\u00a0\"premium\"\u00a0%}{{\u00a0user.data.plan\u200b}}{%\u00a0endif\u00a0%}":                                      "premium",
		`{{ (user.data.nope or user.data.plan) }}{% if 1 <> 2 %}y{% endif %}`:                                                                                     "truey",
		`{{ 9223372036854775807 | plus: 1 }}`:                                                                                 "9223372036854775808",
		`{% if nil == user.data.gone and nil == user.data.nothing %}y{% endif %}`:                                             "y",
		`{% if nil != user.data.nothing or user.data.gone != nil %}y{% else %}n{% endif %}`:                                   "n",
		`{% capture x %}abc{% endcapture %}{% if "abc" == x and x == "abc" and "abc" <= x %}y{% endif %}`:                     "y",
		`{% capture x %}b{% endcapture %}{% if "abc" contains x and "abc" < x %}y{% endif %}`:                                 "y",
		`{% if blank == "" and empty == user.data.gone %}y{% else %}n{% endif %}`:                                             "n",
		`{% if true == user.data.active and false != user.data.gone %}y{% endif %}`:                                           "y",
		`{% if (1 == 1) == user.data.active and user.data.active == (1 == 1) %}y{% endif %}`:                                  "y",
		`{{ "a\"b\\n\q" }}{{ 'c\n' }}{{ "é" }}{{ nil }}{{ true }}{{ -1.50 }}{{ 007 }}`:                                        "a\"b\\n\\qc\\nétrue-1.507",
		`{{ user.data.tags[0]}}{{ user.data.tags[ -1 ] }}{{ "abc".size }}{{1|plus:-2}}`:                                       "ac3-1",
		`{{ 12345678901234567890123 }}{{ 0012345678901234567890.5 }}`:                                                         "1234567890123456789012312345678901234567890.5",
		`{{ user.data.big | append: "|" | append: 12345678901234567890124 }}`:                                                 "12345678901234567890123|12345678901234567890124",
		`{% if 12345678901234567890124 == user.data.big or user.data.big > 12345678901234567890123 %}y{% else %}n{% endif %}`: "n",
	}
	for template, want := range tests {
		got, err := engine.New(vars(t, alice), liquid.Options{Now: now}).Render(template, liquid.Text)
		if err != nil || got != want {
			t.Errorf("%s: got %q, %v; want %q", template, got, err, want)
		}
	}
}

func TestErrorsKeepValuesToThemselves(t *testing.T) {
	v := map[string]any{"user": map[string]any{"secret": "hunter2"}}
	for _, template := range []string{
		`{% for i in (1..user.secret) %}{% endfor %}`, `{% for i in user limit: user.secret %}{% endfor %}`,
		`{{ user.secret | divided_by: user.secret }}`, `{{ user.secret | date: "%999999d" }}{{ "now" | date: "%999d" }}`,
		`{% for i in ("hunter2"..3) %}{% endfor %}`,
	} {
		_, err := engine.New(v, liquid.Options{Now: now}).Render(template, liquid.Text)
		if !errors.Is(err, liquid.ErrValue) {
			t.Errorf("%s: got %v, want ErrValue", template, err)
			continue
		}
		var e *liquid.Error
		if errors.As(err, &e) && strings.Contains(e.Message, "hunter2") {
			t.Errorf("%s: the error tells a value: %v", template, err)
		}
	}
}
