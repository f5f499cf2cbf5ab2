package sheet

import (
	"fmt"
	"slices"
	"strings"

	"lunogram-users/internal/user"
)

// newColumn understands the header of column i, and the mapping of it, if any.
func newColumn(i int, header string, m Mapping) (Column, error) {
	col := Column{Header: header, Name: strings.TrimSpace(header)}
	if col.Name == "" {
		return col, stopColumn(i, "has no name: name it in the first line or remove it")
	}
	if col.identifier() {
		col.Role = Identifier
	} else {
		col.Name, col.Type = cutType(col.Name)
		col.Role = namedRole(col.Name)
	}
	if col.Role == Data {
		col.Path = strings.Split(col.Name, ".")
	}
	col.apply(m)
	if err := col.check(i); err != nil {
		return col, err
	}
	if col.Declared = col.Role == Data && col.Type != ""; !col.Declared {
		col.Type = ""
	}
	return col, nil
}

// check returns what is wrong with the column, the i-th, by itself.
func (c *Column) check(i int) error {
	nameless := func(key string) bool { return strings.TrimSpace(key) == "" }
	switch {
	case c.Role == Identifier && c.Source == "":
		return stopColumn(i, "names no source after identifier: write identifier:crm, for example")
	case c.Role == Data && slices.ContainsFunc(c.Path, nameless):
		return stopColumn(i, "has a dot at the start or the end of its name, or two in a row: rename it, or map it to a "+
			"key in the options of the import")
	case (c.Role == Identifier || contact(c.Role)) && c.Type != "" && c.Type != Text:
		return stopColumn(i, fmt.Sprintf("is declared as %s, but what it holds is always text: take the type away", c.Type))
	}
	return nil
}

// stopColumn returns a Stop about column i, counted from 0.
func stopColumn(i int, what string) Stop {
	return Stop(fmt.Sprintf("Column %d %s, and upload the file again.", i+1, what))
}

// identifier reports whether the column's name says that it holds identifiers, and sets their source. A type is no
// source: identifiers are text anyway.
func (c *Column) identifier() bool {
	prefix, source, qualified := strings.Cut(c.Name, ":")
	prefix, source = fold(prefix), strings.TrimSpace(source)
	if prefix != "identifier" && prefix != "external_id" {
		return false
	}
	switch {
	case !qualified || fold(source) == string(Text):
		c.Source = user.DefaultSource
	case prefix == "identifier":
		c.Source = source
	default:
		return false
	}
	return true
}

// cutType takes a type off the end of a name, as in age:number. What follows a colon and names no type is part of
// the name.
func cutType(name string) (string, Type) {
	if colon := strings.LastIndexByte(name, ':'); colon > 0 {
		if t := Type(fold(name[colon+1:])); t.Valid() {
			return strings.TrimSpace(name[:colon]), t
		}
	}
	return name, ""
}

// namedRole returns the role that a name, without its type, gives a column.
func namedRole(name string) Role {
	switch folded := fold(name); folded {
	case string(Email), string(Phone), string(Timezone), string(Locale):
		return Role(folded)
	case ColumnRow, ColumnField, ColumnError:
		return Report
	}
	return Data
}

func fold(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
