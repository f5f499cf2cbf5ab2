package link

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"lunogram-users/internal/project"
)

const (
	version = 1 // in the upper half of the first byte, so that another layout can be told apart
	macSize = 16
	// maxText is longer than any token of this version; what is longer is not looked at.
	maxText = 128
)

// encoding refuses bits after the last byte, so that no character of a token may be changed.
var encoding = base64.RawURLEncoding.Strict()

// token is a token in parts.
type token struct {
	purpose              Purpose
	key                  uint8
	project, user, group uuid.UUID
	mac                  [macSize]byte
}

func (t token) hasGroup() bool { return t.purpose == Unsubscribe }

// size returns the length of what is signed, 0 if the purpose is unknown.
func (t token) size() int {
	switch t.purpose {
	case Preferences:
		return 2 + 2*16
	case Unsubscribe:
		return 2 + 3*16
	}
	return 0
}

// signed returns the bytes before the signature.
func (t token) signed() []byte {
	b := []byte{version<<4 | byte(t.purpose), t.key}
	b = slices.Concat(b, t.project[:], t.user[:])
	if t.hasGroup() {
		b = append(b, t.group[:]...)
	}
	return b
}

// sum returns the signature that the project gives the token.
func (t token) sum(p project.Project) []byte {
	h := hmac.New(sha256.New, p.Derive("link/"+strconv.Itoa(int(t.key))))
	h.Write(t.signed()) // a hash never returns an error
	return h.Sum(nil)[:macSize]
}

func (t token) signedBy(p project.Project) bool { return hmac.Equal(t.mac[:], t.sum(p)) }

func (t token) sign(p project.Project) string {
	return encoding.EncodeToString(append(t.signed(), t.sum(p)...))
}

// parse reads a token without checking its signature. Line breaks, which the decoder would skip, are refused.
func parse(text string) (token, error) {
	if len(text) > maxText || strings.ContainsAny(text, "\r\n") {
		return token{}, ErrInvalid
	}
	b, err := encoding.DecodeString(text)
	if err != nil || len(b) < 2 || b[0]>>4 != version {
		return token{}, ErrInvalid
	}
	t := token{purpose: Purpose(b[0] & 0x0f), key: b[1]}
	if size := t.size(); size == 0 || len(b) != size+macSize {
		return token{}, ErrInvalid
	}
	copy(t.mac[:], b[t.size():])
	copy(t.project[:], b[2:])
	copy(t.user[:], b[18:])
	if t.hasGroup() {
		copy(t.group[:], b[34:])
	}
	return t, nil
}
