package rule

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind is what a token is.
type kind int

const (
	end    kind = iota
	word        // a keyword, or the first part of a path
	step        // a dot and a name; the token's text is without the dot
	quoted      // a string; the token's text is what it means
	digits      // a number
	symbol      // one or two characters that are none of these
)

// token is the smallest part of a rule.
type token struct {
	kind     kind
	text     string
	from, to int // offsets
}

// scanner cuts a rule into tokens. It reads each character once and fails in strings and numbers only.
type scanner struct {
	text string
	at   int
}

// next returns the next token.
func (s *scanner) next() (token, error) {
	s.skip(unicode.IsSpace) // also those that come along when a rule is pasted
	from := s.at
	t := token{from: from}
	r, size := utf8.DecodeRuneInString(s.text[from:])
	switch {
	case size == 0:
		t.kind = end
	case r == '"' || r == '\'':
		text, err := s.quoted(byte(r))
		return token{quoted, text, from, s.at}, err
	case isDigit(r):
		t.kind = digits
		if err := s.number(); err != nil {
			return t, err
		}
	case r == '_' || unicode.IsLetter(r):
		t.kind = word
		s.skip(func(r rune) bool { return isName(r) && r != '-' })
	case r == '.' && isName(s.peek(size)):
		t.kind = step
		s.at++
		s.skip(isName)
		return token{step, s.text[from+1 : s.at], from, s.at}, nil
	default:
		t.kind = symbol
		s.at += s.symbol(size)
	}
	t.text, t.to = s.text[from:s.at], s.at
	switch t.text { // other spellings
	case "==":
		t.text = "="
	case "<>":
		t.text = "!="
	}
	return t, nil
}

// skip moves on while the characters are some of those.
func (s *scanner) skip(some func(rune) bool) {
	for s.at < len(s.text) {
		r, size := utf8.DecodeRuneInString(s.text[s.at:])
		if !some(r) {
			return
		}
		s.at += size
	}
}

// peek returns the character so many bytes on, or -1.
func (s *scanner) peek(on int) rune {
	r, size := utf8.DecodeRuneInString(s.text[s.at+on:])
	if size == 0 {
		return -1
	}
	return r
}

// symbol returns how many bytes the symbol has whose first character has so many.
func (s *scanner) symbol(first int) int {
	rest := s.text[s.at:]
	for _, two := range []string{"!=", "<=", ">=", "<>", "=="} {
		if strings.HasPrefix(rest, two) {
			return len(two)
		}
	}
	return first
}

// isName reports whether the character may be in a key that is not quoted.
func isName(r rune) bool {
	return r == '_' || r == '-' || isDigit(r) || r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

// number moves over a number as JSON has it (RFC 8259, section 6), but for the sign.
func (s *scanner) number() error {
	from := s.at
	s.skip(isDigit)
	if s.text[from] == '0' && s.at > from+1 {
		return syntaxError(s.text, from, s.at, "a number without leading zeros", "a string in quotes")
	}
	if s.peek(0) == '.' && isDigit(s.peek(1)) {
		s.at++
		s.skip(isDigit)
	}
	if exponent := s.exponent(); exponent > 0 {
		s.at += exponent
		s.skip(isDigit)
	}
	return nil
}

// exponent returns how many bytes there are from here to the digits of an exponent; 0 if there is none.
func (s *scanner) exponent() int {
	if r := s.peek(0); r != 'e' && r != 'E' {
		return 0
	}
	n := 1
	if r := s.peek(n); r == '+' || r == '-' {
		n++
	}
	if !isDigit(s.peek(n)) {
		return 0
	}
	return n
}

// quoted moves over a string and returns what it means.
func (s *scanner) quoted(quote byte) (string, error) {
	s.at++
	from := s.at
	var decoded []byte // what it means up to from; nil while that is what is written
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case quote:
			tail := s.text[from:s.at]
			s.at++
			if decoded == nil {
				return tail, nil
			}
			return string(append(decoded, tail...)), nil
		case '\n', '\r':
			return "", syntaxError(s.text, s.at, s.at+1, "a closing "+string(quote))
		case '\\':
			decoded = append(decoded, s.text[from:s.at]...)
			r, err := s.escape()
			if err != nil {
				return "", err
			}
			decoded = utf8.AppendRune(decoded, r)
			from = s.at
		default:
			s.at++
		}
	}
	return "", syntaxError(s.text, s.at, s.at, "a closing "+string(quote))
}

// escape moves over what starts with a backslash and returns the character that it means: the escapes are those of JSON
// (RFC 8259, section 7), and \'.
func (s *scanner) escape() (rune, error) {
	from := s.at
	r := s.peek(1)
	if i := strings.IndexRune(`"'\/bfnrt`, r); i >= 0 {
		s.at += 2
		return rune("\"'\\/\b\f\n\r\t"[i]), nil
	}
	if r == 'u' {
		if r, ok := s.hex(); ok {
			return r, nil
		}
	}
	to := min(from+2, len(s.text))
	return 0, syntaxError(s.text, from, to, `an escape: one of \" \' \\ \/ \b \f \n \r \t, or \u and four hexadecimal digits`)
}

// hex moves over \uXXXX, or two of them that are a surrogate pair.
func (s *scanner) hex() (rune, bool) {
	high, ok := hexAt(s.text, s.at)
	if !ok {
		return 0, false
	}
	size := len(`\uXXXX`)
	if 0xD800 <= high && high < 0xDC00 {
		low, ok := hexAt(s.text, s.at+size)
		if !ok || low < 0xDC00 || low > 0xDFFF {
			return 0, false
		}
		high = (high-0xD800)<<10 + (low - 0xDC00) + 0x10000
		size *= 2
	}
	if !utf8.ValidRune(high) {
		return 0, false
	}
	s.at += size
	return high, true
}

func hexAt(text string, at int) (rune, bool) {
	if len(text) < at+len(`\uXXXX`) || text[at:at+2] != `\u` {
		return 0, false
	}
	n, err := strconv.ParseUint(text[at+2:at+6], 16, 16)
	return rune(n), err == nil
}
