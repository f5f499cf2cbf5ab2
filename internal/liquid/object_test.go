package liquid_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/liquid"
)

func TestParseObject(t *testing.T) {
	tests := []struct {
		text string
		want map[string]any
	}{
		{`{"a":"{{ x }}","n":1.10}`, map[string]any{"a": "{{ x }}", "n": json.Number("1.10")}},
		{` {} `, map[string]any{}},
		{`{"a": {{ x }}, "b": [{{ y | default: "\"" }}, "z"]}`, map[string]any{"a": "{{ x }}", "b": []any{`{{ y | default: "\"" }}`, "z"}}},
		{`{"a":"x {{ y | default: "it's" }} {% if z == "q" %}w{% endif %}"}`,
			map[string]any{"a": `x {{ y | default: "it's" }} {% if z == "q" %}w{% endif %}`}},
		{"{\"a\":\"{{ x\n| upcase }} \\\" {{ \"y\" }}\"}", map[string]any{"a": "{{ x\n| upcase }} \" {{ \"y\" }}"}},
	}
	for _, tt := range tests {
		got, err := liquid.ParseObject(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.text, diff)
		}
	}
}

func TestParseObjectErrors(t *testing.T) {
	for _, text := range []string{``, `[]`, `null`, `"x"`, `{"a":1}x`, `{"a":`, `{"a":{{ x }`, `{"a" "b"}`, strings.Repeat(" ", liquid.MaxTemplate+1)} {
		_, err := liquid.ParseObject(text)
		if !errors.Is(err, liquid.ErrSyntax) && !errors.Is(err, liquid.ErrTooLarge) {
			t.Errorf("%.20q: got %v, want ErrSyntax", text, err)
		}
	}
	for text, want := range map[string]string{
		`{`:                            `line 1, column 2: the template must be one JSON object, and ends too early`,
		` 5`:                           `line 1, column 2: the template must be one JSON object, at 5`,
		"{\"a\":1}\n junk":             `line 2, column 2: the template must be one JSON object, and is no JSON here, at junk`,
		`{"a":{{ x | f: "y" }},"b":x}`: `line 1, column 27: the template must be one JSON object, and is no JSON here, at x}`,
		``:                             `line 1, column 1: the template must be one JSON object, and ends too early`,
		`null`:                         `line 1, column 1: the template must be one JSON object, at null`,
	} {
		if _, err := liquid.ParseObject(text); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
	_, err := liquid.ParseObject("{\n  \"a\" \"b\"\n}")
	if want := `line 2, column 7: the template must be one JSON object, and is no JSON here, at "b"`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestErrorWithin(t *testing.T) {
	tests := []struct {
		text, pointer, leaf string
		offset              int
		line, column        int
	}{
		{"{\n  \"a\": \"{{ x }}\"}", "/a", "{{ x }}", 0, 2, 9},
		{`{"o":{"a/b":["x", "y {{ z }}"]}}`, "/o/a~1b/1", "y {{ z }}", 2, 1, 22},
		{`{"a":"\u00e9\n\"{{ z }}"}`, "/a", "é\n\"{{ z }}", 4, 1, 17},
		{`{"n":{{ x | f: "y" }},"a":{{ z | f: "y" }}}`, "/a", `{{ z | f: "y" }}`, 0, 1, 27},
		{`{"a":"{{ x","b":["y }}"]}`, "/b/0", "y }}", 2, 1, 21},
		{`{"a":"x {{ y | f: "q" }} {{ z }}"}`, "/a", `x {{ y | f: "q" }} {{ z }}`, 19, 1, 26},
	}
	for _, tt := range tests {
		e := &liquid.Error{Pointer: tt.pointer}
		e.At(tt.leaf, tt.offset)
		e.Within(tt.text)
		if e.Line != tt.line || e.Column != tt.column {
			t.Errorf("%s: line %d, column %d, want %d, %d", tt.text, e.Line, e.Column, tt.line, tt.column)
		}
	}
}

// BenchmarkParseObject reads the largest texts there may be, of the kinds in which most has to be looked for.
func BenchmarkParseObject(b *testing.B) {
	for _, piece := range []string{"x", "{", "{{ ", "{% ", `"{{ `, "{{ x }}", `"\`} {
		text := `{"a":` + strings.Repeat(piece, (liquid.MaxTemplate-10)/len(piece))
		b.Run(piece, func(b *testing.B) {
			for b.Loop() {
				_, _ = liquid.ParseObject(text) // none is JSON
			}
		})
	}
}
