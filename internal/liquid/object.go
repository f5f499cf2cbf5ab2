package liquid

import (
	"encoding/json"
	"errors"
	"io"
	"iter"
	"strings"
)

// ParseObject reads the template of an update step from its text, for the Update of a [Renderer]. The text is a JSON object with
// Liquid in its strings. For the sake of templates that were written to be rendered before they were parsed, an
// {{ output }} may also stand bare, in place of a value, and within a string the expression may hold plain quotes.
// The error is an [*Error] of the kind ErrSyntax or ErrTooLarge.
func ParseObject(text string) (map[string]any, error) {
	if len(text) > MaxTemplate {
		return nil, &Error{Kind: ErrTooLarge, Message: "a template may have at most 256 KB"}
	}
	for _, form := range []string{text, quoteLiquid(text)} {
		if object, err := decodeObject(form); err == nil {
			return object, nil
		}
	}
	return nil, notObject(text)
}

// notObject says where a text stops being one JSON object.
func notObject(text string) *Error {
	e := &Error{Kind: ErrSyntax, Message: "the template must be one JSON object"}
	at := len(text) - len(strings.TrimLeft(text, " \t\r\n")) // where a value of another type begins
	syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal([]byte(quoteLiquid(text)), new(any)))
	switch {
	case ok && strings.HasPrefix(syntax.Error(), "unexpected end"):
		e.Message += ", and ends too early"
		at = len(text)
	case ok:
		e.Message += ", and is no JSON here"
		at = original(text, int(syntax.Offset)-1)
	}
	e.At(text, at)
	return e
}

// decodeObject decodes a text that is one object, whose numbers keep their digits.
func decodeObject(text string) (map[string]any, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var object map[string]any
	if err := dec.Decode(&object); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF || object == nil {
		return nil, io.ErrUnexpectedEOF
	}
	return object, nil
}

// quoteLiquid makes JSON of a text in which Liquid stands bare or with plain quotes.
func quoteLiquid(text string) string {
	var out strings.Builder
	for _, piece := range quotedPieces(text) {
		out.WriteString(piece)
	}
	return out.String()
}

// quotedPieces yields the pieces of what quoteLiquid makes, each with the offset in the text of what it was made from.
func quotedPieces(text string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		liquid, inString := pieces{text: text}, false
		for at := 0; at < len(text); {
			size := max(liquid.size(at), 1)
			piece := text[at : at+size]
			switch {
			case size > 1 && inString:
				piece = escapeQuotes(piece)
			case size > 1 && piece[1] == '{':
				encoded, _ := json.Marshal(piece) // a string always encodes
				piece = string(encoded)
			case inString && piece == "\\":
				size = min(2, len(text)-at)
				piece = text[at : at+size]
			default:
				inString = inString != (piece == `"`)
			}
			if !yield(at, piece) {
				return
			}
			at += size
		}
	}
}

// original returns the offset in the text of what quoteLiquid put at an offset.
func original(text string, offset int) int {
	for at, piece := range quotedPieces(text) {
		switch {
		case offset >= len(piece):
			offset -= len(piece)
		case strings.HasPrefix(text[at:], piece):
			return at + offset
		default: // Liquid that was changed
			return at
		}
	}
	return len(text)
}

// pieces finds the Liquid in a text, from the left. It remembers where the next ends are, so as to look for none twice.
type pieces struct {
	text              string
	outputEnd, tagEnd int // behind the next }} and %}; beyond the text if there is none
}

// size returns the length of the {{ output }} or {% tag %} that begins at a place, 0 if none does.
func (p *pieces) size(at int) int {
	if p.text[at] != '{' || at+1 == len(p.text) {
		return 0
	}
	end := 0
	switch p.text[at+1] {
	case '{':
		end = p.next(&p.outputEnd, "}}", at)
	case '%':
		end = p.next(&p.tagEnd, "%}", at)
	}
	if end > len(p.text) || end-at > MaxTag {
		return 0
	}
	return max(end-at, 0)
}

// next moves an end behind a place and returns it.
func (p *pieces) next(end *int, closing string, at int) int {
	from := at + 2 // behind the opening
	if *end >= from+len(closing) {
		return *end
	}
	if i := strings.Index(p.text[from:], closing); i >= 0 {
		*end = from + i + len(closing)
	} else {
		*end = len(p.text) + 1 + len(closing)
	}
	return *end
}

// escapeQuotes escapes what may not stand in a JSON string and is not escaped yet.
func escapeQuotes(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			out.WriteString(s[i : i+2])
			i++
		case c == '"':
			out.WriteString(`\"`)
		case c == '\n':
			out.WriteString(`\n`)
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}
