package law_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// servedBy says which function has the routes of a method, catch-alls included, unless exceptions knows better.
var servedBy = map[string]string{
	"GET": "get", "HEAD": "get", "POST": "upsert", "PATCH": "upsert", "DELETE": "delete", "PUT": "subscriptions",
}

// exceptions says which function has the routes whose paths start so, or end so.
var exceptions = []struct{ prefix, suffix, folder string }{
	{"/preferences/", "", "preferences"},
	{"/unsubscribe/", "", "preferences"},
	{"/api/admin/projects/{projectID}/imports", "", "imports"},
	{"/sms/twilio", "", "sms-webhook"},
	{"/api/admin/projects/{projectID}/lists", "", "lists"},
	{"/api/admin/projects/{projectID}/rules", "", "lists"},
	{"", "/{userID}/lists", "lists"},
	{"/api/admin/projects/{projectID}/settings", "", "subscriptions"},
	{"/api/admin/projects/{projectID}/subscriptions", "", "subscriptions"},
	{"/api/admin/projects/{projectID}/suppressions", "", "subscriptions"},
	{"/api/admin/projects/{projectID}/reviews", "", "subscriptions"},
	{"", "/audience", "subscriptions"},
	{"", "/links", "subscriptions"},
	{"", "/ledger", "subscriptions"},
	{"", "/may-send", "subscriptions"},
}

// server returns the function that is to have a route.
func server(method, path string) string {
	if method == "PATCH" && strings.HasSuffix(path, "/{userID}/subscriptions") {
		return "subscriptions"
	}
	for _, e := range exceptions {
		if strings.HasPrefix(path, e.prefix) && strings.HasSuffix(path, e.suffix) {
			return e.folder
		}
	}
	return servedBy[method]
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
		if method == "HEAD" && documented["GET "+path] {
			continue
		}
		if !documented[key] && path != "/{proxy+}" && key != "" {
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

// operations returns the methods and paths of openapi.yaml.
func operations(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for path, item := range parseYAML(t, "openapi.yaml").object("paths") {
		for method := range item.(object) {
			switch method {
			case "get", "put", "post", "delete", "patch", "head", "options", "trace":
				found[fmt.Sprintf("%s %s", strings.ToUpper(method), path)] = true
			}
		}
	}
	if len(found) == 0 {
		t.Fatal("openapi.yaml has no operation")
	}
	return found
}
