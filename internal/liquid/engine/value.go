package engine

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/osteele/liquid/values"
)

// value is a value in a template. It implements values.Value, so that the library computes with it, and knows where it
// comes from, so that a missing one can be named.
type value struct {
	run    *run
	v      any    // JSON value, values.Range or emptiness
	parent *value // nil for a variable, and for a literal and what a filter made, whose key is ""
	key    string // in the parent, as it stands in a path: .name or [0]
	depth  int    // how many parents there are

	literal bool // whether it stands in the template
	absent  bool // whether there is no such value
	safe    bool // whether it is escaped already
}

var _ values.Value = (*value)(nil)

// wrap returns the value that the library or a filter means.
func (n *run) wrap(v any) *value {
	switch v := v.(type) {
	case *value:
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

// Interface implements values.Value. The library compares what it returns with the result of a comparison, which is a bare
// boolean; everything else keeps its origin on the way to a filter.
func (v *value) Interface() any {
	if truth, ok := v.v.(bool); ok {
		return truth
	}
	return v
}

// Int implements values.Value. It breaks off the work if the value is no integer.
func (v *value) Int() int {
	if n, ok := bare(v.v).(int); ok {
		return n
	}
	v.run.refuse("an integer is needed here")
	return 0
}

// Equal implements values.Value.
func (v *value) Equal(o values.Value) bool { return v.run.equal(v.v, v.run.wrap(o.Interface()).v) }

// Less implements values.Value.
func (v *value) Less(o values.Value) bool { return v.run.less(v.v, v.run.wrap(o.Interface()).v) }

// Test implements values.Value.
func (v *value) Test() bool { return v.v != nil && v.v != false }

// Contains implements values.Value.
func (v *value) Contains(o values.Value) bool {
	part := v.run.wrap(o.Interface())
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

// IndexValue implements values.Value. An index that is computed is not told in paths, as it may be personal.
func (v *value) IndexValue(o values.Value) values.Value {
	index := v.run.wrap(o.Interface())
	out := v.indexed(index)
	if !index.literal && out.parent != nil {
		out.key = "[…]"
	}
	return out
}

func (v *value) indexed(index *value) *value {
	if key, ok := index.v.(string); ok {
		return v.member(key)
	}
	i, isInt := bare(index.v).(int)
	list, isList := v.v.([]any)
	if isInt && isList {
		return v.item(list, i)
	}
	out := v.child("[]")
	out.absent = true
	return out
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

// PropertyValue implements values.Value.
func (v *value) PropertyValue(o values.Value) values.Value {
	key, _ := v.run.wrap(o.Interface()).v.(string)
	return v.member(key)
}

// member returns a member of an object. It comes before the properties that Liquid itself knows.
func (v *value) member(key string) *value {
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
	case values.Range:
		return sequence{max(all.Len(), 0), func(i int) *value { return v.run.wrap(all.Index(i)) }}
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
