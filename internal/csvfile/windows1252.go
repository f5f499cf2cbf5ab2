package csvfile

import (
	"encoding/binary"
	"unicode/utf8"
)

// Census tells a file in Windows-1252 from one in UTF-8 with damaged lines. It has to be fed every record of a file that
// Sniff took for UTF-8. The zero value is ready; it is not for concurrent use.
type Census struct {
	invalid    int  // records that are no UTF-8
	multibyte  bool // a character of several bytes was seen, which Windows-1252 hardly ever looks like
	impossible bool // an invalid record holds a byte that Windows-1252 does not have
}

// Add looks at a record's bytes as they are in the file. Pure ASCII costs little.
func (c *Census) Add(raw []byte) {
	if c.multibyte || ascii(raw) {
		return
	}
	valid := true
	for rest := raw; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		switch {
		case r == utf8.RuneError && size == 1:
			valid = false
		case size > 1:
			c.multibyte = true
			return
		}
		rest = rest[size:]
	}
	if !valid {
		c.invalid++
		c.impossible = c.impossible || controls(raw) > 0 || !defined(raw)
	}
}

// Windows1252 reports whether the file is in Windows-1252: at least two records are no UTF-8, none has a valid character
// of several bytes, and Windows-1252 has all their bytes.
func (c *Census) Windows1252() bool { return c.invalid >= 2 && !c.multibyte && !c.impossible }

// ascii reports whether all bytes are below 0x80.
func ascii(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		if binary.NativeEndian.Uint64(b)&0x8080808080808080 != 0 {
			return false
		}
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// defined reports whether Windows-1252 defines every byte.
// Source: https://www.unicode.org/Public/MAPPINGS/VENDORS/MICSFT/WINDOWS/CP1252.TXT
func defined(b []byte) bool {
	for _, c := range b {
		switch c {
		case 0x81, 0x8D, 0x8F, 0x90, 0x9D:
			return false
		}
	}
	return true
}

// special are the characters of Windows-1252 that are not those of Latin-1, from 0x80 to 0x9F; \uFFFD is a byte that it does not
// define. The table of golang.org/x/text would bring those of all its other encodings into whoever knows of files.
var special = [32]rune{
	'€', '\uFFFD', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\uFFFD', 'Ž', '\uFFFD',
	'\uFFFD', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\uFFFD', 'ž', 'Ÿ',
}

// appendWindows1252 appends text in Windows-1252 to dst as UTF-8.
func appendWindows1252(dst, text []byte) []byte {
	for _, c := range text {
		r := rune(c)
		if 0x80 <= c && c <= 0x9F {
			r = special[c-0x80]
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}
