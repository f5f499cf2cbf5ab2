package liquid

import (
	"bytes"
	"encoding/json"
	"io"
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
	object, err := decodeObject(text)
	if err == nil {
		return object, nil
	}
	if object, mended := decodeObject(quoteLiquid(text)); mended == nil {
		return object, nil
	}
	e := &Error{Kind: ErrSyntax, Message: "the template must be one JSON object"}
	if syntax, ok := err.(*json.SyntaxError); ok {
		e.Message = "the template must be one JSON object, and is no JSON here"
		e.At(text, min(max(int(syntax.Offset)-1, 0), len(text)))
	}
	return nil, e
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
	var out bytes.Buffer
	inString := false
	for at := 0; at < len(text); {
		size := 1
		switch c := text[at]; {
		case liquidSize(text[at:]) > 0 && inString:
			size = liquidSize(text[at:])
			out.WriteString(escapeQuotes(text[at : at+size]))
		case liquidSize(text[at:]) > 0 && text[at+1] == '{':
			size = liquidSize(text[at:])
			quoted, _ := json.Marshal(text[at : at+size]) // a string always encodes
			out.Write(quoted)
		case inString && c == '\\':
			size = min(2, len(text)-at)
			out.WriteString(text[at : at+size])
		default:
			inString = inString != (c == '"')
			out.WriteByte(c)
		}
		at += size
	}
	return out.String()
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
