package user_test

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/user"
)

func sent(source, id string) user.Sent {
	return user.Sent{Pair: user.Pair{Source: source, ExternalID: id}}
}

// pointers returns the sorted pointers of an *InvalidError.
func pointers(t *testing.T, err error) []string {
	t.Helper()
	invalid, ok := errors.AsType[*user.InvalidError](err)
	if !ok {
		t.Fatalf("error %v, want an InvalidError", err)
	}
	found := make(map[string]bool)
	for _, f := range invalid.Fields {
		found[f.Pointer] = true
	}
	return slices.Sorted(maps.Keys(found))
}

func TestNormalizeReportsEveryFault(t *testing.T) {
	number := func(s string) any { return json.Number(s) }
	nested := func(levels int) map[string]any {
		m := map[string]any{}
		for range levels - 1 {
			m = map[string]any{"x": m}
		}
		return m
	}
	tests := []struct {
		name string
		req  user.Upsert
		want []string
	}{
		{"no identifier", user.Upsert{}, []string{"/identifier"}},
		{"placeholders", user.Upsert{Identifiers: []user.Sent{
			sent("", "a"), sent("", ""), sent("", "null"), sent("", "Undefined"), sent("", " NaN "),
			sent("", "[object Object]"), sent("", "none"), sent("", "0"), sent("", "true"), sent("", "zero"),
		}}, []string{
			"/identifier/1/external_id", "/identifier/2/external_id", "/identifier/3/external_id", "/identifier/4/external_id",
			"/identifier/5/external_id", "/identifier/6/external_id", "/identifier/7/external_id", "/identifier/8/external_id",
		}},
		{"long parts", user.Upsert{Identifiers: []user.Sent{sent(strings.Repeat("é", 256), strings.Repeat("é", 256))}},
			[]string{"/identifier/0/external_id", "/identifier/0/source"}},
		{"wide characters", user.Upsert{Identifiers: []user.Sent{sent("crm", strings.Repeat("🦊", 129))}},
			[]string{"/identifier/0/external_id"}},
		{"contact fields", user.Upsert{Identifiers: []user.Sent{sent("", "a")}, Patch: user.Patch{
			Email: new("x"), Phone: new("0555"), Timezone: new("x"), Locale: new("?"),
		}}, []string{"/email", "/locale", "/phone", "/timezone"}},
		{"data", user.Upsert{Identifiers: []user.Sent{sent("", "a")}, Patch: user.Patch{Data: map[string]any{
			"": "x", "ok": number("1"), "a/b": []any{"x", number("1e999")}, "utf8": "\xff", "long": number("123456789012345678901234567890123456789"),
		}}}, []string{"/data/", "/data/a~1b/1", "/data/long", "/data/utf8"}},
		{"depth", user.Upsert{Identifiers: []user.Sent{sent("", "a")}, Patch: user.Patch{Data: map[string]any{"x": nested(30)}}},
			[]string{"/data" + strings.Repeat("/x", 30)}},
		{"depth of metadata", user.Upsert{Identifiers: []user.Sent{{Pair: user.Pair{ExternalID: "a"}, Metadata: nested(29)}}},
			[]string{"/identifier/0/metadata" + strings.Repeat("/x", 28)}},
		{"size", user.Upsert{Identifiers: []user.Sent{sent("", "a")}, Patch: user.Patch{Data: map[string]any{"x": strings.Repeat("x", 401<<10)}}},
			[]string{"/data"}},
		{"metadata", user.Upsert{Identifiers: []user.Sent{{Pair: user.Pair{ExternalID: "a"}, Metadata: map[string]any{"n": number("1e200")}}}},
			[]string{"/identifier/0/metadata/n"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, pointers(t, tt.req.Normalize())); diff != "" {
				t.Errorf("pointers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNormalizeBoundsIdentifiers(t *testing.T) {
	for source, limit := range map[string]int{"crm": user.MaxIdentifiers, user.AnonymousSource: user.MaxAnonymous} {
		req := user.Upsert{}
		for i := range limit + 1 {
			req.Identifiers = append(req.Identifiers, sent(source, "x"+strings.Repeat("x", i)))
		}
		if diff := cmp.Diff([]string{"/identifier"}, pointers(t, req.Normalize())); diff != "" {
			t.Errorf("%d of %s (-want +got):\n%s", limit+1, source, diff)
		}
		req.Identifiers = req.Identifiers[:limit]
		if err := req.Normalize(); err != nil {
			t.Errorf("%d of %s: %v", limit, source, err)
		}
	}
}

func TestNormalizeMakesCanonical(t *testing.T) {
	req := user.Upsert{
		Identifiers: []user.Sent{
			{Pair: user.Pair{ExternalID: "a"}, Metadata: map[string]any{"x": "1", "y": "1"}},
			{Pair: user.Pair{Source: "default", ExternalID: "a"}, Metadata: map[string]any{"y": "2"}},
			sent("default", "A"),
		},
		Patch: user.Patch{Locale: new("es_mx"), Email: new("")},
	}
	if err := req.Normalize(); err != nil {
		t.Fatal(err)
	}
	want := user.Upsert{
		Identifiers: []user.Sent{
			{Pair: user.Pair{Source: "default", ExternalID: "a"}, Metadata: map[string]any{"x": "1", "y": "2"}},
			sent("default", "A"),
		},
		Patch: user.Patch{Locale: new("es-MX"), Email: new("")},
	}
	if diff := cmp.Diff(want, req); diff != "" {
		t.Errorf("normalized (-want +got):\n%s", diff)
	}
}

func TestNumbers(t *testing.T) {
	nines := strings.Repeat("9", 38)
	good := []string{
		"0", "-0", "0.0", "1", "-1.5", nines, nines + "000", "0." + nines, "1e125", "9.9E+125", "1e-130", "-1E-130",
		"1" + strings.Repeat("0", 125), "0." + strings.Repeat("0", 129) + "1", "12e124", "0e5", "1.50",
	}
	bad := []string{
		nines + "9", "1" + nines + "1", "0." + nines + "9", "1e126", "1e-131", "10e125", "0.1e-130",
		"1" + strings.Repeat("0", 126), "1e99999999999999999999", "0e99999999999999999999", "1e-9999",
	}
	check := func(s string) error {
		p := user.Patch{Data: map[string]any{"n": json.Number(s)}}
		return p.Normalize()
	}
	for _, s := range good {
		if err := check(s); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
	for _, s := range bad {
		if check(s) == nil {
			t.Errorf("%s: want an error", s)
		}
	}
}

func TestAgainst(t *testing.T) {
	number := func(s string) any { return json.Number(s) }
	stored := user.User{
		Email: "a@example.com", Identifiers: []user.Identifier{{Pair: user.Pair{Source: "default", ExternalID: "a"}, Metadata: map[string]any{"m": "1"}}},
		Data: map[string]any{"n": number("1.5"), "list": []any{"x", number("2")}, "o": map[string]any{"k": nil}, "s": "x"},
	}
	req := user.Upsert{
		Identifiers: []user.Sent{{Pair: user.Pair{Source: "default", ExternalID: "a"}, Metadata: map[string]any{"m": "1"}}},
		Patch: user.Patch{Email: new("a@example.com"), RemoveData: []string{"gone"}, Data: map[string]any{
			"n": number("15e-1"), "list": []any{"x", number("2.0")}, "o": map[string]any{"k": nil}, "s": "x",
		}},
	}
	if !req.Against(stored).Redundant() {
		t.Errorf("what is stored already is not redundant: %+v", req.Against(stored))
	}
	req.Patch.Data = map[string]any{"n": "1.5", "list": []any{number("2"), "x"}, "o": map[string]any{}, "s": nil, "new": true}
	if diff := cmp.Diff(req.Patch.Data, req.Against(stored).Patch.Data); diff != "" {
		t.Errorf("what differs (-want +got):\n%s", diff)
	}
}

// TestNormalizeIsBounded: a body of 1 MB that is made to be slow (long nested keys around many values, or many
// faults) is refused in no time.
func TestNormalizeIsBounded(t *testing.T) {
	numbers := make([]any, 400_000)
	for i := range numbers {
		numbers[i] = json.Number("1e999")
	}
	deep := map[string]any{"n": numbers}
	for range 25 {
		deep = map[string]any{strings.Repeat("k", 1000): deep}
	}
	req := user.Upsert{Identifiers: []user.Sent{sent("", "a")}, Patch: user.Patch{Data: deep}}
	if n := testing.AllocsPerRun(1, func() {
		if req.Normalize() == nil {
			t.Error("no error")
		}
	}); n > 20_000 {
		t.Errorf("%.0f allocations", n)
	}
}

func TestMergeData(t *testing.T) {
	object := func(kv ...any) map[string]any {
		m := map[string]any{}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i].(string)] = kv[i+1]
		}
		return m
	}
	tests := []struct {
		name               string
		stored, send, want map[string]any
		redundant          bool
	}{
		{"a sibling stays", object("a", object("x", "1", "y", "2")), object("a", object("x", "3")), object("a", object("x", "3", "y", "2")), false},
		{"at depth", object("a", object("b", object("x", "1"))), object("a", object("b", object("y", "2"))), object("a", object("b", object("x", "1", "y", "2"))), false},
		{"into nothing", object(), object("a", object("x", "1")), object("a", object("x", "1")), false},
		{"over no object", object("a", "text"), object("a", object("x", "1")), object("a", object("x", "1")), false},
		{"nothing new", object("a", object("x", "1", "y", "2")), object("a", object("x", "1")), object("a", object("x", "1", "y", "2")), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stored := user.User{Data: tt.stored}
			req := user.Upsert{Patch: user.Patch{MergeData: tt.send}}
			if got := req.Patch.Apply(stored).Data; !cmp.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if got := req.Against(stored).Redundant(); got != tt.redundant {
				t.Errorf("redundant: got %t, want %t", got, tt.redundant)
			}
		})
	}
}
