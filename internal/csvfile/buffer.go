package csvfile

import (
	"bytes"
	"io"
	"strings"
)

// readSize is how much is read from the source at least, in bytes.
const readSize = 64 << 10

// buffer holds the part of a source that was read and not consumed.
type buffer struct {
	source     io.Reader
	buf        []byte
	start, end int   // the unread part of buf
	ended      error // what ended the source, io.EOF if all is well
}

func newBuffer(source io.Reader) buffer { return buffer{source: source, buf: make([]byte, readSize)} }

// unread returns what was read and not consumed; valid until the next read.
func (b *buffer) unread() []byte { return b.buf[b.start:b.end] }

// startsWith reports whether the prefix comes next, reading as much as that takes.
func (b *buffer) startsWith(prefix string) bool {
	for len(b.unread()) < len(prefix) && strings.HasPrefix(prefix, string(b.unread())) {
		if !b.fill() {
			return false
		}
	}
	return bytes.HasPrefix(b.unread(), []byte(prefix))
}

// lineEnd returns where the line that starts at from ends, both counted from the first unread byte. It returns io.EOF if there
// is no such line, errTooLong if it ends beyond MaxRecord, or the error of the source.
func (b *buffer) lineEnd(from int) (int, error) {
	for looked := from; ; {
		if i := bytes.IndexByte(b.unread()[looked:], '\n'); i >= 0 {
			if looked+i+1 > MaxRecord {
				return 0, errTooLong
			}
			return looked + i + 1, nil
		}
		looked = len(b.unread())
		switch {
		case looked >= MaxRecord:
			return 0, errTooLong
		case b.fill():
		case b.ended == io.EOF && looked > from:
			return looked, nil
		default:
			return 0, b.ended
		}
	}
}

// fill reads more, making room if need be, and reports whether it got any.
func (b *buffer) fill() bool {
	if b.ended != nil {
		return false
	}
	if len(b.buf)-b.end < readSize/2 {
		unread := b.unread()
		if len(unread) > len(b.buf)/2 {
			b.buf = make([]byte, 2*len(b.buf))
		}
		b.start, b.end = 0, copy(b.buf, unread)
	}
	for range 100 { // as bufio: a reader that returns nothing for ever is broken
		n, err := b.source.Read(b.buf[b.end:])
		b.end += n
		b.ended = err
		if n > 0 || err != nil {
			return n > 0
		}
	}
	b.ended = io.ErrNoProgress
	return false
}
