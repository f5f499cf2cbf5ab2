package sheet

import (
	"fmt"
	"slices"
	"strings"

	"lunogram-users/internal/user"
)

const (
	// maxColumns and maxNames, in bytes, bound what is kept of a header.
	maxColumns = 1000
	maxNames   = 64 << 10
)

const stopWide Stop = "The file has more than 1,000 columns, or their names take more than 64 KB: remove those that are not needed, " +
	"and upload the file again."

// check returns the first thing that is wrong with the columns as a whole.
func (s *Sheet) check() error {
	names := 0
	for i := range s.Columns {
		names += len(s.Columns[i].Header)
	}
	if len(s.Columns) > maxColumns || names > maxNames {
		return stopWide
	}
	seen := make(map[string]int, len(s.Columns))
	for i := range s.Columns {
		meaning := s.Columns[i].meaning()
		if meaning == "" {
			continue
		}
		if first, twice := seen[meaning]; twice {
			return Stop(fmt.Sprintf("Columns %d and %d mean the same: rename or remove one of them, and upload the file again.",
				first+1, i+1))
		}
		seen[meaning] = i
	}
	if s.identifierAt() < 0 {
		if len(s.Columns) == 1 && strings.ContainsAny(s.Columns[0].Name, ",;\t|") {
			return stopDelimiter
		}
		return stopNoIdentifier
	}
	if err := s.checkNesting(seen); err != nil {
		return err
	}
	return s.probe()
}

// checkNesting finds a column that is a value where another needs an object: address beside address.city.
func (s *Sheet) checkNesting(byMeaning map[string]int) error {
	for i, col := range s.Columns {
		for depth := 1; depth < len(col.Path); depth++ {
			above := Column{Role: Data, Path: col.Path[:depth]}
			if j, ok := byMeaning[above.pointer()]; ok {
				return Stop(fmt.Sprintf("Columns %d and %d cannot both be stored, as one is a part of the other: rename or remove "+
					"one of them, and upload the file again.", min(i, j)+1, max(i, j)+1))
			}
		}
	}
	return nil
}

// probe finds what would be wrong with every row, such as a key that is too long, by trying one.
func (s *Sheet) probe() error {
	var req user.Upsert
	var ids []int
	for i, col := range s.Columns {
		switch col.Role {
		case Identifier:
			ids = append(ids, i)
			req.Identifiers = append(req.Identifiers, user.Sent{Pair: user.Pair{Source: col.Source, ExternalID: "probe"}})
		case Data:
			put(&req.Patch, col.Path, "", len(s.Columns))
		}
	}
	invalid := invalidOf(req.Normalize())
	if invalid == nil {
		return nil
	}
	at := s.find(invalid.Fields[0].Pointer, ids)
	if at < 0 {
		return Stop(fmt.Sprintf("The columns cannot be imported: together they %s.", invalid.Fields[0].Detail))
	}
	return Stop(fmt.Sprintf("Column %d cannot be imported: %s.", at+1, invalid.Fields[0].Detail))
}

// identifierAt returns the index of the first column of identifiers, -1 if there is none.
func (s *Sheet) identifierAt() int {
	return slices.IndexFunc(s.Columns, func(c Column) bool { return c.Role == Identifier })
}
