package csvfile_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"

	"lunogram-users/internal/csvfile"
)

// zipped returns text as a gzip file.
func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text))
	_ = z.Close()
	return b.String()
}

// encoded returns text in another encoding.
func encoded(t testing.TB, e encoding.Encoding, text string) string {
	t.Helper()
	out, err := e.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var (
	littleMarked = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	bigMarked    = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	little       = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	big          = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
)

func TestSniff(t *testing.T) {
	const text = "identifier;name\nu1;Zoë, 日本\n"
	tests := []struct {
		name, in string
		declared csvfile.Format
		want     csvfile.Format
	}{
		{"empty", "", csvfile.Format{}, csvfile.Format{Encoding: "utf-8", Delimiter: ","}},
		{"UTF-8", text, csvfile.Format{}, csvfile.Format{Encoding: "utf-8", Delimiter: ";"}},
		{"UTF-8 with BOM", "\uFEFF" + text, csvfile.Format{}, csvfile.Format{Encoding: "utf-8", Delimiter: ";", BOM: true}},
		{"gzip", zipped(text), csvfile.Format{}, csvfile.Format{Encoding: "utf-8", Delimiter: ";", Gzip: true}},
		{"gzip cut short", zipped(text)[:4], csvfile.Format{}, csvfile.Format{Encoding: "utf-8", Delimiter: ",", Gzip: true}},
		{"UTF-16 LE with BOM", encoded(t, littleMarked, text), csvfile.Format{}, csvfile.Format{Encoding: "utf-16le", Delimiter: ";", BOM: true}},
		{"UTF-16 BE with BOM", encoded(t, bigMarked, text), csvfile.Format{}, csvfile.Format{Encoding: "utf-16be", Delimiter: ";", BOM: true}},
		{"UTF-16 LE", encoded(t, little, text), csvfile.Format{}, csvfile.Format{Encoding: "utf-16le", Delimiter: ";"}},
		{"UTF-16 BE", encoded(t, big, text), csvfile.Format{}, csvfile.Format{Encoding: "utf-16be", Delimiter: ";"}},
		{"UTF-16 in gzip", zipped(encoded(t, littleMarked, text)), csvfile.Format{},
			csvfile.Format{Encoding: "utf-16le", Delimiter: ";", BOM: true, Gzip: true}},
		{"Windows-1252 in the header", "identifier,pr\xe9nom\n", csvfile.Format{}, csvfile.Format{Encoding: "windows-1252", Delimiter: ","}},
		{"a damaged header", "identifier,é,\xe9\n", csvfile.Format{}, csvfile.Format{Encoding: "utf-8", Delimiter: ","}},
		{"Windows-1252 below", "identifier,a\nu1,\xe9\n", csvfile.Format{}, csvfile.Format{Encoding: "utf-8", Delimiter: ","}},
		{"delimiters in quotes", "\"a,b,c\nd,\";\"e\"\n", csvfile.Format{}, csvfile.Format{Encoding: "utf-8", Delimiter: ";"}},
		{"tabs", "a\tb,c\td\n", csvfile.Format{}, csvfile.Format{Encoding: "utf-8", Delimiter: "\t"}},
		{"empty lines", "\r\n\na;b\n", csvfile.Format{}, csvfile.Format{Encoding: "utf-8", Delimiter: ";"}},
		{"one column", "identifier\n", csvfile.Format{}, csvfile.Format{Encoding: "utf-8", Delimiter: ","}},
		{"declared", "a;b,c;d\n", csvfile.Format{Encoding: "windows-1252", Delimiter: ","},
			csvfile.Format{Encoding: "windows-1252", Delimiter: ","}},
		{"a mark is believed", "\uFEFFa\n", csvfile.Format{Encoding: "windows-1252"}, csvfile.Format{Encoding: "utf-8", Delimiter: ",", BOM: true}},
		{"a NUL below", "identifier,a\nu1,x\nu2,\x00\n", csvfile.Format{}, csvfile.Format{Encoding: "utf-8", Delimiter: ","}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := csvfile.Sniff([]byte(tt.in), tt.declared)
			if err != nil || got != tt.want {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
			text, err := json.Marshal(got)
			var again csvfile.Format
			if err != nil || json.Unmarshal(text, &again) != nil || again != got {
				t.Errorf("got %+v back from %s, %v, want %+v", again, text, err, got)
			}
			if seekable := !tt.want.Gzip && !strings.HasPrefix(string(tt.want.Encoding), "utf-16"); got.Seekable() != seekable {
				t.Errorf("got seekable %v, want %v", !seekable, seekable)
			}
		})
	}
}

func TestSniffBinary(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"xlsx", "PK\x03\x04\x14\x00\x06\x00\x08\x00[Content_Types].xml", "save it as CSV"},
		{"ods", "PK\x03\x04\x14\x00mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "save it as CSV"},
		{"xls", "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\x00\x00", "save it as CSV"},
		{"zip", "PK\x03\x04\x14\x00\x00\x00people.csv", "unpack it"},
		{"pdf", "%PDF-1.7\n%\xE2\xE3", "export the customers as CSV"},
		{"bzip2", "BZh91AY&SY", "unpack it"},
		{"xlsx in gzip", zipped("PK\x03\x04xl/workbook.xml"), "save it as CSV"},
		{"png", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not a text file"},
		{"a control character in the header", "identifier,a\x00b\nu1,x\n", "not a text file"},
		{"control characters all over", "identifier\n" + strings.Repeat("x\x00\x01y", 100), "not a text file"},
		{"lines of the old Macintosh", "identifier,n\rcr1,2\rcr2,3\r", "CR alone"},
		{"UTF-32", encoded(t, little, "a\x00,\x00b\x00\n\x00"), "not a text file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := csvfile.Sniff([]byte(tt.in), csvfile.Format{})
			if stop, ok := err.(csvfile.Stop); !ok || !strings.Contains(stop.Error(), tt.want) {
				t.Errorf("got error %v, want a Stop, …%q…", err, tt.want)
			}
		})
	}
}

func TestCensus(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		want  bool
	}{
		{"ASCII", []string{"a,b", "c,d"}, false},
		{"UTF-8", []string{"é", "€", "日本"}, false},
		{"one damaged line", []string{"a long line of ASCII", "caf\xe9"}, false},
		{"damaged lines of UTF-8", []string{"\xe9", "\xe8", "é"}, false},
		{"Windows-1252", []string{"caf\xe9", "\x80 100", "plain"}, true},
		{"undefined bytes", []string{"caf\xe9", "\x81\xe9"}, false},
		{"control characters", []string{"caf\xe9", "\xe9\x01"}, false},
		{"a NUL in another line", []string{"caf\xe9", "\xe9", "\x00"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var c csvfile.Census
			for _, line := range tt.lines {
				c.Add([]byte(line))
			}
			if got := c.Windows1252(); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// FuzzSniff checks that any start of a file is told a valid format or refused with a Stop.
func FuzzSniff(f *testing.F) {
	for _, seed := range []string{"a;b\n", "\xff\xfea\x00", zipped("a\tb"), "PK\x03\x04", "\x1f\x8b", "\xfe\xff\xd8", "a\x00,\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, head []byte) {
		got, err := csvfile.Sniff(head, csvfile.Format{})
		if _, stop := err.(csvfile.Stop); err != nil && !stop {
			t.Fatalf("got error %v, want a Stop", err)
		}
		if err == nil && (!got.Encoding.Valid() || !got.Delimiter.Valid()) {
			t.Errorf("got %+v", got)
		}
		if diff := cmp.Diff(bytes.HasPrefix(head, []byte{0x1f, 0x8b}), got.Gzip); diff != "" {
			t.Errorf("gzip (-want +got):\n%s", diff)
		}
	})
}
