package sheet

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"lunogram-users/internal/user"
)

// Explain returns the fault of a row that the store refused, with an error that sending it again will not mend.
func (s *Sheet) Explain(row Row, err error) *Fault {
	if invalid := invalidOf(err); invalid != nil {
		return s.fault(s.locate(invalid.Fields, row.Cells))
	}
	if conflict, ok := errors.AsType[*user.ConflictError](err); ok {
		return &Fault{Field: s.Columns[s.find("/identifier/0", s.identified(row.Cells))].Name, Reason: conflict.Error()}
	}
	if errors.Is(err, user.ErrTooLarge) {
		return &Fault{Reason: user.ErrTooLarge.Error()}
	}
	return &Fault{Reason: "the row could not be stored; try it again"}
}

// locate finds the columns of the faults of a request that was made of the cells.
func (s *Sheet) locate(fields []user.FieldError, cells []string) []cellFault {
	ids := s.identified(cells)
	out := make([]cellFault, len(fields))
	for i, f := range fields {
		out[i] = cellFault{s.find(f.Pointer, ids), f.Detail}
	}
	return out
}

// fault names every column at fault, from left to right, each once.
func (s *Sheet) fault(faults []cellFault) *Fault {
	slices.SortStableFunc(faults, func(a, b cellFault) int { return a.column - b.column })
	faults = slices.CompactFunc(faults, func(a, b cellFault) bool { return a.column == b.column })
	var out Fault
	var reasons []string
	for _, f := range faults {
		name := "the row"
		if f.column >= 0 {
			name = s.Columns[f.column].Name
			if out.Field == "" {
				out.Field = name
			}
		}
		reasons = append(reasons, name+" "+f.detail)
	}
	out.Reason = strings.Join(reasons, "; ")
	return &out
}

// identified returns the columns of the identifiers that a row has, as they are in its request.
func (s *Sheet) identified(cells []string) []int {
	var ids []int
	for i, cell := range cells {
		if s.Columns[i].Role == Identifier && strings.TrimSpace(cell) != "" {
			ids = append(ids, i)
		}
	}
	return ids
}

// identifierName returns the name of the first column of identifiers.
func (s *Sheet) identifierName() string { return s.Columns[s.identifierAt()].Name }

// find returns the column that a pointer into an upsert means, or -1. ids holds the columns of the identifiers
// that the upsert had, in their order.
func (s *Sheet) find(pointer string, ids []int) int {
	if rest, ok := strings.CutPrefix(pointer, "/identifier"); ok {
		n, _, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
		if i, err := strconv.Atoi(n); err == nil && 0 <= i && i < len(ids) {
			return ids[i]
		}
		return s.identifierAt()
	}
	if pointer == "/data" {
		return -1
	}
	return slices.IndexFunc(s.Columns, func(c Column) bool {
		own := c.pointer()
		// Within the cell's value, or at an object that the column's path makes.
		return own != "" && (strings.HasPrefix(pointer+"/", own+"/") || strings.HasPrefix(own+"/", pointer+"/"))
	})
}

func invalidOf(err error) *user.InvalidError {
	invalid, _ := errors.AsType[*user.InvalidError](err)
	return invalid
}
