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
		{"repeated rows", "identifier\n" + many("u1", 250), csvimport.Counters{Rows: 250, Created: 1, Skipped: 249}, nil},
		{"blank rows", "identifier,email\nu1,\n,\n , \nu2,\n", csvimport.Counters{Rows: 4, Created: 2, Skipped: 2}, nil},
		{"other sources", "identifier,identifier:CRM\nu1,c1\n,c1\nu1,\n", csvimport.Counters{Rows: 3, Created: 1, Skipped: 2}, nil},
		{
			"bad cells", "identifier,email,phone,timezone,locale,plan\nu1,nobody,12,Mars/Base,!,x\n,a@example.com,,,,\nnull,,,,,\nu2,b@example.com,,,,\n",
			csvimport.Counters{Rows: 4, Created: 1, Failed: 3},
			[][]string{
				{"identifier", "email", "phone", "timezone", "locale", "plan", "import_row", "import_field", "import_error"},
				{"u1", "nobody", "12", "Mars/Base", "!", "x", "1", "email", "email must be a bare e-mail address, such as alice@example.com; " +
					"phone must be a number in E.164 form, such as +15550101234: for national numbers set a default region in the project's settings " +
					"or the import's options; timezone must be an IANA time zone, such as America/New_York; " +
					"locale must be a BCP 47 language tag, such as en or es-MX"},
				{"", "a@example.com", "", "", "", "", "2", "identifier", "the row has no identifier"},
				{"null", "", "", "", "", "", "3", "identifier", "identifier is a placeholder, not the id of anyone"},
			},
		},
		{
			"bad lines", "identifier,plan\nu1,a\nu2\nu3,a,b\nu4,\"a\nu5,b\xff\nu6,a\n",
			csvimport.Counters{Rows: 6, Created: 2, Failed: 4}, [][]string{
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
				{"identifier", "'=1+1", "import_row", "import_field", "import_error"},
				{"u1", strings.Repeat("x", 401<<10), "1", "", "the row must take at most 400 KB"},
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			got := r.run(t, "people.csv", tt.in)
			if got.Status != csvimport.Completed || got.Reason != "" || got.FinishedAt.IsZero() {
				t.Errorf("got status %q, reason %q, finished %v, want completed", got.Status, got.Reason, got.FinishedAt)
			}
			if diff := cmp.Diff(tt.want, got.Counters); diff != "" {
				t.Errorf("counters (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.errors, r.result(t, got, csvimport.Errors)); diff != "" {
				t.Errorf("error file (-want +got):\n%s", diff)
			}
			for _, secret := range []string{"example.com", "user_00", "people"} {
				if strings.Contains(r.log.String(), secret) {
					t.Errorf("the log holds %q:\n%s", secret, r.log.String())
				}
			}
		})
	}
}

// The later row of a user wins whole, in whichever chunk it is; a row that is refused replaces none; and the same file
// again writes nothing.
func TestLaterRowWins(t *testing.T) {
	var in strings.Builder
	in.WriteString("identifier,email,plan\n")
	for n := range 600 {
		fmt.Fprintf(&in, "u%d,,first\n", n)
	}
	for n := range 300 {
		fmt.Fprintf(&in, "u%d,,second\n", 2*n)
	}
	in.WriteString("u1,nobody,third\n")
	r := newRig(t)
	r.ChunkBytes = 2 << 10
	got := r.run(t, "people.csv", in.String())
	if want := (csvimport.Counters{Rows: 901, Created: 600, Skipped: 300, Failed: 1}); got.Counters != want {
		t.Errorf("got %+v, want %+v", got.Counters, want)
	}
	if got.Chunks < 3 {
		t.Errorf("got %d chunks, want several", got.Chunks)
	}
	for name, want := range map[string]string{"u0": "second", "u1": "first", "u598": "second", "u599": "first"} {
		if got := r.user(t, name); got.Data["plan"] != want || got.Version != 0 {
			t.Errorf("%s: got plan %v, version %d, want %s, 0", name, got.Data["plan"], got.Version, want)
		}
	}
	if lines := r.result(t, got, csvimport.Skipped); len(lines) != 301 || lines[1][3] != "1" {
		t.Errorf("got %d lines of skipped rows, want 301: %v", len(lines), lines[:min(2, len(lines))])
	}

	again := r.run(t, "again.csv", in.String())
	if want := (csvimport.Counters{Rows: 901, Unchanged: 600, Skipped: 300, Failed: 1}); again.Counters != want {
		t.Errorf("again: got %+v, want %+v", again.Counters, want)
	}
	if again.Cost.WriteUnits != 0 {
		t.Errorf("again: wrote %v units, want none", again.Cost.WriteUnits)
	}
}

// Rows that share some of their pairs, or whose user owns another pair that the file may name, are applied in order.
func TestTail(t *testing.T) {
	r := newRig(t)
	r.run(t, "before.csv", "identifier,identifier:crm\nv1,w1\n")
	got := r.run(t, "people.csv", "identifier,identifier:crm,plan\n"+
		"u1,,a\nu1,c1,b\n,c1,c\n"+ // one user, by three sets of pairs
		"v1,,a\n,w1,b\n"+ // one user, which only the store knows
		"x1,y1,a\nx1,y1,b\n") // the same pairs
	if want := (csvimport.Counters{Rows: 7, Created: 2, Updated: 1, Skipped: 4}); got.Counters != want {
		t.Errorf("got %+v, want %+v", got.Counters, want)
	}
	for name, want := range map[string]string{"u1": "c", "crm:c1": "c", "v1": "b", "crm:y1": "b"} {
		if got := r.user(t, name).Data["plan"]; got != want {
			t.Errorf("%s: got plan %v, want %s", name, got, want)
		}
	}
	if n := r.users(t); n != 3 {
		t.Errorf("got %d users, want 3", n)
	}
}
