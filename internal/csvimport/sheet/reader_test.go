package sheet_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/csvfile"
	"lunogram-users/internal/csvimport/phone"
	"lunogram-users/internal/csvimport/sheet"
	"lunogram-users/internal/user"
)

// faultsOf returns the number, field and reason of each row that is refused.
func faultsOf(rows []sheet.Row) [][3]string {
	var out [][3]string
	for _, r := range rows {
		if r.Fault != nil {
			out = append(out, [3]string{fmt.Sprint(r.Number), r.Fault.Field, r.Fault.Reason})
		}
	}
	return out
}

func TestRow(t *testing.T) {
	const in = "Identifier,identifier:crm,Email,Phone,Timezone,Locale,first_name,Plan,note,address.city,address.geo.lat,vip,born,prefs\n" +
		"u1,c1, Alice@example.com ,(202) 555-0100,america/new_york,es_mx, Alice ,007,\"two\nlines\",Austin,30.27,TRUE,2026-05-01 10:00,\"{\"\"a\"\":1.50}\"\n" +
		"u1,,,,,,,,,,,,,\n"
	_, rows := read(t, in, sheet.Options{Region: "US"}, phone.Parse)
	want := user.Upsert{
		Identifiers: []user.Sent{{Pair: user.Pair{Source: "default", ExternalID: "u1"}}, {Pair: user.Pair{Source: "crm", ExternalID: "c1"}}},
		Patch: user.Patch{
			Email: new("Alice@example.com"), Phone: new("+12025550100"), Timezone: new("America/New_York"), Locale: new("es-MX"),
			Data: map[string]any{
				"first_name": "Alice", "Plan": "007", "note": "two\nlines", "vip": true, "born": "2026-05-01T10:00:00Z",
				"prefs": map[string]any{"a": json.Number("1.50")},
			},
			MergeData: map[string]any{"address": map[string]any{"city": "Austin", "geo": map[string]any{"lat": json.Number("30.27")}}},
		},
	}
	if diff := cmp.Diff([][3]string(nil), faultsOf(rows)); diff != "" {
		t.Fatalf("faults (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, rows[0].Upsert); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want = user.Upsert{Identifiers: want.Identifiers[:1]}
	if diff := cmp.Diff(want, rows[1].Upsert); diff != "" {
		t.Errorf("an empty cell asks for nothing (-want +got):\n%s", diff)
	}
	if rows[0].Size < len("two lines") || rows[0].Cells[3] != "(202) 555-0100" || rows[0].Blank {
		t.Errorf("got row %+v", rows[0])
	}
}

func TestRows(t *testing.T) {
	long := strings.Repeat("x", 401<<10)
	tests := []struct {
		name, in string
		options  sheet.Options
		faults   [][3]string
		data     []map[string]any // of the rows that are neither refused nor blank
	}{
		{"bad cells", "identifier,email,phone,timezone,locale,plan\nu1,nobody,12,Mars/Base,!,x\n,a@example.com,,,,\nnull,,,,,\n",
			sheet.Options{}, [][3]string{
				{"1", "email", "email must be a bare e-mail address, such as alice@example.com; " +
					"phone must be a number in E.164 form, such as +15550101234; timezone must be an IANA time zone, such as America/New_York; " +
					"locale must be a BCP 47 language tag, such as en or es-MX"},
				{"2", "identifier", "the row has no identifier"}, {"3", "identifier", "identifier is a placeholder, not the id of anyone"},
			}, nil},
		{"bad lines", "identifier,plan\nu1,a\nu2\nu3,a,b\nu4,\"a\nu5,b\xff\nu6,a\x00\n", sheet.Options{}, [][3]string{
			{"2", "", "line 3: it has 1 cell, the header has 2"}, {"3", "", "line 4: it has 3 cells, the header has 2"},
			{"4", "", "line 5: a quote is missing or out of place"}, {"5", "", "line 6: the text is not valid UTF-8"},
			{"6", "", "line 7: the text holds a NUL byte"},
		}, []map[string]any{{"plan": "a"}}},
		{"blank rows", "identifier,email\n,\n , \n", sheet.Options{}, nil, nil},
		{"an error file", "identifier,a,import_row,import_error\n,,4,\"'=x: Its text: y\"\n,,5,the row was not corrected: z\n,,6,\nu1,'-5,7,old\nu2,-6,8,old\n",
			sheet.Options{}, [][3]string{{"1", "", "the row was not corrected"}, {"2", "", "the row was not corrected"}},
			[]map[string]any{{"a": json.Number("-5")}, {"a": json.Number("-6")}}},
		{"a formula", "identifier,a\nu1,=1+1\nu2,'=1\n", sheet.Options{}, nil, []map[string]any{{"a": "=1+1"}, {"a": "'=1"}}},
		{"declared types", "identifier,n:number,b:boolean,d:date,j:json,t:text\nu1,007,yes,05/01/2026,{,x\nu2,1e5,False,2026-05-01,\"\"\"x\"\"\",007\n" +
			"u3,null,null,null,null,null\nu4," + strings.Repeat("1", 39) + ",,,,\nu5,,,,\"{\"\"a\"\":{\"\"\"\":1}}\",\n", sheet.Options{}, [][3]string{
			{"1", "n", "n must be a number, such as 42 or -3.14; b must be true or false; d must be a date or a time of ISO 8601, such as " +
				`2026-05-01 or 2026-05-01T10:00:00Z; j must be JSON, such as {"size": 42}`},
			{"4", "n", "n a number has at most 38 significant digits"}, {"5", "j", "j a key must not be empty"},
		}, []map[string]any{
			{"n": json.Number("1e5"), "b": false, "d": "2026-05-01", "j": "x", "t": "007"},
			{"n": nil, "b": nil, "d": nil, "j": nil, "t": nil},
		}},
		{"null is text if nobody said otherwise", "identifier,a\nu1,null\n", sheet.Options{}, nil, []map[string]any{{"a": "null"}}},
		{"an inferred type refuses nothing", "identifier,a\nu1,1\nu2,x\n", sheet.Options{}, nil, []map[string]any{{"a": "1"}, {"a": "x"}}},
		{"times", "identifier,a\nu1,2026-05-01T10:00:00.120+02:00\nu2,2026-05-01 10:00:00+0200\nu3,2026-05-01T10:00Z\n", sheet.Options{}, nil,
			[]map[string]any{{"a": "2026-05-01T08:00:00.12Z"}, {"a": "2026-05-01T08:00:00Z"}, {"a": "2026-05-01T10:00:00Z"}}},
		{"an ignored column", "identifier,a,b\nu1,x,y\n,x,\n", sheet.Options{Columns: map[string]sheet.Mapping{"a": {Ignore: true}}},
			[][3]string{{"2", "identifier", "the row has no identifier"}}, []map[string]any{{"b": "y"}}},
		{"too large", "identifier,a\nu1," + long + "\n", sheet.Options{}, [][3]string{{"1", "", "the row must take at most 400 KB"}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, rows := read(t, tt.in, tt.options, nil)
			if diff := cmp.Diff(tt.faults, faultsOf(rows)); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
			var data []map[string]any
			for _, r := range rows {
				if r.Fault == nil && !r.Blank {
					data = append(data, r.Upsert.Patch.Data)
				}
			}
			if diff := cmp.Diff(tt.data, data); diff != "" {
				t.Errorf("data (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTimezones(t *testing.T) {
	_, rows := read(t, "identifier,timezone\na,america/port_of_spain\nb,AMERICA/PORT-AU-PRINCE\nc,utc\nd,Europe/Berlin\ne,est5edt\nf,\xc3\xa9/x\n",
		sheet.Options{}, nil)
	var got []string
	for _, r := range rows {
		if r.Fault == nil {
			got = append(got, *r.Upsert.Patch.Timezone)
		}
	}
	want := []string{"America/Port_of_Spain", "America/Port-au-Prince", "UTC", "Europe/Berlin", "EST5EDT"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRowOfAnotherWidth(t *testing.T) {
	s, _ := read(t, "identifier,a\n", sheet.Options{}, nil)
	got := sheet.NewReader(s, nil).Row(1, csvfile.Record{Cells: []string{"u1"}, Raw: []byte("u1")})
	if got.Fault == nil || got.Text != "u1" {
		t.Errorf("got %+v, want a fault", got)
	}
}

func TestExplain(t *testing.T) {
	s, rows := read(t, "identifier,identifier:crm,a.b,email\n,c1,x,\n", sheet.Options{}, nil)
	tests := []struct {
		name string
		err  error
		want sheet.Fault
	}{
		{"a conflict", &user.ConflictError{UserIDs: []string{"1", "2"}},
			sheet.Fault{Field: "identifier:crm", Reason: "the identifiers belong to 2 different users"}},
		{"too large", fmt.Errorf("upsert: %w", user.ErrTooLarge), sheet.Fault{Reason: "the profile would exceed 400 KB"}},
		{"invalid", &user.InvalidError{Fields: []user.FieldError{{Pointer: "/email", Detail: "e"}, {Pointer: "/data/a/b/0", Detail: "d"},
			{Pointer: "/identifier/0/external_id", Detail: "i"}, {Pointer: "/data", Detail: "all"}}},
			sheet.Fault{Field: "identifier:crm", Reason: "the row all; identifier:crm i; a.b d; email e"}},
		{"unknown", errors.New("secret"), sheet.Fault{Reason: "the row could not be stored; try it again"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(&tt.want, s.Explain(rows[0], tt.err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzRow checks that a row is refused or asks for what the domain accepts, and that no type that was inferred refuses any.
func FuzzRow(f *testing.F) {
	for _, seed := range []string{
		"identifier,a\nu1,1\n", "identifier,a:json,b.c\nu1,{},2026-05-01\n", "external_id,timezone,locale,import_error\nu1,utc,en,'=x\n",
		"identifier,a\nu1,{\"\":1}\nu2,1e999\n", "identifier,email,phone\nu1,a@b.c,+15550101234\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		scanner := csvfile.NewScanner(strings.NewReader(in), csvfile.Format{}, csvfile.Position{})
		first, err := scanner.Next()
		if err != nil {
			return
		}
		if _, err := sheet.New(first, sheet.Options{}); err != nil {
			if _, ok := err.(sheet.Stop); !ok {
				t.Fatalf("got error %v, want a Stop", err)
			}
			return
		}
		s, rows := read(t, in, sheet.Options{}, nil)
		inferred := make(map[string]bool)
		for _, c := range s.Columns {
			inferred[c.Name] = c.Role == sheet.Data && !c.Declared
		}
		for _, r := range rows {
			if r.Fault != nil {
				if inferred[r.Fault.Field] {
					t.Errorf("row %d: got fault %+v of a column whose type was inferred", r.Number, r.Fault)
				}
				continue
			}
			if again := r.Upsert; !r.Blank && again.Normalize() != nil {
				t.Errorf("row %d: got %+v, which the domain refuses", r.Number, r.Upsert)
			}
		}
	})
}

const benchmarkRow = "user_00001,alice@example.com,Alice,\"Smith, Jr.\",premium,Acme Inc"

func BenchmarkRow(b *testing.B) {
	for _, bb := range []struct{ name, in string }{
		{"plain", "identifier,email,first_name,last_name,plan,company\n" + benchmarkRow},
		{"typed", "identifier,phone,timezone,locale,age:number,born:date\nu1,+15550101234,America/New_York,es-MX,42,2026-05-01"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			s, rows := read(b, bb.in, sheet.Options{}, phone.Parse)
			reader := sheet.NewReader(s, phone.Parse)
			rec := csvfile.Record{Cells: rows[0].Cells}
			b.ReportAllocs()
			for b.Loop() {
				if row := reader.Row(1, rec); row.Fault != nil {
					b.Fatal(row.Fault)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N), "ns/row")
		})
	}
}

func BenchmarkInference(b *testing.B) {
	s, rows := read(b, "identifier,email,age,born,plan,vip\nu1,a@example.com,42,2026-05-01,premium,true", sheet.Options{}, nil)
	types := sheet.NewInference(s)
	b.ReportAllocs()
	for b.Loop() {
		types.Add(rows[0].Cells)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N), "ns/row")
}
