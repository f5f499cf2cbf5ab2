package csvimport_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/csvimport"
)

// specification is the CSV of the product's specification.
const specification = `identifier,email,first_name,last_name,plan,company
user_001,alice@example.com,Alice,Smith,premium,Acme Inc
user_002,bob@example.com,Bob,Jones,free,Globex
user_003,carol@example.com,Carol,White,premium,Initech`

func TestImport(t *testing.T) {
	many := func(row string, n int) string { return strings.Repeat(row+"\n", n) }
	tests := []struct {
		name, in string
		want     csvimport.Counters
		errors   [][]string
	}{
		{"specification", specification, csvimport.Counters{Rows: 3, Created: 3}, nil},
		{"external_id", strings.Replace(specification, "identifier", "external_id", 1), csvimport.Counters{Rows: 3, Created: 3}, nil},
		{"BOM, CRLF, case and space in the header", "\uFEFF Identifier , EMAIL\r\nu1,a@example.com\r\n", csvimport.Counters{Rows: 1, Created: 1}, nil},
		{"header only", "identifier,email\n", csvimport.Counters{}, nil},
		{"repeated rows", "identifier\n" + many("u1", 250), csvimport.Counters{Rows: 250, Created: 1, Unchanged: 249}, nil},
		{"blank rows", "identifier,email\nu1,\n,\n , \nu2,\n", csvimport.Counters{Rows: 4, Created: 2, Skipped: 2}, nil},
		{"other sources", "identifier,identifier:CRM\nu1,c1\n,c1\nu1,\n", csvimport.Counters{Rows: 3, Created: 1, Unchanged: 2}, nil},
		{
			"bad cells", "identifier,email,phone,timezone,locale,plan\nu1,nobody,12,Mars/Base,!,x\n,a@example.com,,,,\nnull,,,,,\nu2,b@example.com,,,,\n",
			csvimport.Counters{Rows: 4, Created: 1, Failed: 3},
			[][]string{
				{"identifier", "email", "phone", "timezone", "locale", "plan", "import_row", "import_field", "import_error"},
				{"u1", "nobody", "12", "Mars/Base", "!", "x", "1", "email", "email must be a bare e-mail address, such as alice@example.com; " +
					"phone must be a number in E.164 form, such as +15550101234; timezone must be an IANA time zone, such as America/New_York; " +
					"locale must be a BCP 47 language tag, such as en or es-MX"},
				{"", "a@example.com", "", "", "", "", "2", "identifier", "the row has no identifier"},
				{"null", "", "", "", "", "", "3", "identifier", "identifier is a placeholder, not the id of anyone"},
			},
		},
		{
			"bad lines", "identifier,plan\nu1,a\nu2\nu3,a,b\nu4,\"a\nu5,b\xff\nu6,a\n",
			csvimport.Counters{Rows: 6, Created: 2, Failed: 4},
			[][]string{
				{"identifier", "plan", "import_row", "import_field", "import_error"},
				{"", "", "2", "", "line 3: it has 1 cell, the header has 2. Its text: u2"},
				{"", "", "3", "", "line 4: it has 3 cells, the header has 2. Its text: u3,a,b"},
				{"", "", "4", "", `line 5: a quote is missing or out of place. Its text: u4,"a`},
				{"", "", "5", "", `line 6: the text is not valid UTF-8. Its text: u5,b\xFF`},
			},
		},
		{
			"a conflict", "identifier,identifier:crm\nu1,\n,c1\nu1,c1\n", csvimport.Counters{Rows: 3, Created: 2, Failed: 1},
			[][]string{
				{"identifier", "identifier:crm", "import_row", "import_field", "import_error"},
				{"u1", "c1", "3", "identifier", "the identifiers belong to 2 different users"},
			},
		},
		{
			"a formula in a column's name", "identifier,=1+1\nu1," + strings.Repeat("x", 401<<10) + "\n", csvimport.Counters{Rows: 1, Failed: 1},
			[][]string{
				{"identifier", "=1+1", "import_row", "import_field", "import_error"},
				{"u1", strings.Repeat("x", 401<<10), "1", "", "the row must take at most 400 KB"},
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud()
			if err := c.importer().Handle(t.Context(), c.upload(t, "people.csv", tt.in)); err != nil {
				t.Fatal(err)
			}
			got := c.record(t)
			if got.Status != csvimport.Completed || got.Reason != "" || got.FinishedAt.IsZero() {
				t.Errorf("got status %q, reason %q, finished %v, want completed", got.Status, got.Reason, got.FinishedAt)
			}
			if diff := cmp.Diff(tt.want, got.Counters); diff != "" {
				t.Errorf("counters (-want +got):\n%s", diff)
			}
			sum(t, got.Counters)
			if diff := cmp.Diff(tt.errors, c.errorsOf(t, "people")); diff != "" {
				t.Errorf("error file (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCells(t *testing.T) {
	c := newCloud()
	event := c.upload(t, "a b+c.csv", "Identifier,Email,Phone,Timezone,Locale,first_name,Plan,note\n"+
		"u1, Alice@example.com ,+15550101234,America/New_York,es_mx, Alice ,premium,\"two\nlines\"\n"+
		"u1,,,,,,007,\n")
	if err := c.importer().Handle(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	u := c.user("u1")
	got := []any{u.Email, u.Phone, u.Timezone, u.Locale, u.Data}
	want := []any{"Alice@example.com", "+15550101234", "America/New_York", "es-MX", map[string]any{
		"first_name": "Alice", "Plan": "007", "note": "two\nlines",
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("an empty cell keeps, text is trimmed (-want +got):\n%s", diff)
	}
}

func TestUnreadableFile(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", "", "The file is empty"},
		{"BOM only", "\uFEFF\n", "The file is empty"},
		{"no identifier", "email,plan\na@example.com,x\n", "no column named identifier"},
		{"no header", "u1,alice@example.com\n", "no column named identifier"},
		{"semicolons", "identifier;email\nu1;a@example.com\n", "not separated by commas"},
		{"both names", "identifier,external_id\nu1,u2\n", "Columns 1 and 2 mean the same"},
		{"a name twice", "identifier,Email,plan,email\n", "Columns 2 and 4 mean the same"},
		{"a name missing", "identifier,,plan\n", "Column 2 has no name"},
		{"a source missing", "identifier:,plan\n", "Column 1 names no source"},
		{"a source twice", "identifier:crm,identifier: crm\n", "Columns 1 and 2 mean the same"},
		{"a name too long", "identifier," + strings.Repeat("x", 1025) + "\n", "Column 2 cannot be imported: a key has at most 1024 bytes"},
		{"a source too long", "identifier,identifier:" + strings.Repeat("x", 256) + "\n", "Column 2 cannot be imported"},
		{"broken header", "identifier,\"plan\nu1,x\n", "cannot be read as a header"},
		{"UTF-16", "\xff\xfei\x00d\x00\n\x00", "cannot be read as a header"},
		{"binary", strings.Repeat("PK\x03\x04\x00\xfe", 400_000), "cannot be read as a header"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud()
			if err := c.importer().Handle(t.Context(), c.upload(t, "people.csv", tt.in)); err != nil {
				t.Fatal(err)
			}
			got := c.record(t)
			if got.Status != csvimport.Failed || !strings.Contains(got.Reason, tt.want) {
				t.Errorf("got %q, %q, want failed, …%q…", got.Status, got.Reason, tt.want)
			}
			if strings.Contains(got.Reason, "alice") {
				t.Errorf("got reason %q, which repeats the file", got.Reason)
			}
			if got.Rows != 0 || len(c.users) != 0 {
				t.Errorf("got %d rows, %d users, want none", got.Rows, len(c.users))
			}
			want := [][]string{{"import_row", "import_field", "import_error"}, {"", "", got.Reason}}
			if diff := cmp.Diff(want, c.errorsOf(t, "people")); diff != "" {
				t.Errorf("error file (-want +got):\n%s", diff)
			}
		})
	}
}

// An error file is imported as it is: what was corrected is stored, what was not is refused again, and its text is kept.
func TestErrorFileIsImported(t *testing.T) {
	c := newCloud()
	in := "\uFEFFidentifier,plan,email\nu1,\" =1+1, \r\r\n\"\"x\"\"\",nobody\nu2,\"x\nu3,,c@example.com\n"
	if err := c.importer().Handle(t.Context(), c.upload(t, "a.csv", in)); err != nil {
		t.Fatal(err)
	}
	first := string(c.objects[bucket+"/results/"+projectID+"/a.errors.csv"])
	if !strings.HasPrefix(first, "\uFEFFidentifier") {
		t.Errorf("got %.20q, want a BOM as the upload had one", first)
	}

	c.records = map[string]csvimport.Import{}
	corrected := strings.Replace(first, "nobody", "a@example.com", 1)
	if err := c.importer().Handle(t.Context(), c.upload(t, "b.csv", corrected)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(csvimport.Counters{Rows: 2, Created: 1, Failed: 1}, c.record(t).Counters); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
	if got, want := fmt.Sprint(c.user("u1").Data), fmt.Sprint(map[string]any{"plan": "=1+1, \r\n\"x\""}); got != want {
		t.Errorf("got data %q, want %q", got, want)
	}

	c.records = map[string]csvimport.Import{}
	second := string(c.objects[bucket+"/results/"+projectID+"/b.errors.csv"])
	if err := c.importer().Handle(t.Context(), c.upload(t, "c.csv", second)); err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"identifier", "plan", "email", "import_row", "import_field", "import_error"},
		{"", "", "", "1", "", `the row was not corrected: line 4: a quote is missing or out of place. Its text: u2,"x`},
	}
	if diff := cmp.Diff(want, c.errorsOf(t, "c")); diff != "" {
		t.Errorf("after two rounds (-want +got):\n%s", diff)
	}
}
