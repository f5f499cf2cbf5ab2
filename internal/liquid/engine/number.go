package engine

import (
	"cmp"
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// number is a number to calculate with, exactly.
type number struct {
	v       any     // int, json.Number, or *big.Rat for what was calculated and may be no integer
	f       float64 // about what it is
	integer bool    // whether it is written, or was calculated, as an integer
}

// compare orders two numbers. Where they differ as floats, they differ in the same way in truth.
func (x number) compare(y number) int {
	if c := cmp.Compare(x.f, y.f); c != 0 || x.v == y.v {
		return c
	}
	return x.rat().Cmp(y.rat())
}

// maxNumeral is how long a number may be that is calculated with, in bytes: what can be stored has at most 38 digits
// within 10^-130 and 10^126.
const maxNumeral = 400

// rat returns the number itself, which must not be changed.
func (x number) rat() *big.Rat {
	switch v := x.v.(type) {
	case *big.Rat:
		return v
	case json.Number:
		mantissa, _, _ := strings.Cut(strings.ToLower(v.String()), "e")
		if x.f == 0 && strings.Trim(mantissa, "-0.") == "" {
			return new(big.Rat)
		}
		r, ok := new(big.Rat), x.f != 0 && len(v) <= maxNumeral // then its exponent is small too
		if ok {
			_, ok = r.SetString(v.String())
		}
		if !ok {
			tooLarge("a number has too many digits to calculate with")
		}
		return r
	}
	i, _ := x.v.(int)
	return new(big.Rat).SetInt64(int64(i))
}

// parseNumber reads a decimal number.
func parseNumber(s string) (number, bool) {
	if i, err := strconv.Atoi(s); err == nil {
		return whole(i), true
	}
	f, err := strconv.ParseFloat(s, 64)
	return number{v: json.Number(s), f: f, integer: !strings.ContainsAny(s, ".eE")}, err == nil && finite(f)
}

func whole(i int) number { return number{v: i, f: float64(i), integer: true} }

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
	case *big.Rat:
		f, _ := v.Float64()
		return number{v: v, f: f}, true
	case json.Number:
		return parseNumber(v.String())
	}
	return number{}, false
}

// number returns the value as a number if it is one, or a text that says one.
func (v *value) number() (number, bool) {
	s, ok := v.v.(string)
	if !ok {
		return numeric(v.v)
	}
	if s = strings.TrimSpace(s); s == "" || len(s) > maxNumeral || numeralSize(s) != len(s) {
		return number{}, false
	}
	return numeric(literalNumber(s))
}

// integral returns the value as an integer if it is one.
func (v *value) integral() (int, bool) {
	if n, ok := v.number(); ok && math.Abs(n.f) < 1<<63 && n.rat().IsInt() && n.rat().Num().IsInt64() {
		return int(n.rat().Num().Int64()), true
	}
	return 0, false
}

// maxDigits is how many significant digits a number has that can be stored.
const maxDigits = 38

// significant counts the digits of a number without the zeros on both ends.
func significant(plain string) int {
	return len(strings.Trim(strings.ReplaceAll(plain, ".", ""), "-0"))
}

// result returns what a filter calculated. An integer is one if all that it was made of are. What has more digits than
// can be stored breaks off the work: it is never rounded without a word.
func (n *run) result(r *big.Rat, integer bool) any {
	f, _ := r.Float64()
	if math.Abs(f) >= 1e126 || f != 0 && math.Abs(f) < 1e-130 || significant(printNumber(r)) > maxDigits {
		n.refuse("the result of a calculation has more than %d digits, or is too large or too small", maxDigits)
	}
	switch {
	case !integer:
		return r
	case r.Num().IsInt64():
		return int(r.Num().Int64())
	}
	return json.Number(r.Num().String())
}

// quotientDigits is how many digits a quotient has that does not end within maxDigits, more if the whole part has more.
const quotientDigits = 15

// shortened returns a quotient rounded to as many digits as are of use.
func shortened(q *big.Rat) *big.Rat {
	if _, exact := q.FloatPrec(); exact && significant(printNumber(q)) <= maxDigits {
		return q
	}
	f, _ := q.Float64()
	places := quotientDigits - 1 - int(math.Floor(math.Log10(math.Abs(f))))
	return toPlaces(q, min(max(places, 0), maxNumeral))
}

// toPlaces rounds to so many decimals, halves away from zero.
func toPlaces(r *big.Rat, places int) *big.Rat {
	out, _ := new(big.Rat).SetString(r.FloatString(places))
	return out
}

// floorOf returns the largest integer that is not above r.
func floorOf(r *big.Rat) *big.Rat {
	return new(big.Rat).SetInt(new(big.Int).Div(r.Num(), r.Denom())) // rounds down, as a denominator is positive
}

// printNumber returns how a number is printed: with the digits that it came with, without exponent if it is not too long
// for that.
func printNumber(v any) string {
	switch v := v.(type) {
	case int:
		return strconv.Itoa(v)
	case *big.Rat:
		places, _ := v.FloatPrec()
		return v.FloatString(places)
	case json.Number:
		if n, ok := parseNumber(v.String()); ok && n.f != 0 && len(v) <= maxNumeral && strings.ContainsAny(v.String(), "eE") {
			return printNumber(n.rat())
		}
		return v.String()
	}
	return ""
}
