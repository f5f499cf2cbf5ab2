package engine

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// join puts a text between the items, a space if there is none. What is null is left out.
func join(c *call) any {
	sep := c.text(1, " ")
	var b buffer
	for i, item := range c.list(0) {
		if item == nil {
			continue
		}
		if i > 0 && b.Len() > 0 {
			b.add(sep)
		}
		c.print(&b, item)
	}
	return b.String()
}

func first(c *call) any { return c.end(0) }
func last(c *call) any  { return c.end(-1) }

// end returns the first or the last item.
func (c *call) end(i int) any {
	if list, ok := c.args[0].v.([]any); ok {
		return c.args[0].item(list, i)
	}
	all := c.args[0].items()
	if all.len == 0 {
		return c.nothing()
	}
	return all.at((i + all.len) % all.len)
}

// nothing is what a filter returns that finds nothing: like a member that is missing, it overwrites nothing.
func (c *call) nothing() any { return &value{run: c.run, absent: true} }

func reverse(c *call) any {
	list := c.copy()
	slices.Reverse(list)
	return list
}

// copy returns the items in an array that may be changed.
func (c *call) copy() []any {
	list := c.list(0)
	c.room(len(list))
	return slices.Clone(list)
}

func sort(c *call) any {
	return c.sorted(func(v any) any { return v })
}

// sortNatural sorts texts without regard to case.
func sortNatural(c *call) any {
	return c.sorted(func(v any) any {
		s, ok := v.(string)
		if !ok {
			return v
		}
		c.make(len(s))
		c.work(len(s))
		return strings.ToLower(s)
	})
}

// sorted returns the items by what key makes of each, or of the member that the argument names.
func (c *call) sorted(key func(any) any) []any {
	type keyed struct{ key, item any }
	list := c.copy()
	all := make([]keyed, len(list))
	for i, item := range list {
		all[i] = keyed{key(c.property(item, 1)), item}
	}
	slices.SortStableFunc(all, func(a, b keyed) int { return c.order(a.key, b.key) })
	for i := range all {
		list[i] = all[i].item
	}
	return list
}

// uniq keeps the first of items that have the same JSON.
func uniq(c *call) any {
	seen := map[string]bool{}
	size := 0
	return c.keep(func(item any) bool {
		key := c.json(c.property(item, 1))
		if seen[key] {
			return false
		}
		if size += len(key); size > maxMade {
			tooLarge("the values that it makes are too large")
		}
		seen[key] = true
		return true
	})
}

// keep returns the items of which keep says so.
func (c *call) keep(keep func(item any) bool) []any {
	out := []any{}
	for _, item := range c.list(0) {
		c.step()
		if keep(item) {
			c.room(len(out))
			out = append(out, item)
		}
	}
	return out
}

func compact(c *call) any {
	return c.keep(func(item any) bool { return c.property(item, 1) != nil })
}

// where returns the filter that keeps the items that match, or those that do not.
func where(matching bool) func(*call) any {
	return func(c *call) any {
		return c.keep(func(item any) bool { return c.matches(item) == matching })
	}
}

// matches reports whether the member of an item is the value, or is neither null nor false if there is none.
func (c *call) matches(item any) bool {
	v := c.property(item, 1)
	if len(c.args) == 2 {
		return c.wrap(v).test()
	}
	return c.equal(v, c.args[2].v)
}

// find returns the first item that matches.
func find(c *call) any {
	for i, item := range c.list(0) {
		c.step()
		if c.matches(item) {
			out := c.args[0].child("[" + strconv.Itoa(i) + "]")
			out.v = item
			return out
		}
	}
	return c.nothing()
}

func mapTo(c *call) any {
	list := c.copy()
	for i, item := range list {
		list[i] = c.property(item, 1)
	}
	return list
}

func concat(c *call) any {
	a, b := c.list(0), c.list(1)
	c.room(len(a) + len(b))
	return slices.Concat(a, b)
}

func sum(c *call) any {
	total, integer := new(big.Rat), true
	for _, item := range c.list(0) {
		c.step()
		if x, ok := c.wrap(c.property(item, 1)).number(); ok {
			total.Add(total, x.rat())
			integer = integer && x.integer
		}
	}
	return c.result(total, integer)
}
