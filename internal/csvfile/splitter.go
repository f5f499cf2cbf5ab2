package csvfile

import "bytes"

// splitter finds the cells of one record at a time, as encoding/csv does. It keeps its memory.
type splitter struct {
	delimiter byte
	text      []byte   // the cells, one after the other
	ends      []int    // where each ends in text
	found     []string // what cells returned
}

// record splits a record, given without its line end, and reports whether its quotes are in place.
func (s *splitter) record(raw []byte) bool {
	s.text, s.ends = s.text[:0], s.ends[:0]
	for {
		rest, ok := s.cell(raw)
		s.ends = append(s.ends, len(s.text))
		switch {
		case !ok:
			return false
		case len(rest) == 0:
			return true
		}
		raw = rest[1:]
	}
}

// width returns how many cells the record has.
func (s *splitter) width() int { return len(s.ends) }

// cells returns the cells, which share one new string, in a slice that the next call uses again.
func (s *splitter) cells() []string {
	text, start := string(s.text), 0
	s.found = s.found[:0]
	for _, end := range s.ends {
		s.found = append(s.found, text[start:end])
		start = end
	}
	return s.found
}

// cell takes the first cell of raw and returns what is left: nothing, or a delimiter and what follows it.
func (s *splitter) cell(raw []byte) (rest []byte, ok bool) {
	if len(raw) > 0 && raw[0] == '"' {
		return s.quoted(raw[1:])
	}
	end := bytes.IndexByte(raw, s.delimiter)
	if end < 0 {
		end = len(raw)
	}
	s.text = append(s.text, raw[:end]...)
	return raw[end:], bytes.IndexByte(raw[:end], '"') < 0
}

// quoted takes a cell whose opening quote was passed.
func (s *splitter) quoted(raw []byte) (rest []byte, ok bool) {
	for {
		quote := bytes.IndexByte(raw, '"')
		if quote < 0 {
			return nil, false
		}
		s.unix(raw[:quote])
		raw = raw[quote+1:]
		switch {
		case len(raw) == 0 || raw[0] == s.delimiter:
			return raw, true
		case raw[0] != '"':
			return nil, false
		}
		s.text = append(s.text, '"')
		raw = raw[1:]
	}
}

// unix appends text whose line ends are LF from now on.
func (s *splitter) unix(text []byte) {
	for {
		end := bytes.IndexByte(text, '\r')
		if end < 0 {
			s.text = append(s.text, text...)
			return
		}
		s.text = append(s.text, text[:end]...)
		if text = text[end+1:]; len(text) == 0 || text[0] != '\n' {
			s.text = append(s.text, '\r')
		}
	}
}
