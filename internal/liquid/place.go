package liquid

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Within moves the place of an error from the leaf that its Pointer names to the text that [ParseObject] made the template
// of.
func (e *Error) Within(text string) {
	if e.Line == 0 {
		return
	}
	form, excerpt := text, e.Excerpt
	if !json.Valid([]byte(text)) {
		form = quoteLiquid(text)
	}
	after, err := leafAfter(json.NewDecoder(strings.NewReader(form)), "", e.Pointer)
	if err != nil || after < 0 {
		return
	}
	leaf := strings.TrimLeft(form[after:], " \t\r\n,:")
	at := len(form) - len(leaf) + encodedSize(leaf, e.offset)
	if form != text {
		at = original(text, at)
	}
	e.At(text, at)
	e.Excerpt = excerpt // without the escapes of JSON
}

// leafAfter returns the offset behind the token that stands before the value that a pointer names, -1 if there is none. The
// decoder is about to read the value at the pointer at.
func leafAfter(dec *json.Decoder, at, pointer string) (int64, error) {
	before := dec.InputOffset()
	token, err := dec.Token()
	if at == pointer || err != nil {
		return before, err
	}
	if _, opens := token.(json.Delim); !opens {
		return -1, nil
	}
	for i := 0; dec.More(); i++ {
		key := strconv.Itoa(i)
		if token == json.Delim('{') {
			name, _ := dec.Token() // an error comes again
			key, _ = name.(string)
		}
		if after, err := leafAfter(dec, at+"/"+tokenEscaper.Replace(key), pointer); err != nil || after >= 0 {
			return after, err
		}
	}
	_, err = dec.Token() // what closes it
	return -1, err
}

// tokenEscaper escapes the token of a pointer (RFC 6901, 3).
var tokenEscaper = strings.NewReplacer("~", "~0", "/", "~1")

// encodedSize returns the size of the start of a JSON string that encodes so many bytes, its first quote included.
func encodedSize(encoded string, bytes int) int {
	at := 1
	for bytes > 0 && at+6 <= len(encoded) {
		size, means := 1, 1
		if encoded[at] == '\\' {
			size = 2
		}
		if size == 2 && encoded[at+1] == 'u' {
			var s string
			size = 6
			_ = json.Unmarshal([]byte(`"`+encoded[at:at+size]+`"`), &s) // it was decoded before
			means = len(s)
		}
		at, bytes = at+size, bytes-means
	}
	return at
}
