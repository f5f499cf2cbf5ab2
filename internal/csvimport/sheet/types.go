package sheet

import (
	"encoding/json"
	"io"
	"strings"
	"time"
)

// Type is what the cells of a data column are stored as.
type Type string

// The types. In a column that was declared, the cell null stores null.
const (
	Text    Type = "text"
	Number  Type = "number"  // a JSON number, every digit kept
	Boolean Type = "boolean" // true or false in any case
	Date    Type = "date"    // text: YYYY-MM-DD, or a time as RFC 3339 in UTC
	JSON    Type = "json"    // any JSON value; inferred only of objects and arrays
)

// Valid reports whether t is one of the types.
func (t Type) Valid() bool { return t.requirement() != "" }

// requirement returns what a cell must be; "" if t is no type.
func (t Type) requirement() string {
	switch t {
	case Text:
		return "must be text"
	case Number:
		return "must be a number, such as 42 or -3.14"
	case Boolean:
		return "must be true or false"
	case Date:
		return "must be a date or a time of ISO 8601, such as 2026-05-01 or 2026-05-01T10:00:00Z"
	case JSON:
		return `must be JSON, such as {"size": 42}`
	}
	return ""
}

// value returns what a cell, trimmed and not empty, means in the column; ok is false if it does not fit. One that does
// not fit a type that was inferred is text.
func (c *Column) value(cell string) (v any, ok bool) {
	if cell == "null" && (c.Declared || c.Type == JSON) {
		return nil, true
	}
	if v, ok = c.Type.parse(cell); ok || c.Declared {
		return v, ok
	}
	return cell, true
}

// parse returns a cell as the type.
func (t Type) parse(cell string) (any, bool) {
	switch t {
	case Number:
		return json.Number(cell), isNumber(cell)
	case Boolean:
		return strings.EqualFold(cell, "true"), strings.EqualFold(cell, "true") || strings.EqualFold(cell, "false")
	case Date:
		return parseDate(cell)
	case JSON:
		return parseJSON(cell)
	}
	return cell, true
}

// isNumber reports whether s is a number as JSON has it.
func isNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole := digits(s)
	if whole == 0 || whole > 1 && s[0] == '0' {
		return false
	}
	s = s[whole:]
	if fraction, ok := strings.CutPrefix(s, "."); ok {
		n := digits(fraction)
		if n == 0 {
			return false
		}
		s = fraction[n:]
	}
	if s == "" {
		return true
	}
	if s[0] != 'e' && s[0] != 'E' {
		return false
	}
	s = s[1:]
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	return s != "" && digits(s) == len(s)
}

// digits returns how many digits s starts with.
func digits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}

// parseDate returns a date, or a time in UTC. A time without a zone is taken to be in UTC.
func parseDate(s string) (any, bool) {
	if len(s) < len(time.DateOnly) || s[4] != '-' { // most cells are no dates, and an error costs more than a look
		return nil, false
	}
	if len(s) == len(time.DateOnly) {
		_, err := time.Parse(time.DateOnly, s)
		return s, err == nil
	}
	t, err := time.Parse(timeLayout(s), s)
	t = t.UTC()
	if err != nil || t.Year() < 0 || t.Year() > 9999 {
		return nil, false
	}
	return t.Format(time.RFC3339Nano), true
}

// timeLayout returns the layout that a time has if it is one of ISO 8601: the T may be a space, as databases
// export it, and seconds and zone may be missing.
func timeLayout(s string) string {
	layout := time.DateOnly + "T15:04"
	if s[len(time.DateOnly)] == ' ' {
		layout = time.DateOnly + " 15:04"
	}
	if len(s) <= len(layout) {
		return layout
	}
	rest := s[len(layout):]
	if rest[0] == ':' {
		layout += ":05"
	}
	zone := strings.IndexAny(rest, "Z+-")
	if zone < 0 {
		return layout
	}
	switch len(rest) - zone {
	case len("+07"):
		return layout + "Z07"
	case len("+0700"):
		return layout + "Z0700"
	}
	return layout + "Z07:00"
}

// parseJSON returns a JSON value, its numbers as json.Number.
func parseJSON(s string) (any, bool) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil, false
	}
	_, err := d.Token()
	return v, err == io.EOF
}
