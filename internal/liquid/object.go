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
		inString := false
		for at := 0; at < len(text); {
			size := max(liquidSize(text[at:]), 1)
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

// liquidSize returns the length of the {{ output }} or {% tag %} that s begins with, 0 if it begins with none.
func liquidSize(s string) int {
	for open, end := range map[string]string{"{{": "}}", "{%": "%}"} {
		if strings.HasPrefix(s, open) {
			if i := strings.Index(s[:min(len(s), MaxTag)], end); i > 0 {
				return i + len(end)
			}
		}
	}
	return 0
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
