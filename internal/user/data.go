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
	// maxDepth is how deep data may nest: DynamoDB allows 32 levels below an item, of which the record of a merge,
	// which holds the whole profile, takes one more than the profile itself. Metadata lie two levels deeper.
	maxDepth      = 30
	metadataDepth = 2
	// maxKey is the longest key in bytes. DynamoDB allows 64 KB; a longer one than this is a value
	// in the wrong place.
	maxKey = 1024
	// A DynamoDB number has at most 38 significant digits and a magnitude from 1E-130 to below 1E+126.
	maxDigits   = 38
	minExponent = -130
	maxExponent = 125
)

// Pointer appends a reference token to an RFC 6901 JSON pointer, escaping it.
func Pointer(base, token string) string { return base + "/" + pointerEscaper.Replace(token) }

var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")

// checkData reports, with pointers below the given one, whatever of the object DynamoDB cannot hold. It is stored so
// many levels deeper than data as above says. It stops
// at what would not fit anyway, so that its time and memory are bounded by the size of a profile.
func checkData(data map[string]any, pointer string, above int, f *faults) {
	c := checker{faults: f}
	c.object(data, &place{token: pointer}, above+1)
	if c.size > MaxBytes {
		f.add(pointer, "must take at most 400 KB")
	}
}

// maxDataFaults is how many faults of one object are reported.
const maxDataFaults = 100

// checker walks one JSON value.
type checker struct {
	faults *faults
	found  int
	size   int // about what DynamoDB charges for the value so far, in bytes
}

// place is where the checker is. Its pointer is only built for a fault: most values have none, and a pointer
// is as long as all the keys above it.
type place struct {
	above *place // nil for the root, whose token is a whole pointer
	token string
	index int // instead of the token, for an element of an array
	array bool
}

func (p *place) pointer() string {
	switch {
	case p.above == nil:
		return p.token
	case p.array:
		return p.above.pointer() + "/" + strconv.Itoa(p.index)
	}
	return Pointer(p.above.pointer(), p.token)
}

func (c *checker) fault(at *place, detail string) {
	if detail == "" {
		return
	}
	c.found++
	c.faults.add(at.pointer(), detail)
}

// done reports whether there is no use in looking further.
func (c *checker) done() bool { return c.size > MaxBytes || c.found >= maxDataFaults }

func (c *checker) value(value any, at *place, depth int) {
	switch v := value.(type) {
	case map[string]any:
		c.object(v, at, depth)
	case []any:
		c.array(v, at, depth)
	case string:
		c.size += len(v)
		if !utf8.ValidString(v) {
			c.fault(at, "must be valid UTF-8")
		}
	case json.Number:
		c.size += len(v)/2 + 2
		c.fault(at, checkNumber(string(v)))
	default: // nil or bool
		c.size++
	}
}

func (c *checker) object(o map[string]any, at *place, depth int) {
	if c.tooDeep(at, depth) {
		return
	}
	for k, item := range o {
		if c.done() {
			return
		}
		below := &place{above: at, token: k}
		c.size += 1 + len(k)
		if len(k) > maxKey {
			if len(k) > 4*maxKey {
				below = at // a pointer as long as that helps nobody
			}
			c.fault(below, "a key has at most 1024 bytes")
			continue
		}
		c.fault(below, checkKey(k))
		c.value(item, below, depth+1)
	}
}

func (c *checker) array(a []any, at *place, depth int) {
	if c.tooDeep(at, depth) {
		return
	}
	below := place{above: at, array: true}
	for i, item := range a {
		if c.done() {
			return
		}
		below.index = i
		c.size++
		c.value(item, &below, depth+1)
	}
}

func (c *checker) tooDeep(at *place, depth int) bool {
	c.size += 3
	if depth > maxDepth {
		c.fault(at, "nests too deep: data has at most 30 levels, metadata 28")
	}
	return depth > maxDepth
}

// checkKey says why DynamoDB cannot hold a key; "" if it can.
func checkKey(key string) string {
	switch {
	case key == "":
		return "a key must not be empty"
	case !utf8.ValidString(key):
		return "a key must be valid UTF-8"
	}
	return ""
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
