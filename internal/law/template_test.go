package law_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// function is a function of the template.
type function struct {
	id         string
	folder     string // below functions/
	properties object // globals included
}

// functions returns the functions of the template by folder.
func functions(t *testing.T, template object) map[string]function {
	t.Helper()
	found := map[string]function{}
	for id, r := range template.object("Resources") {
		resource := r.(object)
		if resource.text("Type") != "AWS::Serverless::Function" {
			continue
		}
		p := merge(template.object("Globals", "Function"), resource.object("Properties"))
		folder, ok := strings.CutPrefix(strings.TrimSuffix(p.text("CodeUri"), "/"), "build/")
		if !ok || strings.Contains(folder, "/") {
			t.Errorf("%s: CodeUri is %q, want build/<folder of functions>/", id, p.text("CodeUri"))
		}
		if other, twice := found[folder]; twice {
			t.Errorf("%s and %s have the same CodeUri", id, other.id)
		}
		if resource.text("Metadata", "SkipBuild") != "true" {
			t.Errorf("%s: SkipBuild is not true: sam build would compile it without our flags", id)
		}
		found[folder] = function{id, folder, p}
	}
	return found
}

func TestEveryFolderIsOneFunction(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir(filepath.Join(root(t), "functions"))
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, e := range entries {
		if e.IsDir() {
			folders = append(folders, e.Name())
		}
	}
	declared := slices.Sorted(maps.Keys(functions(t, parseYAML(t, "template.yaml"))))
	if !slices.Equal(folders, declared) {
		t.Errorf("the folders of functions/ are %v, the functions of template.yaml %v; want the same", folders, declared)
	}
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	for _, f := range functions(t, parseYAML(t, "template.yaml")) {
		if got := f.properties.text("Runtime"); got != "provided.al2023" {
			t.Errorf("%s: runtime %q, want provided.al2023", f.id, got)
		}
		if got := f.properties.text("Handler"); got != "bootstrap" {
			t.Errorf("%s: handler %q, want bootstrap", f.id, got)
		}
		if got := list(f.properties["Architectures"]); len(got) != 1 || got[0] != "arm64" {
			t.Errorf("%s: architectures %v, want arm64, which make build compiles for", f.id, got)
		}
		if f.properties.text("LoggingConfig", "LogFormat") != "JSON" || f.properties.at("LoggingConfig", "LogGroup") == nil {
			t.Errorf("%s: the log is not JSON in a group of the template", f.id)
		}
		if f.properties.text("Tracing") != "Active" {
			t.Errorf("%s is not traced", f.id)
		}
		if isAsynchronous(f) && f.properties.at("EventInvokeConfig", "DestinationConfig", "OnFailure", "Destination") == nil {
			t.Errorf("%s loses events that fail: it has no OnFailure destination", f.id)
		}
	}
}

// isAsynchronous reports whether Lambda queues the events of the function, and drops them after two retries.
func isAsynchronous(f function) bool {
	for _, e := range f.properties.object("Events") {
		if kind := e.(object).text("Type"); kind == "S3" || kind == "SNS" {
			return true
		}
	}
	return false
}

// TestEnvironment checks that every variable that a function's code reads is set on it, and that every one set is read.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	deps := map[string][]string{}
	for _, p := range packages(t) {
		deps[p.ImportPath] = append(p.Deps, p.ImportPath)
	}
	read := map[string]map[string]bool{} // by package
	for name, file := range sources(t) {
		pkg := module + "/" + filepath.ToSlash(filepath.Dir(name))
		for _, variable := range variables(file) {
			if read[pkg] == nil {
				read[pkg] = map[string]bool{}
			}
			read[pkg][variable] = true
		}
	}
	for folder, f := range functions(t, parseYAML(t, "template.yaml")) {
		wants := map[string]bool{}
		for _, dep := range deps[module+"/functions/"+folder] {
			maps.Copy(wants, read[dep])
		}
		maps.DeleteFunc(wants, func(name string, _ bool) bool { return strings.HasPrefix(name, "AWS_") }) // Lambda sets those
		wants["GOMAXPROCS"] = true                                                                        // Go itself reads it
		set := f.properties.object("Environment", "Variables")
		maps.DeleteFunc(set, func(name string, _ any) bool { return name == "GOGC" || name == "GOMEMLIMIT" }) // and these
		got, want := slices.Sorted(maps.Keys(set)), slices.Sorted(maps.Keys(wants))
		if len(want) == 1 || !slices.Equal(got, want) {
			t.Errorf("%s: the template sets %v, the code reads %v; want the same", f.id, got, want)
		}
	}
}

// variables returns the names that a file passes to os.Getenv, os.LookupEnv and boot.Variable.
func variables(file *ast.File) []string {
	var names []string
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 1 {
			return true
		}
		literal, ok := call.Args[0].(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return true
		}
		var callee string
		switch f := call.Fun.(type) {
		case *ast.Ident:
			callee = f.Name
		case *ast.SelectorExpr:
			callee = f.Sel.Name
		}
		if callee == "Variable" || callee == "Getenv" || callee == "LookupEnv" {
			name, _ := strconv.Unquote(literal.Value)
			names = append(names, name)
		}
		return true
	})
	return names
}

func TestTableIsProtected(t *testing.T) {
	t.Parallel()
	tables := 0
	for id, r := range parseYAML(t, "template.yaml").object("Resources") {
		resource := r.(object)
		if resource.text("Type") != "AWS::DynamoDB::Table" {
			continue
		}
		tables++
		for _, check := range []struct {
			keys []string
			want string
		}{
			{[]string{"DeletionPolicy"}, "Retain"},
			{[]string{"UpdateReplacePolicy"}, "Retain"},
			{[]string{"Properties", "DeletionProtectionEnabled"}, "true"},
			{[]string{"Properties", "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"}, "true"},
			{[]string{"Properties", "TimeToLiveSpecification", "AttributeName"}, "expires_at"},
			{[]string{"Properties", "StreamSpecification", "StreamViewType"}, "NEW_AND_OLD_IMAGES"},
		} {
			if got := resource.text(check.keys...); got != check.want {
				t.Errorf("%s: %s is %q, want %q", id, strings.Join(check.keys, "."), got, check.want)
			}
		}
	}
	if tables != 1 {
		t.Errorf("the template has %d tables, want 1", tables)
	}
}

// TestQueues checks that nothing is lost in a queue: what a function could not do returns to it, not before the function's
// time is up, and ends in another queue after as many tries as csvimport.Importer counts.
func TestQueues(t *testing.T) {
	t.Parallel()
	template := parseYAML(t, "template.yaml")
	for id, r := range template.object("Resources") {
		q := r.(object)
		if q.text("Type") != "AWS::SQS::Queue" {
			continue
		}
		if got := q.text("Properties", "MessageRetentionPeriod"); got != "1209600" {
			t.Errorf("%s keeps messages for %q seconds, want 1209600, the most there is", id, got)
		}
		if q.text("Properties", "SqsManagedSseEnabled") != "true" {
			t.Errorf("%s is not encrypted", id)
		}
	}
	polled := 0
	for _, f := range functions(t, template) {
		timeout := number(f.properties["Timeout"])
		for name, e := range f.properties.object("Events") {
			p := e.(object).object("Properties")
			if e.(object).text("Type") != "SQS" {
				continue
			}
			polled++
			queue := strings.TrimSuffix(p.text("Queue", "!GetAtt"), ".Arn")
			q := template.object("Resources", queue, "Properties")
			if visibility := number(q["VisibilityTimeout"]); visibility < timeout || timeout == 0 {
				t.Errorf("%s: %s is visible again after %d s, want no less than the timeout of %d s", f.id, queue, visibility, timeout)
			}
			if got := q.text("RedrivePolicy", "maxReceiveCount"); got != "8" {
				t.Errorf("%s gives up after %q tries, want 8", queue, got)
			}
			dead := strings.TrimSuffix(q.text("RedrivePolicy", "deadLetterTargetArn", "!GetAtt"), ".Arn")
			if template.text("Resources", dead, "Type") != "AWS::SQS::Queue" {
				t.Errorf("%s loses what fails: it has no dead-letter queue", queue)
			}
			if got := list(p["FunctionResponseTypes"]); len(got) != 1 || got[0] != "ReportBatchItemFailures" {
				t.Errorf("%s: event %s does not report batch item failures", f.id, name)
			}
		}
	}
	if polled == 0 {
		t.Error("no function polls a queue")
	}
}

// TestStreams checks that a change is lost to nobody: what a function could not do comes again from that change on, and is
// noted in a queue when it is given up.
func TestStreams(t *testing.T) {
	t.Parallel()
	template := parseYAML(t, "template.yaml")
	for _, f := range functions(t, template) {
		for name, e := range f.properties.object("Events") {
			if e.(object).text("Type") != "DynamoDB" {
				continue
			}
			p := e.(object).object("Properties")
			if got := list(p["FunctionResponseTypes"]); len(got) != 1 || got[0] != "ReportBatchItemFailures" {
				t.Errorf("%s: event %s does not report batch item failures", f.id, name)
			}
			failures := strings.TrimSuffix(p.text("DestinationConfig", "OnFailure", "Destination", "!GetAtt"), ".Arn")
			if template.text("Resources", failures, "Type") != "AWS::SQS::Queue" {
				t.Errorf("%s: event %s gives up without a note in a queue", f.id, name)
			}
		}
	}
}

// TestBucketForgets checks that everything in the bucket, all of which may be personal, is deleted after some days.
func TestBucketForgets(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	rules := parseYAML(t, "template.yaml").object("Resources", "ImportsBucket", "Properties", "LifecycleConfiguration")["Rules"]
	for _, r := range list(rules) {
		if rule := r.(object); rule.text("Status") == "Enabled" && rule["Prefix"] != nil {
			got[rule.text("Prefix")] = rule.text("ExpirationInDays")
		}
	}
	want := map[string]string{"imports/": "30", "results/": "30", "undo/": "30", "work/": "15"}
	if !maps.Equal(got, want) {
		t.Errorf("days by prefix: got %v, want %v", got, want)
	}
}

// number returns a scalar as a number, 0 if it is none.
func number(v any) int {
	n, _ := strconv.Atoi(fmt.Sprint(v))
	return n
}

func TestMainsAreShort(t *testing.T) {
	t.Parallel()
	for name := range sources(t) {
		if !strings.HasPrefix(name, "functions/") {
			continue
		}
		if filepath.Base(name) != "main.go" {
			t.Errorf("%s: a function is its main.go; behaviour belongs in internal/", name)
		}
		if lines := strings.Count(string(read(t, name)), "\n"); lines > 40 {
			t.Errorf("%s has %d lines, want at most 40", name, lines)
		}
	}
}
