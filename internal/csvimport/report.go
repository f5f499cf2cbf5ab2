package csvimport

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"lunogram-users/internal/csvfile"
	"lunogram-users/internal/csvimport/sheet"
	"lunogram-users/internal/user"
)

// The results of an import are made of parts, one for each segment that has something to say, which are put together
// in the end. A segment that is repeated after a kill replaces its own part.
const (
	partErrors  = "errors"
	partSkipped = "skipped"
	partChanges = "changes"
)

// maxChanges is how many changed rows a dry run shows.
const maxChanges = 100

// report counts the rows of a segment and stores its parts of the results.
func (w *worker) report(ctx context.Context, s *segment, c *Chunk) error {
	p := newParts(w.plan)
	var left []int64
	for i := range s.rows {
		l := &s.rows[i]
		if l.outcome == user.Deferred {
			left = append(left, l.Number)
			c.Deferred++
			continue
		}
		fault := l.fault(w.plan.Sheet)
		c.add(l.outcome, fault != nil)
		switch {
		case fault != nil:
			p.refuse(l, *fault)
			if len(c.Failures) < maxFailures {
				c.Failures = append(c.Failures, Failure{Row: l.Number, Field: clip(fault.Field), Reason: clip(fault.Reason)})
			}
		case l.skip || l.outcome == user.Skipped && w.record.Options.Mode != user.ModeUpsert && !l.applied:
			p.skip(l, w.record.Options.Mode)
		case len(l.changes) > 0 && c.Shown < maxChanges:
			p.show(l)
			c.Shown++
		}
	}
	if len(s.rows) == 0 {
		return nil
	}
	first := s.rows[0].Number
	for name, content := range p.contents() {
		if len(content) == 0 && !w.resumed {
			continue // a delivery that was cut short has stored none
		}
		key := w.record.workKey(name, chunkName(w.task.Chunk)+"-"+rowName(first))
		if err := w.Objects.Put(ctx, key, bytes.NewReader(content)); err != nil {
			return fmt.Errorf("store a part of the results: %w", err)
		}
	}
	if err := w.leave(ctx, first, left); err != nil {
		return err
	}
	w.resumed = false
	return nil
}

// clip shortens what a record keeps of a fault: a row may have one in each of a thousand columns.
func clip(s string) string {
	const most = 500
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + " …"
}

// fault returns why the row is refused, nil if it is not.
func (l *line) fault(s *sheet.Sheet) *sheet.Fault {
	if l.err != nil {
		return s.Explain(l.Row, l.err)
	}
	return l.Fault
}

// parts are what a segment adds to the results.
//
// The error file can be corrected and imported as it is: the refused rows with the columns they came with, in the order of
// the file, and three columns that say what is wrong. A line that could not be split into cells has empty cells and
// its text after the reason, so that importing it uncorrected cannot make a customer of it.
//
// A spreadsheet runs a cell that begins with =, +, -, @, tab or CR as a formula, so all cells are defused; a file that
// has the three columns is restored when it is read.
type parts struct {
	sheet                    *sheet.Sheet
	errors, skipped, changes bytes.Buffer
	errorRows, skippedRows   *csv.Writer
	changeLines              *json.Encoder
}

func newParts(of plan) *parts {
	p := &parts{sheet: of.Sheet}
	p.errorRows, p.skippedRows = of.writer(&p.errors), of.writer(&p.skipped)
	p.changeLines = json.NewEncoder(&p.changes)
	p.changeLines.SetEscapeHTML(false)
	return p
}

// contents returns the parts by name.
func (p *parts) contents() map[string][]byte {
	p.errorRows.Flush()
	p.skippedRows.Flush()
	return map[string][]byte{partErrors: p.errors.Bytes(), partSkipped: p.skipped.Bytes(), partChanges: p.changes.Bytes()}
}

func (p *parts) refuse(l *line, f sheet.Fault) {
	reason := f.Reason
	if l.Cells == nil {
		reason += sheet.TextMark + visible(l.Text)
	}
	write(p.errorRows, p.sheet, l.Cells, strconv.FormatInt(l.Number, 10), f.Field, reason)
}

func (p *parts) skip(l *line, mode user.Mode) {
	reason := "a later row of the file has the same identifiers"
	switch {
	case l.Blank:
		return
	case l.skip:
	case mode == user.ModeCreateOnly:
		reason = "the user exists already"
	case mode == user.ModeUpdateOnly:
		reason = "there is no such user"
	}
	write(p.skippedRows, p.sheet, l.Cells, strconv.FormatInt(l.Number, 10), "", reason)
}

func (p *parts) show(l *line) {
	_ = p.changeLines.Encode(struct { // a buffer takes all, and a profile is JSON
		Row     int64         `json:"row"`
		Outcome user.Outcome  `json:"outcome"`
		Changes []user.Change `json:"changes"`
	}{l.Number, l.outcome, l.changes})
}

// write writes a line of a result: the cells without those of an earlier error file, empty ones if there are none, and
// three of our own.
func write(to *csv.Writer, s *sheet.Sheet, cells []string, own ...string) {
	out := make([]string, 0, len(s.Columns)+len(own))
	for i, c := range s.Columns {
		switch {
		case c.Role == sheet.Report:
		case cells == nil:
			out = append(out, "")
		default:
			// A CSV reader takes CR LF inside a cell for LF, and CR CR LF for CR LF.
			out = append(out, strings.ReplaceAll(sheet.Defuse(cells[i]), "\r\n", "\r\r\n"))
		}
	}
	for _, cell := range own {
		out = append(out, sheet.Defuse(cell))
	}
	_ = to.Write(out) // a buffer takes all
}

// writer returns a writer of CSV with the delimiter of the upload, so that a result can be uploaded with the same options.
func (p plan) writer(to io.Writer) *csv.Writer {
	w := csv.NewWriter(to)
	if p.Format.Delimiter != "" {
		w.Comma, _ = utf8.DecodeRuneInString(string(p.Format.Delimiter))
	}
	return w
}

// header returns the first line of an error file. Results are in UTF-8; a byte order mark says so if the upload had one or was
// in another encoding: it is believed whatever the options say, and without it Excel garbles anything but ASCII.
func (p plan) header() []byte {
	var b bytes.Buffer
	if p.Format.BOM || p.Format.Encoding != csvfile.UTF8 && p.Format.Encoding != "" {
		b.WriteString("\uFEFF")
	}
	to := p.writer(&b)
	if p.Sheet == nil {
		p.Sheet = &sheet.Sheet{}
	}
	headers := make([]string, len(p.Sheet.Columns))
	for i, c := range p.Sheet.Columns {
		headers[i] = c.Header
	}
	write(to, p.Sheet, headers, sheet.ColumnRow, sheet.ColumnField, sheet.ColumnError)
	to.Flush()
	return b.Bytes()
}

// more returns the last line of a result that has more lines than it holds: a row that is none, and says where they are.
func (p plan) more(where string) []byte {
	var b bytes.Buffer
	to := p.writer(&b)
	write(to, p.Sheet, nil, "", "", "there are more rows, in the objects "+where)
	to.Flush()
	return b.Bytes()
}

// publish puts the results together. It does nothing once the upload is gone: what has its name by now has results of its
// own, and what was deleted shall not come back in one.
func (i *Importer) publish(ctx context.Context, record Import) error {
	gone, err := i.replaced(ctx, record)
	if gone || err != nil {
		return err
	}
	p, err := i.loadPlan(ctx, record)
	if err != nil {
		return err
	}
	for _, r := range []struct {
		result Result
		parts  string
	}{{Errors, partErrors}, {Skipped, partSkipped}} {
		limit := resultLimit{header: p.header(), last: p.more(record.workKey(r.parts, ""))}
		if err := i.assemble(ctx, record, r.result, r.parts, limit); err != nil {
			return err
		}
	}
	return i.assemble(ctx, record, Changes, partChanges, resultLimit{lines: maxChanges})
}

// publishReason makes an error file of the reason for which an import ended: a line of no row below the header, if that
// is known.
func (i *Importer) publishReason(ctx context.Context, record Import, reason string) error {
	gone, err := i.replaced(ctx, record)
	if gone || err != nil {
		return err
	}
	var b bytes.Buffer
	b.Write(plan{}.header())
	to := csv.NewWriter(&b)
	write(to, &sheet.Sheet{}, nil, "", "", reason)
	to.Flush()
	for _, r := range []Result{Skipped, Changes} {
		if err := i.Objects.Remove(ctx, record.ResultKey(r)); err != nil {
			return err
		}
	}
	return i.Objects.Put(ctx, record.ResultKey(Errors), bytes.NewReader(b.Bytes()))
}

// visible returns text with NUL written as \x00 and what is no UTF-8 as \x and two hexadecimal digits.
func visible(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == 0 || r == '\uFFFD' && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02X`, s[i])
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
