package csvfile

import "bytes"

const (
	stopWorkbook Stop = "This is a spreadsheet's workbook: save it as CSV (UTF-8), and upload that."
	stopArchive  Stop = "This is an archive: unpack it, and upload the CSV file inside, as it is or compressed with gzip."
	stopPacked   Stop = "The file is compressed in a way that is not known here: unpack it, and upload it as it is or compressed with gzip."
	stopDocument Stop = "This is a document, not a table: export the customers as CSV (UTF-8), and upload that."
	stopBinary   Stop = "This is not a text file: export the customers as CSV (UTF-8), and upload that."
)

// signatures are the first bytes of what people upload instead of CSV.
var signatures = []struct {
	magic string
	stop  Stop
}{
	{"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", stopWorkbook}, // Excel until 2003
	{"%PDF-", stopDocument},
	{"{\\rtf", stopDocument},
	{"PK\x05\x06", stopArchive}, // an empty one
	{"7z\xBC\xAF\x27\x1C", stopArchive},
	{"Rar!\x1A\x07", stopArchive},
	{"\xFD7zXZ\x00", stopPacked},
	{"BZh", stopPacked},
	{"\x28\xB5\x2F\xFD", stopPacked}, // Zstandard
	{"PAR1", stopBinary},             // Parquet
}

// recognise returns a Stop for a file that is known to be no CSV by its first bytes.
func recognise(head []byte) error {
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) {
		// The names of a ZIP archive's first files are near its start.
		for _, name := range []string{"xl/", "[Content_Types].xml", "opendocument.spreadsheet", "Index/"} {
			if bytes.Contains(head, []byte(name)) {
				return stopWorkbook
			}
		}
		return stopArchive
	}
	for _, s := range signatures {
		if bytes.HasPrefix(head, []byte(s.magic)) {
			return s.stop
		}
	}
	return nil
}

// isBinary reports whether text is no text: one control character in the header, where nobody could tell a column
// from another, or many below it. A few there cost their rows only.
func isBinary(header, text []byte) bool {
	return controls(header) > 0 || 10*controls(text) > len(text)
}

func controls(text []byte) int {
	n := 0
	for _, c := range text {
		if control(c) {
			n++
		}
	}
	return n
}

// control reports whether a byte is a control character (C0) that no text holds.
func control(c byte) bool { return c < ' ' && c != '\t' && c != '\n' && c != '\r' }
