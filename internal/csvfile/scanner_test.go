package csvfile_test

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

	"lunogram-users/internal/csvfile"
)

// record is what a test compares of a csvfile.Record.
type record struct {
	Line  int64
	Cells []string
	Raw   string
	Fault string
}

// scan returns all records from the position on, and what ended them.
func scan(source io.Reader, f csvfile.Format, at csvfile.Position, width int) ([]record, error) {
	s := csvfile.NewScanner(source, f, at)
	s.Width = width
	var out []record
	for {
		r, err := s.Next()
		if err != nil {
			return out, err
		}
		out = append(out, record{r.Line, slices.Clone(r.Cells), string(r.Raw), r.Fault})
	}
}

func TestScan(t *testing.T) {
	const (
		quote = "a quote is missing or out of place"
		long  = "the line is longer than 1 MB, and only its start is kept here"
	)
	ok := func(line int64, raw string, cells ...string) record {
		return record{Line: line, Cells: cells, Raw: raw}
	}
	bad := func(line int64, raw, fault string, cells ...string) record { return record{line, cells, raw, fault} }
	tooLong := strings.Repeat("x", csvfile.MaxRecord+1)
	d := strings.Repeat("d", 1021)
	const many = csvfile.MaxRecord / 1024
	tests := []struct {
		name, in string
		want     []record
	}{
		{"empty", "", nil},
		{"BOM only", "\uFEFF", nil},
		{"BOM, CRLF, no last line end", "\uFEFFa,b\r\nc,d", []record{ok(1, "a,b", "a", "b"), ok(2, "c,d", "c", "d")}},
		{"BOM further down", "a,b\n\uFEFF,d", []record{ok(1, "a,b", "a", "b"), ok(2, "\uFEFF,d", "\uFEFF", "d")}},
		{"empty lines", "\n\r\na,b\n\n\nc,d\n\n", []record{ok(3, "a,b", "a", "b"), ok(6, "c,d", "c", "d")}},
		{"quoted newline", "a,\"b\r\nc\"\nd,e\n", []record{ok(1, "a,\"b\r\nc\"", "a", "b\nc"), ok(3, "d,e", "d", "e")}},
		{"quoted quote", `"a""b",c`, []record{ok(1, `"a""b",c`, `a"b`, "c")}},
		{"empty cells", "\"\",\n,\"\"", []record{ok(1, `"",`, "", ""), ok(2, `,""`, "", "")}},
		{"short and long", "a\na,b,c\nd,e", []record{
			bad(1, "a", "it has 1 cell, the header has 2"), bad(2, "a,b,c", "it has 3 cells, the header has 2"), ok(3, "d,e", "d", "e"),
		}},
		{"unclosed quote", "a,\"b\nc,d\ne,f\n", []record{bad(1, `a,"b`, quote), ok(2, "c,d", "c", "d"), ok(3, "e,f", "e", "f")}},
		{"quote in the middle", "a,5\" pipe\nc,d\n", []record{bad(1, `a,5" pipe`, quote), ok(2, "c,d", "c", "d")}},
		{"text after a quote", "\"a\"b,c\nd,e\n", []record{bad(1, `"a"b,c`, quote), ok(2, "d,e", "d", "e")}},
		{"unclosed before a good quoted row", "a,\"b\nc,\"d\"\ne,f\n", []record{
			bad(1, `a,"b`, quote), ok(2, `c,"d"`, "c", "d"), ok(3, "e,f", "e", "f"),
		}},
		{"two strays with rows between", "\"a,b\nc,d\ne,f\ng\",h\n", []record{
			ok(1, "\"a,b\nc,d\ne,f\ng\",h", "a,b\nc,d\ne,f\ng", "h"), // well-formed: no reader could know better
		}},
		{"two strays with rows between, wrong width", "a,\"b\nc,d\ne,f\ng\",h\n", []record{
			bad(1, `a,"b`, quote), ok(2, "c,d", "c", "d"), ok(3, "e,f", "e", "f"), bad(4, `g",h`, quote),
		}},
		{"wrong width with a text of several lines", "a,\"b\nsome\nmore\",c\nd,e\n", []record{
			bad(1, "a,\"b\nsome\nmore\",c", "it has 3 cells, the header has 2"), ok(4, "d,e", "d", "e"),
		}},
		{"invalid UTF-8", "a,\xff\nc,d\n", []record{bad(1, "a,\xff", "the text is not valid UTF-8", "a", "\xff"), ok(2, "c,d", "c", "d")}},
		{"NUL", "a,\x00\nc,d\n", []record{bad(1, "a,\x00", "the text holds a NUL byte", "a", "\x00"), ok(2, "c,d", "c", "d")}},
		{"line too long", tooLong + "\nc,d\n", []record{bad(1, tooLong[:1024], long), ok(2, "c,d", "c", "d")}},
		{"last line too long", "c,d\n" + tooLong, []record{ok(1, "c,d", "c", "d"), bad(2, tooLong[:1024], long)}},
		{"unclosed for more than a record may hold", "a,\"b\n" + strings.Repeat("c,"+d+"\n", many) + "e,\"f\"", slices.Concat(
			[]record{bad(1, `a,"b`, quote)}, rows(2, many, "c", d), []record{ok(many+2, `e,"f"`, "e", "f")},
		)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for name, r := range map[string]io.Reader{
				"whole":       strings.NewReader(tt.in),
				"half reads":  iotest.HalfReader(strings.NewReader(tt.in)),
				"EOF at once": iotest.DataErrReader(strings.NewReader(tt.in)),
			} {
				got, err := scan(r, csvfile.Format{}, csvfile.Position{}, 2)
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
func rows(line int64, n int, cells ...string) []record {
	out := make([]record, n)
	for i := range out {
		out[i] = record{Line: line + int64(i), Cells: cells, Raw: strings.Join(cells, ",")}
	}
	return out
}

func TestScanFormats(t *testing.T) {
	tests := []struct {
		name, in string
		format   csvfile.Format
		want     []record
	}{
		{"semicolons", "a;\"b;c\"\nd,e;f", csvfile.Format{Delimiter: csvfile.Semicolon}, []record{
			{1, []string{"a", "b;c"}, `a;"b;c"`, ""}, {2, []string{"d,e", "f"}, "d,e;f", ""},
		}},
		{"tabs", "a\t\"b\tc\"", csvfile.Format{Delimiter: csvfile.Tab}, []record{{1, []string{"a", "b\tc"}, "a\t\"b\tc\"", ""}}},
		{"Windows-1252", "caf\xe9,\"\x80\"\n\x81,b\n", csvfile.Format{Encoding: csvfile.Windows1252}, []record{
			{1, []string{"café", "€"}, "caf\xe9,\"\x80\"", ""}, {2, []string{"\x81", "b"}, "\x81,b", "the text is not valid Windows-1252"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := scan(strings.NewReader(tt.in), tt.format, csvfile.Position{}, 2)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPositions(t *testing.T) {
	const in = "\uFEFFa,b\n\nc,\"d\ne\"\r\nf,\"g\nh,i"
	s := csvfile.NewScanner(strings.NewReader(in), csvfile.Format{}, csvfile.Position{})
	var got [][2]csvfile.Position
	for {
		r, err := s.Next()
		if err != nil {
			break
		}
		got = append(got, [2]csvfile.Position{r.Position, s.Position()})
	}
	want := [][2]csvfile.Position{
		{{Offset: 3, Line: 1}, {Offset: 7, Line: 2}}, {{Offset: 8, Line: 3}, {Offset: 17, Line: 5}},
		{{Offset: 17, Line: 5}, {Offset: 22, Line: 6}}, {{Offset: 22, Line: 6}, {Offset: 25, Line: 6}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("start of each record and of the next (-want +got):\n%s", diff)
	}
}

func TestScanReturnsTheErrorOfItsSource(t *testing.T) {
	broken := errors.New("broken")
	for _, in := range []string{"", "a,b\nc,d", "a,b\nc,\"d\n", "a,b\n" + strings.Repeat("x", csvfile.MaxRecord+1)} {
		got, err := scan(io.MultiReader(strings.NewReader(in), iotest.ErrReader(broken)), csvfile.Format{}, csvfile.Position{}, 2)
		if !errors.Is(err, broken) {
			t.Errorf("%.20q: got error %v, want %v", in, err, broken)
		}
		if want := strings.Count(in[:min(4, len(in))], "\n"); len(got) != want {
			t.Errorf("%.20q: got %d records, want %d: a line cut short is none", in, len(got), want)
		}
	}
}

var seeds = []string{
	"", "a,b\r\nc,\"d\ne\"\r\n", "a,\"b\nc\"d\n", "\"\"\"\n\"\"\n", "\r\n\r", "a\r\r\nb", "\xff,\x00\n", "a,\"b", "\"a\"\r", "x\"y\n\"z\n",
	"a,\"b\nc,d\ne,f\ng\",h\ni,j\n", "\uFEFFa;b\n;\"\n\"\n", "\"a\r\r\n\"\t\"b\"\n",
}

// FuzzScan checks that the scanner agrees with encoding/csv on all that encoding/csv accepts, whatever the delimiter.
func FuzzScan(f *testing.F) {
	for i, seed := range seeds {
		f.Add([]byte(seed), uint8(i))
	}
	f.Fuzz(func(t *testing.T, in []byte, delimiter uint8) {
		format := csvfile.Format{Delimiter: []csvfile.Delimiter{csvfile.Comma, csvfile.Semicolon, csvfile.Tab}[delimiter%3]}
		got, err := scan(bytes.NewReader(in), format, csvfile.Position{}, 0)
		if err != io.EOF {
			t.Fatalf("got error %v, want EOF", err)
		}
		reader := csv.NewReader(bytes.NewReader(in))
		reader.FieldsPerRecord, reader.Comma = -1, rune(format.Delimiter[0])
		want, err := reader.ReadAll()
		if err != nil || bytes.HasPrefix(in, []byte("\uFEFF")) || !utf8.Valid(in) || bytes.IndexByte(in, 0) >= 0 || len(in) > csvfile.MaxRecord {
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

// FuzzChunks checks that a file cut at any boundaries, whether or not the readers see beyond their chunks, has the records
// of the whole.
func FuzzChunks(f *testing.F) {
	for i, seed := range seeds {
		f.Add([]byte(seed), uint8(i), uint8(2), i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, in []byte, size, width uint8, windows bool) {
		var format csvfile.Format
		if windows {
			format.Encoding = csvfile.Windows1252
		}
		checkChunks(t, in, format, int64(size), int(width))
	})
}

func TestChunksOfLongRecords(t *testing.T) {
	line := "c," + strings.Repeat("d", 1021) + "\n"
	in := "a,\"b\n" + strings.Repeat(line, csvfile.MaxRecord/len(line)+1) + "e,\"f\ng\"\n" + strings.Repeat("x", csvfile.MaxRecord+1) + "\nh,i\n"
	for _, size := range []int64{300 << 10, 2 << 20} {
		checkChunks(t, []byte(in), csvfile.Format{}, size, 2)
	}
}

// checkChunks compares the records of a file with those of its chunks of at least size bytes.
func checkChunks(t *testing.T, in []byte, format csvfile.Format, size int64, width int) {
	t.Helper()
	want, _ := scan(bytes.NewReader(in), format, csvfile.Position{}, width)
	var got, beyond []record
	cuts := boundaries(in, size, width)
	for i, at := range cuts {
		end := int64(len(in))
		if i+1 < len(cuts) {
			end = cuts[i+1].Offset
		}
		chunk, _ := scan(bytes.NewReader(in[at.Offset:end]), format, at, width)
		got = append(got, chunk...)
		rest, _ := scan(bytes.NewReader(in[at.Offset:]), format, at, width)
		beyond = append(beyond, rest[:min(len(rest), len(chunk))]...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the whole (-) and its chunks (+) differ:\n%s", diff)
	}
	if diff := cmp.Diff(want, beyond); diff != "" {
		t.Errorf("the whole (-) and chunks with what follows (+) differ:\n%s", diff)
	}
}

// boundaries returns where chunks of at least size bytes start.
func boundaries(in []byte, size int64, width int) []csvfile.Position {
	s := csvfile.NewScanner(bytes.NewReader(in), csvfile.Format{}, csvfile.Position{})
	s.Width = width
	cuts := []csvfile.Position{{}}
	for {
		_, err := s.Next()
		if err != nil {
			return cuts
		}
		if at := s.Position(); at.Offset-cuts[len(cuts)-1].Offset >= size {
			cuts = append(cuts, at)
		}
	}
}

func BenchmarkScan(b *testing.B) {
	const n = 10_000
	in := strings.Repeat("user_00001,alice@example.com,Alice,\"Smith, Jr.\",premium,Acme Inc\n", n)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		s := csvfile.NewScanner(strings.NewReader(in), csvfile.Format{}, csvfile.Position{})
		s.Width = 6
		for {
			if _, err := s.Next(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row")
}
