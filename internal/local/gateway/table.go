package gateway

import (
	"fmt"
	"net/url"
	"strings"
)

// table holds the routes and chooses one per request: the most specific path, then an exact method before ANY,
// then $default.
// Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
type table struct {
	routes   []entry
	fallback *Route
}

type entry struct {
	route    Route
	segments []segment
}

// segment is one part of a path: a text, {variable} or {variable+}.
type segment struct {
	text     string
	variable string
	greedy   bool
}

// match is a chosen route and the decoded values of its variables.
type match struct {
	route     Route
	variables map[string]string
}

// key returns the route key: "GET /users/{id}" or "$default".
func (r Route) key() string {
	if r.Path == "" {
		return "$default"
	}
	return r.Method + " " + r.Path
}

func newTable(routes []Route) (table, error) {
	var t table
	seen := map[string]bool{}
	for _, r := range routes {
		if seen[r.key()] {
			return t, fmt.Errorf("the route %s exists twice", r.key())
		}
		seen[r.key()] = true
		if r.Path == "" {
			t.fallback = &r
			continue
		}
		segments, err := parsePath(r.Path)
		if err != nil {
			return t, err
		}
		t.routes = append(t.routes, entry{r, segments})
	}
	return t, nil
}

func parsePath(path string) ([]segment, error) {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	segments := make([]segment, len(parts))
	for i, part := range parts {
		name, isVariable := strings.CutPrefix(part, "{")
		if !isVariable {
			segments[i] = segment{text: part}
			continue
		}
		name, closed := strings.CutSuffix(name, "}")
		name, greedy := strings.CutSuffix(name, "+")
		if !closed || name == "" || greedy && i != len(parts)-1 {
			return nil, fmt.Errorf("the path %s is malformed", path)
		}
		segments[i] = segment{variable: name, greedy: greedy}
	}
	return segments, nil
}

// match chooses the route of a request by its method and its escaped path, whose slashes are not collapsed.
func (t table) match(method, path string) (match, bool) {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	var best *entry
	for i := range t.routes {
		e := &t.routes[i]
		if e.route.Method != "ANY" && e.route.Method != method || !e.covers(parts) {
			continue
		}
		if best == nil || e.before(best) {
			best = e
		}
	}
	switch {
	case best != nil:
		return match{best.route, best.variables(parts)}, true
	case t.fallback != nil:
		return match{route: *t.fallback}, true
	default:
		return match{}, false
	}
}

// covers reports whether the path of e matches. A variable matches one segment, a greedy one all that are left,
// at least one; neither matches an empty one.
func (e *entry) covers(parts []string) bool {
	for i, s := range e.segments {
		switch {
		case i >= len(parts):
			return false
		case s.greedy:
			return strings.Join(parts[i:], "/") != ""
		case s.variable != "":
			if parts[i] == "" {
				return false
			}
		case s.text != unescape(parts[i]):
			return false
		}
	}
	return len(parts) == len(e.segments)
}

// before reports whether e is more specific than other; both match the same path.
func (e *entry) before(other *entry) bool {
	for i := range min(len(e.segments), len(other.segments)) {
		if a, b := e.segments[i].rank(), other.segments[i].rank(); a != b {
			return a < b
		}
	}
	return e.route.Method != "ANY" && other.route.Method == "ANY"
}

func (s segment) rank() int {
	switch {
	case s.greedy:
		return 2
	case s.variable != "":
		return 1
	default:
		return 0
	}
}

func (e *entry) variables(parts []string) map[string]string {
	values := map[string]string{}
	for i, s := range e.segments {
		switch {
		case s.greedy:
			values[s.variable] = unescape(strings.Join(parts[i:], "/"))
		case s.variable != "":
			values[s.variable] = unescape(parts[i])
		}
	}
	if len(values) == 0 {
		return nil
	}
	return values
}

// unescape decodes a part of a path. The HTTP server has refused malformed escapes before.
func unescape(s string) string {
	if decoded, err := url.PathUnescape(s); err == nil {
		return decoded
	}
	return s
}
