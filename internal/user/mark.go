package user

import (
	"encoding/binary"
	"errors"

	"github.com/google/uuid"
)

// Mark is what a profile remembers of the newest import that wrote it, so that each row acts once however often it is
// delivered. The zero value is the mark of a profile that no import has written. Requests of the API leave it alone.
type Mark struct {
	Import string // UUID
	// First and Last are the first and the last row that acted on the user, counted as Row.Number.
	First, Last int64
	// Outcome is what the first row did: Created or Updated.
	Outcome Outcome
	// Undone is set once the import was taken back: no row of it acts on the user any more.
	Undone bool
}

// meet returns what a row is answered by the mark of its own import, and whether it still acts. The outcome is "" for
// the first row that meets the user: what it does depends on the profile.
func (m Mark) meet(id string, row int64) (answer Outcome, acts bool) {
	switch {
	case m.Import != id:
		return "", true
	case row == m.First:
		return m.Outcome, false
	case row < m.First:
		return Unchanged, false
	}
	return Skipped, row > m.Last && !m.Undone
}

// next returns the mark that the row leaves, having had the outcome.
func (m Mark) next(id string, row int64, outcome Outcome) Mark {
	if m.Import != id {
		return Mark{Import: id, First: row, Last: row, Outcome: outcome}
	}
	m.Last = max(m.Last, row)
	return m
}

// join returns the mark of a user who absorbs another, as far as it concerns the import.
func (m Mark) join(id string, absorbed Mark) Mark {
	switch {
	case absorbed.Import != id:
		return m
	case m.Import != id:
		return absorbed
	}
	last, undone := max(m.Last, absorbed.Last), m.Undone || absorbed.Undone
	if absorbed.First < m.First {
		m = absorbed
	}
	m.Last, m.Undone = last, undone
	return m
}

// The flags of an encoded mark.
const (
	markCreated = 1 << iota
	markUndone
)

var errMark = errors.New("an import's mark cannot be read")

// MarshalBinary returns the mark in 19 bytes or a few more, none for the zero value: every profile of an import
// carries it. It implements encoding.BinaryMarshaler.
func (m Mark) MarshalBinary() ([]byte, error) {
	if m == (Mark{}) {
		return nil, nil
	}
	id, err := uuid.Parse(m.Import)
	if err != nil {
		return nil, err
	}
	var flags byte
	if m.Outcome == Created {
		flags |= markCreated
	}
	if m.Undone {
		flags |= markUndone
	}
	b := make([]byte, 0, len(id)+1+2*binary.MaxVarintLen64)
	b = append(append(b, id[:]...), flags)
	b = binary.AppendUvarint(b, uint64(m.First))
	return binary.AppendUvarint(b, uint64(m.Last-m.First)), nil
}

// UnmarshalBinary is the inverse of MarshalBinary. It implements encoding.BinaryUnmarshaler.
func (m *Mark) UnmarshalBinary(b []byte) error {
	*m = Mark{}
	if len(b) == 0 {
		return nil
	}
	var id uuid.UUID
	if len(b) <= len(id) {
		return errMark
	}
	flags, rest := b[len(id)], b[len(id)+1:]
	first, n := binary.Uvarint(rest)
	if n <= 0 {
		return errMark
	}
	more, n2 := binary.Uvarint(rest[n:])
	if n2 <= 0 || n+n2 != len(rest) {
		return errMark
	}
	copy(id[:], b)
	*m = Mark{Import: id.String(), First: int64(first), Last: int64(first + more), Outcome: Updated, Undone: flags&markUndone != 0}
	if flags&markCreated != 0 {
		m.Outcome = Created
	}
	return nil
}
