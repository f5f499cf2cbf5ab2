package sheet

import (
	"strings"

	"lunogram-users/internal/user"
)

// maxDigits is how many digits an inferred number has at most: DynamoDB keeps as many.
const maxDigits = 38

// Inference finds the types of columns that declare none, from every row of a file: a column has a type only if all of its
// cells do, the empty ones apart. It is not for concurrent use.
type Inference struct {
	sheet    *Sheet
	restored bool
	types    []Type // by column: what all cells so far are, "" if there was none
}

// NewInference returns an Inference for a sheet, which must not be in use until Apply.
func NewInference(s *Sheet) *Inference {
	return &Inference{sheet: s, restored: s.ErrorFile(), types: make([]Type, len(s.Columns))}
}

// Add looks at the cells of a row. It keeps nothing of them. A row of another width is passed over.
func (n *Inference) Add(cells []string) {
	if len(cells) != len(n.types) {
		return
	}
	for i, cell := range cells {
		col := &n.sheet.Columns[i]
		if n.types[i] == Text || col.Role != Data || col.Declared {
			continue
		}
		if n.restored {
			cell = Restore(cell)
		}
		if cell = strings.TrimSpace(cell); cell == "" {
			continue
		}
		switch seen := n.types[i]; {
		case seen == "":
			n.types[i] = col.infer(cell)
		case !col.fits(seen, cell):
			n.types[i] = Text
		}
	}
}

// Apply gives the columns of the sheet the types that were found.
func (n *Inference) Apply() {
	for i, t := range n.types {
		if col := &n.sheet.Columns[i]; col.Role == Data && !col.Declared {
			col.Type = t
			if t == "" {
				col.Type = Text
			}
		}
	}
}

// infer returns the type of one cell.
func (c *Column) infer(cell string) Type {
	for _, t := range []Type{Number, Boolean, Date, JSON} {
		if c.fits(t, cell) {
			return t
		}
	}
	return Text
}

// fits reports whether a cell is taken for a value of the type though nobody said so, which must never be a fault of its
// row. A number is written plainly: 1e5 and 007 are codes.
func (c *Column) fits(t Type, cell string) bool {
	switch t {
	case Number:
		return isPlain(cell) && isNumber(cell)
	case JSON:
		if cell[0] != '{' && cell[0] != '[' {
			return false
		}
		v, ok := parseJSON(cell)
		return ok && c.storable(v)
	}
	_, ok := t.parse(cell)
	return ok
}

// isPlain reports whether a number has no exponent and no more digits than can be kept.
func isPlain(number string) bool {
	n := 0
	for i := range len(number) {
		switch c := number[i]; {
		case c == 'e' || c == 'E':
			return false
		case '0' <= c && c <= '9':
			n++
		}
	}
	return n <= maxDigits
}

// storable reports whether a profile can hold the value in the column.
func (c *Column) storable(v any) bool {
	var p user.Patch
	put(&p, c.Path, v, 1)
	return p.Normalize() == nil
}
