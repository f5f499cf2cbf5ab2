package engine

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// lexeme is a word, literal or sign of an expression.
type lexeme struct {
	kind lexical
	text string // as it stands in the template
	v    any    // of a literal
	rest string // of the expression, from the lexeme on
}

type lexical byte

const (
	word lexical = iota
	literal
	sign
	finish // of the expression
)

// lex cuts an expression into lexemes.
func lex(s string) []lexeme {
	var all []lexeme
	for {
		s = strings.TrimLeftFunc(s, isSpace)
		if s == "" {
			return append(all, lexeme{kind: finish})
		}
		l := lexemeOf(s)
		l.rest = s
		all = append(all, l)
		s = s[len(l.text):]
	}
}

// isSpace reports whether a character is white space. Editors of e-mails insert some that cannot be seen.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r == '\u200b' || r == '\ufeff' }

// lexemeOf returns the lexeme that s begins with.
func lexemeOf(s string) lexeme {
	first, size := utf8.DecodeRuneInString(s)
	switch {
	case first == '"' || first == '\'':
		if n := quoted(s); n > 1 {
			return lexeme{kind: literal, text: s[:n], v: unquote(s[:n])}
		}
	case first == '_' || unicode.IsLetter(first):
		return lexeme{kind: word, text: s[:wordSize(s)]}
	}
	if n := numeralSize(s); n > 0 {
		return lexeme{kind: literal, text: s[:n], v: literalNumber(s[:n])}
	}
	if pair := s[:min(2, len(s))]; strings.Contains(" == != <> >= <= .. && || ", " "+pair+" ") {
		size = 2
	}
	return lexeme{kind: sign, text: s[:size]}
}

// quoted returns the length of the string that s begins with, 0 if it does not end. Only double quotes know escapes.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && s[0] == '"':
			i++
		case s[i] == s[0]:
			return i + 1
		}
	}
	return 0
}

// escapes are what a backslash may stand before in double quotes; before anything else it stands for itself.
var escapes = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n", `\t`, "\t", `\r`, "\r")

func unquote(s string) string {
	inner := s[1 : len(s)-1]
	if s[0] == '"' {
		return escapes.Replace(inner)
	}
	return inner
}

// wordSize returns the length of the word that s begins with.
func wordSize(s string) int {
	for i, c := range s {
		if c != '_' && c != '-' && c != '?' && !unicode.In(c, unicode.L, unicode.N, unicode.M) {
			return i
		}
	}
	return len(s)
}

// numeralSize returns the length of the number that s begins with, 0 if it begins with none: digits, perhaps with a sign
// before, and decimals and an exponent behind them.
func numeralSize(s string) int {
	at := len(s) - len(strings.TrimPrefix(s, "-"))
	size := digitsEnd(s, at)
	if size == at {
		return 0
	}
	if size < len(s) && s[size] == '.' {
		if end := digitsEnd(s, size+1); end > size+1 {
			size = end
		}
	}
	if size == len(s) || s[size] != 'e' && s[size] != 'E' {
		return size
	}
	at = size + 1
	if at < len(s) && (s[at] == '+' || s[at] == '-') {
		at++
	}
	if end := digitsEnd(s, at); end > at {
		size = end
	}
	return size
}

// digitsEnd returns the end of the digits at a place.
func digitsEnd(s string, at int) int {
	for at < len(s) && '0' <= s[at] && s[at] <= '9' {
		at++
	}
	return at
}

// literalNumber returns the value of a numeral: a json.Number, which has no zeros in front, where an int does not hold it.
func literalNumber(text string) any {
	if i, err := strconv.Atoi(text); err == nil {
		return i
	}
	digits, negative := strings.CutPrefix(text, "-")
	digits = strings.TrimLeft(digits, "0")
	if digits == "" || digits[0] < '0' || digits[0] > '9' {
		digits = "0" + digits
	}
	if negative {
		digits = "-" + digits
	}
	return json.Number(digits)
}
