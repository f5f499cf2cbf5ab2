package csvfile

import (
	"bytes"
	"compress/gzip"
	"io"
	"unicode/utf8"
)

// HeadSize is how many bytes of a file's start Sniff should be given; fewer only if the file is shorter.
const HeadSize = 64 << 10

// Encoding is how the characters of a file are encoded. "" is UTF8.
type Encoding string

// The encodings.
const (
	UTF8        Encoding = "utf-8"
	UTF16LE     Encoding = "utf-16le"
	UTF16BE     Encoding = "utf-16be"
	Windows1252 Encoding = "windows-1252"
)

// Valid reports whether e is one of the encodings.
func (e Encoding) Valid() bool { return e == UTF8 || e == UTF16LE || e == UTF16BE || e == Windows1252 }

// Delimiter is the character between two cells. "" is Comma.
type Delimiter string

// The delimiters.
const (
	Comma     Delimiter = ","
	Semicolon Delimiter = ";"
	Tab       Delimiter = "\t"
)

// Valid reports whether d is one of the delimiters.
func (d Delimiter) Valid() bool { return d == Comma || d == Semicolon || d == Tab }

func (d Delimiter) char() byte {
	if d == "" {
		return ','
	}
	return d[0]
}

// Format is how a file is to be read. The zero value is plain UTF-8 with commas.
type Format struct {
	Encoding  Encoding  `json:"encoding,omitempty"`
	Delimiter Delimiter `json:"delimiter,omitempty"`
	Gzip      bool      `json:"gzip,omitempty"`
	BOM       bool      `json:"bom,omitempty"` // it starts with a byte order mark
}

// Seekable reports whether the positions that a Scanner tells are positions in the file itself, so that its middle can
// be read without what comes before.
func (f Format) Seekable() bool { return !f.Gzip && !f.wide() }

func (f Format) wide() bool { return f.Encoding == UTF16LE || f.Encoding == UTF16BE }

// Stop is an error that ends an import for good. Its text is a sentence that says what to do, and holds nothing of the
// file.
type Stop string

// Error returns the sentence.
func (s Stop) Error() string { return string(s) }

const stopMacintosh Stop = "The lines end in CR alone, as old programs for the Macintosh write them: save the file as CSV (UTF-8), " +
	"and upload it again."

// Sniff returns the format of a file that starts with head (see HeadSize). The declared encoding and delimiter, if
// any, are taken as they are, but a byte order mark is always believed. Whether a file is in Windows-1252 often
// shows far below its head: until a Census has seen the whole of it, Sniff's UTF8 is an assumption. Its
// error is a Stop: the file is no CSV.
func Sniff(head []byte, declared Format) (Format, error) {
	f := Format{Encoding: declared.Encoding, Delimiter: declared.Delimiter}
	if bytes.HasPrefix(head, []byte{0x1f, 0x8b}) {
		f.Gzip = true
		head = unzipHead(head)
	}
	if err := recognise(head); err != nil {
		return f, err
	}
	f.sniffEncoding(head)
	if f.wide() {
		head = decodeHead(head, f.Encoding)
	}
	head = bytes.TrimPrefix(head, []byte("\uFEFF"))
	header := firstRecord(head)
	if !bytes.Contains(head, []byte("\n")) && bytes.Contains(bytes.TrimRight(header, "\r"), []byte("\r")) {
		return f, stopMacintosh
	}
	if isBinary(header, head) {
		return f, stopBinary
	}
	if f.Encoding == "" {
		f.Encoding = UTF8
		var c Census
		if c.Add(header); !utf8.Valid(header) && !c.multibyte && !c.impossible {
			f.Encoding = Windows1252 // a header that is damaged would end the import anyway
		}
	}
	if f.Delimiter == "" {
		f.Delimiter = sniffDelimiter(header)
	}
	return f, nil
}

// sniffEncoding finds what the first bytes tell of the encoding.
func (f *Format) sniffEncoding(head []byte) {
	for _, mark := range []struct {
		bytes    string
		encoding Encoding
	}{{"\xEF\xBB\xBF", UTF8}, {"\xFF\xFE", UTF16LE}, {"\xFE\xFF", UTF16BE}} {
		if bytes.HasPrefix(head, []byte(mark.bytes)) {
			f.Encoding, f.BOM = mark.encoding, true
			return
		}
	}
	if f.Encoding == "" {
		f.Encoding = unmarkedUTF16(head)
	}
}

// unmarkedUTF16 returns the UTF-16 that a file without a mark is in, "" if it is in none: every other byte of its first
// characters, which name columns, is NUL, and no byte between.
func unmarkedUTF16(head []byte) Encoding {
	const looked = 64
	var pairs, little, big int
	for pair := range chunks(head[:min(len(head), 2*looked)], 2) {
		pairs++
		switch {
		case pair[0] != 0 && pair[1] == 0:
			little++
		case pair[0] == 0 && pair[1] != 0:
			big++
		}
	}
	switch {
	case pairs < 2:
		return ""
	case 10*little >= 9*pairs:
		return UTF16LE
	case 10*big >= 9*pairs:
		return UTF16BE
	}
	return ""
}

// chunks yields the whole chunks of n bytes that b has.
func chunks(b []byte, n int) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for ; len(b) >= n && yield(b[:n]); b = b[n:] {
		}
	}
}

// firstRecord returns the first record that is not empty, or what there is of it.
func firstRecord(text []byte) []byte {
	text = bytes.TrimLeft(text, "\r\n")
	quoted := false
	for i, c := range text {
		switch {
		case c == '"':
			quoted = !quoted
		case c == '\n' && !quoted:
			return text[:i]
		}
	}
	return text
}

// sniffDelimiter returns the delimiter that a header holds most often outside quotes; Comma if it holds none.
func sniffDelimiter(header []byte) Delimiter {
	found, most := Comma, 0
	for _, d := range []Delimiter{Comma, Semicolon, Tab} {
		n, quoted := 0, false
		for _, c := range header {
			switch {
			case c == '"':
				quoted = !quoted
			case c == d.char() && !quoted:
				n++
			}
		}
		if n > most {
			found, most = d, n
		}
	}
	return found
}

// unzipHead returns the start of what is compressed in head, which may end anywhere; nothing if it is damaged, which the
// Decoder will say.
func unzipHead(head []byte) []byte {
	z, err := gzip.NewReader(bytes.NewReader(head))
	if err != nil {
		return nil
	}
	text, _ := io.ReadAll(io.LimitReader(z, HeadSize))
	return text
}
