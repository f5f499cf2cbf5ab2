// Package label is what may stand as a name before people: of a brand, or of a kind of message.
package label

import (
	"errors"
	"strings"
	"unicode"
)

// The faults of a label. Their texts can be shown.
var (
	ErrBlank   = errors.New("must not be blank")
	ErrControl = errors.New("must have no control characters, nor marks that turn the direction of writing")
)

// Check returns what is wrong with a label: that nothing of it is visible space aside, or that it holds characters which
// change how the text around them looks (UAX #9, explicit directional formatting). Nil means that it can be shown.
func Check(s string) error {
	if strings.IndexFunc(s, changes) >= 0 {
		return ErrControl
	}
	if strings.TrimSpace(s) == "" {
		return ErrBlank
	}
	return nil
}

// changes reports whether a character changes the text around it.
func changes(r rune) bool {
	return unicode.IsControl(r) || '\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069'
}
