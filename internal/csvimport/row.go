package csvimport

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lunogram-users/internal/user"
)

// row is a line of the file on its way through an import.
type row struct {
	number int64    // 1 is the first row below the header
	cells  []string // as they were; nil if the line could not be split
	raw    string   // the line, if it could not
	size   int      // about how many bytes the row takes
	blank  bool     // holds nothing
	req    user.Upsert
	ids    []int  // the columns of req's identifiers
	fault  *fault // why it is refused; nil if it is not
}

// fault says why a row is refused. Neither part repeats a cell.
type fault struct {
	field  string // the column at fault, "" for the whole row
	reason string
}

// unfilled begins the reason of a row that comes from an error file, where its text stands in the
// error's cell for want of cells, and was not corrected.
const unfilled = "the row was not corrected: "

// row reads what a record asks for. A value the domain refuses becomes the row's fault.
func (c *columns) row(number int64, r record) row {
	out := row{number: number, size: len(r.raw) + 64*len(r.cells)}
	if r.fault != "" {
		out.raw = string(r.raw)
		out.fault = &fault{reason: fmt.Sprintf("line %d: %s", r.line, r.fault)}
		return out
	}
	out.cells = slices.Clone(r.cells)
	if c.blank(out.cells) {
		out.blank = true
		if c.errorAt >= 0 {
			if text := strings.TrimSpace(out.cells[c.errorAt]); text != "" {
				out.blank = false
				out.fault = &fault{reason: unfilled + strings.TrimPrefix(text, unfilled)}
			}
		}
		return out
	}
	c.fill(&out)
	if len(out.ids) == 0 {
		out.fault = &fault{field: c.all[c.find("/identifier", nil)].name, reason: "the row has no identifier"}
	} else if err := out.req.Normalize(); err != nil {
		out.fault = c.explain(err, out.ids)
	}
	return out
}

// blank reports whether the cells, those of an error file's columns apart, hold no text.
func (c *columns) blank(cells []string) bool {
	for i, cell := range cells {
		if c.all[i].role != roleReport && strings.TrimSpace(cell) != "" {
			return false
		}
	}
	return true
}

// fill makes the request of the row's cells. An empty cell asks for nothing.
func (c *columns) fill(r *row) {
	p := &r.req.Patch
	for i, cell := range r.cells {
		cell = strings.TrimSpace(cell)
		if cell == "" {
			continue
		}
		switch col := c.all[i]; col.role {
		case roleIdentifier:
			r.ids = append(r.ids, i)
			pair := user.Pair{Source: col.source, ExternalID: cell}
			r.req.Identifiers = append(r.req.Identifiers, user.Sent{Pair: pair})
		case roleEmail:
			p.Email = &cell
		case rolePhone:
			p.Phone = &cell
		case roleTimezone:
			p.Timezone = &cell
		case roleLocale:
			p.Locale = &cell
		case roleData:
			if p.Data == nil {
				p.Data = make(map[string]any, len(c.all))
			}
			p.Data[col.name] = cell
		case roleReport:
		}
	}
}

// explain says which column is to blame for an error that sending the row again will not mend. ids are the columns of
// the row's identifiers.
func (c *columns) explain(err error, ids []int) *fault {
	if invalid := invalidOf(err); invalid != nil {
		return c.explainFields(invalid.Fields, ids)
	}
	if conflict, ok := errors.AsType[*user.ConflictError](err); ok {
		return &fault{field: c.all[c.find("/identifier", ids)].name, reason: conflict.Error()}
	}
	if errors.Is(err, user.ErrTooLarge) {
		return &fault{reason: user.ErrTooLarge.Error()}
	}
	return &fault{reason: "the row could not be stored; try it again"}
}

// explainFields names every column at fault, from left to right.
func (c *columns) explainFields(fields []user.FieldError, ids []int) *fault {
	byColumn := make(map[int]string, len(fields)) // -1: the whole row
	for _, f := range fields {
		at := c.find(f.Pointer, ids)
		if at >= 0 && byColumn[at] == "" {
			byColumn[at] = c.all[at].name + " " + f.Detail
		} else if at < 0 {
			byColumn[at] = "the row " + f.Detail
		}
	}
	var out fault
	var reasons []string
	for _, at := range slices.Sorted(maps.Keys(byColumn)) {
		if at >= 0 && out.field == "" {
			out.field = c.all[at].name
		}
		reasons = append(reasons, byColumn[at])
	}
	out.reason = strings.Join(reasons, "; ")
	return &out
}

func invalidOf(err error) *user.InvalidError {
	invalid, _ := errors.AsType[*user.InvalidError](err)
	return invalid
}
