package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"lunogram-users/internal/user"
)

// maxBody is the largest body that is read, in bytes.
const maxBody = 1 << 20

// decodeBody reads the JSON object that the body is. Numbers keep every digit. Like the existing system it ignores what
// follows the object, unless the object is read by object.only. The media type is not looked at: the body is JSON or a 400.
// Faults that later reading finds are to be added to b.
func decodeBody(r *http.Request, b *badRequest) (object, error) {
	body, err := readBody(r)
	if err != nil {
		return object{}, err
	}
	return parseObject(body, b)
}

// decodeArray reads the JSON array of objects that the body is, as decodeBody reads an object.
func decodeArray(r *http.Request, b *badRequest) ([]object, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	value, err := parseJSON(body, b)
	if err != nil {
		return nil, err
	}
	items, ok := value.([]any)
	if !ok || len(items) == 0 {
		b.body("", "must be a JSON array of at least one object")
		return nil, b.err()
	}
	return objectsOf(items, "", b), nil
}

func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, errTooLarge
		}
		return nil, &badRequest{detail: "the body could not be read"}
	}
	return body, nil
}

func parseObject(body []byte, b *badRequest) (object, error) {
	value, err := parseJSON(body, b)
	if err != nil {
		return object{}, err
	}
	fields, ok := value.(map[string]any)
	if !ok {
		b.body("", "must be a JSON object")
		return object{}, b.err()
	}
	return object{fields: fields, raw: body, bad: b}, nil
}

func parseJSON(body []byte, b *badRequest) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return nil, notJSON(err, len(body))
	}
	if badText(body[:dec.InputOffset()]) != "" {
		checkText(body, b) // the decoder replaced what is no text, in silence
	}
	return value, nil
}

// alone reports whether nothing but space follows the first value of a body.
func alone(body []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(body))
	var value json.RawMessage
	if dec.Decode(&value) != nil {
		return true // not here: it was decoded before
	}
	_, err := dec.Token()
	return errors.Is(err, io.EOF)
}

// repeated returns the members of a valid JSON object that are there more than once, of which the last would win; none if raw
// is empty. Those of the objects within are not looked at.
func repeated(raw []byte) (names []string) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	_, _ = dec.Token() // the brace
	seen := map[string]int{}
	for dec.More() {
		token, _ := dec.Token()
		name, _ := token.(string)
		if seen[name]++; seen[name] == 2 {
			names = append(names, name)
		}
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			break // not here: it was decoded before
		}
	}
	return names
}

// notJSON says where a body stops being JSON.
func notJSON(err error, size int) error {
	b := &badRequest{}
	syntax, isSyntax := errors.AsType[*json.SyntaxError](err)
	switch {
	case errors.Is(err, io.EOF) && size == 0:
		b.body("", "the body is empty; JSON is needed")
	case isSyntax:
		b.body("", fmt.Sprintf("is not valid JSON: %s (byte %d)", syntax.Error(), syntax.Offset))
	default: // the input ended inside a value, or holds only space
		b.body("", fmt.Sprintf("is not valid JSON: it ends too early (byte %d)", size))
	}
	return b
}

// badText says what is wrong with the text of valid JSON, "" if nothing is. An escaped surrogate without its other half is
// no character (RFC 8259, 8.2); all of them decode to the same U+FFFD, so two different ids would become one.
func badText(b []byte) string {
	if !utf8.Valid(b) {
		return "must be valid UTF-8"
	}
	for i := bytes.IndexByte(b, '\\'); i >= 0 && i < len(b); {
		size := 2 // of the escape sequence
		if high, ok := escaped(b[i:]); ok && utf16.IsSurrogate(high) {
			low, _ := escaped(b[i+6:])
			if utf16.DecodeRune(high, low) == utf8.RuneError {
				return `must not have half a surrogate pair, such as \ud83d`
			}
			size = 12
		}
		next := bytes.IndexByte(b[i+size:], '\\')
		if next < 0 {
			return ""
		}
		i += size + next
	}
	return ""
}

// escaped returns the UTF-16 unit that valid JSON text begins with, if it begins with a \u escape.
func escaped(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return rune(n), err == nil
}

// checkText walks the tokens of a valid JSON value and notes each key and string that is no valid text, until an answer
// holds no more. In the pointer such a key has U+FFFD in place of what is wrong.
func checkText(body []byte, b *badRequest) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var at position
	for start := int64(0); ; start = dec.InputOffset() {
		token, err := dec.Token()
		if err != nil {
			return // io.EOF: the value was decoded before
		}
		at.next(token)
		if detail := badText(body[start:dec.InputOffset()]); detail != "" {
			b.unread(at.pointer(), detail)
		}
		if at.done() || len(b.faults) == maxFaults {
			return
		}
	}
}

// position is where a walk over JSON tokens is.
type position struct {
	levels []level // the open objects and arrays, outermost first
	key    bool    // whether the last token was a key
	opened bool    // whether the last token opened a level
}

type level struct {
	array bool
	index int    // of an array: the current element
	key   string // of an object: the current key
	value bool   // of an object: whether a value comes next
}

// next takes account of a token.
func (p *position) next(token json.Token) {
	p.key, p.opened = false, false
	if token == json.Delim('}') || token == json.Delim(']') {
		p.levels = p.levels[:len(p.levels)-1]
		return
	}
	if len(p.levels) > 0 {
		top := &p.levels[len(p.levels)-1]
		switch {
		case top.array:
			top.index++
		case top.value:
			top.value = false
		default:
			top.key, _ = token.(string) // the decoder has checked that it is one
			top.value = true
			p.key = true
			return
		}
	}
	if token == json.Delim('{') || token == json.Delim('[') {
		p.levels = append(p.levels, level{array: token == json.Delim('['), index: -1})
		p.opened = true
	}
}

// pointer returns the RFC 6901 pointer of the last token, or that of the innermost enclosing value if it has more than
// maxPointer bytes. It does no more work than that takes, however deep the token lies and however long its keys are.
func (p *position) pointer() string {
	levels := p.levels
	if p.opened {
		levels = levels[:len(levels)-1]
	}
	var pointer []byte
	for _, l := range levels {
		token := l.key
		if l.array {
			token = strconv.Itoa(l.index)
		}
		size := len(pointer)
		if size+len(token) < maxPointer { // else it is too long without being escaped
			pointer = append(pointer, user.Pointer("", token)...)
		}
		if size == len(pointer) || len(pointer) > maxPointer {
			return string(pointer[:size])
		}
	}
	return string(pointer)
}

func (p *position) done() bool { return len(p.levels) == 0 }
