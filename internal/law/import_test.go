package law_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// rule says who may import a package. Patterns are import paths; one that ends with /... means those below as well,
// and one without a dot in its first part is of this module.
type rule struct {
	imported string
	by       []string // nobody else may; tests may
	why      string
}

var importRules = []rule{
	{"github.com/aws/aws-sdk-go-v2/service/dynamodb/...", []string{"internal/dynamo/...", "cmd/bench/..."}, "the table has one room"},
	{"github.com/aws/aws-sdk-go-v2/feature/dynamodb/...", []string{"internal/dynamo/..."}, "the table has one room"},
	{"github.com/aws/aws-sdk-go-v2/service/s3/...",
		[]string{"internal/csvimport/objects", "cmd/..."}, "S3 adds 0.9 MB to whoever links it"},
	{"github.com/aws/aws-sdk-go-v2/service/sqs/...",
		[]string{"internal/queue", "cmd/..."}, "whoever sends no tasks needs no queue"},
	{"internal/csvimport/objects", []string{"functions/import", "functions/imports"}, "the import knows the bucket by an interface of its own"},
	{"internal/queue", []string{"functions/import", "functions/imports", "internal/boot/memberships"},
		"whoever makes tasks knows the queue by an interface of its own"},
	{"internal/csvimport/phone", []string{"functions/import"}, "national numbers cost 6 MB"},
	{"github.com/aws/aws-sdk-go-v2/service/scheduler/...", []string{"internal/membership/wakes"}, "its SDK is in whoever links it"},
	{"github.com/aws/aws-sdk-go-v2/service/eventbridge/...", []string{"internal/change/bus"}, "its SDK is in whoever links it"},
	{"internal/membership/wakes", []string{"internal/boot/memberships"}, "the engine knows the scheduler by an interface of its own"},
	{"internal/change/bus", []string{"functions/changes"}, "changes know the bus by an interface of their own"},
	{"internal/membership", []string{"internal/membership/...", "internal/boot/memberships", "cmd/bench"}, "memberships are kept behind the stream, not in a request"},
	{"github.com/aws/aws-sdk-go-v2/service/sns/...", []string{"internal/sms/topic"}, "its SDK is in whoever links it"},
	{"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/...", []string{"internal/sms/carrier"}, "its SDK is in whoever links it"},
	{"github.com/aws/aws-sdk-go-v2/config", []string{"internal/boot", "cmd/..."}, "there is one AWS config"},
	{"github.com/aws/aws-lambda-go/lambda", []string{"functions/...", "internal/boot", "cmd/bench/..."},
		"behaviour does not know what starts it"},
	{"github.com/awslabs/aws-lambda-go-api-proxy/...", []string{"internal/api"}, "the adapter can be replaced in one place"},
	{"github.com/johannesboyne/gofakes3/...", []string{"internal/local/..."}, "it is part of the local cloud only"},
	{"github.com/getkin/kin-openapi/...", []string{"internal/api/apitest"}, "the contract is checked by tests, and ships nowhere"},
	{"golang.org/x/text/encoding/...", nil, "it brings the tables of all its encodings"},
	{"gopkg.in/yaml.v3", []string{"internal/local/..."}, "functions read no template"},
	{"github.com/osteele/...", []string{"internal/liquid/engine"}, "the library of dates bounds nothing; the engine does"},
	{"regexp", []string{"internal/page", "internal/project", "internal/local/..."},
		"an expression over what strangers wrote can take the square of its length; the engine scans"},
	{"internal/liquid/engine", []string{"functions/render"}, "the rest knows it by an interface, and one function needs it"},
	{"internal/dynamo", []string{"functions/...", "internal/boot", "internal/dynamo/...", "internal/local/...", "cmd/..."},
		"the rest knows the store by interfaces of its own"},
	{"internal/dynamo/facet", []string{"functions/preferences"}, "the others link no more than they call anyway"},
	{"internal/boot", []string{"functions/...", "internal/boot/...", "cmd/bench/..."}, "only functions start as functions"},
	{"internal/api", []string{"functions/...", "internal/api/..."}, "HTTP is an edge"},
	{"internal/sms/...", []string{"functions/sms-stop", "functions/sms-webhook", "cmd/usersctl"}, "SMS is an edge"},
	{"internal/consent/words", []string{"internal/sms"}, "its tables are for those who read messages"},
	{"internal/page", []string{"functions/preferences"}, "pages are an edge"},
	{"html/template", []string{"internal/page"}, "the rest knows it by an interface, and one function needs it"},
	{"internal/local/...", []string{"internal/local/...", "internal/dynamo/dynamotest", "cmd/..."}, "nothing that is deployed is local"},
	{"testing", []string{"internal/dynamo/dynamotest", "internal/api/apitest", "internal/local/..."}, "fixtures are for tests"},
}

// purityRules say what a package must not depend on, however indirectly.
var purityRules = []struct {
	packages  []string
	forbidden []string
	why       string
}{
	{[]string{"internal/user", "internal/consent/...", "internal/project", "internal/link", "internal/list", "internal/liquid/..."},
		[]string{"net/http", "database/sql", "github.com/aws/...", "github.com/awslabs/...", "internal/dynamo", "internal/api"},
		"the domain knows neither HTTP nor AWS"},
	{[]string{"internal/rule"},
		[]string{"net/http", "database/sql", "os/exec", "regexp", "github.com/aws/...", "github.com/awslabs/...", "internal/dynamo", "internal/api",
			"internal/project"},
		"a rule is held against a profile, and knows nothing else"},
	{[]string{"internal/api"},
		[]string{"github.com/aws/aws-sdk-go-v2/...", "internal/dynamo", "internal/boot", "internal/sms", "internal/csvimport/objects",
			"internal/queue"},
		"the edge of HTTP knows neither the store, the bucket and the queue nor SMS"},
	{[]string{"internal/page"},
		[]string{"github.com/aws/...", "internal/dynamo", "internal/boot", "internal/api", "internal/sms", "internal/csvimport"},
		"pages know neither the store nor other edges"},
	{[]string{"internal/sms", "internal/sms/twilio"},
		[]string{"github.com/aws/aws-sdk-go-v2/...", "internal/dynamo", "internal/boot", "internal/api", "internal/csvimport"},
		"the edge of SMS knows neither the store nor other edges"},
	{[]string{"internal/membership", "internal/change"},
		[]string{"github.com/aws/aws-sdk-go-v2/...", "internal/dynamo", "internal/boot", "internal/api", "internal/csvimport", "internal/queue"},
		"changes and memberships know neither the store nor AWS, but for the form of events"},
	{[]string{"functions/..."},
		[]string{"internal/local/...", "internal/dynamo/dynamotest", "internal/api/apitest", "internal/moduleroot", "testing", "net/rpc",
			"github.com/getkin/...", "github.com/johannesboyne/..."},
		"what is deployed is small"},
	{[]string{"functions/upsert", "functions/get", "functions/delete", "functions/sms-stop", "functions/preferences", "functions/subscriptions",
		"functions/lists", "functions/render"},
		[]string{"github.com/aws/aws-sdk-go-v2/service/s3/...", "github.com/aws/aws-sdk-go-v2/service/sqs/..."},
		"only imports need S3 and SQS"},
	{[]string{"functions/changes", "functions/recompute"}, []string{"github.com/aws/aws-sdk-go-v2/service/s3/..."}, "only imports need S3"},
	{[]string{"functions/upsert", "functions/get", "functions/delete", "functions/sms-stop", "functions/imports", "functions/preferences", "functions/subscriptions",
		"functions/lists", "functions/render", "functions/changes", "functions/recompute"},
		[]string{"github.com/nyaruka/phonenumbers"}, "only the import reads national numbers"},
}

const module = "lunogram-users"

// pkg is what go list says of a package.
type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

// packages returns the packages of this module.
func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-tags=lambda.norpc", "-json=ImportPath,Imports,Deps", "./...")
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// within reports whether a pattern means the package.
func within(pattern, importPath string) bool {
	first, _, _ := strings.Cut(pattern, "/")
	if first == "internal" || first == "functions" || first == "cmd" {
		pattern = module + "/" + pattern
	}
	prefix, below := strings.CutSuffix(pattern, "/...")
	return importPath == prefix || below && strings.HasPrefix(importPath, prefix+"/")
}

func anyWithin(patterns []string, importPath string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return within(pattern, importPath) })
}

func TestImports(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for _, r := range importRules {
			for _, imported := range p.Imports {
				if within(r.imported, imported) && !within(r.imported, p.ImportPath) && !anyWithin(r.by, p.ImportPath) {
					t.Errorf("%s imports %s, which only %v may: %s", p.ImportPath, imported, r.by, r.why)
				}
			}
		}
	}
}

func TestPurity(t *testing.T) {
	t.Parallel()
	all := packages(t)
	for _, r := range purityRules {
		met := false
		for _, p := range all {
			if !anyWithin(r.packages, p.ImportPath) {
				continue
			}
			met = true
			for _, dep := range p.Deps {
				if anyWithin(r.forbidden, dep) {
					t.Errorf("%s depends on %s: %s", p.ImportPath, dep, r.why)
				}
			}
		}
		if !met {
			t.Errorf("no package is any of %v: the rule is out of date", r.packages)
		}
	}
}

// TestNames checks that packages are named for what they hold.
func TestNames(t *testing.T) {
	t.Parallel()
	empty := []string{"util", "utils", "common", "types", "models", "model", "helpers", "helper", "services", "handlers", "misc", "lib"}
	for _, p := range packages(t) {
		if name := path.Base(p.ImportPath); slices.Contains(empty, name) {
			t.Errorf("%s says nothing of what it holds", p.ImportPath)
		}
	}
}

// TestSources checks what a look at each file can tell: no init functions, and no environment read but where a process
// starts.
func TestSources(t *testing.T) {
	t.Parallel()
	mayReadEnvironment := []string{"internal/boot", "cmd", "internal/local"}
	for name, file := range sources(t) {
		below := func(dir string) bool { return strings.HasPrefix(name, dir+"/") }
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv == nil && n.Name.Name == "init" {
					t.Errorf("%s has an init function", name)
				}
			case *ast.SelectorExpr:
				x, ok := n.X.(*ast.Ident)
				reads := ok && x.Name == "os" && slices.Contains([]string{"Getenv", "LookupEnv", "Environ"}, n.Sel.Name)
				if reads && !slices.ContainsFunc(mayReadEnvironment, below) {
					t.Errorf("%s reads the environment, which is for %v", name, mayReadEnvironment)
				}
			}
			return true
		})
	}
}

// sources returns the syntax of every Go file of the module that is no test, by its path below the root.
func sources(t *testing.T) map[string]*ast.File {
	t.Helper()
	dir, files := root(t), map[string]*ast.File{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() && (name != dir && strings.HasPrefix(base, ".") || base == "testdata" || base == "build") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(base, ".go") || strings.HasSuffix(base, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		rel, _ := filepath.Rel(dir, name)
		files[filepath.ToSlash(rel)] = file
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
