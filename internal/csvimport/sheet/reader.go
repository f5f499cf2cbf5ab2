package sheet

import (
	"fmt"
	"slices"
	"strings"

	"lunogram-users/internal/csvfile"
	"lunogram-users/internal/user"
)

// PhoneParser returns the E.164 form of a phone number as people write it, of a region (ISO 3166-1 alpha-2, "" for none) if
// it has no country code. Its error says what the number must be, after the column's name, and does not repeat it.
type PhoneParser func(number, region string) (string, error)

// Row is a line of the file on its way through an import.
type Row struct {
	Number int64    // 1 is the first row below the header
	Cells  []string // as they were, Restored if the file is an error file; nil if the line could not be split
	Text   string   // the line, if it could not
	Size   int      // about how many bytes of memory the row takes
	Blank  bool     // holds nothing
	Upsert user.Upsert
	Fault  *Fault // why it is refused; nil if it is not
}

// Fault says why a row is refused. Neither part repeats a cell.
type Fault struct {
	Field  string // the column at fault, "" for the whole row
	Reason string
}

// uncorrected is the reason of a row that comes from an error file, where its text stands in the error's cell for want of
// cells, and was not corrected.
const uncorrected = "the row was not corrected"

// TextMark stands before the text of a row in the error's cell of an error file.
const TextMark = ". Its text: "

// Reader makes requests of the rows of one file. It is not for concurrent use: it remembers what it parsed.
type Reader struct {
	sheet   *Sheet
	phones  PhoneParser
	zones   memory
	locales memory
	errorAt int
	keys    int // about how many bytes the keys of a row's data take
	top     int // how many data columns are not nested
}

// NewReader returns a Reader for a sheet. If phones is nil, phone numbers must be in E.164 form.
func NewReader(s *Sheet, phones PhoneParser) *Reader {
	if phones == nil {
		phones = func(number, _ string) (string, error) { return user.ParsePhone(number) }
	}
	r := &Reader{sheet: s, phones: phones, errorAt: s.errorAt(), zones: newMemory(parseZone), locales: newMemory(user.ParseLocale)}
	for i := range s.Columns {
		for _, key := range s.Columns[i].Path {
			r.keys += len(key) + 8
		}
		if len(s.Columns[i].Path) == 1 {
			r.top++
		}
	}
	return r
}

// Row reads what a record asks for; number 1 is the first row below the header. The request is normalized. A value
// that the domain refuses becomes the row's fault.
func (r *Reader) Row(number int64, rec csvfile.Record) Row {
	out := Row{Number: number, Size: len(rec.Raw) + 64*len(rec.Cells)}
	if rec.Fault == "" && len(rec.Cells) != len(r.sheet.Columns) {
		rec.Fault, rec.Text = "its cells are not as many as the header's", string(rec.Raw)
	}
	if rec.Fault != "" {
		out.Text = rec.Text
		out.Fault = &Fault{Reason: fmt.Sprintf("line %d: %s", rec.Line, rec.Fault)}
		return out
	}
	out.Cells = slices.Clone(rec.Cells)
	if r.errorAt >= 0 {
		restore(out.Cells)
	}
	if out.Blank = r.sheet.blank(out.Cells); out.Blank {
		r.unfilled(&out)
		return out
	}
	out.Fault = r.fill(&out)
	return out
}

// unfilled gives a blank row of an error file that says there what was wrong with it its fault and its text. The fault does
// not repeat the cell, which may hold the text of a row.
func (r *Reader) unfilled(out *Row) {
	if r.errorAt < 0 {
		return
	}
	cell := strings.TrimSpace(out.Cells[r.errorAt])
	if cell == "" {
		return
	}
	_, text, found := strings.Cut(cell, TextMark)
	if !found {
		text = cell
	}
	out.Cells, out.Text, out.Blank, out.Fault = nil, text, false, &Fault{Reason: uncorrected}
}

// blank reports whether the cells, those of an error file's columns apart, hold no text.
func (s *Sheet) blank(cells []string) bool {
	for i, cell := range cells {
		if s.Columns[i].Role != Report && strings.TrimSpace(cell) != "" {
			return false
		}
	}
	return true
}

// request is a row's request in the making.
type request struct {
	*Row
	faults                  []cellFault
	phone, timezone, locale *string // in canonical form already
	unchecked               bool    // a value of data is none that is valid by its type
}

// cellFault is what is wrong with the cell of a column, -1 for the whole row.
type cellFault struct {
	column int
	detail string
}

// fill makes the request of the row's cells and returns the row's fault. An empty cell asks for nothing.
func (r *Reader) fill(row *Row) *Fault {
	q := request{Row: row}
	for i, cell := range row.Cells {
		if cell = strings.TrimSpace(cell); cell == "" {
			continue
		}
		if err := r.cell(&q, i, cell); err != nil {
			q.faults = append(q.faults, cellFault{i, err.Error()})
		}
	}
	if len(q.Upsert.Identifiers) == 0 {
		return &Fault{Field: r.sheet.identifierName(), Reason: "the row has no identifier"}
	}
	if invalid := r.normalize(&q); invalid != nil {
		q.faults = append(q.faults, r.sheet.locate(invalid.Fields, row.Cells)...)
	}
	if len(q.faults) > 0 {
		return r.sheet.fault(q.faults)
	}
	return nil
}

// cell adds what a cell asks for, trimmed and not empty, to the request. Its error is what the cell must be.
func (r *Reader) cell(q *request, i int, cell string) (err error) {
	col, p := &r.sheet.Columns[i], &q.Upsert.Patch
	switch col.Role {
	case Identifier:
		pair := user.Pair{Source: col.Source, ExternalID: cell}
		q.Upsert.Identifiers = append(q.Upsert.Identifiers, user.Sent{Pair: pair})
	case Email:
		p.Email = new(cell)
	case Phone:
		q.phone, err = pointTo(r.phones(cell, r.sheet.Region))
	case Timezone:
		q.timezone, err = pointTo(r.zones.parse(cell))
	case Locale:
		q.locale, err = pointTo(r.locales.parse(cell))
	case Data:
		v, ok := col.value(cell)
		if !ok {
			return typeError(col.Type)
		}
		q.unchecked = q.unchecked || col.Type == JSON || col.Type == Number && !isPlain(cell)
		put(p, col.Path, v, r.top)
	}
	return err
}

// pointTo returns a pointer to a value that was parsed, nil if it could not be.
func pointTo(s string, err error) (*string, error) {
	if err != nil {
		return nil, err
	}
	return &s, nil
}

// typeError says that a cell does not fit the type.
type typeError Type

func (e typeError) Error() string { return Type(e).requirement() }

// normalize puts the request into canonical form and returns what the domain refuses. It spares the domain a look at what was
// parsed as it would parse it, and at data that is valid by its type and too small to be too large: both cost
// more than all else that a row takes.
func (r *Reader) normalize(q *request) *user.InvalidError {
	patch := q.Upsert.Patch
	if !q.unchecked && q.Size+r.keys < user.MaxBytes/2 {
		q.Upsert.Patch.Data, q.Upsert.Patch.MergeData = nil, nil
	}
	err := q.Upsert.Normalize()
	patch.Phone, patch.Timezone, patch.Locale = q.phone, q.timezone, q.locale
	q.Upsert.Patch = patch
	return invalidOf(err)
}

// put sets the value at a path of data. A row has about so many keys at the top.
func put(p *user.Patch, path []string, v any, keys int) {
	if len(path) == 1 {
		if p.Data == nil {
			p.Data = make(map[string]any, keys)
		}
		p.Data[path[0]] = v
		return
	}
	if p.MergeData == nil {
		p.MergeData = make(map[string]any)
	}
	object := p.MergeData
	for _, key := range path[:len(path)-1] {
		below, ok := object[key].(map[string]any)
		if !ok {
			below = make(map[string]any)
			object[key] = below
		}
		object = below
	}
	object[path[len(path)-1]] = v
}
