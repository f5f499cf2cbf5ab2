package law_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"lunogram-users/internal/api"
)

// servedBy says which function has the catch-all of a method.
var servedBy = map[string]string{
	"GET": "get", "HEAD": "get", "POST": "upsert", "PATCH": "upsert", "DELETE": "delete", "PUT": "subscriptions",
}

// open says which function has the routes that need no key, by what their paths start with.
var open = map[string]string{"/preferences/": "preferences", "/unsubscribe/": "preferences", "/sms/twilio": "sms-webhook"}

// isOpen reports whether a path needs no key, and returns the function that has it.
func isOpen(path string) (function string, ok bool) {
	for start, function := range open {
		if strings.HasPrefix(path, start) {
			return function, true
		}
	}
	return "", false
}

// server returns the function that is to have a route.
func server(method, path string) string {
	if function, ok := isOpen(path); ok {
		return function
	}
	for _, r := range api.Contract() {
		// HEAD is answered as GET.
		if r.Path == path && (r.Method == method || r.Method == "GET" && method == "HEAD") {
			return r.Function
		}
	}
	return servedBy[method]
}

// TestOperations checks that internal/api serves what openapi.yaml has, under the same names.
func TestOperations(t *testing.T) {
	t.Parallel()
	documented := operations(t)
	for _, r := range api.Contract() {
		key := r.Method + " " + r.Path
		if id, ok := documented[key]; !ok {
			t.Errorf("internal/api serves %s, openapi.yaml does not have it", key)
		} else if id != r.Operation {
			t.Errorf("%s is %q in internal/api, and %q in openapi.yaml", key, r.Operation, id)
		}
		delete(documented, key)
	}
	for key, id := range documented {
		_, path, _ := strings.Cut(key, " ")
		if _, ok := isOpen(path); !ok {
			t.Errorf("openapi.yaml has %s (%s), internal/api does not serve it", key, id)
		}
	}
}

// TestRoutes checks that openapi.yaml and template.yaml have the same routes, each on the right function.
func TestRoutes(t *testing.T) {
	t.Parallel()
	routed := map[string]string{} // "GET /path" → folder
	for folder, f := range functions(t, parseYAML(t, "template.yaml")) {
		for event, e := range f.properties.object("Events") {
			p := e.(object).object("Properties")
			if e.(object).text("Type") != "HttpApi" {
				continue
			}
			if p.text("ApiId", "!Ref") != "Api" {
				t.Errorf("%s: event %s is of another API", f.id, event)
			}
			key := strings.TrimSpace(p.text("Method") + " " + p.text("Path"))
			if other, twice := routed[key]; twice {
				t.Errorf("%q is routed to %s and %s", key, other, folder)
			}
			routed[key] = folder
		}
	}
	documented := operations(t)
	for _, key := range slices.Sorted(maps.Keys(documented)) {
		if _, ok := routed[key]; !ok {
			t.Errorf("openapi.yaml has %s, template.yaml does not route it", key)
		}
	}
	for key, folder := range routed {
		method, path, _ := strings.Cut(key, " ")
		if want := server(method, path); want != folder && key != "" {
			t.Errorf("%s is routed to %s, want %s", key, folder, want)
		}
		// HEAD is a GET without its body, and not documented by itself.
		if _, ok := documented["GET "+path]; ok && method == "HEAD" {
			continue
		}
		if _, ok := documented[key]; !ok && path != "/{proxy+}" && key != "" {
			t.Errorf("template.yaml routes %s, openapi.yaml does not have it", key)
		}
	}
	// Whatever else is asked is answered by us, so that every failure is a problem document.
	for _, key := range []string{"", "GET /{proxy+}", "HEAD /{proxy+}", "POST /{proxy+}", "PUT /{proxy+}",
		"PATCH /{proxy+}", "DELETE /{proxy+}"} {
		if routed[key] == "" {
			t.Errorf("the catch-all %q is missing", key)
		}
	}
}

// operations returns the ids of the operations of openapi.yaml by method and path.
func operations(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for path, item := range parseYAML(t, "openapi.yaml").object("paths") {
		for method, operation := range item.(object) {
			switch method {
			case "get", "put", "post", "delete", "patch", "head", "options", "trace":
				found[strings.ToUpper(method)+" "+path] = operation.(object).text("operationId")
			}
		}
	}
	if len(found) == 0 {
		t.Fatal("openapi.yaml has no operation")
	}
	return found
}
