package rule

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// SyntaxError says where a text is no rule, and why. It may quote the text: it is for those who wrote it.
type SyntaxError struct {
	Line, Column int      // of the first character that does not belong, counted from 1; columns count characters
	Expected     []string // what could be there instead
	Found        string   // what is there, cut short if it is long; "" at the end of the rule
}

// Error returns one sentence in English.
func (e *SyntaxError) Error() string {
	expected := e.Expected[0]
	if last := len(e.Expected) - 1; last > 0 {
		expected = strings.Join(e.Expected[:last], ", ") + " or " + e.Expected[last]
	}
	found := "the end of the rule"
	if e.Found != "" {
		found = strconv.Quote(e.Found)
	}
	return fmt.Sprintf("line %d, column %d: expected %s, found %s", e.Line, e.Column, expected, found)
}

// maxFound is how many bytes of what was found an error quotes.
const maxFound = 40

// syntaxError returns an error about what is between two offsets of the text.
func syntaxError(text string, from, to int, expected ...string) *SyntaxError {
	before, found := text[:from], text[from:to]
	for len(found) > maxFound || !utf8.ValidString(found) {
		_, size := utf8.DecodeLastRuneInString(found)
		found = found[:len(found)-size]
	}
	start := strings.LastIndexByte(before, '\n') + 1
	return &SyntaxError{
		Line:     strings.Count(before, "\n") + 1,
		Column:   utf8.RuneCountInString(before[start:]) + 1,
		Expected: expected,
		Found:    found,
	}
}
