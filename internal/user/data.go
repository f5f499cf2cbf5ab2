package user

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// MaxBytes is the most that one stored profile may take: a DynamoDB item holds 400 KB.
	MaxBytes = 400 << 10
	// maxDepth is how deep data may nest. DynamoDB allows 32 levels, of which the profile's own
	// attribute takes one.
	maxDepth = 31
	// maxKey is the longest key in bytes. DynamoDB allows 64 KB; a longer one than this is a value
	// in the wrong place.
	maxKey = 1024
	// A DynamoDB number has at most 38 significant digits and a magnitude from 1E-130 to below 1E+126.
	maxDigits   = 38
	minExponent = -130
	maxExponent = 125
)

// Pointer appends a reference token to an RFC 6901 JSON pointer, escaping it.
func Pointer(base, token string) string {
	return base + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(token)
}

// checkData reports, with pointers below the given one, whatever of the object DynamoDB cannot hold.
func checkData(data map[string]any, pointer string, f *faults) {
	if data == nil {
		return
	}
	size := checkValue(data, pointer, 1, f)
	if size > MaxBytes {
		f.add(pointer, "must take at most 400 KB")
	}
}

// checkValue returns about how many bytes DynamoDB charges for the value.
func checkValue(value any, pointer string, depth int, f *faults) int {
	if depth > maxDepth {
		f.add(pointer, "nests deeper than 31 levels")
		return 0
	}
	switch v := value.(type) {
	case map[string]any:
		size := 3
		for k, item := range v {
			at := Pointer(pointer, k)
			checkKey(k, at, f)
			size += 1 + len(k) + checkValue(item, at, depth+1, f)
		}
		return size
	case []any:
		size := 3
		for i, item := range v {
			size += 1 + checkValue(item, pointer+"/"+strconv.Itoa(i), depth+1, f)
		}
		return size
	case string:
		if !utf8.ValidString(v) {
			f.add(pointer, "must be valid UTF-8")
		}
		return len(v)
	case json.Number:
		if detail := checkNumber(string(v)); detail != "" {
			f.add(pointer, detail)
		}
		return len(v)/2 + 2
	default: // nil or bool
		return 1
	}
}

func checkKey(key, pointer string, f *faults) {
	switch {
	case key == "":
		f.add(pointer, "a key must not be empty")
	case len(key) > maxKey:
		f.add(pointer, "a key has at most 1024 bytes")
	case !utf8.ValidString(key):
		f.add(pointer, "a key must be valid UTF-8")
	}
}

// checkNumber says why DynamoDB cannot hold a JSON number without loss; "" if it can.
func checkNumber(s string) string {
	mantissa, exp, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(s, "-")), "e")
	exponent := 0
	if exp != "" {
		n, err := strconv.Atoi(exp)
		if err != nil || n > 1000 || n < -1000 {
			return "a number's exponent must be within 1000" // also of a zero, which some readers expand
		}
		exponent = n
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return "" // zero, whatever its exponent
	}
	// The value is 0.digits × 10^point; its leading digit stands for 10^(point-1).
	leadingZeros := len(whole+fraction) - len(digits)
	magnitude := len(whole) - leadingZeros + exponent - 1
	switch {
	case len(strings.TrimRight(digits, "0")) > maxDigits:
		return "a number has at most 38 significant digits"
	case magnitude > maxExponent:
		return "a number must be below 1E+126"
	case magnitude < minExponent:
		return "a number other than 0 must be at least 1E-130"
	}
	return ""
}
