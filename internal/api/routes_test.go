package api_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	"lunogram-users/internal/api"
)

// TestContract checks that operations have one name each, and paths and methods one operation.
func TestContract(t *testing.T) {
	names, routes := map[string]bool{}, map[string]bool{}
	for _, r := range api.Contract() {
		if at := r.Method + " " + r.Path; names[r.Operation] || routes[at] {
			t.Errorf("%s or %s is there twice", r.Operation, at)
		} else {
			names[r.Operation], routes[at] = true, true
		}
	}
}

// TestFunctionsFit makes the handler of every function, which panics if an operation of the function has none.
func TestFunctionsFit(t *testing.T) {
	o := api.Options{}
	constructors := map[string]func() http.Handler{
		"upsert":        func() http.Handler { return api.Upsert(nil, o) },
		"get":           func() http.Handler { return api.Get(nil, o) },
		"delete":        func() http.Handler { return api.Delete(nil, o) },
		"imports":       func() http.Handler { return api.Imports(nil, nil, o) },
		"subscriptions": func() http.Handler { return api.Subscriptions(nil, o) },
		"lists":         func() http.Handler { return api.Lists(nil, o) },
		"render":        func() http.Handler { return api.Render(nil, nil, o) },
	}
	served := map[string]bool{}
	for _, r := range api.Contract() {
		served[r.Function] = true
	}
	if got, want := slices.Sorted(maps.Keys(served)), slices.Sorted(maps.Keys(constructors)); !slices.Equal(got, want) {
		t.Errorf("the contract is served by %v, want %v", got, want)
	}
	for name, construct := range constructors {
		t.Run(name, func(t *testing.T) { construct() })
	}
}

// TestMisfits checks that a function does not start with a handler too few, or too many, or of another's operation.
func TestMisfits(t *testing.T) {
	all := []string{"deleteUserByIdentifier", "deleteUserOfProjectByIdentifier", "deleteUser", "detachIdentifier"}
	tests := []struct {
		name       string
		operations []string
		panics     bool
	}{
		{"each", all, false},
		{"none", nil, true},
		{"one too few", all[1:], true},
		{"one too many", append(slices.Clone(all), "eraseEverybody"), true},
		{"of another function", append(slices.Clone(all), "upsertUser"), true},
		{"another's in place of its own", append(slices.Clone(all[1:]), "upsertUser"), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			defer func() {
				if panicked := recover() != nil; panicked != tt.panics {
					t.Errorf("panicked: %v, want %v", panicked, tt.panics)
				}
			}()
			api.Fit("delete", tt.operations...)
		})
	}
}
