package csvfile

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/transform"
)

// damaged stands for what cannot be decoded. It is a byte that is never part of UTF-8, so that the row which holds it
// is refused: U+FFFD, which golang.org/x/text would put there, could be the customer's own.
const damaged = 0xFF

// utf16Decoder turns UTF-16 into UTF-8. A surrogate without its partner and a byte left over at the end become damaged.
type utf16Decoder struct {
	transform.NopResetter
	order binary.ByteOrder
}

func newUTF16Decoder(e Encoding) utf16Decoder {
	if e == UTF16BE {
		return utf16Decoder{order: binary.BigEndian}
	}
	return utf16Decoder{order: binary.LittleEndian}
}

// Transform implements transform.Transformer.
func (d utf16Decoder) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		r, size := d.decode(src[nSrc:])
		switch {
		case size == 0 && !atEOF:
			return nDst, nSrc, transform.ErrShortSrc
		case nDst+utf8.UTFMax > len(dst):
			return nDst, nSrc, transform.ErrShortDst
		case r < 0:
			dst[nDst] = damaged
			nDst++
		default:
			nDst += utf8.EncodeRune(dst[nDst:], r)
		}
		if size == 0 { // cut short by the end
			size = min(2, len(src)-nSrc)
		}
		nSrc += size
	}
	return nDst, nSrc, nil
}

// decode returns the first character of src and how many bytes it takes: -1 if it is damaged, and 0 bytes if src ends within it.
func (d utf16Decoder) decode(src []byte) (rune, int) {
	if len(src) < 2 {
		return -1, 0
	}
	r := rune(d.order.Uint16(src))
	switch {
	case !utf16.IsSurrogate(r):
		return r, 2
	case r >= 0xDC00: // the second of a pair
		return -1, 2
	case len(src) < 4:
		return -1, 0
	}
	if r = utf16.DecodeRune(r, rune(d.order.Uint16(src[2:]))); r == utf8.RuneError {
		return -1, 2
	}
	return r, 4
}

// decodeHead returns the start of a file in UTF-16, which may end anywhere, as UTF-8.
func decodeHead(head []byte, e Encoding) []byte {
	text, _, _ := transform.Bytes(newUTF16Decoder(e), head[:len(head)&^1])
	return text
}
