package csvimport

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxReport is how many bytes of refused rows are kept: half of what the function has of temporary disk.
const maxReport = 1 << 30

// errReportFull says that too much was refused to keep it all.
var errReportFull = errors.New("the error file is full")

// report is the error file in the making: the refused rows with the columns they came with, in the order of the
// file, and three columns that say what is wrong. It can be corrected and imported as it is. A line that could not be split
// into cells has empty cells and its text after the reason, so that importing it uncorrected cannot make
// a customer of it.
//
// A spreadsheet runs a cell that begins with =, +, -, @, tab or CR as a formula. The added cells never do. The
// customer's cells are kept as they were, though: a quote put before them would become part of the value at the next import.
type report struct {
	columns *columns
	bom     bool     // as the upload had one, without which Excel garbles anything but ASCII
	file    *os.File // nil until a row is refused
	out     *csv.Writer
	size    int64
}

// add appends a refused row. It returns errReportFull, or what the disk says.
func (r *report) add(refused row, f fault) error {
	if r.file == nil {
		if err := r.create(); err != nil {
			return err
		}
	}
	if r.size += int64(refused.size); r.size > maxReport {
		return errReportFull
	}
	reason := f.reason
	if refused.cells == nil {
		reason += ". Its text: " + visible(refused.raw)
	}
	own := []string{strconv.FormatInt(refused.number, 10), inert(f.field), inert(reason)}
	return r.write(append(r.original(refused.cells), own...))
}

// stopped appends a line, of no row, that says why the import went no further. Of a file without a readable header it
// is all there is.
func (r *report) stopped(reason string) error {
	if r.columns == nil {
		r.columns = &columns{}
	}
	if r.file == nil {
		if err := r.create(); err != nil {
			return err
		}
	}
	return r.write(append(r.original(nil), "", "", inert(reason)))
}

// create opens the file and writes its header. The file has no name: it is gone when it is closed, also if
// the process is killed.
func (r *report) create() error {
	f, err := os.CreateTemp("", "import-*.csv")
	if err != nil {
		return fmt.Errorf("create the error file: %w", err)
	}
	_ = os.Remove(f.Name()) // a system that cannot remove an open file keeps it until it is rebooted
	r.file, r.out = f, csv.NewWriter(f)
	if r.bom {
		if _, err := f.WriteString("\uFEFF"); err != nil {
			return fmt.Errorf("write the error file: %w", err)
		}
	}
	return r.write(append(r.original(r.columns.cells), columnRow, columnField, columnError))
}

// original returns the cells without those of an earlier error file; empty ones if there are none.
func (r *report) original(cells []string) []string {
	out := make([]string, 0, len(r.columns.all)+3)
	for i, col := range r.columns.all {
		switch {
		case col.role == roleReport:
		case cells == nil:
			out = append(out, "")
		default:
			// A CSV reader takes CR LF inside a cell for LF, and CR CR LF for CR LF.
			out = append(out, strings.ReplaceAll(cells[i], "\r\n", "\r\r\n"))
		}
	}
	return out
}

func (r *report) write(cells []string) error {
	if err := r.out.Write(cells); err != nil {
		return fmt.Errorf("write the error file: %w", err)
	}
	return nil
}

// put stores the report under the key. If no row was refused it removes what an earlier upload of that name left there,
// lest somebody corrects rows that are fine by now.
func (r *report) put(ctx context.Context, objects Objects, bucket, key string) error {
	if r.file == nil {
		if err := objects.Remove(ctx, bucket, key); err != nil {
			return fmt.Errorf("remove the old error file: %w", err)
		}
		return nil
	}
	r.out.Flush()
	if err := r.out.Error(); err != nil {
		return fmt.Errorf("write the error file: %w", err)
	}
	if _, err := r.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read the error file: %w", err)
	}
	if err := objects.Put(ctx, bucket, key, r.file); err != nil {
		return fmt.Errorf("store the error file: %w", err)
	}
	return nil
}

// close removes the temporary file.
func (r *report) close() {
	if r.file != nil {
		_ = r.file.Close()
	}
}

// visible returns text with the bytes that are no UTF-8, and NUL, written as \x and two hexadecimal digits.
func visible(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"), r == 0:
			fmt.Fprintf(&b, `\x%02X`, s[i])
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// inert returns text that no spreadsheet takes for a formula.
func inert(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
