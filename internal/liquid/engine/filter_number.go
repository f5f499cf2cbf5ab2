package engine

import (
	"math/big"
	"time"

	"github.com/osteele/tuesday"
)

func plus(c *call) any  { return c.calculate((*big.Rat).Add) }
func minus(c *call) any { return c.calculate((*big.Rat).Sub) }
func times(c *call) any { return c.calculate((*big.Rat).Mul) }

// calculate applies an operation to the number and the argument.
func (c *call) calculate(operation func(z, x, y *big.Rat) *big.Rat) any {
	x, y := c.number(0), c.number(1)
	return c.result(operation(new(big.Rat), x.rat(), y.rat()), x.integer && y.integer)
}

// dividedBy divides: integers downwards to an integer.
func dividedBy(c *call) any {
	x, y := c.number(0), c.number(1)
	if q := c.quotient(x, y); !x.integer || !y.integer {
		return c.result(shortened(q), false)
	}
	return c.result(floorOf(c.quotient(x, y)), true)
}

// modulo returns what is left of a division downwards to an integer.
func modulo(c *call) any {
	x, y := c.number(0), c.number(1)
	down := floorOf(c.quotient(x, y))
	return c.result(down.Sub(x.rat(), down.Mul(down, y.rat())), x.integer && y.integer)
}

// quotient divides, and breaks off the work if that is by 0.
func (c *call) quotient(x, y number) *big.Rat {
	if y.rat().Sign() == 0 {
		c.refuse("this divides by zero")
	}
	return new(big.Rat).Quo(x.rat(), y.rat())
}

func abs(c *call) any {
	x := c.number(0)
	return c.result(new(big.Rat).Abs(x.rat()), x.integer)
}

func floor(c *call) any { return c.result(floorOf(c.number(0).rat()), true) }

func ceil(c *call) any {
	down := floorOf(new(big.Rat).Neg(c.number(0).rat()))
	return c.result(down.Neg(down), true)
}

// round rounds, halves away from zero, to as many decimals as the argument says, 0 to 15.
func round(c *call) any {
	x, places := c.number(0), min(max(c.int(1, 0), 0), quotientDigits)
	return c.result(toPlaces(x.rat(), places), x.integer || places == 0)
}

func atLeast(c *call) any { return c.pick(-1) }
func atMost(c *call) any  { return c.pick(1) }

// pick returns the argument if the number compares to it as said, and the number if not.
func (c *call) pick(sign int) any {
	x, y := c.number(0), c.number(1)
	if x.compare(y) == sign {
		return y.v
	}
	return x.v
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
	s, isText := c.args[0].v.(string)
	if n, ok := c.args[0].integral(); ok && !isText {
		return time.Unix(int64(n), 0).UTC(), true
	}
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
