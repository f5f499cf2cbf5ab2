package api_test

import (
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/user"
)

// badBodies are bodies of an upsert that get 400, and where each is at fault.
var badBodies = []struct {
	name, body string
	want       []string
}{
	{"empty", ``, []string{""}},
	{"space", `  `, []string{""}},
	{"null", `null`, []string{""}},
	{"array", `[]`, []string{""}},
	{"string", `"x"`, []string{""}},
	{"number", `1`, []string{""}},
	{"cut short", `{"identifier":[{"external_id":"a"`, []string{""}},
	{"cut in a string", `{"ident`, []string{""}},
	{"stray comma", `{"identifier":[],}`, []string{""}},
	{"single quotes", `{'identifier':1}`, []string{""}},
	{"nesting bomb", strings.Repeat(`[`, 200_000), []string{""}},
	{"nesting bomb of objects", `{"data":` + strings.Repeat(`{"a":`, 100_000), []string{""}},
	{"bytes that are no JSON", "\xff\xfe{}", []string{""}},

	{"no identifier", `{}`, []string{"/identifier"}},
	{"identifier null", `{"identifier":null}`, []string{"/identifier"}},
	{"identifier empty", `{"identifier":[]}`, []string{"/identifier"}},
	{"identifier a string", `{"identifier":"user_123"}`, []string{"/identifier"}},
	{"identifier an object", `{"identifier":{"external_id":"a"}}`, []string{"/identifier"}},
	{"items of wrong types", `{"identifier":[1,null,"a",{"external_id":"a"}]}`,
		[]string{"/identifier/0", "/identifier/1", "/identifier/2"}},
	{"no external id", `{"identifier":[{"source":"default"}]}`, []string{"/identifier/0/external_id"}},
	{"external id null", `{"identifier":[{"external_id":null}]}`, []string{"/identifier/0/external_id"}},
	{"external id empty", `{"identifier":[{"external_id":""}]}`, []string{"/identifier/0/external_id"}},
	{"external id a number", `{"identifier":[{"external_id":"a"},{"external_id":123}]}`, []string{"/identifier/1/external_id"}},
	{"external id a placeholder", `{"identifier":[{"external_id":"undefined"}]}`, []string{"/identifier/0/external_id"}},
	{"external id too long", `{"identifier":[{"external_id":"` + strings.Repeat("ä", 256) + `"}]}`, []string{"/identifier/0/external_id"}},
	{"source a number", `{"identifier":[{"source":1,"external_id":"a"}]}`, []string{"/identifier/0/source"}},
	{"metadata an array", `{"identifier":[{"external_id":"a","metadata":[]}]}`, []string{"/identifier/0/metadata"}},
	{"metadata with an empty key", `{"identifier":[{"external_id":"a","metadata":{"":1}}]}`, []string{"/identifier/0/metadata/"}},
	{"too many identifiers", `{"identifier":[` + manyPairs("default", 51) + `]}`, []string{"/identifier"}},
	{"too many anonymous ones", `{"identifier":[` + manyPairs("anonymous", 11) + `]}`, []string{"/identifier"}},

	{"email empty", with(`"email":""`), []string{"/email"}},
	{"email a number", with(`"email":1`), []string{"/email"}},
	{"email with a name", with(`"email":"Alice <a@b.co>"`), []string{"/email"}},
	{"phone national", with(`"phone":"0155501001"`), []string{"/phone"}},
	{"phone an object", with(`"phone":{}`), []string{"/phone"}},
	{"timezone unknown", with(`"timezone":"Mars/Base"`), []string{"/timezone"}},
	{"locale unknown", with(`"locale":"not a locale"`), []string{"/locale"}},
	{"locale true", with(`"locale":true`), []string{"/locale"}},

	{"data an array", with(`"data":[]`), []string{"/data"}},
	{"data a string", with(`"data":"{}"`), []string{"/data"}},
	{"data with an empty key", with(`"data":{"a":{"":1}}`), []string{"/data/a/"}},
	{"a key to escape", with(`"data":{"a/b~c":1e999}`), []string{"/data/a~1b~0c"}},
	{"39 digits", with(`"data":{"n":[0,123456789012345678901234567890123456789]}`), []string{"/data/n/1"}},
	{"too large a number", with(`"data":{"n":1e126}`), []string{"/data/n"}},
	{"too small a number", with(`"data":{"n":-1e-131}`), []string{"/data/n"}},
	{"31 levels of data", with(`"data":` + nested(31, `1`)), []string{"/data" + strings.Repeat("/a", 30)}},
	{"29 levels of metadata", `{"identifier":[{"external_id":"a","metadata":` + nested(29, `1`) + `}]}`,
		[]string{"/identifier/0/metadata" + strings.Repeat("/a", 28)}},
	{"more than 400 KB", with(`"data":{"a":"` + strings.Repeat("x", 410<<10) + `"}`), []string{"/data"}},

	{"a value that is not UTF-8", with("\"data\":{\"a\":[\"ok\",\"\xff\"]}"), []string{"/data/a/1"}},
	{"a key that is not UTF-8", with("\"data\":{\"a\":{\"k\xff\":1}}"), []string{"/data/a/k\ufffd"}},
	{"several that are not UTF-8", with("\"email\":\"\xc3\",\"data\":{\"a\":\"\xe2\x82\",\"b\":{\"c\":\"\xed\xa0\x80\"}}"),
		[]string{"/data/a", "/data/b/c", "/email"}},
	{"half a surrogate pair", `{"identifier":[{"external_id":"u-\ud83d"}],"data":{"\udfff":1,"x":"\ud83d\ud83d\ude00"}}`,
		[]string{"/data/x", "/data/\ufffd", "/identifier/0/external_id"}},
	{"not UTF-8 in what is ignored", with("\"x\":[{},[[\"\xff\"]]]"), []string{"/x/1/0/0"}},
	{"not UTF-8 too deep for a pointer", with(`"x":` + nested(5_000, "\"\xff\"")), []string{"/x" + strings.Repeat("/a", 511)}},
	{"not UTF-8 below a long key", with(`"x":{"` + strings.Repeat("k", 2_000) + "\":[\"\xff\"]}"), []string{"/x"}},
	{"not UTF-8 at the top", "\"\xff\"", []string{""}},

	{"everything at once", `{"identifier":[{"external_id":7}],"email":"x","phone":1,"data":[]}`,
		[]string{"/data", "/email", "/identifier/0/external_id", "/phone"}},
}

// with returns an upsert of one good pair and the member.
func with(member string) string { return `{"identifier":[{"external_id":"a"}],` + member + `}` }

// nested returns a value within so many objects.
func nested(levels int, value string) string {
	return strings.Repeat(`{"a":`, levels) + value + strings.Repeat(`}`, levels)
}

func manyPairs(source string, n int) string {
	pairs := make([]string, n)
	for i := range pairs {
		pairs[i] = fmt.Sprintf(`{"source":%q,"external_id":"id-%d"}`, source, i)
	}
	return strings.Join(pairs, ",")
}

func TestUpsertRefusesBadBodies(t *testing.T) {
	s := newServer(t, newFake())
	for _, tt := range badBodies {
		t.Run(tt.name, func(t *testing.T) {
			r := s.do("pk_client", "POST", client, tt.body)
			if r.status != http.StatusBadRequest {
				t.Fatalf("got %d %s, want 400", r.status, r.body)
			}
			p := r.problem(t)
			if diff := cmp.Diff(tt.want, p.at()); diff != "" {
				t.Errorf("faults (-want +got):\n%s\n%s", diff, r.body)
			}
			if p.Title != "bad request" || p.Detail == "" {
				t.Errorf("title and detail: got %q, %q", p.Title, p.Detail)
			}
		})
	}
}

func TestBrokenJSONNamesTheByte(t *testing.T) {
	r := newServer(t, newFake()).do("pk_client", "POST", client, `{"identifier":[}`)
	if got, want := r.problem(t).Errors[0]["detail"], "(byte 16)"; !strings.Contains(got, want) {
		t.Errorf("detail: got %q, want it to hold %q", got, want)
	}
}

func TestBodySize(t *testing.T) {
	f := newFake()
	f.upsert = func(user.Upsert) (user.User, error) { return alice(), nil }
	s := newServer(t, f)
	pad := func(size int) string { return known + strings.Repeat(" ", size-len(known)) }
	if r := s.do("pk_client", "POST", client, pad(1<<20)); r.status != http.StatusOK {
		t.Errorf("1 MB: got %d %s, want 200", r.status, r.body)
	}
	for _, method := range []string{"POST", "DELETE"} {
		if r := s.do("sk_editor", method, client, pad(1<<20+1)); r.status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s of 1 MB and a byte: got %d %s, want 413", method, r.status, r.body)
		}
	}
}

// TestHostileBodies sends bodies with more faults, or deeper ones, than an answer can hold. What they cost is bounded by
// their size: it is measured as the bytes allocated, since pointers are what such a body makes us build.
func TestHostileBodies(t *testing.T) {
	s := newServer(t, newFake())
	for name, body := range map[string]string{
		"deep and many not UTF-8":         with(`"x":` + strings.Repeat(`[`, 9_000) + strings.Repeat("\"\xff\",", 500) + `1` + strings.Repeat(`]`, 9_000)),
		"many not UTF-8 below a long key": with(`"x":{"` + strings.Repeat("~", 500_000) + `":[` + strings.Repeat("\"\xff\",", 500) + `1]}`),
		"many faults":                     with(`"data":{"a":[` + strings.Repeat("1e999,", 20_000) + `1]}`),
		"many not UTF-8":                  with(`"data":[` + strings.Repeat("\"\xff\",", 20_000) + `1]`),
		"deep not UTF-8":                  with(`"data":` + strings.Repeat(`{"\u0001":`, 5_000) + "\"\xff\"" + strings.Repeat(`}`, 5_000)),
		"below a long key":                with(`"data":{"` + strings.Repeat("k", 500_000) + "\":[\"\xff\",{\"\":1}]}"),
		"many items":                      `{"identifier":[` + strings.Repeat("1,", 20_000) + `1]}`,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r := s.do("pk_client", "POST", client, body)
		runtime.ReadMemStats(&after)
		if r.status != http.StatusBadRequest || len(r.body) > 1<<20 {
			t.Errorf("%s: got %d with %d bytes, want 400 with at most 1 MB", name, r.status, len(r.body))
		}
		if spent := after.TotalAlloc - before.TotalAlloc; spent > 64<<20 {
			t.Errorf("%s: %d MB were allocated for a body of %d KB, want at most 64 MB", name, spent>>20, len(body)>>10)
		}
		if faults := r.problem(t).at(); len(faults) > 100 || len(slices.MaxFunc(faults, byLength)) > 1024 {
			t.Errorf("%s: got %d faults, the longest pointer of %d bytes, want at most 100 and 1024",
				name, len(faults), len(slices.MaxFunc(faults, byLength)))
		}
	}
}

func byLength(a, b string) int { return len(a) - len(b) }

// FuzzUpsertBody checks that no body is our fault, that every 400 says where, and that what passes is fit to store.
func FuzzUpsertBody(f *testing.F) {
	for _, tt := range badBodies {
		if len(tt.body) < 1000 {
			f.Add([]byte(tt.body))
		}
	}
	f.Add([]byte(known))
	f.Add([]byte(with(`"email":"a@b.co","phone":"+15550100001","timezone":"UTC","locale":"en","data":{"a":[1,{"b":null}]}`)))
	f.Fuzz(func(t *testing.T, body []byte) {
		store := newFake()
		s := newBareServer(t, store, nil)
		store.upsert = func(req user.Upsert) (user.User, error) {
			if err := req.Normalize(); err != nil {
				t.Errorf("the store was asked what it must refuse: %v", err)
			}
			return alice(), nil
		}
		r := s.do("pk_client", "POST", client, string(body))
		if r.status != http.StatusOK && (r.status != http.StatusBadRequest || len(r.problem(t).Errors) == 0) {
			t.Errorf("got %d %s, want 200, or 400 with faults", r.status, r.body)
		}
	})
}
