package api

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"lunogram-users/internal/user"
)

// object reads the fields of a JSON object. What is not as it must be is noted in bad with its pointer, and read
// as if it were absent, so that one pass finds every fault. Fields nobody asks for are ignored.
type object struct {
	fields  map[string]any
	pointer string // of the object itself
	raw     []byte // of the whole body, nil of what is within it
	bad     *badRequest
}

func (o object) at(name string) string { return user.Pointer(o.pointer, name) }

// has reports whether the field is there, be it null.
func (o object) has(name string) bool {
	_, ok := o.fields[name]
	return ok
}

// only notes every member that is none of the names, and of a body those that are there twice and what follows it. It is for requests in which a
// misspelt member would do harm.
func (o object) only(names ...string) {
	for _, name := range slices.Sorted(maps.Keys(o.fields)) {
		if !slices.Contains(names, name) {
			o.bad.body(o.at(name), "is not known; known are "+strings.Join(names, ", "))
		}
	}
	if o.raw != nil && !alone(o.raw) {
		o.bad.body("", "must be one JSON value, and nothing after it")
	}
	for _, name := range repeated(o.raw) {
		o.bad.body(o.at(name), "must not be given twice")
	}
}

// text returns a string; nil when it is absent or null.
func (o object) text(name string) *string {
	switch v := o.fields[name].(type) {
	case nil:
		return nil
	case string:
		return &v
	default:
		o.bad.unread(o.at(name), "must be a string")
		return nil
	}
}

// word returns a string; "" when it is absent or null.
func (o object) word(name string) string {
	if s := o.text(name); s != nil {
		return *s
	}
	return ""
}

// flag returns a boolean; otherwise when it is absent or null.
func (o object) flag(name string, otherwise bool) bool {
	switch v := o.fields[name].(type) {
	case nil:
		return otherwise
	case bool:
		return v
	default:
		o.bad.unread(o.at(name), "must be true or false")
		return otherwise
	}
}

// member returns an object to read in turn; an empty one when it is absent or null.
func (o object) member(name string) object {
	return object{fields: o.object(name), pointer: o.at(name), bad: o.bad}
}

// object returns the members of an object; nil when it is absent or null.
func (o object) object(name string) map[string]any {
	switch v := o.fields[name].(type) {
	case nil:
		return nil
	case map[string]any:
		return v
	default:
		o.bad.unread(o.at(name), "must be an object")
		return nil
	}
}

// objects returns the items of an array of objects; none when it is absent or null. An item that is no object is
// noted and read as an empty one, so that the indexes of the others remain.
func (o object) objects(name string) []object {
	items, ok := o.fields[name].([]any)
	if !ok {
		if o.fields[name] != nil {
			o.bad.unread(o.at(name), "must be an array")
		}
		return nil
	}
	return objectsOf(items, o.at(name), o.bad)
}

// objectsOf reads the items of the array at a pointer.
func objectsOf(items []any, array string, bad *badRequest) []object {
	objects := make([]object, len(items))
	for i, item := range items {
		pointer := array + "/" + strconv.Itoa(i)
		fields, ok := item.(map[string]any)
		if !ok {
			bad.unread(pointer, "must be an object")
		}
		objects[i] = object{fields: fields, pointer: pointer, bad: bad}
	}
	return objects
}

// truth returns a boolean; nil when it is absent or null.
func (o object) truth(name string) *bool {
	switch v := o.fields[name].(type) {
	case nil:
		return nil
	case bool:
		return &v
	default:
		o.bad.unread(o.at(name), "must be true or false")
		return nil
	}
}

// texts returns an array of strings; none when it is absent or null. An item that is no string is noted and read as "".
func (o object) texts(name string) []string {
	items, ok := o.fields[name].([]any)
	if !ok {
		if o.fields[name] != nil {
			o.bad.unread(o.at(name), "must be an array")
		}
		return nil
	}
	texts := make([]string, len(items))
	for i, item := range items {
		if texts[i], ok = item.(string); !ok {
			o.bad.unread(o.at(name)+"/"+strconv.Itoa(i), "must be a string")
		}
	}
	return texts
}

// textOr returns a string, or what stands for one that is absent or null.
func (o object) textOr(name, absent string) string {
	if v := o.text(name); v != nil {
		return *v
	}
	return absent
}
