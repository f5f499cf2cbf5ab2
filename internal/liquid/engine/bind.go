package engine

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// bound is what the names of the variables begin with that stand for literals. The library takes it for a letter.
const bound = "ª"

// bind binds what is named in the arguments of a token, and returns them as the library is to read them. A variable that
// nobody has set is bound to a missing value of that name, as the library would not say which one it looked for in vain. A
// literal becomes a variable, so that all values are ours: the library compares its own otherwise than we do.
func (p *parser) bind(t token) string {
	var out strings.Builder
	isFilter, isProperty := false, false // whether a pipe or a single dot stands before
	for s := t.text; s != ""; {
		first, _ := utf8.DecodeRuneInString(s)
		size, isLiteral := lexeme(s, isFilter || isProperty)
		switch {
		case isLiteral:
			out.WriteString(" " + p.literal(s[:size], t.at) + " ")
		case isWordStart(first) && !isProperty:
			p.settable(s[:size], t.at)
			p.use(s[:size], isFilter, t.at)
			fallthrough
		default:
			out.WriteString(s[:size])
		}
		if !unicode.IsSpace(first) {
			isFilter, isProperty = first == '|', first == '.' && !isProperty
		}
		s = s[size:]
	}
	return out.String()
}

// settable refuses what is no name of a variable: a literal where one is set, or what could be taken for a literal.
func (p *parser) settable(name string, at int) {
	if strings.HasPrefix(name, bound) {
		p.fail(at, "this is no name of a variable")
	}
}

// lexeme returns the length of the piece that s begins with, and whether it is a literal. Where a filter or property is to
// be named, no word is one.
func lexeme(s string, named bool) (size int, isLiteral bool) {
	first, size := utf8.DecodeRuneInString(s)
	switch {
	case first == '"' || first == '\'':
		return quoted(s), true
	case isDigit(s[0]) || s[0] == '-' && len(s) > 1 && isDigit(s[1]):
		return numeral(s), true
	case isWordStart(first):
		size = word(s)
		return size, !named && (s[:size] == "true" || s[:size] == "false" || s[:size] == "nil")
	}
	return size, false
}

// literal returns the name of the variable that stands for a literal.
func (p *parser) literal(s string, at int) string {
	name, known := p.literals[s]
	if !known {
		name = bound + strconv.Itoa(len(p.literals))
		p.literals[s] = name
		p.scope[name] = &value{run: p.run, v: p.meaning(s, at), literal: true}
	}
	return name
}

// meaning returns the value of a literal.
func (p *parser) meaning(s string, at int) any {
	switch s {
	case "true", "false":
		return s == "true"
	case "nil":
		return nil
	}
	if (s[0] == '"' || s[0] == '\'') && (len(s) < 2 || s[len(s)-1] != s[0]) { // after a #, which no quotes are told apart behind
		p.fail(at, "this is no expression")
	}
	switch s[0] {
	case '\'':
		return s[1 : len(s)-1]
	case '"':
		return escapes.Replace(s[1 : len(s)-1])
	}
	sign, digits := "", s
	if s[0] == '-' {
		sign, digits = "-", s[1:]
	}
	for len(digits) > 1 && digits[0] == '0' && isDigit(digits[1]) {
		digits = digits[1:] // as in JSON
	}
	if _, ok := parseNumber(sign + digits); !ok {
		p.fail(at, "a number is too large")
	}
	return bare(json.Number(sign + digits))
}

// escapes replaces the escapes of a string in double quotes; others stay as they are.
var escapes = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n", `\t`, "\t", `\r`, "\r")

// quoted returns the length of the string that s begins with. Only double quotes know escapes.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && s[0] == '"':
			i++
		case s[i] == s[0]:
			return i + 1
		}
	}
	return len(s)
}

// numeral returns the length of the number that s begins with.
func numeral(s string) int {
	i := 1 // behind a digit or the sign
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	if i+1 < len(s) && s[i] == '.' && isDigit(s[i+1]) {
		for i++; i < len(s) && isDigit(s[i]); {
			i++
		}
	}
	return i
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isWordStart(c rune) bool { return c == '_' || unicode.IsLetter(c) }

// word returns the length of the identifier that s begins with.
func word(s string) int {
	for i, c := range s {
		if c != '_' && c != '-' && c != '?' && !unicode.In(c, unicode.L, unicode.N, unicode.M) {
			return i
		}
	}
	return len(s)
}
