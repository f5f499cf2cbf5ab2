package engine

import (
	"strings"

	"lunogram-users/internal/liquid"
)

// token is a piece of a template: text, {{ output }} or {% tag %}.
type token struct {
	kind kind
	at   int    // offset of the piece
	text string // the text, the expression of an output, or the arguments of a tag
	name string // of a tag
}

type kind byte

const (
	text kind = iota
	output
	tag
	end // of the template
)

// scanner cuts a template into tokens.
type scanner struct {
	*run
	at     int
	trim   bool // whether the last piece takes the space after it away
	tokens []token
}

// scan returns the tokens of the template; comments are none, and what is raw is text.
func (n *run) scan() []token {
	s := scanner{run: n}
	for s.at < len(n.template) {
		s.step()
		start := s.at + opening(n.template[s.at:])
		s.text(n.template[s.at:start])
		if s.at = start; start < len(n.template) {
			s.piece()
		}
	}
	return append(s.tokens, token{kind: end, at: len(n.template)})
}

// opening returns the offset of the first {{ or {%, or the length.
func opening(s string) int {
	for i := 0; ; i++ {
		next := strings.IndexByte(s[i:], '{')
		if next < 0 {
			return len(s)
		}
		if i += next; strings.HasPrefix(s[i+1:], "{") || strings.HasPrefix(s[i+1:], "%") {
			return i
		}
	}
}

// text adds a text, without the space that a dash before it takes away.
func (s *scanner) text(t string) {
	if s.trim {
		t = strings.TrimLeft(t, space)
	}
	if t != "" {
		s.tokens = append(s.tokens, token{text, s.at, t, ""})
		s.trim = false
	}
}

const space = " \t\r\n\f\v"

// piece adds the output or tag at the current place.
func (s *scanner) piece() {
	start := s.at
	inner, closed, quote := s.inner(start)
	switch {
	case !closed && quote:
		s.fail(start, "a quotation mark in this is not closed")
	case !closed:
		s.fail(start, "this is not closed, or longer than 4 KB")
	}
	s.at += len(inner) + 4
	if strings.HasPrefix(inner, "-") {
		inner = inner[1:]
		s.trimBefore()
	}
	inner, s.trim = strings.CutSuffix(inner, "-")
	inner = strings.TrimFunc(inner, isSpace)
	if s.template[start+1] == '{' {
		s.tokens = append(s.tokens, token{output, start, inner, ""})
		return
	}
	name, args := inner, ""
	if i := strings.IndexFunc(inner, isSpace); i >= 0 {
		name, args = inner[:i], strings.TrimLeftFunc(inner[i:], isSpace)
	}
	switch {
	case name == "raw" || name == "comment":
		s.verbatim(name, start)
	case !strings.HasPrefix(name, "#"): // which is a comment too
		s.tokens = append(s.tokens, token{tag, start, args, name})
	}
}

// inner returns what is between the braces at start, and if they do not close, whether a quoted string does not. Braces in
// one do not close.
func (s *scanner) inner(start int) (inner string, closed, quoted bool) {
	closing := map[byte]string{'{': "}}", '%': "%}"}[s.template[start+1]]
	from := s.template[start+2 : min(len(s.template), start+2+liquid.MaxTag)]
	comment := strings.HasPrefix(strings.TrimLeft(from[:min(len(from), 8)], space+"-"), "#")
	quote := byte(0)
	for i := 0; i < len(from); i++ {
		switch c := from[i]; {
		case quote == '"' && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case (c == '"' || c == '\'') && !comment:
			quote = c
		case strings.HasPrefix(from[i:], closing):
			return from[:i], true, false
		}
	}
	return "", false, quote != 0
}

// trimBefore takes the space away from the end of the text before a dash.
func (s *scanner) trimBefore() {
	if last := len(s.tokens) - 1; last >= 0 && s.tokens[last].kind == text {
		s.tokens[last].text = strings.TrimRight(s.tokens[last].text, space)
	}
}

// verbatim passes over a {% raw %} or {% comment %}, of which the first is text, and the second may hold others.
func (s *scanner) verbatim(name string, start int) {
	depth := 1
	for at := s.at; ; at += 2 {
		s.step()
		open := strings.Index(s.template[at:], "{%")
		if open < 0 {
			s.fail(start, "the tag %q is not closed", name)
		}
		at += open
		switch tag, size := tagAt(s.template[at:]); {
		case tag == "comment" && name == "comment":
			depth++
		case tag != "end"+name:
		case depth > 1:
			depth--
		default:
			if name == "raw" {
				s.text(s.template[s.at:at])
			}
			s.at = at + size
			s.trim = s.template[s.at-3] == '-'
			return
		}
	}
}

// tagAt returns the name and the size of the tag that s begins with; "" if it has arguments or is none.
func tagAt(s string) (name string, size int) {
	size = strings.Index(s[:min(len(s), 64)], "%}")
	if size < 0 {
		return "", 0
	}
	name = strings.TrimSuffix(strings.TrimPrefix(s[2:size], "-"), "-")
	return strings.TrimFunc(name, isSpace), size + 2
}
