package lambda

import (
	"bytes"
	"io"
	"sync"
)

// maxLine is the length at which a line without an end is passed on, in bytes.
const maxLine = 256 << 10

// lines passes what is written to it on in whole lines, one Write each, so that the output of several
// processes does not mix within a line.
type lines struct {
	to io.Writer

	mu   sync.Mutex
	rest []byte
}

// Write never fails: a log that cannot be written must not stop a function.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(b)
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			break
		}
		_, _ = l.to.Write(append(l.rest, b[:i+1]...))
		l.rest, b = l.rest[:0], b[i+1:]
	}
	l.rest = append(l.rest, b...)
	if len(l.rest) > maxLine {
		_, _ = l.to.Write(append(l.rest, '\n'))
		l.rest = l.rest[:0]
	}
	return n, nil
}

// flush passes on an unfinished last line.
func (l *lines) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rest) > 0 {
		_, _ = l.to.Write(append(l.rest, '\n'))
		l.rest = nil
	}
}
