// Package pattern matches events against the patterns by which AWS filters them: the FilterCriteria of an event source
// mapping.
//
// Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html#filtering-syntax
package pattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Pattern is a node of a pattern: either names of fields, all of which must match, or conditions, one of which must hold.
type Pattern struct {
	Fields     map[string]Pattern
	Conditions []Condition
}

// Condition is about one value. Operator is "equals", or one of the names that a pattern may use: "prefix", "suffix",
// "anything-but" and "exists".
type Condition struct {
	Operator string
	Values   []any // JSON scalars, one of which must meet the operator; for anything-but none may
}

// Parse reads a pattern in JSON. It refuses what it would not match as AWS does.
func Parse(text string) (Pattern, error) {
	var document map[string]any
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		return Pattern{}, fmt.Errorf("the pattern is not a JSON object: %w", err)
	}
	return parseFields(document)
}

func parseFields(document map[string]any) (Pattern, error) {
	if len(document) == 0 {
		return Pattern{}, errors.New("an empty object matches nothing")
	}
	p := Pattern{Fields: map[string]Pattern{}}
	for name, value := range document {
		if strings.HasPrefix(name, "$") {
			return Pattern{}, fmt.Errorf("%s is not supported", name)
		}
		field, err := parse(value)
		if err != nil {
			return Pattern{}, fmt.Errorf("%s: %w", name, err)
		}
		p.Fields[name] = field
	}
	return p, nil
}

func parse(value any) (Pattern, error) {
	switch v := value.(type) {
	case map[string]any:
		return parseFields(v)
	case []any:
		return parseConditions(v)
	default:
		return Pattern{}, errors.New("want an object, or a list of the values that match")
	}
}

func parseConditions(list []any) (Pattern, error) {
	var p Pattern
	for _, element := range list {
		operators, ok := element.(map[string]any)
		if !ok {
			p.Conditions = append(p.Conditions, Condition{"equals", []any{element}})
			continue
		}
		if len(operators) != 1 {
			return Pattern{}, errors.New("want one operator in each object")
		}
		for name, argument := range operators {
			c, err := parseCondition(name, argument)
			if err != nil {
				return Pattern{}, err
			}
			p.Conditions = append(p.Conditions, c)
		}
	}
	return p, nil
}

func parseCondition(operator string, argument any) (Condition, error) {
	values, isList := argument.([]any)
	if !isList {
		values = []any{argument}
	}
	var fits func(any) bool
	switch operator {
	case "prefix", "suffix":
		fits = func(v any) bool { _, ok := v.(string); return ok && !isList }
	case "exists":
		fits = func(v any) bool { _, ok := v.(bool); return ok && !isList }
	case "anything-but":
		fits = isScalar
	default:
		return Condition{}, fmt.Errorf("the operator %s is not supported", operator)
	}
	for _, v := range values {
		if !fits(v) {
			return Condition{}, fmt.Errorf("the operator %s does not take %v", operator, argument)
		}
	}
	return Condition{operator, values}, nil
}

func isScalar(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

// Match reports whether an event, as encoding/json decodes it, matches.
func (p Pattern) Match(event any) bool { return p.match(event, true) }

func (p Pattern) match(value any, present bool) bool {
	if p.Fields == nil {
		return slices.ContainsFunc(p.Conditions, func(c Condition) bool { return c.holds(value, present) })
	}
	object, _ := value.(map[string]any)
	for name, field := range p.Fields {
		value, ok := object[name]
		if !field.match(value, ok) {
			return false
		}
	}
	return true
}

// holds reports whether a value meets the condition. A list meets it if one of its elements does.
func (c Condition) holds(value any, present bool) bool {
	if c.Operator == "exists" {
		return present == c.Values[0]
	}
	if !present {
		return false
	}
	if list, ok := value.([]any); ok {
		return slices.ContainsFunc(list, func(v any) bool { return c.holds(v, true) })
	}
	if !isScalar(value) {
		return false
	}
	text, isText := value.(string)
	switch c.Operator {
	case "prefix":
		return isText && strings.HasPrefix(text, c.Values[0].(string))
	case "suffix":
		return isText && strings.HasSuffix(text, c.Values[0].(string))
	case "anything-but":
		return !slices.Contains(c.Values, value)
	default:
		return slices.Contains(c.Values, value)
	}
}
