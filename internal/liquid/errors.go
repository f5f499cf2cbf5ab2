package liquid

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// The kinds of errors; test with errors.Is.
var (
	// ErrSyntax says that a template is not Liquid, or an update template is no JSON object.
	ErrSyntax = errors.New("the template has a syntax error")
	// ErrValue says that a template cannot be rendered with the values it was given.
	ErrValue = errors.New("the template cannot be rendered with these values")
	// ErrTooLarge says that a template, its output, or what it computes on the way is too large.
	ErrTooLarge = errors.New("the template is too large or makes too much")
	// ErrTooSlow says that rendering takes longer than it may.
	ErrTooSlow = errors.New("the template takes too long to render")
)

// Error says what is wrong with a template. It repeats the template but no value, which may be personal.
type Error struct {
	Kind         error  // one of the kinds above
	Line, Column int    // from 1, the column in characters; 0 if it is about no place
	Excerpt      string // of that line, at most 60 characters
	Message      string // what is wrong there
	Pointer      string // RFC 6901, of the leaf of an update template
	offset       int    // of the place, in bytes
}

// Error returns place and message, such as "line 3, column 14: there is no filter "upcaes", at {{ name | upcaes }}".
func (e *Error) Error() string {
	switch {
	case e.Line == 0:
		return e.Message
	case e.Excerpt == "":
		return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
	}
	return fmt.Sprintf("line %d, column %d: %s, at %s", e.Line, e.Column, e.Message, e.Excerpt)
}

// Unwrap returns the kind.
func (e *Error) Unwrap() error { return e.Kind }

// At sets the place to an offset in a template, in bytes.
func (e *Error) At(template string, offset int) {
	e.offset = offset
	start := strings.LastIndexByte(template[:offset], '\n') + 1
	e.Line = strings.Count(template[:start], "\n") + 1
	e.Column = utf8.RuneCountInString(template[start:offset]) + 1
	rest, _, _ := strings.Cut(template[offset:], "\n")
	e.Excerpt = strings.TrimSpace(clip(rest))
}

// clip returns the start of a text, at most 60 characters of it.
func clip(s string) string {
	n := 0
	for i := range s {
		if n++; n > 60 {
			return s[:i] + "…"
		}
	}
	return s
}
