package engine

import (
	"encoding/json"
	"math/big"
	"strings"
)

// emptiness is what the words blank and empty mean: whatever is blank or empty equals them.
type emptiness bool

const (
	blank emptiness = true
	empty emptiness = false
)

// of reports whether a value is empty or blank: blank are also null, false, and white space.
func (e emptiness) of(v any) bool {
	switch v := v.(type) {
	case nil:
		return e == blank
	case bool:
		return e == blank && !v
	case string:
		return v == "" || e == blank && strings.TrimSpace(v) == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// textLen returns the length of a value that is text, in bytes.
func textLen(v any) int {
	s, _ := v.(string)
	return len(s)
}

// equal compares two values. Numbers of any form compare by what they are worth; other types never equal each other.
func (n *run) equal(a, b any) bool {
	n.work(textLen(a) + textLen(b))
	if e, ok := a.(emptiness); ok {
		return e.of(b)
	}
	if e, ok := b.(emptiness); ok {
		return e.of(a)
	}
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		return ok && n.equalLists(a, b)
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && n.equalObjects(a, b)
	case int, *big.Rat, json.Number:
		x, y, ok := numbers(a, b)
		return ok && x.compare(y) == 0
	}
	switch b.(type) {
	case []any, map[string]any, int, *big.Rat, json.Number:
		return false
	}
	return a == b
}

func (n *run) equalLists(a, b []any) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !n.equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

func (n *run) equalObjects(a, b map[string]any) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		other, ok := b[k]
		if !ok || !n.equal(v, other) {
			return false
		}
	}
	return true
}

// less orders numbers and texts; other values, and values of two types, have no order.
func (n *run) less(a, b any) bool {
	n.work(textLen(a))
	if x, y, ok := numbers(a, b); ok {
		return x.compare(y) < 0
	}
	x, ok := a.(string)
	y, both := b.(string)
	return ok && both && x < y
}

// order sorts values: numbers, then texts, then the rest as it was, then what is null.
func (n *run) order(a, b any) int {
	if d := rank(a) - rank(b); d != 0 {
		return d
	}
	switch {
	case n.less(a, b):
		return -1
	case n.less(b, a):
		return 1
	}
	return 0
}

func rank(v any) int {
	switch v.(type) {
	case int, *big.Rat, json.Number:
		return 0
	case string:
		return 1
	case nil:
		return 3
	}
	return 2
}
