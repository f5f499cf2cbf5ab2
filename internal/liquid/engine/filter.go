package engine

import (
	"math/big"
	"slices"

	"lunogram-users/internal/liquid"
)

// filter is a filter: what it does, and how many arguments it takes beside the value it is applied to.
type filter struct {
	do          func(*call) any
	least, most int
}

// filters are all there are. What of the library's is missing tells of Go types (type, inspect).
var filters = map[string]filter{
	"default": {defaultTo, 1, 1}, "json": {toJSON, 0, 0}, "date": {date, 0, 1}, "size": {size, 0, 0},

	"append": {appendText, 1, 1}, "prepend": {prepend, 1, 1}, "replace": {replace(-1), 2, 2}, "replace_first": {replace(1), 2, 2},
	"replace_last": {replaceLast, 2, 2}, "remove": {replace(-1), 1, 1}, "remove_first": {replace(1), 1, 1},
	"remove_last": {replaceLast, 1, 1}, "upcase": {upcase, 0, 0}, "downcase": {downcase, 0, 0}, "capitalize": {capitalize, 0, 0},
	"strip": {strip, 0, 0}, "lstrip": {lstrip, 0, 0}, "rstrip": {rstrip, 0, 0}, "strip_newlines": {stripNewlines, 0, 0},
	"strip_html": {stripHTML, 0, 0}, "newline_to_br": {newlineToBreak, 0, 0}, "escape": {escape, 0, 0},
	"escape_once": {escapeOnce, 0, 0}, "url_encode": {urlEncode, 0, 0}, "url_decode": {urlDecode, 0, 0},
	"truncate": {truncate, 0, 2}, "truncatewords": {truncateWords, 0, 2}, "handle": {handleize, 0, 0},
	"handleize": {handleize, 0, 0}, "pluralize": {pluralize, 2, 2}, "slice": {slice, 1, 2}, "split": {split, 1, 1},

	"join": {join, 0, 1}, "first": {first, 0, 0}, "last": {last, 0, 0}, "reverse": {reverse, 0, 0}, "sort": {sort, 0, 1},
	"sort_natural": {sortNatural, 0, 1}, "uniq": {uniq, 0, 1}, "map": {mapTo, 1, 1}, "where": {where(true), 1, 2}, "reject": {where(false), 1, 2}, "find": {find, 1, 2}, "sum": {sum, 0, 1},
	"compact": {compact, 0, 1}, "concat": {concat, 1, 1},

	"abs": {abs, 0, 0}, "ceil": {ceil, 0, 0}, "floor": {floor, 0, 0}, "round": {round, 0, 1}, "plus": {plus, 1, 1},
	"minus": {minus, 1, 1}, "times": {times, 1, 1}, "divided_by": {dividedBy, 1, 1}, "modulo": {modulo, 1, 1},
	"at_least": {atLeast, 1, 1}, "at_most": {atMost, 1, 1},
}

// call is one application of a filter.
type call struct {
	*run
	args  []*value // the value it is applied to first
	named map[string]*value
}

// apply applies a filter.
func (c *call) apply(name string, f filter) *value {
	c.check()
	if extra := len(c.args) - 1; extra < f.least || extra > f.most {
		c.refuse("the filter %q has the wrong number of arguments", name)
	}
	if name != "default" {
		for _, arg := range c.args {
			arg.noted()
		}
	}
	return c.made(f.do(c))
}

// made returns what a filter made, and counts what it takes. What was there before is a *value and costs nothing.
func (n *run) made(result any) *value {
	out, ok := result.(*value)
	if ok && (out.parent != nil || out.key != "") {
		return out
	}
	out = n.wrap(result)
	switch v := out.v.(type) {
	case string:
		n.make(len(v))
	case []any:
		n.make(itemSize * len(v))
	}
	return out
}

// itemSize is what an item of an array takes, in bytes.
const itemSize = 16

// text returns an argument as text, or what stands for one that is not there.
func (c *call) text(i int, otherwise string) string {
	if i >= len(c.args) {
		return otherwise
	}
	return c.args[i].text()
}

// int returns an argument as an integer, or what stands for one that is not there.
func (c *call) int(i, otherwise int) int {
	if i >= len(c.args) {
		return otherwise
	}
	return int(min(max(c.number(i).f, -liquid.MaxOutput), liquid.MaxOutput))
}

// number returns an argument as a number; 0 for what is none. Text may be one.
func (c *call) number(i int) number {
	if n, ok := c.args[i].number(); ok {
		return n
	}
	return whole(0)
}

// list returns an argument as an array: what is none is the only item of one, and nothing is an empty one.
func (c *call) list(i int) []any {
	switch v := c.args[i].v.(type) {
	case nil:
		return nil
	case []any:
		return v
	case span:
		return c.span(v)
	default:
		return []any{c.plain(v)}
	}
}

// span returns the integers of a range.
func (c *call) span(r span) []any {
	size := r.len()
	c.room(size)
	out := make([]any, size)
	for i := range out {
		out[i] = r.from + i
	}
	return out
}

// room breaks off the work before an array of so many items is made.
func (c *call) room(items int) {
	if items > liquid.MaxOutput/itemSize {
		tooLarge("an array would be too long")
	}
}

// property returns the member of an item that an argument names, or the item itself if there is no such argument.
func (c *call) property(item any, i int) any {
	if i >= len(c.args) || c.args[i].v == nil {
		return item
	}
	key, _ := c.args[i].v.(string)
	return c.wrap(item).property(key).v
}

// defaultTo returns the argument in place of what is null, false or empty; of false not if allow_false says so.
func defaultTo(c *call) any {
	v := c.args[0].v
	allowed := c.named["allow_false"] != nil && c.named["allow_false"].v == true
	if v == nil || v == false && !allowed || empty.of(v) {
		return c.args[1]
	}
	return c.args[0]
}

func toJSON(c *call) any {
	switch v := c.args[0].v.(type) {
	case span, *big.Rat, emptiness:
		return c.json(c.plain(v))
	default:
		return c.json(v)
	}
}

func size(c *call) any { return c.args[0].size() }

func slice(c *call) any {
	if s, ok := c.args[0].v.(string); ok {
		runes := []rune(s)
		from, to := c.part(len(runes))
		return string(runes[from:to])
	}
	list := c.list(0)
	from, to := c.part(len(list))
	return slices.Clone(list[from:to])
}

// part returns the bounds that the arguments start and length mean in something of a size.
func (c *call) part(size int) (from, to int) {
	from = c.int(1, 0)
	if from < 0 {
		from += size
	}
	from = min(max(from, 0), size)
	return from, from + min(max(c.int(2, 1), 0), size-from)
}
