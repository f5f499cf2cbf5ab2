package pattern_test

import (
	"encoding/json"
	"strings"
	"testing"

	"lunogram-users/internal/local/pattern"
)

func TestMatch(t *testing.T) {
	const event = `{"eventName":"MODIFY","n":3,"none":null,"tags":["a","b"],"dynamodb":{"Keys":{"pk":{"S":"USER#p#1"}}}}`
	var decoded any
	if err := json.Unmarshal([]byte(event), &decoded); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		pattern string
		want    bool
	}{
		{`{"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"USER#"}]}}}}`, true},
		{`{"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"LIST#"}]}}}}`, false},
		{`{"dynamodb":{"Keys":{"pk":{"S":[{"suffix":"#1"}]}}}}`, true},
		{`{"dynamodb":{"Keys":{"pk":{"N":[{"prefix":"USER#"}]}}}}`, false},
		{`{"eventName":["INSERT","MODIFY"]}`, true},
		{`{"eventName":["INSERT","REMOVE"]}`, false},
		{`{"eventName":["MODIFY"],"n":[4]}`, false},
		{`{"eventName":["MODIFY"],"n":[3]}`, true},
		{`{"none":[null]}`, true},
		{`{"nothing":[null]}`, false},
		{`{"tags":["b"]}`, true},
		{`{"tags":["c"]}`, false},
		{`{"nothing":[{"exists":false}]}`, true},
		{`{"nothing":[{"exists":true}]}`, false},
		{`{"n":[{"exists":true}]}`, true},
		{`{"a":{"b":[{"exists":false}]}}`, true},
		{`{"eventName":[{"anything-but":"REMOVE"}]}`, true},
		{`{"eventName":[{"anything-but":["REMOVE","MODIFY"]}]}`, false},
		{`{"nothing":[{"anything-but":"REMOVE"}]}`, false},
		{`{"eventName":[{"prefix":"X"},{"prefix":"MOD"}]}`, true},
		{`{"dynamodb":["x"]}`, false},
	} {
		p, err := pattern.Parse(test.pattern)
		if err != nil {
			t.Errorf("%s: %v", test.pattern, err)
			continue
		}
		if got := p.Match(decoded); got != test.want {
			t.Errorf("%s: got %t, want %t", test.pattern, got, test.want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, test := range []struct{ pattern, want string }{
		{`[`, "not a JSON object"},
		{`{}`, "empty object"},
		{`{"a":{}}`, "a: an empty object"},
		{`{"a":"b"}`, "a: want an object, or a list"},
		{`{"$or":[{"a":["b"]}]}`, "$or is not supported"},
		{`{"a":[{"numeric":["=",1]}]}`, "the operator numeric is not supported"},
		{`{"a":[{"prefix":1}]}`, "prefix does not take 1"},
		{`{"a":[{"anything-but":{"prefix":"x"}}]}`, "anything-but does not take"},
		{`{"a":[{"exists":"yes"}]}`, "exists does not take yes"},
		{`{"a":[{"prefix":"x","suffix":"y"}]}`, "one operator"},
	} {
		_, err := pattern.Parse(test.pattern)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got error %v, want one with %q", test.pattern, err, test.want)
		}
	}
}
