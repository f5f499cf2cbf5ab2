package csvimport

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

const (
	// maxRecord is the longest record in bytes. No profile can hold more than 400 KB, and what an unclosed
	// quote swallows must end somewhere.
	maxRecord = 1 << 20
	// readSize is how much is read from the source at least, in bytes.
	readSize = 64 << 10
	// keptOfLong is how many bytes of a line longer than maxRecord are kept for its report.
	keptOfLong = 1 << 10
)

// record is what the scanner found: the cells of a record, or text that is none.
type record struct {
	line  int64    // the physical line it starts at, from 1
	cells []string // valid until the next call
	raw   []byte   // as it was, without the line end; valid until the next call
	fault string   // why raw could not be split into cells; "" if it could
}

// scanner splits CSV (RFC 4180, as encoding/csv reads it) into records. After a fault encoding/csv no longer knows
// where it is, so the scanner cuts records out itself and gives it one at a time. A record ends at the first
// line end before which the quotes are even in number; that holds for every well-formed record, whatever its
// cells. Where encoding/csv then refuses what was cut, only the first physical line of it is given up and the scan
// goes on with the next line, so that a stray quote costs one line and not what it swallowed. Each line is
// looked at a bounded number of times: between two lines with an odd number of quotes no other line opens one.
type scanner struct {
	source     io.Reader
	buf        []byte
	start, end int   // the unread part of buf
	ended      error // what ended the source, io.EOF if all is well
	line       int64 // the physical line at start
	width      int   // how many cells a record should have; 0 if not known yet

	single  bytes.Reader // the record at hand
	buffers *bufio.Reader
	csv     *csv.Reader
}

func newScanner(source io.Reader) *scanner {
	s := &scanner{source: source, buf: make([]byte, readSize), line: 1}
	// csv.NewReader uses a bufio.Reader as it is, which lets parse throw away what a fault left in it.
	s.buffers = bufio.NewReaderSize(&s.single, 4<<10)
	s.csv = csv.NewReader(s.buffers)
	s.csv.FieldsPerRecord = -1
	s.csv.ReuseRecord = true
	return s
}

// skipBOM passes over a UTF-8 byte order mark at the start and reports whether there was one.
func (s *scanner) skipBOM() bool {
	for s.end < 3 && s.fill() {
	}
	found := bytes.HasPrefix(s.buf[s.start:s.end], []byte("\uFEFF"))
	if found {
		s.start += 3
	}
	return found
}

// next returns the next record; empty lines are passed over. It returns io.EOF at the end, or the error of the source.
func (s *scanner) next() (record, error) {
	for {
		e, err := s.cut()
		switch {
		case err == errTooLong:
			return s.tooLong()
		case err != nil:
			return record{}, err
		case len(bare(s.buf[s.start:s.start+e.first])) > 0:
			return s.take(e), nil
		}
		s.consume(e.first)
	}
}

// take reads the record that was cut, and consumes it, or its first line only.
func (s *scanner) take(e extent) record {
	cut, raw := e.record, s.buf[s.start:s.start+e.record]
	r := record{line: s.line, raw: bare(raw)}
	var err error
	if e.closed {
		r.cells, err = s.parse(raw)
	}
	switch {
	case !e.closed || err != nil || s.swallowed(r.cells, raw, e.first):
		cut = e.first
		r.raw, r.fault = bare(raw[:cut]), "a quote is missing or out of place"
	case !utf8.Valid(raw):
		r.fault = "the text is not valid UTF-8"
	case bytes.IndexByte(raw, 0) >= 0:
		r.fault = "the text holds a NUL byte"
	case s.width > 0 && len(r.cells) != s.width:
		r.fault = fmt.Sprintf("it has %s, the header has %d", cells(len(r.cells)), s.width)
	}
	if r.fault != "" {
		r.cells = nil
	}
	s.consume(cut)
	return r
}

func cells(n int) string {
	if n == 1 {
		return "1 cell"
	}
	return fmt.Sprintf("%d cells", n)
}

// swallowed reports whether a well-formed record of the wrong width came about by two stray quotes, which make one
// record of all lines between them: at least half of these would be rows by themselves.
func (s *scanner) swallowed(found []string, raw []byte, first int) bool {
	if s.width == 0 || len(found) == s.width || first == len(raw) {
		return false
	}
	lines, rows := 0, 0
	for line := range bytes.Lines(raw[first:]) {
		if fields, err := s.parse(line); err == nil && len(fields) == s.width {
			rows++
		}
		lines++
	}
	between := lines - 1 // the last line ends in the closing quote
	return between > 0 && 2*rows >= between
}

// parse splits one record. The cells are valid until the next call.
func (s *scanner) parse(raw []byte) ([]string, error) {
	s.single.Reset(raw)
	s.buffers.Reset(&s.single)
	return s.csv.Read()
}

// extent is the length in bytes of a record and of its first line, line ends included. A record that is not closed
// has an odd number of quotes up to the end of the source, or to where it would be longer than maxRecord.
type extent struct {
	record, first int
	closed        bool
}

// errTooLong says that a line is longer than maxRecord.
var errTooLong = errors.New("line too long")

// cut measures the record at s.start. It returns io.EOF at the end, the error of the source, or errTooLong for the first line.
func (s *scanner) cut() (extent, error) {
	var e extent
	for !e.closed {
		end, err := s.lineEnd(e.record)
		switch {
		case err == nil:
		case e.record > 0 && (err == io.EOF || err == errTooLong):
			return e, nil
		default:
			return extent{}, err
		}
		quotes := bytes.Count(s.buf[s.start+e.record:s.start+end], []byte{'"'})
		// The first line is closed if its quotes are even, a further one if it closes what that left open.
		e.closed = (quotes%2 == 0) == (e.record == 0)
		if e.record == 0 {
			e.first = end
		}
		e.record = end
	}
	return e, nil
}

// lineEnd returns where the line that starts at from ends, both counted from s.start. It returns io.EOF if there is no such
// line, errTooLong if it ends beyond maxRecord, or the error of the source.
func (s *scanner) lineEnd(from int) (int, error) {
	for looked := from; ; {
		if i := bytes.IndexByte(s.buf[s.start+looked:s.end], '\n'); i >= 0 {
			if looked+i+1 > maxRecord {
				return 0, errTooLong
			}
			return looked + i + 1, nil
		}
		looked = s.end - s.start
		switch {
		case looked >= maxRecord:
			return 0, errTooLong
		case s.fill():
		case s.ended == io.EOF && looked > from:
			return looked, nil
		default:
			return 0, s.ended
		}
	}
}

// fill reads more, making room if need be, and reports whether it got any.
func (s *scanner) fill() bool {
	if s.ended != nil {
		return false
	}
	if len(s.buf)-s.end < readSize/2 {
		unread := s.buf[s.start:s.end]
		if len(unread) > len(s.buf)/2 {
			s.buf = make([]byte, 2*len(s.buf))
		}
		s.start, s.end = 0, copy(s.buf, unread)
	}
	for range 100 { // as bufio: a reader that returns nothing for ever is broken
		n, err := s.source.Read(s.buf[s.end:])
		s.end += n
		s.ended = err
		if n > 0 || err != nil {
			return n > 0
		}
	}
	s.ended = io.ErrNoProgress
	return false
}

// consume passes over n bytes.
func (s *scanner) consume(n int) {
	s.line += int64(bytes.Count(s.buf[s.start:s.start+n], []byte{'\n'}))
	s.start += n
}

// tooLong passes over a line longer than maxRecord and keeps its start.
func (s *scanner) tooLong() (record, error) {
	r := record{
		line:  s.line,
		raw:   bytes.ToValidUTF8(bytes.Clone(s.buf[s.start:s.start+keptOfLong]), nil),
		fault: "the line is longer than 1 MB, and only its start is kept here",
	}
	for {
		if i := bytes.IndexByte(s.buf[s.start:s.end], '\n'); i >= 0 {
			s.consume(i + 1)
			return r, nil
		}
		s.start = s.end
		if !s.fill() {
			break
		}
	}
	if s.ended != io.EOF {
		return record{}, s.ended
	}
	return r, nil
}

// bare returns a line, or lines, without the last line end.
func bare(line []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte{'\n'}), []byte{'\r'})
}
