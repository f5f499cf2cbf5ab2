package api

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"

	"lunogram-users/internal/project"
)

// cursorVersion is the first byte of a cursor. Another one means another layout.
const cursorVersion = 1

var errCursor = errors.New("not a cursor of this query")

// sealer seals positions of one query of one project into cursors and opens them again, with AES-256-GCM under a
// key derived from the project's secret. A cursor tells its holder nothing, cannot be changed, and opens for no
// other project, route or query. The zero value seals nothing. It is safe for concurrent use.
type sealer struct {
	aead  cipher.AEAD
	bound []byte // the additional data: what the cursor is bound to
}

// newSealer returns the sealer of a query: the route's pattern and what else tells one query from another.
func newSealer(p project.Project, route string, scope []string) sealer {
	block, err := aes.NewCipher(p.Derive("cursor"))
	if err != nil {
		panic(err) // a derived key is always 32 bytes
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // AES has the block size that GCM asks for
	}
	return sealer{aead: aead, bound: fingerprint(append([]string{p.ID, route}, scope...))}
}

// fingerprint joins strings so that no two lists of them have the same one.
func fingerprint(parts []string) []byte {
	var out []byte
	for _, part := range parts {
		out = binary.AppendUvarint(out, uint64(len(part)))
		out = append(out, part...)
	}
	return out
}

// seal returns the cursor of a position, nil for "", the position after the end.
func (s sealer) seal(position string) *string {
	if position == "" {
		return nil
	}
	sealed := s.aead.Seal([]byte{cursorVersion}, nil, []byte(position), s.bound)
	return new(base64.RawURLEncoding.EncodeToString(sealed))
}

// open returns the position in a cursor, or errCursor if it is truncated, forged or of another query.
//
// Line breaks, which the decoder would skip, are refused: a cursor has one spelling.
func (s sealer) open(cursor string) (position string, err error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || strings.ContainsAny(cursor, "\r\n") || len(sealed) == 0 || sealed[0] != cursorVersion {
		return "", errCursor
	}
	plain, err := s.aead.Open(nil, nil, sealed[1:], s.bound)
	if err != nil {
		return "", errCursor
	}
	return string(plain), nil
}
