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
	p := pieces{text: text}
	inString := false
	for at := 0; at < len(text); {
		size := p.size(at)
		switch c := text[at]; {
		case size > 0 && inString:
			out.WriteString(escapeQuotes(text[at : at+size]))
		case size > 0 && text[at+1] == '{':
			quoted, _ := json.Marshal(text[at : at+size]) // a string always encodes
			out.Write(quoted)
		case inString && c == '\\':
			size = min(2, len(text)-at)
			out.WriteString(text[at : at+size])
		default:
			size = 1
			inString = inString != (c == '"')
			out.WriteByte(c)
		}
		at += size
	}
	return out.String()
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
