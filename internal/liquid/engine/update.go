package engine

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"

	"lunogram-users/internal/liquid"
)

// Update implements liquid.Renderer.
func (r *renderer) Update(template map[string]any) (map[string]any, error) {
	u := update{renderer: r}
	out, err := u.object(template, "")
	if err != nil {
		return nil, err
	}
	return out, nil
}

// update renders one template.
type update struct {
	*renderer
	size int // of the leaves so far, in bytes
}

// object returns what the members of an object render to.
func (u *update) object(template map[string]any, pointer string) (map[string]any, *liquid.Error) {
	out := make(map[string]any, len(template))
	for _, key := range sortedKeys(template) {
		v, absent, err := u.value(template[key], pointer+"/"+tokens.Replace(key))
		if err != nil {
			return nil, err
		}
		if !absent {
			out[key] = v
		}
	}
	return out, nil
}

// tokens escapes the token of a pointer (RFC 6901, 3).
var tokens = strings.NewReplacer("~", "~0", "/", "~1")

// value returns what a value of the template renders to, and whether that is missing. An object of which nothing is left is
// missing too, so that it does not overwrite one with nothing.
func (u *update) value(template any, pointer string) (v any, absent bool, err *liquid.Error) {
	switch t := template.(type) {
	case string:
		v, absent, err = u.leaf(t, pointer)
	case map[string]any:
		object, e := u.object(t, pointer)
		v, absent, err = object, len(object) == 0 && len(t) > 0, e
	case []any:
		v, err = u.array(t, pointer)
	default:
		v = t
	}
	return v, absent, err
}

func (u *update) array(template []any, pointer string) ([]any, *liquid.Error) {
	out := make([]any, len(template))
	for i, item := range template {
		v, absent, err := u.value(item, pointer+"/"+strconv.Itoa(i))
		if err != nil {
			return nil, err
		}
		if !absent {
			out[i] = v
		}
	}
	return out, nil
}

// leaf renders a string.
func (u *update) leaf(template, pointer string) (v any, absent bool, failure *liquid.Error) {
	n := u.newRun(template, liquid.Text)
	var err error
	func() {
		defer n.rescue(&err)
		if u.size += len(template); u.size > liquid.MaxTemplate {
			tooLarge("a template may have at most 256 KB")
		}
		v, absent = n.leaf()
	}()
	if err != nil {
		failure, _ = err.(*liquid.Error) // rescue makes no other
		failure.Pointer = pointer
	}
	return v, absent, failure
}

// leaf returns the value that the template is, if it is one, or its text.
func (n *run) leaf() (v any, absent bool) {
	body := n.parse()
	if len(body) == 1 {
		if o, ok := body[0].(outputNode); ok {
			v := n.eval(o.expr)
			if v.absent {
				v.noted()
				return nil, true
			}
			n.write(n.weight(v.v))
			return n.plain(v.v), false
		}
	}
	n.body(body)
	return n.out.String(), false
}

// plain returns a value in which every number is a json.Number.
func (n *run) plain(v any) any {
	n.step()
	switch v := v.(type) {
	case int, *big.Rat:
		return json.Number(printNumber(v))
	case emptiness:
		return nil
	case span:
		c := call{run: n}
		return n.plain(c.span(v))
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = n.plain(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for key := range v {
			out[key] = n.plain(v[key])
		}
		return out
	}
	return v
}
