package law_test

import (
	"maps"
	"testing"

	"gopkg.in/yaml.v3"
)

// object is a mapping of a YAML file. An intrinsic function such as !Ref X is the object {"!Ref": X}.
type object map[string]any

// at returns what is at the end of the keys, or nil.
func (o object) at(keys ...string) any {
	var v any = o
	for _, k := range keys {
		inner, _ := v.(object)
		v = inner[k]
	}
	return v
}

func (o object) object(keys ...string) object {
	inner, _ := o.at(keys...).(object)
	return inner
}

func (o object) text(keys ...string) string {
	s, _ := o.at(keys...).(string)
	return s
}

// parseYAML reads a file below the root.
func parseYAML(t *testing.T, name string) object {
	t.Helper()
	var document yaml.Node
	if err := yaml.Unmarshal(read(t, name), &document); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	o, ok := plain(document.Content[0]).(object)
	if !ok {
		t.Fatalf("%s is no mapping", name)
	}
	return o
}

// plain turns a node into objects, lists ([]any) and text.
func plain(n *yaml.Node) any {
	var v any
	switch n.Kind {
	case yaml.AliasNode:
		return plain(n.Alias)
	case yaml.MappingNode:
		o := object{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			o[n.Content[i].Value] = plain(n.Content[i+1])
		}
		v = o
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			list = append(list, plain(c))
		}
		v = list
	default:
		v = n.Value
	}
	if len(n.Tag) > 1 && n.Tag[0] == '!' && n.Tag[1] != '!' {
		return object{n.Tag: v}
	}
	return v
}

// merge returns the globals overlaid with a function's own properties, mapping by mapping as SAM does.
func merge(globals, own object) object {
	out := maps.Clone(globals)
	if out == nil {
		out = object{}
	}
	for k, v := range own {
		a, isA := out[k].(object)
		b, isB := v.(object)
		if isA && isB {
			v = merge(a, b)
		}
		out[k] = v
	}
	return out
}

// list returns v as a list: a value that is none stands for a list of one.
func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}
