package rule

import (
	"cmp"
	"strings"
)

// number is a decimal number of any length, as a view of the text it was read from: sign × 0.digits × 10^point.
type number struct {
	sign   int    // -1, 0 or 1
	digits string // from the first digit that is not 0 to the last; there may be a dot in it
	point  int
}

// maxExponent bounds what is added up, far beyond all that DynamoDB holds.
const maxExponent = 1 << 30

// parseNumber reads a number as JSON has it, without allocating; false if it is none.
func parseNumber(s string) (number, bool) {
	s, minus := strings.CutPrefix(s, "-")
	first, last, dot, exponent := -1, -1, -1, 0
	i := 0
loop:
	for ; i < len(s); i++ {
		switch ch := s[i]; {
		case '0' < ch && ch <= '9':
			last = i
			if first < 0 {
				first = i
			}
		case ch == '0':
		case ch == '.' && dot < 0:
			dot = i
		case ch == 'e' || ch == 'E':
			exponent = parseExponent(s[i+1:])
			break loop
		default:
			return number{}, false
		}
	}
	if first < 0 {
		return number{}, i > 0
	}
	if dot < 0 {
		dot = i
	}
	n := number{sign: 1, digits: s[first : last+1], point: dot - first + exponent}
	if first > dot {
		n.point++ // the dot itself is between them
	}
	if minus {
		n.sign = -1
	}
	return n, true
}

// parseExponent reads the exponent of a number; one that is out of all bounds is the bound.
func parseExponent(s string) int {
	n, sign := 0, 1
	for i := range len(s) {
		switch {
		case s[i] == '-':
			sign = -1
		case isDigit(rune(s[i])):
			n = min(n*10+int(s[i]-'0'), maxExponent)
		}
	}
	return sign * n
}

// compare returns -1, 0 or 1 as n is less than, equal to or greater than m, exactly.
func (n number) compare(m number) int {
	if n.sign != m.sign || n.sign == 0 {
		return cmp.Compare(n.sign, m.sign)
	}
	if n.point != m.point {
		return n.sign * cmp.Compare(n.point, m.point)
	}
	return n.sign * compareDigits(n.digits, m.digits)
}

// compareDigits compares two fractions by their digits. Neither ends with a 0, so of two that start alike the longer is greater.
func compareDigits(a, b string) int {
	i, j := 0, 0
	for {
		if i < len(a) && a[i] == '.' {
			i++
		}
		if j < len(b) && b[j] == '.' {
			j++
		}
		if i == len(a) || j == len(b) {
			return cmp.Compare(len(a)-i, len(b)-j)
		}
		if a[i] != b[j] {
			return cmp.Compare(a[i], b[j])
		}
		i++
		j++
	}
}
