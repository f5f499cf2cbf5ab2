package sheet

import (
	"slices"
	"strings"

	"lunogram-users/internal/csvfile"
	"lunogram-users/internal/user"
)

// Role is what the cells of a column are.
type Role string

// The roles.
const (
	Identifier Role = "identifier"
	Email      Role = "email"
	Phone      Role = "phone"
	Timezone   Role = "timezone"
	Locale     Role = "locale"
	Data       Role = "data"
	Ignored    Role = "ignored"
	Report     Role = "report" // one that an error file added: not part of the row
)

// The columns that an error file adds. An import ignores them, so that the corrected file is imported as it is.
const (
	ColumnRow   = "import_row"
	ColumnField = "import_field"
	ColumnError = "import_error"
)

// Column is a column understood.
type Column struct {
	Header   string   `json:"header"`             // as in the file, Restored if it is an error file
	Name     string   `json:"name"`               // Header trimmed, without its type; how faults call the column
	Role     Role     `json:"role"`               //
	Source   string   `json:"source,omitempty"`   // of an Identifier
	Path     []string `json:"path,omitempty"`     // of Data: its key, and below it those of nested objects
	Type     Type     `json:"type,omitempty"`     // of Data; "" is Text
	Declared bool     `json:"declared,omitempty"` // Type was chosen, and a cell that does not fit is a fault
}

// Sheet is a header understood. It can be stored as JSON and used again. It is safe for concurrent use as long as nobody
// changes it.
type Sheet struct {
	Columns []Column `json:"columns"`
	// Region is the country (ISO 3166-1 alpha-2) of phone numbers without a country code; "" refuses such numbers.
	Region string `json:"region,omitempty"`
}

// Stop is an error that ends an import for good. Its text is a sentence that says what to do, and holds nothing of the
// file.
type Stop = csvfile.Stop

// Empty is the error of a file without a header.
const Empty Stop = "The file is empty: upload one whose first line names the columns."

const (
	stopHeader Stop = "The first line cannot be read as a header: save the file as CSV with comma-separated values " +
		"in UTF-8, and upload it again."
	stopDelimiter Stop = "The columns are not separated by commas, semicolons or tabs: save the file as CSV with " +
		"comma-separated values, and upload it again."
	stopNoIdentifier Stop = "The file has no column named identifier, external_id or identifier:<source>: name the column " +
		"that holds the customers' ids so in the first line, or map it in the options of the import, and upload the file again."
)

// New understands the first record of a file, with the options of the import. The region of o, if any, becomes
// that of the sheet. Its errors are of type Stop. They name columns by their number: a file without a header has a
// customer in its first line.
func New(header csvfile.Record, o Options) (*Sheet, error) {
	if header.Fault != "" {
		return nil, stopHeader
	}
	names := slices.Clone(header.Cells)
	if slices.ContainsFunc(names, func(n string) bool { return isReport(n, ColumnError) }) {
		restore(names)
	}
	mapped, err := o.match(names)
	if err != nil {
		return nil, err
	}
	s := &Sheet{Region: o.Region}
	for i, name := range names {
		col, err := newColumn(i, name, mapped[i])
		if err != nil {
			return nil, err
		}
		s.Columns = append(s.Columns, col)
	}
	return s, s.check()
}

// ErrorFile reports whether the file is an error file that comes back: its cells were Defused.
func (s *Sheet) ErrorFile() bool { return s.errorAt() >= 0 }

// errorAt returns the index of the column ColumnError, -1 if there is none.
func (s *Sheet) errorAt() int {
	return slices.IndexFunc(s.Columns, func(c Column) bool { return c.Role == Report && isReport(c.Header, ColumnError) })
}

// isReport reports whether a header names a column of an error file.
func isReport(header, column string) bool {
	return strings.EqualFold(strings.TrimSpace(header), column)
}

// pointer returns where a user.InvalidError finds the column's cells; "" if that differs by row, or is nowhere.
func (c *Column) pointer() string {
	switch c.Role {
	case Email, Phone, Timezone, Locale:
		return "/" + string(c.Role)
	case Data:
		pointer := "/data"
		for _, key := range c.Path {
			pointer = user.Pointer(pointer, key)
		}
		return pointer
	}
	return ""
}

// meaning returns what tells a column's meaning from that of others, "" if it has none.
func (c *Column) meaning() string {
	switch c.Role {
	case Identifier:
		return string(c.Role) + "/" + c.Source
	case Report:
		return strings.ToLower(c.Name)
	}
	return c.pointer()
}
