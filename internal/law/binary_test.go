package law_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// linkRules say in which functions the linker may keep some code, by the start of the names of functions. It keeps what can be
// called, and, where something calls methods by name, every method of each type that an interface can reach.
var linkRules = []struct {
	code string
	by   []string
	why  string
}{
	{"internal/api.decodeBatch", []string{"upsert"}, "a function names its own handlers only"},
	{"internal/api.(*service).decodeLookup", []string{"get"}, "a function names its own handlers only"},
	{"internal/api.decodePairs", []string{"delete"}, "a function names its own handlers only"},
	{"internal/api.decodeCreateImport", []string{"imports"}, "a function names its own handlers only"},
	{"internal/api.(*service).decodeLedger", []string{"subscriptions"}, "a function names its own handlers only"},
	{"internal/api.(*service).decodeMembers", []string{"lists"}, "a function names its own handlers only"},
	{"internal/api.(*service).decodeRender", []string{"render"}, "a function names its own handlers only"},
	{"internal/csvimport.", []string{"import", "imports"}, "the store and the edges know the records of imports, not what is done with them"},
	{"internal/rule.", []string{"lists", "changes", "recompute"}, "whoever does not evaluate rules needs no parser of them"},
	{"internal/consent/words.", []string{"sms-stop", "sms-webhook"}, "whoever sees no messages needs no words"},
	{"internal/dynamo.(*Store).DecideReview", []string{"subscriptions", "import"}, "see internal/dynamo/facet"},
	{"github.com/aws/aws-sdk-go-v2/service/dynamodb.(*Client).CreateTable", []string{"import"},
		"see internal/dynamo/facet; the library of phone numbers calls methods by name too, and nobody waits for an import to start"},
}

// TestLinked checks that functions are made of what they need. It reads those that `make build-local` made.
func TestLinked(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	for function := range functions(t, parseYAML(t, "template.yaml")) {
		binary, err := os.ReadFile(filepath.Join(root(t), "build/local", function, "bootstrap"))
		if err != nil {
			t.Fatalf("%v: run make build-local", err)
		}
		for _, r := range linkRules {
			if !links(binary, r.code) {
				continue
			}
			found[r.code] = true
			if !slices.Contains(r.by, function) {
				t.Errorf("%s has code of %s, which is for %v: %s", function, r.code, r.by, r.why)
			}
		}
	}
	for _, r := range linkRules {
		if !found[r.code] {
			t.Errorf("no function has code of %s: the rule is out of date", r.code)
		}
	}
}

// links reports whether the binary names a function that starts so, in the table that stack traces are made from. Names end with
// a zero.
func links(binary []byte, code string) bool {
	if strings.HasPrefix(code, "internal/") {
		code = module + "/" + code
	}
	return bytes.Contains(binary, []byte("\x00"+code))
}
