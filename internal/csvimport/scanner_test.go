package csvimport_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/csvimport"
)

func TestScan(t *testing.T) {
	const quote = "a quote is missing or out of place"
	ok := func(line int64, raw string, cells ...string) csvimport.Record {
		return csvimport.Record{Line: line, Cells: cells, Raw: raw}
	}
	bad := func(line int64, raw, fault string) csvimport.Record {
		return csvimport.Record{Line: line, Raw: raw, Fault: fault}
	}
	long := strings.Repeat("x", csvimport.MaxRecord+1)
	d := strings.Repeat("d", 1021)
	const many = csvimport.MaxRecord / 1024
	tests := []struct {
		name, in string
		want     []csvimport.Record
	}{
		{"empty", "", nil},
		{"BOM only", "\uFEFF", nil},
		{"BOM, CRLF, no last line end", "\uFEFFa,b\r\nc,d", []csvimport.Record{ok(1, "a,b", "a", "b"), ok(2, "c,d", "c", "d")}},
		{"empty lines", "\n\r\na,b\n\n\nc,d\n\n", []csvimport.Record{ok(3, "a,b", "a", "b"), ok(6, "c,d", "c", "d")}},
		{"quoted newline", "a,\"b\r\nc\"\nd,e\n", []csvimport.Record{ok(1, "a,\"b\r\nc\"", "a", "b\nc"), ok(3, "d,e", "d", "e")}},
		{"quoted quote", `"a""b",c`, []csvimport.Record{ok(1, `"a""b",c`, `a"b`, "c")}},
		{"short and long", "a\na,b,c\nd,e", []csvimport.Record{
			bad(1, "a", "it has 1 cell, the header has 2"), bad(2, "a,b,c", "it has 3 cells, the header has 2"), ok(3, "d,e", "d", "e"),
		}},
		{"unclosed quote", "a,\"b\nc,d\ne,f\n", []csvimport.Record{bad(1, `a,"b`, quote), ok(2, "c,d", "c", "d"), ok(3, "e,f", "e", "f")}},
		{"quote in the middle", "a,5\" pipe\nc,d\n", []csvimport.Record{bad(1, `a,5" pipe`, quote), ok(2, "c,d", "c", "d")}},
		{"text after a quote", "\"a\"b,c\nd,e\n", []csvimport.Record{bad(1, `"a"b,c`, quote), ok(2, "d,e", "d", "e")}},
		{"unclosed before a good quoted row", "a,\"b\nc,\"d\"\ne,f\n", []csvimport.Record{
			bad(1, `a,"b`, quote), ok(2, `c,"d"`, "c", "d"), ok(3, "e,f", "e", "f"),
		}},
		{"two strays with rows between", "\"a,b\nc,d\ne,f\ng\",h\n", []csvimport.Record{
			ok(1, "\"a,b\nc,d\ne,f\ng\",h", "a,b\nc,d\ne,f\ng", "h"), // well-formed: no reader could know better
		}},
		{"two strays with rows between, wrong width", "a,\"b\nc,d\ne,f\ng\",h\n", []csvimport.Record{
			bad(1, `a,"b`, quote), ok(2, "c,d", "c", "d"), ok(3, "e,f", "e", "f"), bad(4, `g",h`, quote),
		}},
		{"wrong width with a text of several lines", "a,\"b\nsome\nmore\",c\nd,e\n", []csvimport.Record{
			bad(1, "a,\"b\nsome\nmore\",c", "it has 3 cells, the header has 2"), ok(4, "d,e", "d", "e"),
		}},
		{"invalid UTF-8", "a,\xff\nc,d\n", []csvimport.Record{bad(1, "a,\xff", "the text is not valid UTF-8"), ok(2, "c,d", "c", "d")}},
		{"NUL", "a,\x00\nc,d\n", []csvimport.Record{bad(1, "a,\x00", "the text holds a NUL byte"), ok(2, "c,d", "c", "d")}},
		{"line too long", long + "\nc,d\n", []csvimport.Record{
			bad(1, long[:1024], "the line is longer than 1 MB, and only its start is kept here"), ok(2, "c,d", "c", "d"),
		}},
		{"last line too long", "c,d\n" + long, []csvimport.Record{
			ok(1, "c,d", "c", "d"), bad(2, long[:1024], "the line is longer than 1 MB, and only its start is kept here"),
		}},
		{"unclosed for more than a record may hold", "a,\"b\n" + strings.Repeat("c,"+d+"\n", many) + "e,\"f\"", slices.Concat(
			[]csvimport.Record{bad(1, `a,"b`, quote)}, rows(2, many, "c", d), []csvimport.Record{ok(many+2, `e,"f"`, "e", "f")},
		)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for name, r := range map[string]io.Reader{
				"whole":       strings.NewReader(tt.in),
				"half reads":  iotest.HalfReader(strings.NewReader(tt.in)),
				"EOF at once": iotest.DataErrReader(strings.NewReader(tt.in)),
			} {
				got, err := csvimport.Scan(r, 2)
				if err != io.EOF {
					t.Errorf("%s: got error %v, want EOF", name, err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

// rows returns n equal records from the given line on.
func rows(line int64, n int, cells ...string) []csvimport.Record {
	out := make([]csvimport.Record, n)
	for i := range out {
		out[i] = csvimport.Record{Line: line + int64(i), Cells: cells, Raw: strings.Join(cells, ",")}
	}
	return out
}

func TestScanReturnsTheErrorOfItsSource(t *testing.T) {
	broken := errors.New("broken")
	for _, in := range []string{"", "a,b\nc,d", "a,b\nc,\"d\n", "a,b\n" + strings.Repeat("x", csvimport.MaxRecord+1)} {
		got, err := csvimport.Scan(io.MultiReader(strings.NewReader(in), iotest.ErrReader(broken)), 2)
		if !errors.Is(err, broken) {
			t.Errorf("%.20q: got error %v, want %v", in, err, broken)
		}
		if want := strings.Count(in[:min(4, len(in))], "\n"); len(got) != want {
			t.Errorf("%.20q: got %d records, want %d: a line cut short is none", in, len(got), want)
		}
	}
}

// FuzzScan checks that no input makes the scanner panic or lose a byte's line, and that it agrees with encoding/csv on all
// that encoding/csv accepts.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		"", "a,b\r\nc,\"d\ne\"\r\n", "a,\"b\nc\"d\n", "\"\"\"\n\"\"\n", "\r\n\r", "a\r\r\nb", "\xff,\x00\n", "a,\"b", "\"a\"\r", "x\"y\n\"z\n",
	} {
		f.Add([]byte(seed), uint8(2))
	}
	f.Fuzz(func(t *testing.T, in []byte, width uint8) {
		if _, err := csvimport.Scan(bytes.NewReader(in), int(width)); err != io.EOF {
			t.Fatalf("got error %v, want EOF", err)
		}
		got, _ := csvimport.Scan(bytes.NewReader(in), 0)
		reader := csv.NewReader(bytes.NewReader(in))
		reader.FieldsPerRecord = -1
		want, err := reader.ReadAll()
		if err != nil || bytes.HasPrefix(in, []byte("\uFEFF")) || !utf8.Valid(in) || bytes.IndexByte(in, 0) >= 0 || len(in) > csvimport.MaxRecord {
			return
		}
		var cells [][]string
		for _, r := range got {
			if r.Fault != "" {
				t.Fatalf("line %d: got fault %q, encoding/csv has none", r.Line, r.Fault)
			}
			cells = append(cells, r.Cells)
		}
		if diff := cmp.Diff(want, cells); diff != "" {
			t.Errorf("encoding/csv (-) and the scanner (+) differ:\n%s", diff)
		}
	})
}

func BenchmarkScan(b *testing.B) {
	row := "user_00001,alice@example.com,Alice,\"Smith, Jr.\",premium,Acme Inc\n"
	in := strings.Repeat(row, 10_000)
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		if _, err := csvimport.Scan(strings.NewReader(in), 6); err != io.EOF {
			b.Fatal(err)
		}
	}
}
