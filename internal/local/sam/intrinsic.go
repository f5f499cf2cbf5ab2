package sam

import (
	"fmt"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// isIntrinsic reports whether a mapping is the long form of an intrinsic function.
func isIntrinsic(n *yaml.Node) bool {
	name, _, ok := intrinsic(n)
	return ok && name != ""
}

// intrinsic returns the short name (Ref, GetAtt, Sub, …) and the argument of an intrinsic function, in either
// form: `!Sub x` or `{"Fn::Sub": x}`.
func intrinsic(n *yaml.Node) (name string, argument *yaml.Node, ok bool) {
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		bare := *n
		bare.Tag = ""
		return n.Tag[1:], &bare, true
	}
	if n.Kind != yaml.MappingNode || len(n.Content) != 2 {
		return "", nil, false
	}
	key := n.Content[0].Value
	if name, isFn := strings.CutPrefix(key, "Fn::"); isFn || key == "Ref" {
		return name, n.Content[1], true
	}
	return "", nil, false
}

// resolve returns n with every intrinsic function in it replaced by its value.
func (r *reader) resolve(n *yaml.Node) (*yaml.Node, error) {
	if n.Kind == yaml.AliasNode {
		return r.resolve(n.Alias)
	}
	if name, argument, ok := intrinsic(n); ok {
		value, err := r.call(name, argument)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n.Line, err)
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Value: value, Line: n.Line, Column: n.Column}, nil
	}
	if n.Kind == yaml.ScalarNode {
		return n, nil
	}
	resolved := *n
	resolved.Content = make([]*yaml.Node, len(n.Content))
	for i, c := range n.Content {
		v, err := r.resolve(c)
		if err != nil {
			return nil, err
		}
		resolved.Content[i] = v
	}
	return &resolved, nil
}

func (r *reader) call(name string, argument *yaml.Node) (string, error) {
	switch name {
	case "Ref":
		return r.ref(argument.Value)
	case "GetAtt":
		return r.getAtt(argument)
	case "Sub":
		return r.sub(argument)
	case "Join":
		return r.join(argument)
	default:
		return "", fmt.Errorf("the function %s is not supported", name)
	}
}

// join is Fn::Join: [separator, [values]].
func (r *reader) join(argument *yaml.Node) (string, error) {
	if argument.Kind != yaml.SequenceNode || len(argument.Content) != 2 {
		return "", fmt.Errorf("!Join wants a separator and a list")
	}
	list, err := r.resolve(argument.Content[1])
	if err != nil {
		return "", err
	}
	var values []string
	if err := list.Decode(&values); err != nil {
		return "", err
	}
	return strings.Join(values, argument.Content[0].Value), nil
}

// getAtt is Fn::GetAtt: "Resource.Attribute" or [Resource, Attribute].
func (r *reader) getAtt(argument *yaml.Node) (string, error) {
	id, attribute, _ := strings.Cut(argument.Value, ".")
	if argument.Kind == yaml.SequenceNode && len(argument.Content) == 2 {
		id, attribute = argument.Content[0].Value, argument.Content[1].Value
	}
	return r.attribute(id, attribute)
}

// placeholder matches ${Name}, ${Name.Attribute} and the literal ${!Name}.
var placeholder = regexp.MustCompile(`\$\{(!?)([^}]+)\}`)

// sub is Fn::Sub: "text" or [text, {variable: value}].
func (r *reader) sub(argument *yaml.Node) (string, error) {
	text, variables := argument.Value, map[string]string{}
	if argument.Kind == yaml.SequenceNode {
		if len(argument.Content) != 2 {
			return "", fmt.Errorf("!Sub wants a text and a mapping")
		}
		text = argument.Content[0].Value
		resolved, err := r.resolve(argument.Content[1])
		if err != nil {
			return "", err
		}
		if err := resolved.Decode(&variables); err != nil {
			return "", err
		}
	}
	var failed error
	result := placeholder.ReplaceAllStringFunc(text, func(match string) string {
		parts := placeholder.FindStringSubmatch(match)
		if parts[1] == "!" {
			return "${" + parts[2] + "}"
		}
		name := strings.TrimSpace(parts[2])
		if v, ok := variables[name]; ok {
			return v
		}
		v, err := r.variable(name)
		if err != nil && failed == nil {
			failed = err
		}
		return v
	})
	return result, failed
}

func (r *reader) variable(name string) (string, error) {
	if id, attribute, ok := strings.Cut(name, "."); ok {
		return r.attribute(id, attribute)
	}
	return r.ref(name)
}

// ref is Ref: a pseudo parameter, a parameter, or a resource.
func (r *reader) ref(name string) (string, error) {
	switch name {
	case "AWS::Region":
		return Region, nil
	case "AWS::AccountId":
		return AccountID, nil
	case "AWS::StackName":
		return StackName, nil
	case "AWS::Partition":
		return Partition, nil
	case "AWS::URLSuffix":
		return "amazonaws.com", nil
	}
	if p, ok := r.document.Parameters[name]; ok {
		if v, ok := r.options.Parameters[name]; ok {
			return v, nil
		}
		if p.Default == nil {
			return "", fmt.Errorf("the parameter %s has no default", name)
		}
		return *p.Default, nil
	}
	if res, ok := r.byID[name]; ok {
		return r.refResource(res)
	}
	return "", fmt.Errorf("there is no parameter or resource %s", name)
}
