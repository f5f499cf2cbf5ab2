package sheet

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lunogram-users/internal/csvfile"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// Options are what the creator of an import says about its file. The zero value leaves all to the file.
type Options struct {
	// Columns says what columns mean, by their header; case counts only if two headers differ in nothing else.
	Columns   map[string]Mapping `json:"columns,omitempty"`
	Delimiter csvfile.Delimiter  `json:"delimiter,omitempty"`
	Encoding  csvfile.Encoding   `json:"encoding,omitempty"`
	Region    string             `json:"region,omitempty"` // see Sheet.Region; "" is the project's
}

// Mapping says what a column means. At most one of Ignore, Field, Identifier and Key is set; if none is, the header
// says it.
type Mapping struct {
	Ignore     bool   `json:"ignore,omitempty"`
	Field      Role   `json:"field,omitempty"`      // Email, Phone, Timezone or Locale
	Identifier string `json:"identifier,omitempty"` // a source, such as default
	Key        string `json:"key,omitempty"`        // of data, taken literally: a dot in it nests nothing
	Type       Type   `json:"type,omitempty"`       // of data
}

// Format returns what the options declare of the file's format.
func (o Options) Format() csvfile.Format {
	return csvfile.Format{Encoding: o.Encoding, Delimiter: o.Delimiter}
}

// Check returns an *user.InvalidError with pointers into the JSON form of the options, or nil.
func (o Options) Check() error {
	var faults []user.FieldError
	add := func(ok bool, pointer, detail string) {
		if !ok {
			faults = append(faults, user.FieldError{Pointer: pointer, Detail: detail})
		}
	}
	add(o.Delimiter == "" || o.Delimiter.Valid(), "/delimiter", "must be a comma, a semicolon or a tab")
	add(o.Encoding == "" || o.Encoding.Valid(), "/encoding", "must be utf-8, utf-16le, utf-16be or windows-1252")
	add(o.Region == "" || project.ValidRegion(o.Region), "/region", "must be a country's ISO 3166-1 code of two capital letters, such as US")
	for _, name := range slices.Sorted(maps.Keys(o.Columns)) {
		m, pointer := o.Columns[name], user.Pointer("/columns", name)
		add(m.targets() <= 1, pointer, "must have at most one of ignore, field, identifier and key")
		add(m.Field == "" || contact(m.Field), pointer+"/field", "must be email, phone, timezone or locale")
		add(m.Type == "" || m.Type.Valid(), pointer+"/type", "must be text, number, boolean, date or json")
		add(m.Type == "" || m.Type == Text || !m.Ignore && m.Field == "" && m.Identifier == "", pointer+"/type",
			"must be text but for data")
	}
	if len(faults) == 0 {
		return nil
	}
	return &user.InvalidError{Fields: faults}
}

func contact(r Role) bool { return r == Email || r == Phone || r == Timezone || r == Locale }

// targets returns how many meanings the mapping has.
func (m Mapping) targets() int {
	n := 0
	for _, set := range []bool{m.Ignore, m.Field != "", m.Identifier != "", m.Key != ""} {
		if set {
			n++
		}
	}
	return n
}

// match returns the mappings by column. A mapping of a column that the file does not have is a Stop: what it
// was meant for would be stored as something else.
func (o Options) match(headers []string) (map[int]Mapping, error) {
	matched := make(map[int]Mapping, len(o.Columns))
	for _, name := range slices.Sorted(maps.Keys(o.Columns)) {
		exact := func(h string) bool { return strings.TrimSpace(h) == strings.TrimSpace(name) }
		folded := func(h string) bool { return fold(h) == fold(name) }
		at := slices.IndexFunc(headers, exact)
		if at < 0 {
			at = slices.IndexFunc(headers, folded)
		}
		if _, taken := matched[at]; at < 0 || taken {
			return nil, Stop(fmt.Sprintf("The options of the import map a column %q that the file does not have: correct its name "+
				"there or in the first line, and upload the file again.", name))
		}
		matched[at] = o.Columns[name]
	}
	return matched, nil
}

// apply gives the column the meaning of a mapping.
func (c *Column) apply(m Mapping) {
	if m.targets() > 0 {
		c.Role, c.Source, c.Path = "", "", nil
	}
	switch {
	case m.Ignore:
		c.Role, c.Type = Ignored, ""
	case m.Field != "":
		c.Role = m.Field
	case m.Identifier != "":
		c.Role, c.Source = Identifier, m.Identifier
	case m.Key != "":
		c.Role, c.Path = Data, []string{m.Key}
	}
	c.Type = cmp.Or(m.Type, c.Type)
}
