package engine_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/liquid"
	"lunogram-users/internal/liquid/engine"
)

func TestEscape(t *testing.T) {
	v := vars(t, `{"name": "<script>alert('x')</script>", "quote": "\" onclick=\"x", "lines": "a\nb<", "url": "https://x.example/?a=1&b=2",
		"list": ["<", ">"], "object": {"k": "<"}, "n": 5}`)
	tests := []struct {
		name     string
		escape   liquid.Escape
		template string
		want     string
	}{
		{"html text", liquid.HTML, `<b>{{ name }}</b>`, `<b>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;</b>`},
		{"html attribute", liquid.HTML, `<a title="{{ quote }}" href="{{ url }}">`,
			`<a title="&#34; onclick=&#34;x" href="https://x.example/?a=1&amp;b=2">`},
		{"html after a filter", liquid.HTML, `{{ name | slice: 0, 1 }}{{ list | join: "<br>" }}`, `&lt;&lt;&lt;br&gt;&gt;`},
		{"html list and object", liquid.HTML, `{{ list }}{{ object }}`, `&lt;&gt;{&#34;k&#34;:&#34;&lt;&#34;}`},
		{"html of a capture, once", liquid.HTML, `{% capture x %}<b>{{ name | slice: 0 }}</b>{% endcapture %}{{ x }}`, `<b>&lt;</b>`},
		{"html of a capture, changed", liquid.HTML, `{% capture x %}<b>{% endcapture %}{{ x | upcase }}`, `&lt;B&gt;`},
		{"escape is not done twice", liquid.HTML, `{{ list | first | escape }}`, `&lt;`},
		{"escape, changed", liquid.HTML, `{{ list | first | escape | append: "<" }}`, `&amp;lt;&lt;`},
		{"escape_once", liquid.HTML, `{{ "&lt;<" | escape_once }}`, `&lt;&lt;`},
		{"newline_to_br", liquid.HTML, `{{ lines | newline_to_br }}`, "a<br />\nb&lt;"},
		{"assigned markup", liquid.HTML, `{% assign x = name | slice: 0 | escape %}{{ x }}{% if x == "&lt;" %}same{% endif %}`, `&lt;same`},
		{"no filter is raw", liquid.HTML, `{{ object | json }}`, `{&#34;k&#34;:&#34;&lt;&#34;}`},
		{"text", liquid.Text, `{{ name }}{{ url }}{{ list | first | escape }}`, `<script>alert('x')</script>https://x.example/?a=1&b=2&lt;`},
		{"json", liquid.JSON, `{"a":"{{ quote }}","b":"{{ lines }}","n":{{ n }}}`, `{"a":"\" onclick=\"x","b":"a\nb<","n":5}`},
		{"json of an object", liquid.JSON, `{"o":"{{ object }}","l":[{{ n }},{{ n | append: "0" }}]}`, `{"o":"{\"k\":\"<\"}","l":[5,50]}`},
		{"json of markup", liquid.JSON, `{"a":"{{ quote | escape }}{{ lines | newline_to_br }}"}`, `{"a":"&#34; onclick=&#34;xa<br />\nb<"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := engine.New(v, liquid.Options{}).Render(tt.template, tt.escape)
			if err != nil || got != tt.want {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
			if tt.escape == liquid.JSON && !json.Valid([]byte(got)) {
				t.Errorf("%s is no JSON", got)
			}
		})
	}
}

func TestMissing(t *testing.T) {
	tests := []struct {
		template string
		want     []string
	}{
		{`{{ user.data.first_name }} {{ user.data.plan | upcase }}`, nil},
		{`{{ user.data.nope }}{{ user.nope }}{{ usr.data.plan }}{{ nope }}`, []string{"nope", "user.data.nope", "user.nope", "usr.data.plan"}},
		{`{{ user.data.nothing }}`, []string{"user.data.nothing"}},
		{`{{ user.data.address.zip.code }}{{ user.data.plan.x }}`, []string{"user.data.address.zip.code", "user.data.plan.x"}},
		{`{{ user["data"]["nope"] }}{{ user.data.tags[7] }}`, []string{"user.data.nope", "user.data.tags[7]"}},
		{`{{ journey.score_lookup.body.rank }}`, []string{"journey.score_lookup.body.rank"}},
		{`{{ user.data.nope | upcase }}{{ "x" | append: user.data.other }}`, []string{"user.data.nope", "user.data.other"}},
		{`{{ user.data.nope | default: "x" }}{{ user.data.nothing | default: "y" | upcase }}`, nil},
		{`{{ user.data.nope | default: user.data.other }}`, []string{"user.data.other"}},
		{`{% if user.data.nope %}{{ user.data.other }}{% endif %}`, nil},
		{`{% unless user.data.nope == "x" %}{{ user.data.other }}{% endunless %}`, []string{"user.data.other"}},
		{`{% case user.data.nope %}{% when user.data.nope2 %}{{ user.data.other }}{% endcase %}`, []string{"user.data.other"}},
		{`{% case user.data.nope %}{% when "a" %}{{ user.data.other }}{% endcase %}`, nil},
		{`{% assign x = user.data.plan %}{{ x }}{% assign y = "z" %}{{ y }}`, nil},
		{`{% assign x = user.data.nope %}`, nil},
		{`{% assign x = user.data.nope %}{{ x }}`, []string{"user.data.nope"}},
		{`{% assign x = user.data.address %}{{ x.city }}{{ x.zip }}`, []string{"user.data.address.zip"}},
		{`{% capture x %}a{% endcapture %}{{ x }}`, nil},
		{`{% for t in user.data.tags %}{{ t }}{{ forloop.index }}{% endfor %}`, nil},
		{`{% for i in user.data.items %}{{ i.name }}{% endfor %}`, []string{"user.data.items[1].name"}},
		{`{{ user.data["first name"] }}{{ user.data[user.data.plan] }}`, []string{"user.data.first name", "user.data[…]"}},
		{`{{ user[user.data.email] }}{{ user.data.tags[user.version].x }}`, []string{"user.data.tags[…].x", "user[…]"}}, // may be personal
		{`{% assign k = "nope" %}{{ user.data[k] }}{{ user.data.tags[k] }}{{ user.data[nope] }}`, []string{"user.data.nope", "user.data.tags.nope", "user.data[…]"}},
		{`{% for i in (1..100) %}{% assign x = x.y %}{% endfor %}{{ x }}`, nil},
		{`{% for t in user.data.nope %}{{ t.name }}{% endfor %}`, nil},
		{`{% for t in user.data.tags %}{% endfor %}{{ t }}`, []string{"t"}},
		{`{{ user.data.tags.first }}{{ user.data.tags | last }}{{ user.data.nope.size }}`, []string{"user.data.nope.size"}},
		{`{{ user.data.items | map: "name" | join }}`, nil},
		{`{% assign all = user.data.items | sort: "n" %}{% for o in all %}{{ o.nmae }}{{ o.n }}{% endfor %}`, []string{"all[0].nmae", "all[1].nmae"}},
		{`{% for o in user.data.items | where: "n", 2 %}{{ o.nmae }}{{ o.n }}{{ forloop.idx }}{% endfor %}`, []string{"forloop.idx", "o.nmae"}},
		{`{% for n in user.data.items | map: "name" %}[{{ n }}]{% endfor %}`, []string{"n"}},
		{`{% assign o = user.data.items | where: "n", 2 | first %}{{ o.nmae }}{{ o.n }}`, []string{"o.nmae"}},
		{`{% for i in (1..user.data.nope) %}{{ i }}{% endfor %}`, []string{"user.data.nope"}},
		{`{% for i in user.data.tags limit: user.data.nope offset: user.data.nope2 %}{{ i }}{% endfor %}`, []string{"user.data.nope", "user.data.nope2"}},
		{`{% assign x = nil %}{{ x }}`, nil},
		{`{{ nil }}{{ "a" | split: "," | last }}{{ "" | split: "," | first }}{{ blank }}`, nil},
	}
	for _, tt := range tests {
		r := engine.New(vars(t, alice), liquid.Options{Now: now})
		if _, err := r.Render(tt.template, liquid.Text); err != nil {
			t.Errorf("%s: %v", tt.template, err)
		}
		if diff := cmp.Diff(tt.want, r.Missing()); diff != "" {
			t.Errorf("%s: missing (-want +got):\n%s", tt.template, diff)
		}
	}
}

func TestSyntaxErrors(t *testing.T) {
	tests := []struct{ template, want string }{
		{"{{ user.data.name | upcaes }}", `line 1, column 1: there is no filter "upcaes", at {{ user.data.name | upcaes }}`},
		{"Hi\n\nyou {{ user. }} there\nx", `line 3, column 5: something is missing at the end, at {{ user. }} there`},
		{"é {{ }}", `line 1, column 3: an expression is missing, at {{ }}`},
		{"{{ user.data.name", `line 1, column 1: this is not closed, or longer than 4 KB, at {{ user.data.name`},
		{"{{ user's }}", `line 1, column 1: a quotation mark in this is not closed, at {{ user's }}`},
		{"{% if x %}\n{{ y }}", `line 2, column 8: the template ends before {% endif %}`},
		{"{% if x %}{% endfor %}", `line 1, column 11: this tag is unknown or not allowed here, at {% endfor %}`},
		{"{% else %}", `line 1, column 1: this tag is unknown or not allowed here, at {% else %}`},
		{`{% include "/etc/passwd" %}`, `line 1, column 1: this tag is unknown or not allowed here, at {% include "/etc/passwd" %}`},
		{`{% render "x" %}`, `line 1, column 1: this tag is unknown or not allowed here, at {% render "x" %}`},
		{"{% comment %}", `line 1, column 1: the tag "comment" is not closed, at {% comment %}`},
		{"{% for x user %}{% endfor %}", `line 1, column 1: "user" cannot be read, at {% for x user %}{% endfor %}`},
		{"{% for x in y cols %}{% endfor %}", `line 1, column 1: "cols" cannot be read, at {% for x in y cols %}{% endfor %}`},
		{"{% assign user.name = 1 %}", `line 1, column 1: assign sets a plain name, without a dot, at {% assign user.name = 1 %}`},
		{"{% assign x %}", `line 1, column 1: assign needs a name, = and a value, at {% assign x %}`},
		{"{% capture x y %}{% endcapture %}", `line 1, column 1: capture needs one plain name, at {% capture x y %}{% endcapture %}`},
		{"{% cycle %}", `line 1, column 1: something is missing at the end, at {% cycle %}`},
		{"{{ %assign x = 1 }}", `line 1, column 1: "%assign x = 1" cannot be read: use the filter modulo, at {{ %assign x = 1 }}`},
		{"{{ x | }}{{ y }}", `line 1, column 1: something is missing at the end, at {{ x | }}{{ y }}`},
		{"{% if a = 'b' %}{% endif %}", `line 1, column 1: "= 'b'" cannot be read: write == to compare, at {% if a = 'b' %}{% endif %}`},
		{"{% if a && b %}", `line 1, column 1: "&& b" cannot be read: write and, at {% if a && b %}`},
		{"{% if a || b %}", `line 1, column 1: "|| b" cannot be read: write or, at {% if a || b %}`},
		{"{% if not a %}", `line 1, column 1: "a" cannot be read: there is no "not"; write != or unless, at {% if not a %}`},
		{"{% if !a %}", `line 1, column 1: "!a" cannot be read: write != or unless, at {% if !a %}`},
		{"{{ a | default 'x' }}", `line 1, column 1: "'x'" cannot be read: write a colon after default, at {{ a | default 'x' }}`},
		{"{{ a + 1 }}", `line 1, column 1: "+ 1" cannot be read: use the filter plus, at {{ a + 1 }}`},
		{"{{ a | size > 1 }}", `line 1, column 1: "> 1" cannot be read: assign the result of a filter to a name, and compare that, at {{ a | size > 1 }}`},
		{"{% if a == b | upcase %}", `line 1, column 1: "| upcase" cannot be read: assign the result of a filter to a name first, at {% if a == b | upcase %}`},
		{"{{ a | default: “x” }}", `line 1, column 1: "“x”" cannot be read: write straight quotation marks, " or ', at {{ a | default: “x” }}`},
		{"{% if a &gt; 5 %}", `line 1, column 1: "&gt; 5" cannot be read: &gt; is HTML for ">"; write the character itself, at {% if a &gt; 5 %}`},
		{"{{ a | default: &quot;x&quot; }}", `line 1, column 1: "&quot;x&quot;" cannot be read: &quot; is HTML for "\""; write the character itself, at {{ a | default: &quot;x&quot; }}`},
		{"{{ a.2fa }}", `line 1, column 1: "2fa" cannot be read: write a key that is no word as ["key"], at {{ a.2fa }}`},
		{"{{ a or b }}", `line 1, column 1: "or" makes true or false, and not one of the values: use the filter default or an if, or put parentheses around it, at {{ a or b }}`},
		{"{% for x in y lmit: 2 %}", `line 1, column 1: a loop has no option "lmit", only limit, offset, cols and reversed, at {% for x in y lmit: 2 %}`},
		{"{% if a %}{% else if b %}{% endif %}", `line 1, column 11: in place of else if, write elsif, at {% else if b %}{% endif %}`},
		{"{% if a %}{% elseif b %}{% endif %}", `line 1, column 11: there is no tag "elseif"; write elsif, at {% elseif b %}{% endif %}`},
		{"{% if a %}{% endif a %}", `line 1, column 11: the tag "endif" takes nothing, and "a" follows it, at {% endif a %}`},
		{"{% break if a %}", `line 1, column 1: the tag "break" takes nothing, and "if a" follows it, at {% break if a %}`},
		{"{% %}", `line 1, column 1: this tag is unknown or not allowed here, at {% %}`},
		{"{% if false %}{{ x | nope }}{% endif %}", `line 1, column 15: there is no filter "nope", at {{ x | nope }}{% endif %}`},
	}
	for _, tt := range tests {
		_, err := engine.New(nil, liquid.Options{}).Render(tt.template, liquid.Text)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s:\n got %v\nwant %s", tt.template, err, tt.want)
		} else if !errors.Is(err, liquid.ErrSyntax) {
			t.Errorf("%s: not a syntax error", tt.template)
		}
	}
}

// TestNoJSONInJSON proves that what would silently break a JSON part is refused.
func TestNoJSONInJSON(t *testing.T) {
	_, err := engine.New(nil, liquid.Options{}).Render(`{"o": {{ user.data.o | json }}}`, liquid.JSON)
	if !errors.Is(err, liquid.ErrSyntax) || !strings.Contains(err.Error(), "quotes") {
		t.Errorf("got %v, want a syntax error that says why", err)
	}
}

// FuzzRender proves that no template panics, runs past its time, or prints what is no text.
func FuzzRender(f *testing.F) {
	for _, template := range bombs() {
		if len(template) < 1000 {
			f.Add(template)
		}
	}
	for _, template := range []string{`{{ a.b[0] | f: 1, x: 2 }}`, `{% for i in (1..3) reversed limit:2 offset:1 %}{{ i }}{% else %}{% endfor %}`,
		`{%- raw -%}x{%- endraw -%}`, `{% case x %}{% when 1, 2 or 3 %}{% endcase %}`, `{% cycle "g": "a", "b" %}{% break %}`,
		`{% tablerow i in user cols:2 %}{% endtablerow %}`, `{# {{ "\"" | append: '"' }} #}`, `{{ (1..user) | slice: -1, user }}`} {
		f.Add(template)
	}
	v := vars(f, alice)
	f.Fuzz(func(t *testing.T, template string) {
		for _, escape := range []liquid.Escape{liquid.HTML, liquid.Text, liquid.JSON} {
			r := engine.New(v, liquid.Options{Now: now, Time: liquid.DefaultTime / 100})
			got, err := r.Render(template, escape)
			if err != nil && err.Error() == "" {
				t.Error("an error without a text")
			}
			if len(got) > liquid.MaxOutput {
				t.Errorf("%d bytes", len(got))
			}
			if escape == liquid.JSON && utf8.ValidString(template) && !utf8.ValidString(got) {
				t.Errorf("no UTF-8: %q", got)
			}
		}
	})
}

func BenchmarkRender(b *testing.B) {
	const template = `Hi {{user.data.first_name}}, Thanks for being a {{user.data.plan}} member!
{% if user.data.company %} We hope the team at {{user.data.company}} is enjoying Lunogram. {% endif %}`
	v := vars(b, alice)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := engine.New(v, liquid.Options{Now: now}).Render(template, liquid.HTML); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRenderLarge(b *testing.B) {
	template := strings.Repeat(`<p>{{ user.data.first_name | upcase }} {% for t in user.data.tags %}{{ t }}{% endfor %}</p>`, 500)
	v := vars(b, alice)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := engine.New(v, liquid.Options{Now: now}).Render(template, liquid.HTML); err != nil {
			b.Fatal(err)
		}
	}
}
