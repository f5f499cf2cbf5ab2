package engine

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// value is a value in a template. It knows where it comes from, so that a missing one can be named.
type value struct {
	run    *run
	v      any    // JSON value, *big.Rat, span or emptiness
	parent *value // nil for a variable, and for what a filter made, whose key is ""
	key    string // in the parent, as it stands in a path: .name or [0]
	depth  int    // how many parents there are

	literal bool // whether it stands in the template
	absent  bool // whether there is no such value
	safe    bool // whether it is escaped already
}

// wrap returns a result as a value.
func (n *run) wrap(v any) *value {
	if v, ok := v.(*value); ok {
		return v
	}
	return &value{run: n, v: v}
}

// The bounds of a path: without them a loop that assigns a member of a variable to it would make one without end.
const (
	maxPath = 32 // keys
	maxKey  = 64 // bytes
)

// child returns a value that is part of v, or of no value if the path grows too long.
func (v *value) child(key string) *value {
	if v.depth == maxPath {
		return &value{run: v.run}
	}
	return &value{run: v.run, parent: v, key: key, depth: v.depth + 1}
}

// path returns the path of the value, "" if it has none.
func (v *value) path() string {
	if v.parent == nil {
		return v.key
	}
	above := v.parent.path()
	if above == "" {
		return ""
	}
	return above + v.key
}

// noted returns the value, and lists it if it is missing or null and that is news.
func (v *value) noted() *value {
	if v.v == nil && !v.run.testing {
		v.run.note(v.path())
	}
	return v
}

// bound returns the integer that bounds a loop or a range, and whether there is one; a missing one is listed.
func (v *value) bound() (int, bool) {
	if v.noted().v == nil {
		return 0, false
	}
	i, ok := v.integral()
	if !ok {
		v.run.refuse("an integer is needed here")
	}
	return i, true
}

// test reports whether the value is neither false nor null nor missing, which is all that is false in Liquid.
func (v *value) test() bool { return v.v != nil && v.v != false }

// contains reports whether a text, array or object holds a text, an item or a key. Nothing is in nothing.
func (v *value) contains(part *value) bool {
	if _, ok := part.v.(emptiness); ok || part.v == nil {
		return false
	}
	v.run.work(textLen(v.v))
	switch whole := v.v.(type) {
	case string:
		return strings.Contains(whole, part.text())
	case []any:
		for _, item := range whole {
			if v.run.equal(item, part.v) {
				return true
			}
		}
	case map[string]any:
		_, ok := whole[part.text()]
		return ok
	}
	return false
}

// index returns the item or member that [ ] asks for. An index that is computed is not told in paths, as it may be personal.
func (v *value) index(by *value) *value {
	out := v.indexed(by)
	if !by.literal && out.parent != nil {
		out.key = "[…]"
	}
	return out
}

func (v *value) indexed(by *value) *value {
	if key, ok := by.v.(string); ok {
		return v.property(key)
	}
	i, isInt := by.integral()
	list, isList := v.v.([]any)
	if isInt && isList {
		return v.item(list, i)
	}
	out := v.child("[]")
	out.absent = true
	return out
}

// called returns the value under a name, if it has no path of its own yet: what a filter made, for one.
func (v *value) called(name string) *value {
	root := v
	for root.parent != nil {
		root = root.parent
	}
	if root.key != "" {
		return v
	}
	out := *v
	out.parent, out.key, out.depth = nil, name, 0
	return &out
}

// item returns an item of the array that v is; a negative index counts from the end.
func (v *value) item(list []any, i int) *value {
	if i < 0 {
		i += len(list)
	}
	out := v.child("[" + strconv.Itoa(i) + "]")
	if out.absent = i < 0 || i >= len(list); !out.absent {
		out.v = list[i]
	}
	return out
}

// property returns a member. It comes before the properties that Liquid itself knows.
func (v *value) property(key string) *value {
	v.run.work(len(key))
	out := v.child("." + strings.ToValidUTF8(key[:min(len(key), maxKey)], "…"))
	if members, ok := v.v.(map[string]any); ok {
		if member, ok := members[key]; ok {
			out.v = member
			return out
		}
	}
	list, _ := v.v.([]any)
	switch {
	case key == "size" && v.v != nil:
		out.v = v.size()
	case key == "first" && len(list) > 0:
		return v.item(list, 0)
	case key == "last" && len(list) > 0:
		return v.item(list, -1)
	default:
		out.absent = true
	}
	return out
}

// size returns the number of characters, items or members.
func (v *value) size() int {
	if s, ok := v.v.(string); ok {
		v.run.work(len(s))
		return utf8.RuneCountInString(s)
	}
	if members, ok := v.v.(map[string]any); ok {
		return len(members)
	}
	return v.items().len
}

// sequence is what can be looped over.
type sequence struct {
	len int
	at  func(i int) *value
}

// items returns the items of an array or range, the sorted [key, value] pairs of an object, or a text as the only item.
func (v *value) items() sequence {
	switch all := v.v.(type) {
	case []any:
		return sequence{len(all), func(i int) *value { return v.item(all, i) }}
	case span:
		return sequence{all.len(), func(i int) *value { return v.run.wrap(all.from + i) }}
	case map[string]any:
		v.run.check() // sorting takes a while
		keys := sortedKeys(all)
		return sequence{len(keys), func(i int) *value { return v.run.wrap([]any{keys[i], all[keys[i]]}) }}
	case string:
		if all != "" {
			return sequence{1, func(int) *value { return v }}
		}
	}
	return sequence{}
}

// span is a range of integers, both ends included.
type span struct{ from, to int }

func (s span) len() int {
	switch n := s.to - s.from + 1; {
	case s.to < s.from:
		return 0
	case n <= 0: // it is more than an int holds
		return math.MaxInt
	default:
		return n
	}
}
