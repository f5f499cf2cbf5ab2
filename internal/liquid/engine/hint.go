package engine

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

// hints say what to write in place of what other languages write, by what an expression cannot be read from.
var hints = []struct{ start, hint string }{
	{"=", "write == to compare"}, {"&&", "write and"}, {"||", "write or"}, {"!", "write != or unless"},
	{"+", "use the filter plus"}, {"-", "use the filter minus"}, {"*", "use the filter times"}, {"/", "use the filter divided_by"},
	{"%", "use the filter modulo"}, {"|", "assign the result of a filter to a name first"},
	{"“", straight}, {"”", straight}, {"„", straight}, {"‘", straight}, {"’", straight}, {"‚", straight},
	{"«", straight}, {"»", straight},
}

const straight = `write straight quotation marks, " or '`

// entity returns the character as HTML writes it that s begins with, which editors of e-mails insert; "" if there is none.
func entity(s string) string {
	name, found := strings.CutPrefix(s, "&")
	end := strings.IndexByte(name, ';')
	if !found || end < 1 || wordSize(strings.TrimPrefix(name[:end], "#")) != len(strings.TrimPrefix(name[:end], "#")) {
		return ""
	}
	return s[:1+end+1]
}

// unexpected breaks off the work at the next lexeme, and says what to write instead if it is a common mistake.
func (r *reader) unexpected() {
	next := r.peek()
	if next.kind == finish {
		r.fail(r.tag.at, "something is missing at the end")
	}
	message := fmt.Sprintf("%q cannot be read", short(next.rest))
	if hint := r.hint(next); hint != "" {
		message += ": " + hint
	}
	r.fail(r.tag.at, "%s", message)
}

// hint returns what to write in place of a lexeme, "" if nothing comes to mind.
func (r *reader) hint(next lexeme) string {
	_, isFilter := filters[r.last.text]
	switch e := entity(next.rest); {
	case e != "":
		return fmt.Sprintf("%s is HTML for %q; write the character itself", e, html.UnescapeString(e))
	case next.kind != sign && r.last.text == "not":
		return `there is no "not"; write != or unless`
	case next.kind == literal && r.last.text == ".":
		return `write a key that is no word as ["key"]`
	case next.kind != sign && isFilter:
		return fmt.Sprintf("write a colon after %s", r.last.text)
	}
	if relations[next.text] != nil {
		return "assign the result of a filter to a name, and compare that"
	}
	for _, h := range hints {
		if strings.HasPrefix(next.rest, h.start) {
			return h.hint
		}
	}
	return ""
}

// short returns the start of a text, at most 20 characters of it.
func short(s string) string {
	if utf8.RuneCountInString(s) <= 20 {
		return s
	}
	return string([]rune(s)[:20]) + "…"
}
