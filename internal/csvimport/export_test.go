package csvimport

import (
	"io"
	"slices"

	"github.com/aws/aws-lambda-go/events"
)

// Record is what the scanner says of a record, for tests of package csvimport_test.
type Record struct {
	Line  int64
	Cells []string
	Raw   string
	Fault string
}

// Scan returns all records of r and what ended them; width is how many cells a record should have, 0 for any.
func Scan(r io.Reader, width int) ([]Record, error) {
	s := newScanner(r)
	s.width = width
	s.skipBOM()
	var out []Record
	for {
		rec, err := s.next()
		if err != nil {
			return out, err
		}
		out = append(out, Record{rec.line, slices.Clone(rec.cells), string(rec.raw), rec.fault})
	}
}

// MaxRecord is the longest record in bytes.
const MaxRecord = maxRecord

// ImportID returns the id of the import that an event starts, "" if it starts none.
func ImportID(r events.S3EventRecord) string {
	u, _ := parseUpload(r)
	return u.id
}
