package csvfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

const (
	// MaxRecord is the longest record in bytes. No profile can hold more than 400 KB, and what an unclosed
	// quote swallows must end somewhere.
	MaxRecord = 1 << 20
	// keptOfLong is how many bytes of a line longer than MaxRecord are kept for its report.
	keptOfLong = 1 << 10
)

// Position is a place in a file. The zero value is its start.
type Position struct {
	Offset int64 `json:"offset"` // in bytes, of what the Scanner reads; see Format.Seekable
	Line   int64 `json:"line"`   // physical, from 1; 0 means 1
}

// Record is what a Scanner found: the cells of a record, or text that is none.
type Record struct {
	Position
	// Cells are the cells in UTF-8. The slice is valid until the next call, its strings for good: they share one
	// allocation. With a Fault they are nil, unless the fault is in the text and not in the structure.
	Cells []string
	Raw   []byte // the record as it is in the file, without the line end; valid until the next call
	Fault string // why it cannot be read as a row; "" if it can
	Text  string // with a Fault: Raw, decoded but for what is damaged
}

// Scanner splits CSV (RFC 4180, as encoding/csv reads it, but for other delimiters and encodings) into records. It cuts
// records out before it looks at their cells: a record ends at the first line end before which the quotes are even
// in number, which holds for every well-formed record, whatever its cells. Where what was cut is not well-formed,
// only the first physical line of it is given up and the scan goes on with the next line, so that a stray quote
// costs one line and not what it swallowed. Each line is looked at a bounded number of times: between two lines with
// an odd number of quotes no other line opens one.
//
// Where a record starts depends on nothing that precedes it, and a record that is given up is given up as well if its
// source ends right behind it. So scanners that each read a stretch between two positions find what one scanner
// finds that reads it all. A Scanner is not for concurrent use.
type Scanner struct {
	// Width is how many cells a record should have; 0 for any.
	Width int

	in       buffer
	at       Position
	encoding Encoding
	split    splitter // of the record at hand
	probe    splitter // of the lines that it may have swallowed
	decoded  []byte   // of the record at hand, if the file is not in UTF-8
}

// NewScanner returns a Scanner of source, which a Decoder returned for a file of the format and whose first
// byte is at the position, a record's boundary. A byte order mark at the start of a file is passed over.
func NewScanner(source io.Reader, f Format, at Position) *Scanner {
	at.Line = max(1, at.Line)
	empty := splitter{delimiter: f.Delimiter.char()}
	return &Scanner{in: newBuffer(source), at: at, encoding: f.Encoding, split: empty, probe: empty}
}

// Position returns where the next record starts, or empty lines before it do: a boundary at which the file can be cut.
func (s *Scanner) Position() Position { return s.at }

// Next returns the next record; empty lines are passed over. It returns io.EOF at the end, or the error of the source.
func (s *Scanner) Next() (Record, error) {
	if s.at.Offset == 0 && s.in.startsWith("\uFEFF") {
		s.in.start += 3
		s.at.Offset = 3
	}
	for {
		e, err := s.cut()
		switch {
		case err == errTooLong:
			return s.tooLong()
		case err != nil:
			return Record{}, err
		case len(bare(s.in.unread()[:e.first])) > 0:
			return s.take(e), nil
		}
		s.consume(e.first)
	}
}

// take reads the record that was cut, and consumes it, or its first line only.
func (s *Scanner) take(e extent) Record {
	cut, raw := e.record, bare(s.in.unread()[:e.record])
	r := Record{Position: s.at, Raw: raw}
	text, garbled := s.decode(raw)
	switch {
	case !e.closed || !s.split.record(text) || s.swallowed(e):
		cut, r.Raw = e.first, bare(s.in.unread()[:e.first])
		text, _ = s.decode(r.Raw)
		r.Fault = "a quote is missing or out of place"
	case garbled:
		r.Fault, r.Cells = "the text is not valid "+s.name(), s.split.cells()
	case bytes.IndexByte(raw, 0) >= 0:
		r.Fault, r.Cells = "the text holds a NUL byte", s.split.cells()
	case s.Width > 0 && s.split.width() != s.Width:
		r.Fault = fmt.Sprintf("it has %s, the header has %d", cells(s.split.width()), s.Width)
	default:
		r.Cells = s.split.cells()
	}
	if r.Fault != "" {
		r.Text = string(text)
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

// decode returns text in UTF-8, valid until the next call, and whether some of it could not be decoded.
func (s *Scanner) decode(raw []byte) (text []byte, garbled bool) {
	switch {
	case s.encoding != Windows1252:
		return raw, !utf8.Valid(raw)
	case ascii(raw):
		return raw, false
	case !defined(raw):
		return raw, true
	}
	s.decoded = appendWindows1252(s.decoded[:0], raw)
	return s.decoded, false
}

// name returns the name of the encoding, for people.
func (s *Scanner) name() string {
	switch s.encoding {
	case Windows1252:
		return "Windows-1252"
	case UTF16LE, UTF16BE:
		return "UTF-16"
	}
	return "UTF-8"
}

// swallowed reports whether the well-formed record that was split last has the wrong width because of two stray quotes,
// which make one record of all lines between them: at least half of these would be rows by themselves.
func (s *Scanner) swallowed(e extent) bool {
	if s.Width == 0 || s.split.width() == s.Width || e.first == e.record {
		return false
	}
	lines, rows := 0, 0
	for line := range bytes.Lines(s.in.unread()[e.first:e.record]) {
		if line = bare(line); len(line) > 0 && s.probe.record(line) && s.probe.width() == s.Width {
			rows++
		}
		lines++
	}
	between := lines - 1 // the last line ends in the closing quote
	return between > 0 && 2*rows >= between
}

// extent is the length in bytes of a record and of its first line, line ends included. A record that is not closed
// has an odd number of quotes up to the end of the source, or to where it would be longer than MaxRecord.
type extent struct {
	record, first int
	closed        bool
}

// errTooLong says that a line is longer than MaxRecord.
var errTooLong = errors.New("line too long")

// cut measures the record that comes next. It returns io.EOF at the end, the error of the source, or errTooLong for the first line.
func (s *Scanner) cut() (extent, error) {
	var e extent
	for !e.closed {
		end, err := s.in.lineEnd(e.record)
		switch {
		case err == nil:
		case e.record > 0 && (err == io.EOF || err == errTooLong):
			return e, nil
		default:
			return extent{}, err
		}
		quotes := bytes.Count(s.in.unread()[e.record:end], []byte{'"'})
		// The first line is closed if its quotes are even, a further one if it closes what that left open.
		e.closed = (quotes%2 == 0) == (e.record == 0)
		if e.record == 0 {
			e.first = end
		}
		e.record = end
	}
	return e, nil
}

// consume passes over n bytes.
func (s *Scanner) consume(n int) {
	s.at.Line += int64(bytes.Count(s.in.unread()[:n], []byte{'\n'}))
	s.at.Offset += int64(n)
	s.in.start += n
}

// tooLong passes over a line longer than MaxRecord and keeps its start.
func (s *Scanner) tooLong() (Record, error) {
	r := Record{Position: s.at, Raw: bytes.Clone(s.in.unread()[:keptOfLong]),
		Fault: "the line is longer than 1 MB, and only its start is kept here"}
	text, _ := s.decode(r.Raw)
	r.Text = string(bytes.ToValidUTF8(text, nil))
	for {
		if i := bytes.IndexByte(s.in.unread(), '\n'); i >= 0 {
			s.consume(i + 1)
			return r, nil
		}
		s.consume(len(s.in.unread()))
		if !s.in.fill() {
			break
		}
	}
	if s.in.ended != io.EOF {
		return Record{}, s.in.ended
	}
	return r, nil
}

// bare returns a line, or lines, without the last line end.
func bare(line []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte{'\n'}), []byte{'\r'})
}
