package engine

import (
	"cmp"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// number is a number to calculate with.
type number struct {
	f       float64
	i       int
	integer bool // whether it is exactly i
}

// compare orders two numbers.
func (x number) compare(y number) int {
	if x.integer && y.integer {
		return cmp.Compare(x.i, y.i)
	}
	return cmp.Compare(x.f, y.f)
}

func whole(i int) number { return number{f: float64(i), i: i, integer: true} }

// parseNumber reads a decimal number.
func parseNumber(s string) (number, bool) {
	if i, err := strconv.Atoi(s); err == nil {
		return whole(i), true
	}
	f, err := strconv.ParseFloat(s, 64)
	return number{f: f}, err == nil && finite(f)
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// numbers returns two values as numbers if both are.
func numbers(a, b any) (x, y number, ok bool) {
	x, ok = numeric(a)
	if !ok {
		return x, y, false
	}
	y, ok = numeric(b)
	return x, y, ok
}

// numeric returns a value as a number if it is one.
func numeric(v any) (number, bool) {
	switch v := v.(type) {
	case int:
		return whole(v), true
	case float64:
		return number{f: v}, true
	case json.Number:
		return parseNumber(v.String())
	}
	return number{}, false
}

// exactDigits is how many digits every float64 keeps.
const exactDigits = 15

// bare returns a json.Number as the int or float64 that it is, or as it is if neither holds all its digits.
func bare(v any) any {
	text, ok := v.(json.Number)
	if !ok {
		return v
	}
	n, ok := parseNumber(text.String())
	switch {
	case ok && n.integer:
		return n.i
	case ok && digits(text.String()) <= exactDigits:
		return n.f
	}
	return v
}

// digits counts the digits of a number before its exponent.
func digits(s string) int {
	mantissa, _, _ := strings.Cut(strings.ToLower(s), "e")
	return len(strings.TrimLeft(strings.ReplaceAll(mantissa, ".", ""), "-0"))
}

// printNumber returns how a number is printed: without exponent if it is not too long for that, and otherwise as it came.
func printNumber(v any) string {
	switch v := v.(type) {
	case int:
		return strconv.Itoa(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case json.Number:
		if plain, ok := bare(v).(float64); ok && strings.ContainsAny(v.String(), "eE") {
			return printNumber(plain)
		}
		return v.String()
	}
	return ""
}

// safely is a magnitude within which the sum, difference or product of integers is not cut off.
const safely = 1 << 62

// calculate applies an operation to two numbers: to integers where the result is one.
func calculate(x, y number, ints func(a, b int) int, floats func(a, b float64) float64) any {
	f := floats(x.f, y.f)
	if x.integer && y.integer && math.Abs(f) < safely {
		return ints(x.i, y.i)
	}
	return rounded(f)
}

// rounded returns the value without the digits that binary fractions get wrong: 0.1 plus 0.2 is 0.3.
func rounded(f float64) float64 {
	out, err := strconv.ParseFloat(strconv.FormatFloat(f, 'g', exactDigits, 64), 64)
	if err != nil {
		return f
	}
	return out
}

// integral returns a float that is whole as an integer, if that holds it.
func integral(f float64) any {
	if math.Abs(f) < safely {
		return int(f)
	}
	return f
}
