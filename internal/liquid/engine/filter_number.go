package engine

import (
	"math"
	"time"

	"github.com/osteele/tuesday"
)

func add(x, y number) any {
	return calculate(x, y, func(a, b int) int { return a + b }, func(a, b float64) float64 { return a + b })
}

func plus(c *call) any { return add(c.number(0), c.number(1)) }

func minus(c *call) any {
	return calculate(c.number(0), c.number(1), func(a, b int) int { return a - b }, func(a, b float64) float64 { return a - b })
}

func times(c *call) any {
	return calculate(c.number(0), c.number(1), func(a, b int) int { return a * b }, func(a, b float64) float64 { return a * b })
}

// dividedBy divides: integers downwards to an integer.
func dividedBy(c *call) any {
	c.divides()
	return calculate(c.number(0), c.number(1), floorDiv, func(a, b float64) float64 { return a / b })
}

func modulo(c *call) any {
	c.divides()
	return calculate(c.number(0), c.number(1), func(a, b int) int { return a - b*floorDiv(a, b) },
		func(a, b float64) float64 { return a - b*math.Floor(a/b) })
}

// divides breaks off the work if the argument is 0.
func (c *call) divides() {
	if c.number(1).f == 0 {
		c.refuse("this divides by zero")
	}
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

func abs(c *call) any {
	if x := c.number(0); x.f >= 0 {
		return x.value()
	}
	return calculate(whole(0), c.number(0), func(a, b int) int { return a - b }, func(a, b float64) float64 { return a - b })
}

// value returns a number as what it is.
func (x number) value() any {
	if x.integer {
		return x.i
	}
	return x.f
}

func ceil(c *call) any  { return c.whole(math.Ceil) }
func floor(c *call) any { return c.whole(math.Floor) }

// whole makes a number an integer.
func (c *call) whole(round func(float64) float64) any {
	if x := c.number(0); x.integer {
		return x.i
	}
	return integral(round(c.number(0).f))
}

// round rounds, halves away from zero, to as many decimals as the argument says, 0 to 15.
func round(c *call) any {
	places := min(max(c.int(1, 0), 0), exactDigits)
	if places == 0 {
		return c.whole(math.Round)
	}
	x := c.number(0)
	scale := math.Pow10(places)
	if scaled := x.f * scale; !x.integer && math.Abs(scaled) < safely {
		return rounded(math.Round(rounded(scaled)) / scale)
	}
	return x.value()
}

func atLeast(c *call) any { return c.pick(-1) }
func atMost(c *call) any  { return c.pick(1) }

// pick returns the argument if the number compares to it as said, and the number if not.
func (c *call) pick(sign int) any {
	if x, y := c.number(0), c.number(1); x.compare(y) == sign {
		return y.value()
	}
	return c.number(0).value()
}

// layouts are the forms of dates that are read, in UTC where they name no zone.
var layouts = []string{
	time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02", "2006-01-02 15:04:05 -0700",
	"2006-01-02 15:04:05", "2006-01-02 15:04", time.RFC1123, time.RFC1123Z, "January 2, 2006", "Jan 2, 2006", "2 January 2006",
}

// maxFormat is how long the format of a date may be, and maxWidth how wide a part of it.
const (
	maxFormat = 256
	maxWidth  = 2 // digits
)

// date prints a date in a format of strftime. What is no date stays as it is.
func date(c *call) any {
	t, ok := c.date()
	if !ok {
		return c.args[0]
	}
	format := c.text(1, "%a, %b %d, %y")
	if len(format) > maxFormat || wide(format) {
		c.refuse("the format of a date has at most 256 characters and no width above 99")
	}
	s, err := tuesday.Strftime(format, t)
	if err != nil {
		c.refuse("the format of a date cannot be read")
	}
	return s
}

// wide reports whether a format may ask for a width of more than two digits.
func wide(format string) bool {
	digits := 0
	for i := range len(format) {
		switch c := format[i]; {
		case c < '0' || c > '9':
			digits = 0
		case c != '0' || digits > 0: // zeros before the width are a flag
			digits++
		}
		if digits > maxWidth {
			return true
		}
	}
	return false
}

// date reads a date: seconds since 1970, a text, or "now".
func (c *call) date() (time.Time, bool) {
	if n, ok := bare(c.args[0].v).(int); ok {
		return time.Unix(int64(n), 0).UTC(), true
	}
	s, _ := c.args[0].v.(string)
	if s == "now" || s == "today" {
		return c.now.UTC(), !c.now.IsZero()
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
