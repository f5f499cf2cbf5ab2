package csvimport

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"lunogram-users/internal/user"
)

// role is what the cells of a column are.
type role int

const (
	roleData role = iota // a key of data
	roleIdentifier
	roleEmail
	rolePhone
	roleTimezone
	roleLocale
	roleReport // of our error file: not part of the row
)

// The columns that an error file adds. An import ignores them, so that the corrected file is imported as it is.
const (
	columnRow   = "import_row"
	columnField = "import_field"
	columnError = "import_error"
)

type column struct {
	role    role
	name    string // as in the header, trimmed
	source  string // of an identifier
	pointer string // where user.InvalidError finds the cell; "" for an identifier, whose place differs by row
}

// columns is a header understood.
type columns struct {
	all     []column
	cells   []string // the header as it was written
	errorAt int      // the column of columnError, -1 if there is none
}

// stop is an error that ends an import for good. Its text is Import.Reason: a sentence that says what to do, and
// holds nothing of the file.
type stop string

func (s stop) Error() string { return string(s) }

const stopNoIdentifier stop = "The file has no column named identifier (or external_id): " +
	"name the column that holds the customers' ids so in the first line, and upload the file again."

// parseHeader understands the first record of a file. Its errors are of type stop. They name columns by their number:
// a file without a header has a customer in its first line.
func parseHeader(r record) (*columns, error) {
	if slices.ContainsFunc(r.cells, func(c string) bool { return !utf8.ValidString(c) }) || r.fault != "" {
		return nil, stop("The first line cannot be read as a header: save the file as CSV with comma-separated values " +
			"in UTF-8, and upload it again.")
	}
	c := &columns{cells: slices.Clone(r.cells), errorAt: -1}
	for i, cell := range c.cells {
		col := parseColumn(strings.TrimSpace(cell))
		if strings.EqualFold(col.name, columnError) {
			c.errorAt = i
		}
		c.all = append(c.all, col)
	}
	return c, c.check()
}

func parseColumn(name string) column {
	folded := strings.ToLower(name)
	col := column{name: name}
	prefix, source, qualified := strings.Cut(name, ":")
	switch {
	case folded == "identifier" || folded == "external_id":
		col.role, col.source = roleIdentifier, user.DefaultSource
	case qualified && strings.EqualFold(strings.TrimSpace(prefix), "identifier"):
		col.role, col.source = roleIdentifier, strings.TrimSpace(source)
	case folded == "email":
		col.role, col.pointer = roleEmail, "/email"
	case folded == "phone":
		col.role, col.pointer = rolePhone, "/phone"
	case folded == "timezone":
		col.role, col.pointer = roleTimezone, "/timezone"
	case folded == "locale":
		col.role, col.pointer = roleLocale, "/locale"
	case folded == columnRow || folded == columnField || folded == columnError:
		col.role = roleReport
	default:
		col.pointer = user.Pointer("/data", name)
	}
	return col
}

// check returns the first thing that is wrong with the columns as a whole.
func (c *columns) check() error {
	type meaning struct {
		role role
		name string
	}
	seen := make(map[meaning]int, len(c.all))
	identified := false
	for i, col := range c.all {
		m := meaning{role: col.role}
		switch col.role {
		case roleIdentifier:
			m.name, identified = col.source, true
		case roleData, roleReport:
			m.name = col.name
		}
		first, twice := seen[m]
		switch {
		case col.name == "":
			return stop(fmt.Sprintf("Column %d has no name: name it in the first line or remove it, "+
				"and upload the file again.", i+1))
		case col.role == roleIdentifier && col.source == "":
			return stop(fmt.Sprintf("Column %d names no source after identifier: write identifier:crm, for example, "+
				"and upload the file again.", i+1))
		case twice:
			return stop(fmt.Sprintf("Columns %d and %d mean the same: rename or remove one of them, "+
				"and upload the file again.", first+1, i+1))
		}
		seen[m] = i
	}
	if !identified {
		if len(c.all) == 1 && strings.ContainsAny(c.all[0].name, ";\t|") {
			return stop("The columns are not separated by commas: save the file as CSV with comma-separated values, " +
				"and upload it again.")
		}
		return stopNoIdentifier
	}
	return c.probe()
}

// probe finds what would be wrong with every row, such as a key that is too long, by trying one.
func (c *columns) probe() error {
	req := user.Upsert{Patch: user.Patch{Data: map[string]any{}}}
	var ids []int
	for i, col := range c.all {
		switch col.role {
		case roleIdentifier:
			ids = append(ids, i)
			req.Identifiers = append(req.Identifiers, user.Sent{Pair: user.Pair{Source: col.source, ExternalID: "probe"}})
		case roleData:
			req.Patch.Data[col.name] = ""
		}
	}
	invalid := invalidOf(req.Normalize())
	if invalid == nil {
		return nil
	}
	at := c.find(invalid.Fields[0].Pointer, ids)
	return stop(fmt.Sprintf("Column %d cannot be imported: %s.", at+1, invalid.Fields[0].Detail))
}

// find returns the column that a pointer into an upsert means, or -1. ids holds the columns of the identifiers
// that the upsert had, in their order.
func (c *columns) find(pointer string, ids []int) int {
	if rest, ok := strings.CutPrefix(pointer, "/identifier"); ok {
		n, _, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
		if i, err := strconv.Atoi(n); err == nil && 0 <= i && i < len(ids) {
			return ids[i]
		}
		return slices.IndexFunc(c.all, func(col column) bool { return col.role == roleIdentifier })
	}
	return slices.IndexFunc(c.all, func(col column) bool { return col.pointer != "" && col.pointer == pointer })
}
