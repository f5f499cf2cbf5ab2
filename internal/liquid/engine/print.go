package engine

import (
	"bytes"
	"encoding/json"
	"html"
	"maps"
	"math/big"
	"slices"
	"strconv"

	"lunogram-users/internal/liquid"
)

// shown returns what a value prints as, escaped.
func (n *run) shown(v *value) string {
	s := v.noted().text()
	switch {
	case v.safe || s == "":
		return s
	case n.escape == liquid.HTML:
		return html.EscapeString(s)
	case n.escape == liquid.JSON:
		quoted := string(encode(s))
		return quoted[1 : len(quoted)-1]
	}
	return s
}

// text returns what a value prints as: nothing for null, the items of an array one after the other, and JSON for an object.
func (v *value) text() string {
	if s, ok := v.v.(string); ok {
		return s
	}
	var b buffer
	v.run.print(&b, v.v)
	return b.String()
}

func (n *run) print(b *buffer, v any) {
	n.work(textLen(v))
	switch v := v.(type) {
	case string:
		b.add(v)
	case bool:
		b.add(strconv.FormatBool(v))
	case int, *big.Rat, json.Number:
		b.add(printNumber(v))
	case []any:
		for _, item := range v {
			n.print(b, item)
		}
	case map[string]any:
		b.add(n.json(v))
	case span:
		for i := range v.len() {
			n.print(b, v.from+i)
		}
	}
}

// json returns a value as JSON.
func (n *run) json(v any) string {
	if n.weight(v) > liquid.MaxOutput {
		tooLarge("a text would be larger than 1 MB")
	}
	return string(encode(v))
}

// encode returns a value as JSON, in which < > and & are themselves. Only a number that is none cannot be encoded, and
// nothing here makes one.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// weight returns about how many bytes a value has as JSON, or more than liquid.MaxOutput as soon as it has more.
func (n *run) weight(v any) int {
	n.step()
	switch v := v.(type) {
	case string:
		n.work(len(v))
		return len(v) + 3
	case json.Number:
		return len(v) + 1
	case []any:
		return n.sum(2, slices.Values(v))
	case map[string]any:
		keys := 2
		for k := range v {
			keys += len(k) + 4
		}
		return n.sum(keys, maps.Values(v))
	}
	return 8
}

func (n *run) sum(total int, items func(yield func(any) bool)) int {
	for item := range items {
		if total += n.weight(item); total > liquid.MaxOutput {
			break
		}
	}
	return total
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
