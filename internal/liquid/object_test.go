package liquid_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

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
	_, err := liquid.ParseObject("{\n  \"a\" \"b\"\n}")
	if want := `line 2, column 7: the template must be one JSON object, and is no JSON here, at "b"`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestParseObjectIsLinear reads the largest texts there may be, of the kinds in which most has to be looked for.
func TestParseObjectIsLinear(t *testing.T) {
	for _, piece := range []string{"x", "{", "{{ ", "{% ", `"{{ `, "{{ x }}", `"\`} {
		text := `{"a":` + strings.Repeat(piece, (liquid.MaxTemplate-10)/len(piece))
		took := time.Hour
		for range 3 { // others may be at work
			start := time.Now()
			_, _ = liquid.ParseObject(text) // none is JSON
			took = min(took, time.Since(start))
		}
		t.Logf("%q: %v", piece, took)
		if took > time.Second { // it is a few milliseconds where nobody else is at work
			t.Errorf("%q over and over takes %v", piece, took)
		}
	}
}
