package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"unicode/utf8"

	"lunogram-users/internal/user"
)

// maxBody is the largest body that is read, in bytes.
const maxBody = 1 << 20

// decodeBody reads the JSON object that the body is. Numbers keep every digit. Bytes after the object are ignored,
// as clients of the existing system may send them. The media type is not looked at: the body is JSON or a 400.
// Faults that later reading finds are to be added to b.
func decodeBody(r *http.Request, b *badRequest) (object, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return object{}, errTooLarge
		}
		return object{}, &badRequest{detail: "the body could not be read"}
	}
	return parseObject(body, b)
}

func parseObject(body []byte, b *badRequest) (object, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return object{}, notJSON(err, len(body))
	}
	if used := body[:dec.InputOffset()]; !utf8.Valid(used) {
		checkText(used, b) // the decoder replaced what is not UTF-8, in silence
	}
	fields, ok := value.(map[string]any)
	if !ok {
		b.body("", "must be a JSON object")
		return object{}, b.err()
	}
	return object{fields: fields, bad: b}, nil
}

// notJSON says where a body stops being JSON.
func notJSON(err error, size int) error {
	b := &badRequest{}
	syntax, isSyntax := errors.AsType[*json.SyntaxError](err)
	switch {
	case errors.Is(err, io.EOF) && size == 0:
		b.body("", "the body is empty; a JSON object is needed")
	case isSyntax:
		b.body("", fmt.Sprintf("is not valid JSON: %s (byte %d)", syntax.Error(), syntax.Offset))
	default: // the input ended inside a value, or holds only space
		b.body("", fmt.Sprintf("is not valid JSON: it ends too early (byte %d)", size))
	}
	return b
}

// checkText walks the tokens of a valid JSON value and notes each key and string that is not UTF-8. In the pointer
// such a key has U+FFFD in place of what is wrong.
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
		if !utf8.Valid(body[start:dec.InputOffset()]) {
			b.body(at.pointer(), "must be valid UTF-8")
		}
		if at.done() {
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

// pointer returns the RFC 6901 pointer of the last token.
func (p *position) pointer() string {
	levels := p.levels
	if p.opened {
		levels = levels[:len(levels)-1]
	}
	pointer := ""
	for _, l := range levels {
		if l.array {
			pointer += "/" + strconv.Itoa(l.index)
		} else {
			pointer = user.Pointer(pointer, l.key)
		}
	}
	return pointer
}

func (p *position) done() bool { return len(p.levels) == 0 }
