package law_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"iter"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// calls are those of the SDK, and the actions that each needs. What DynamoDB is told in parts, the actions of the parts
// authorise.
var calls = map[string][]string{
	"GetItem":        {"dynamodb:GetItem"},
	"PutItem":        {"dynamodb:PutItem"},
	"UpdateItem":     {"dynamodb:UpdateItem"},
	"Query":          {"dynamodb:Query"},
	"BatchGetItem":   {"dynamodb:BatchGetItem"},
	"BatchWriteItem": {"dynamodb:BatchWriteItem"},

	"TransactWriteItems":    nil,
	"BatchExecuteStatement": nil,

	// Without the list of a bucket, S3 says 403 of an object that is not there, not 404. A link may do what its signer may.
	"GetObject":                 {"s3:GetObject", "s3:ListBucket"},
	"HeadObject":                {"s3:GetObject", "s3:ListBucket"},
	"PresignGetObject":          {"s3:GetObject"},
	"PutObject":                 {"s3:PutObject"},
	"PresignPutObject":          {"s3:PutObject"},
	"DeleteObject":              {"s3:DeleteObject"},
	"NewListObjectsV2Paginator": {"s3:ListBucket"},

	"SendMessageBatch": {"sqs:SendMessage"},
	"PutEvents":        {"events:PutEvents"},
	"CreateSchedule":   {"scheduler:CreateSchedule", "iam:PassRole"}, // a schedule acts in a role
	"Publish":          {"sns:Publish"},
	"SendTextMessage":  {"sms-voice:SendTextMessage"},
}

// parts are the types of which transactions are made, the words with which statements begin, and the names of indexes.
// Sources: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html and
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html
var (
	parts = map[string]string{
		"Get": "dynamodb:GetItem", "Put": "dynamodb:PutItem", "Update": "dynamodb:UpdateItem", "Delete": "dynamodb:DeleteItem",
		"ConditionCheck": "dynamodb:ConditionCheckItem",
	}
	words = map[string]string{
		"INSERT INTO ": "dynamodb:PartiQLInsert", "UPDATE ": "dynamodb:PartiQLUpdate", "DELETE FROM ": "dynamodb:PartiQLDelete",
	}
	indexes = map[string]string{
		"indexProject": "dynamodb:Query by_project", "indexEmail": "dynamodb:Query by_email", "indexPhone": "dynamodb:Query by_phone",
	}
)

// idle are the actions that a function links and does not call, so that nobody grants them: the library of phone numbers calls
// methods by name, and the linker keeps every method of the store. In render it keeps one of them, which nothing calls.
var idle = map[string][]string{
	"render": {"dynamodb:Query"},
	"import": {"dynamodb:ConditionCheckItem", "dynamodb:Query by_email", "dynamodb:Query by_phone", "dynamodb:Query by_project"},
}

// TestPermissions checks that each function is granted the actions that are linked into it, no others, and each on named
// resources. It reads the functions that `make build-local` made. That the resources are the right ones, the local run checks.
func TestPermissions(t *testing.T) {
	t.Parallel()
	needs := actionsOf(t)
	for folder, f := range functions(t, parseYAML(t, "template.yaml")) {
		binary, err := os.ReadFile(filepath.Join(root(t), "build/local", folder, "bootstrap"))
		if err != nil {
			t.Fatalf("%v: run make build-local", err)
		}
		linked := map[string]bool{}
		for code := range names(binary) {
			for _, a := range needs[code] {
				linked[a] = true
			}
		}
		for _, a := range idle[folder] {
			if !linked[a] {
				t.Errorf("%s does not link %s: idle is out of date", folder, a)
			}
			delete(linked, a)
		}
		if got, want := granted(t, f), slices.Sorted(maps.Keys(linked)); !slices.Equal(got, want) {
			t.Errorf("%s is granted %v, want %v", f.id, got, want)
		}
	}
}

// names yields the functions of this module that a binary names in the table that stack traces are made from, as symbol writes
// them, some more than once.
func names(binary []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		for start := []byte("\x00" + module + "/"); ; {
			_, rest, found := bytes.Cut(binary, start)
			if !found {
				return
			}
			binary = rest
			name, _, _ := bytes.Cut(rest[:min(len(rest), 1000)], []byte{0})
			plain, _, _ := bytes.Cut(name, []byte("["))
			if !yield(string(plain)) {
				return
			}
		}
	}
}

// actionsOf returns the actions that each function or method needs by what is written in it.
func actionsOf(t *testing.T) map[string][]string {
	t.Helper()
	needs := map[string][]string{}
	for name, file := range sources(t) {
		if !strings.HasPrefix(name, "internal/") || strings.HasPrefix(name, "internal/local/") {
			continue
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				if actions := actionsIn(t, f); len(actions) > 0 {
					code := path.Dir(name) + "." + symbol(f)
					needs[code] = append(needs[code], actions...)
				}
			}
		}
	}
	return needs
}

// actionsIn returns the actions that a function needs by what is written in it.
func actionsIn(t *testing.T, f *ast.FuncDecl) (actions []string) {
	t.Helper()
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr: // client.Operation, s3.NewListObjectsV2Paginator
			needed, known := calls[n.Sel.Name]
			if of := last(n.X); of == "client" || of == "signer" || strings.HasPrefix(n.Sel.Name, "NewListObjects") {
				if !known && n.Sel.IsExported() {
					t.Errorf("%s calls %s: say in calls which actions it needs", f.Name.Name, n.Sel.Name)
				}
				actions = append(actions, needed...)
			}
		case *ast.CompositeLit: // types.Put{…}
			if s, ok := n.Type.(*ast.SelectorExpr); ok && last(s.X) == "types" && parts[s.Sel.Name] != "" {
				actions = append(actions, parts[s.Sel.Name])
			}
		case *ast.BasicLit: // `INSERT INTO "`
			for word, action := range words {
				if strings.HasPrefix(n.Value, "`"+word+`"`) {
					actions = append(actions, action)
				}
			}
		case *ast.KeyValueExpr: // index: indexPhone, IndexName: new(indexPhone)
			if key := last(n.Key); key == "index" || key == "IndexName" {
				ast.Inspect(n.Value, func(n ast.Node) bool {
					if id, ok := n.(*ast.Ident); ok && indexes[id.Name] != "" {
						actions = append(actions, indexes[id.Name])
					}
					return true
				})
			}
		}
		return true
	})
	return actions
}

// last returns the last name of x, y.x and so on.
func last(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

// symbol returns the name by which the linker knows a function within its package: f, T.f or (*T).f. Where type arguments would
// follow, it ends: (*T for each method of a generic type.
func symbol(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	kind, open, end := f.Recv.List[0].Type, "", ""
	if star, ok := kind.(*ast.StarExpr); ok {
		kind, open, end = star.X, "(*", ")"
	}
	if generic, ok := kind.(*ast.IndexExpr); ok {
		return open + last(generic.X)
	}
	return open + last(kind) + end + "." + f.Name.Name
}

// granted returns the actions that a function is granted, sorted; those on an index with its name.
func granted(t *testing.T, f function) []string {
	t.Helper()
	actions := map[string]bool{}
	for _, policy := range list(f.properties["Policies"]) {
		statements, ok := policy.(object)
		if !ok {
			t.Errorf("%s: policy %v is not of statements", f.id, policy)
			continue
		}
		for _, s := range list(statements["Statement"]) {
			statement := s.(object)
			checkStatement(t, f.id, statement)
			for _, a := range list(statement["Action"]) {
				for _, r := range list(statement["Resource"]) {
					_, index, _ := strings.Cut(fmt.Sprint(r), "/index/")
					actions[strings.TrimSpace(fmt.Sprint(a)+" "+strings.TrimRight(index, "]"))] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(actions))
}

// TestStatements checks the policies that are not those of functions.
func TestStatements(t *testing.T) {
	t.Parallel()
	for id, r := range parseYAML(t, "template.yaml").object("Resources") {
		statements := list(r.(object).at("Properties", "PolicyDocument", "Statement"))
		if r.(object).text("Type") == "AWS::IAM::Role" {
			for _, policy := range list(r.(object).at("Properties", "Policies")) {
				statements = append(statements, list(policy.(object).at("PolicyDocument", "Statement"))...)
			}
		}
		for _, s := range statements {
			if statement := s.(object); statement.text("Effect") == "Allow" {
				checkStatement(t, id, statement)
			}
		}
	}
}

func checkStatement(t *testing.T, id string, statement object) {
	t.Helper()
	actions, resources := list(statement["Action"]), list(statement["Resource"])
	if len(actions) == 0 || len(resources) == 0 || statement["NotAction"] != nil || statement["NotResource"] != nil {
		t.Errorf("%s: a statement names no actions or no resources", id)
	}
	for _, a := range actions {
		if action, ok := a.(string); !ok || strings.ContainsAny(action, "*?") {
			t.Errorf("%s: action %v is not a single one", id, a)
		}
	}
	for _, r := range resources {
		resource, ok := r.(object)
		if !ok {
			t.Errorf("%s: resource %v is not one of this stack", id, r)
			continue
		}
		for _, v := range resource {
			name, _ := v.(string)
			// Only the objects of a bucket, the schedules of a group, and the numbers that are registered outside the stack have
			// no names beforehand.
			unnamed := strings.HasSuffix(name, "/*") && (strings.Contains(name, ":s3:::") || strings.Contains(name, ":schedule/")) ||
				strings.HasSuffix(name, ":phone-number/*")
			if n := strings.Count(name, "*"); n > 1 || n == 1 && !unnamed {
				t.Errorf("%s: resource %q has a wildcard", id, name)
			}
		}
	}
}
