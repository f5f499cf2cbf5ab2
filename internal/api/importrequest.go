package api

import (
	"net/http"

	"lunogram-users/internal/csvfile"
	"lunogram-users/internal/csvimport"
	"lunogram-users/internal/csvimport/sheet"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// maxColumns bounds what the columns of a request say, in bytes: it is kept in the import's record.
const maxColumns = 64 << 10

// createImportRequest is a POST of an import.
type createImportRequest struct {
	projectID, name string
	options         csvimport.Options
}

// modes are the modes on the wire.
var modes = map[string]user.Mode{
	"": user.ModeUpsert, "upsert": user.ModeUpsert, "create_only": user.ModeCreateOnly, "update_only": user.ModeUpdateOnly,
}

// decodeCreateImport reads what an upload asks for.
func decodeCreateImport(r *http.Request) (createImportRequest, error) {
	b := &badRequest{}
	o, err := decodeBody(r, b)
	if err != nil {
		return createImportRequest{}, err
	}
	o.only("name", "dry_run", "mode", "undo", "list_id", "columns", "region", "delimiter", "encoding")
	in := createImportRequest{projectID: projectOf(r.Context()), name: o.word("name")}
	if !csvimport.ValidName(in.name) {
		b.body("/name", "must be the name of a file that ends in .csv or .csv.gz: at most 255 bytes, no slash, no control character")
	}
	mode, ok := modes[o.word("mode")]
	if !ok {
		b.body("/mode", "must be upsert, create_only or update_only")
	}
	listID := ""
	if text := o.text("list_id"); text != nil {
		if listID, err = project.ParseID(*text); err != nil {
			b.body("/list_id", noList)
		}
	}
	in.options = csvimport.Options{
		DryRun: o.flag("dry_run", false), Mode: mode, NoUndo: !o.flag("undo", true), ListID: listID,
		Sheet: sheet.Options{
			Columns: readColumns(o), Region: o.word("region"),
			Delimiter: csvfile.Delimiter(o.word("delimiter")), Encoding: csvfile.Encoding(o.word("encoding")),
		},
	}
	return in, finish(b, in.options.Sheet.Check())
}

// readColumns reads what columns mean, by their header.
func readColumns(o object) map[string]sheet.Mapping {
	all := o.member("columns")
	if len(all.fields) == 0 {
		return nil
	}
	columns := make(map[string]sheet.Mapping, len(all.fields))
	size := 0
	for header := range all.fields {
		c := all.member(header)
		c.only("ignore", "field", "identifier", "key", "type")
		m := sheet.Mapping{
			Ignore: c.flag("ignore", false), Field: sheet.Role(c.word("field")), Identifier: c.word("identifier"),
			Key: c.word("key"), Type: sheet.Type(c.word("type")),
		}
		size += len(header) + len(m.Field) + len(m.Identifier) + len(m.Key) + len(m.Type)
		columns[header] = m
	}
	if size > maxColumns {
		o.bad.body(o.at("columns"), "must hold at most 64 KB of text")
	}
	return columns
}

// importPath names one import.
type importPath struct{ projectID, importID string }

// decodeImportPath reads the ids of a path. What is no UUID names nothing.
func decodeImportPath(r *http.Request) (importPath, error) {
	id, err := project.ParseID(r.PathValue("importID"))
	if err != nil {
		return importPath{}, errNoImport
	}
	return importPath{projectID: projectOf(r.Context()), importID: id}, nil
}

// decodeImports reads a request for a page of imports.
func (s *service) decodeImports(r *http.Request) (pageRequest, error) {
	p, err := readQuery(r)
	if err != nil {
		return pageRequest{}, err
	}
	return s.decodePage(r, p, pageRequest{})
}
