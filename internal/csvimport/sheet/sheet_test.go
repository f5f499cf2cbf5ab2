package sheet_test

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/csvfile"
	"lunogram-users/internal/csvimport/sheet"
	"lunogram-users/internal/user"
)

// header returns the first record of text.
func header(t testing.TB, text string) csvfile.Record {
	t.Helper()
	r, err := csvfile.NewScanner(strings.NewReader(text), csvfile.Format{}, csvfile.Position{}).Next()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// read imports text as far as sheets go, with types inferred, and returns the sheet and the rows.
func read(t testing.TB, text string, o sheet.Options, phones sheet.PhoneParser) (*sheet.Sheet, []sheet.Row) {
	t.Helper()
	s, err := sheet.New(header(t, text), o)
	if err != nil {
		t.Fatal(err)
	}
	types := sheet.NewInference(s)
	each(t, text, s, func(_ int64, rec csvfile.Record) {
		if rec.Cells != nil {
			types.Add(rec.Cells)
		}
	})
	types.Apply()
	s = stored(t, s)
	reader := sheet.NewReader(s, phones)
	var rows []sheet.Row
	each(t, text, s, func(number int64, rec csvfile.Record) { rows = append(rows, reader.Row(number, rec)) })
	return s, rows
}

// each calls do with the records below the header.
func each(t testing.TB, text string, s *sheet.Sheet, do func(int64, csvfile.Record)) {
	t.Helper()
	scanner := csvfile.NewScanner(strings.NewReader(text), csvfile.Format{}, csvfile.Position{})
	for number := int64(0); ; number++ {
		rec, err := scanner.Next()
		if err == io.EOF {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		if scanner.Width = len(s.Columns); number > 0 {
			do(number, rec)
		}
	}
}

// stored returns the sheet as it comes back from its JSON.
func stored(t testing.TB, s *sheet.Sheet) *sheet.Sheet {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	out := new(sheet.Sheet)
	if err := json.Unmarshal(text, out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, out); diff != "" {
		t.Errorf("through JSON (-want +got):\n%s", diff)
	}
	return out
}

func TestColumns(t *testing.T) {
	data := func(header, name string, path ...string) sheet.Column {
		return sheet.Column{Header: header, Name: name, Role: sheet.Data, Path: path}
	}
	typed := func(c sheet.Column, t sheet.Type) sheet.Column {
		c.Type, c.Declared = t, true
		return c
	}
	id := sheet.Column{Header: "identifier", Name: "identifier", Role: sheet.Identifier, Source: "default"}
	named := func(c sheet.Column, header, name string) sheet.Column {
		c.Header, c.Name = header, name
		return c
	}
	role := func(name string, r sheet.Role) sheet.Column { return sheet.Column{Header: name, Name: name, Role: r} }
	tests := []struct {
		name, in string
		options  sheet.Options
		want     []sheet.Column
	}{
		{"roles, case and space", " Identifier , EMAIL,Phone,TimeZone,locale,Plan", sheet.Options{}, []sheet.Column{
			named(id, " Identifier ", "Identifier"), named(role("email", sheet.Email), " EMAIL", "EMAIL"), role("Phone", sheet.Phone),
			role("TimeZone", sheet.Timezone), role("locale", sheet.Locale), data("Plan", "Plan", "Plan"),
		}},
		{"external_id", "external_id", sheet.Options{}, []sheet.Column{named(id, "external_id", "external_id")}},
		{"sources", "identifier:text,Identifier: CRM", sheet.Options{}, []sheet.Column{
			named(id, "identifier:text", "identifier:text"),
			{Header: "Identifier: CRM", Name: "Identifier: CRM", Role: sheet.Identifier, Source: "CRM"},
		}},
		{"types", "identifier,zip:text,age: Number ,vip:boolean,born:date,prefs:json,utm:source,:text", sheet.Options{}, []sheet.Column{
			id, typed(data("zip:text", "zip", "zip"), sheet.Text), typed(data("age: Number ", "age", "age"), sheet.Number),
			typed(data("vip:boolean", "vip", "vip"), sheet.Boolean), typed(data("born:date", "born", "born"), sheet.Date),
			typed(data("prefs:json", "prefs", "prefs"), sheet.JSON), data("utm:source", "utm:source", "utm:source"), data(":text", ":text", ":text"),
		}},
		{"nesting", "identifier,address.city,address.geo.lat:number", sheet.Options{}, []sheet.Column{
			id, data("address.city", "address.city", "address", "city"),
			typed(data("address.geo.lat:number", "address.geo.lat", "address", "geo", "lat"), sheet.Number),
		}},
		{"an error file", "identifier,'=1,import_row,Import_Field,import_error", sheet.Options{}, []sheet.Column{
			id, data("=1", "=1", "=1"), role("import_row", sheet.Report), role("Import_Field", sheet.Report), role("import_error", sheet.Report),
		}},
		{"no error file", "identifier,'=1", sheet.Options{}, []sheet.Column{id, data("'=1", "'=1", "'=1")}},
		{"mappings", "Customer No,Mail,a.b,email,zip,plan:text", sheet.Options{Columns: map[string]sheet.Mapping{
			"customer no": {Identifier: "crm"}, "Mail": {Field: sheet.Email}, "a.b": {Key: "a.b"}, "email": {Ignore: true},
			"zip": {Type: sheet.Text}, "plan:text": {Key: "tier"},
		}}, []sheet.Column{
			{Header: "Customer No", Name: "Customer No", Role: sheet.Identifier, Source: "crm"}, role("Mail", sheet.Email),
			data("a.b", "a.b", "a.b"), role("email", sheet.Ignored), typed(data("zip", "zip", "zip"), sheet.Text),
			typed(data("plan:text", "plan", "tier"), sheet.Text),
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := sheet.New(header(t, tt.in), tt.options)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, stored(t, got).Columns); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if want := strings.Contains(tt.in, sheet.ColumnError); got.ErrorFile() != want {
				t.Errorf("got error file %v, want %v", !want, want)
			}
		})
	}
}

func TestUnusableHeader(t *testing.T) {
	mapped := func(name string, m sheet.Mapping) sheet.Options {
		return sheet.Options{Columns: map[string]sheet.Mapping{name: m}}
	}
	tests := []struct {
		name, in string
		options  sheet.Options
		want     string
	}{
		{"no identifier", "email,plan", sheet.Options{}, "no column named identifier"},
		{"no header", "u1,alice@example.com", sheet.Options{}, "no column named identifier"},
		{"pipes", "identifier|email", sheet.Options{}, "not separated by commas"},
		{"both names", "identifier,external_id", sheet.Options{}, "Columns 1 and 2 mean the same"},
		{"a name twice", "identifier,Email,plan,email", sheet.Options{}, "Columns 2 and 4 mean the same"},
		{"a key twice", "identifier,age:number,age", sheet.Options{}, "Columns 2 and 3 mean the same"},
		{"a name missing", "identifier,,plan", sheet.Options{}, "Column 2 has no name"},
		{"a source missing", "identifier:,plan", sheet.Options{}, "Column 1 names no source"},
		{"a source twice", "identifier:crm,identifier: crm", sheet.Options{}, "Columns 1 and 2 mean the same"},
		{"a name too long", "identifier," + strings.Repeat("x", 1025), sheet.Options{}, "Column 2 cannot be imported: a key has at most 1024 bytes"},
		{"a source too long", "identifier,identifier:" + strings.Repeat("x", 256), sheet.Options{}, "Column 2 cannot be imported"},
		{"too deep", "identifier," + strings.Repeat("x.", 40) + "x", sheet.Options{}, "Column 2 cannot be imported: nests too deep"},
		{"broken header", "identifier,\"plan", sheet.Options{}, "cannot be read as a header"},
		{"invalid UTF-8", "identifier,\xff", sheet.Options{}, "cannot be read as a header"},
		{"a value and an object", "identifier,address.city,address", sheet.Options{}, "Columns 2 and 3 cannot both be stored"},
		{"the same further down", "identifier,a.b.c,x,a.b", sheet.Options{}, "Columns 2 and 4 cannot both be stored"},
		{"an empty key", "identifier,address..city", sheet.Options{}, "Column 2 has a dot"},
		{"a dot at the end", "identifier,e.g.", sheet.Options{}, "Column 2 has a dot"},
		{"a type of a field", "identifier,email:number", sheet.Options{}, "Column 2 is declared as number"},
		{"a mapped column missing", "identifier", mapped("Mail", sheet.Mapping{Field: sheet.Email}), `a column "Mail" that the file does not have`},
		{"a key that a mapping takes", "identifier,a,b", mapped("b", sheet.Mapping{Key: "a"}), "Columns 2 and 3 mean the same"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := sheet.New(header(t, tt.in), tt.options)
			if stop, ok := errors.AsType[sheet.Stop](err); !ok || !strings.Contains(string(stop), tt.want) {
				t.Errorf("got error %v, want a Stop, …%q…", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "alice") {
				t.Errorf("got %v, which repeats the file", err)
			}
		})
	}
}

func TestOptions(t *testing.T) {
	tests := []struct {
		name, in string
		want     []string // pointers
	}{
		{"none", `{}`, nil},
		{"all", `{"delimiter":";","encoding":"windows-1252","region":"DE","columns":{"a":{"key":"b.c","type":"json"},"d":{"ignore":true},
			"e":{"field":"phone"},"f":{"identifier":"crm","type":"text"}}}`, nil},
		{"invalid", `{"delimiter":"|","encoding":"utf-7","region":"de","columns":{"a/b":{"field":"data"},"b":{"ignore":true,"key":"x"},
			"c":{"type":"int"},"d":{"field":"email","type":"date"}}}`,
			[]string{"/delimiter", "/encoding", "/region", "/columns/a~1b/field", "/columns/b", "/columns/c/type", "/columns/d/type"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var o sheet.Options
			if err := json.Unmarshal([]byte(tt.in), &o); err != nil {
				t.Fatal(err)
			}
			var got []string
			if invalid, ok := errors.AsType[*user.InvalidError](o.Check()); ok {
				for _, f := range invalid.Fields {
					got = append(got, f.Pointer)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
			if f := o.Format(); f.Delimiter != o.Delimiter || f.Encoding != o.Encoding {
				t.Errorf("got format %+v", f)
			}
		})
	}
}

func TestInference(t *testing.T) {
	digits := strings.Repeat("1", 38)
	tests := []struct {
		name  string
		cells []string
		want  sheet.Type
	}{
		{"nothing", []string{"", " "}, sheet.Text},
		{"numbers", []string{"1", "", "-0.50", "0", " 12 ", digits}, sheet.Number},
		{"too many digits", []string{"1" + digits}, sheet.Text},
		{"a leading zero", []string{"1", "01234"}, sheet.Text},
		{"phone numbers", []string{"+15550101234"}, sheet.Text},
		{"codes", []string{"1e5"}, sheet.Text},
		{"almost numbers", []string{"1."}, sheet.Text},
		{"no number", []string{".5"}, sheet.Text},
		{"NaN", []string{"NaN"}, sheet.Text},
		{"booleans", []string{"true", "FALSE", "True", ""}, sheet.Boolean},
		{"yes and no", []string{"yes", "no"}, sheet.Text},
		{"dates", []string{"2026-05-01", "2026-05-01T10:00:00Z", "2026-05-01 10:00:00.5+02"}, sheet.Date},
		{"no day", []string{"2026-02-30"}, sheet.Text},
		{"American dates", []string{"05/01/2026"}, sheet.Text},
		{"JSON", []string{`{"a":[1]}`, `[]`}, sheet.JSON},
		{"JSON and a number", []string{`{}`, `1`}, sheet.Text},
		{"JSON and null", []string{`{}`, `null`}, sheet.Text},
		{"more than JSON", []string{`[1]]`}, sheet.Text},
		{"JSON that cannot be stored", []string{`{"":1}`}, sheet.Text},
		{"JSON too deep", []string{strings.Repeat("[", 31) + strings.Repeat("]", 31)}, sheet.Text},
		{"mixed", []string{"1", "true"}, sheet.Text},
		{"a number and null", []string{"1", "null"}, sheet.Text},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := sheet.New(header(t, "identifier,x"), sheet.Options{})
			if err != nil {
				t.Fatal(err)
			}
			types := sheet.NewInference(s)
			for _, cell := range tt.cells {
				types.Add([]string{"u1", cell})
				types.Add([]string{cell})
			}
			types.Apply()
			if got := s.Columns[1].Type; got != tt.want || s.Columns[1].Declared || s.Columns[0].Type != "" {
				t.Errorf("got %q, declared %v, identifier of type %q, want %q", got, s.Columns[1].Declared, s.Columns[0].Type, tt.want)
			}
		})
	}
}
