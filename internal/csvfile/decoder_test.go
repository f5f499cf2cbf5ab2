package csvfile_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding"

	"lunogram-users/internal/csvfile"
)

func TestDecoder(t *testing.T) {
	const text = "a,Zoë 日本 😀\r\nb,\"c\nd\"\n"
	tests := []struct{ name, in string }{
		{"UTF-8", text},
		{"UTF-8 with BOM", "\uFEFF" + text},
		{"UTF-16 LE with BOM", encoded(t, littleMarked, text)},
		{"UTF-16 BE with BOM", encoded(t, bigMarked, text)},
		{"gzip", zipped(text)},
		{"gzip in two members", zipped(text[:4]) + zipped(text[4:])},
		{"UTF-16 in gzip", zipped(encoded(t, littleMarked, text))},
	}
	want := []record{{1, []string{"a", "Zoë 日本 😀"}, "a,Zoë 日本 😀", ""}, {2, []string{"b", "c\nd"}, "b,\"c\nd\"", ""}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := csvfile.Sniff([]byte(tt.in), csvfile.Format{Delimiter: csvfile.Comma})
			if err != nil {
				t.Fatal(err)
			}
			source := csvfile.NewDecoder(iotest.OneByteReader(strings.NewReader(tt.in)), f)
			got, err := scan(source, f, csvfile.Position{}, 2)
			if err != io.EOF {
				t.Errorf("got error %v, want EOF", err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What is damaged in UTF-16 costs its row, and U+FFFD of the customer's costs none.
func TestDamagedUTF16(t *testing.T) {
	const garbled = "the text is not valid UTF-16"
	units := func(s string) string { return encoded(t, little, s) }
	in := units("a,\uFFFD\nb,") + "\x00\xd8" + units("x\nc,") + "\x00\xdc" + units("\nd,e\nf,") + "\x00\xd8" + "\x41"
	f := csvfile.Format{Encoding: csvfile.UTF16LE}
	got, err := scan(csvfile.NewDecoder(strings.NewReader(in), f), f, csvfile.Position{}, 2)
	if err != io.EOF {
		t.Errorf("got error %v, want EOF", err)
	}
	want := []record{
		{1, []string{"a", "\uFFFD"}, "a,\uFFFD", ""}, {2, []string{"b", "\xffx"}, "b,\xffx", garbled},
		{3, []string{"c", "\xff"}, "c,\xff", garbled}, {4, []string{"d", "e"}, "d,e", ""}, {5, []string{"f", "\xff\xff"}, "f,\xff\xff", garbled},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDamagedGzip(t *testing.T) {
	broken := errors.New("broken")
	whole := zipped(strings.Repeat("a,b\n", 1000))
	corrupt := []byte(whole)
	corrupt[len(corrupt)-6] ^= 1
	tests := []struct {
		name, want string
		source     io.Reader
	}{
		{"cut short", "compress it anew", strings.NewReader(whole[:len(whole)-9])},
		{"cut short in its header", "compress it anew", strings.NewReader(whole[:5])},
		{"checksum", "compress it anew", bytes.NewReader(corrupt)},
		{"followed by something", "compress it anew", strings.NewReader(whole + "more")},
		{"too large", "in several parts", nil},
		{"the source fails", "broken", io.MultiReader(strings.NewReader(whole[:20]), iotest.ErrReader(broken))},
		{"the source fails at once", "broken", iotest.ErrReader(broken)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			source := csvfile.NewDecoder(tt.source, csvfile.Format{Gzip: true})
			if tt.source == nil {
				source = csvfile.NewUnpacker(strings.NewReader(whole), 3999)
			}
			_, err := io.ReadAll(source)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got error %v, want …%q…", err, tt.want)
			}
			if _, stop := errors.AsType[csvfile.Stop](err); stop == errors.Is(err, broken) {
				t.Errorf("got error %v, want a Stop if and only if the file is to blame", err)
			}
		})
	}
	if n, err := io.Copy(io.Discard, csvfile.NewUnpacker(strings.NewReader(whole), 4000)); n != 4000 || err != nil {
		t.Errorf("got %d bytes, %v at the limit, want 4000", n, err)
	}
}

var encodings = map[csvfile.Encoding]encoding.Encoding{csvfile.UTF16LE: little, csvfile.UTF16BE: big}

// FuzzDecoder checks that any UTF-16 decodes, and that valid text comes out as it went in.
func FuzzDecoder(f *testing.F) {
	f.Add("a,\"b\n😀", []byte("\x00\xd8\x41"))
	f.Fuzz(func(t *testing.T, text string, damaged []byte) {
		for _, e := range []csvfile.Encoding{csvfile.UTF16LE, csvfile.UTF16BE} {
			format := csvfile.Format{Encoding: e}
			if _, err := io.ReadAll(csvfile.NewDecoder(bytes.NewReader(damaged), format)); err != nil {
				t.Errorf("%s: got error %v", e, err)
			}
			if !utf8.ValidString(text) {
				continue
			}
			got, err := io.ReadAll(csvfile.NewDecoder(strings.NewReader(encoded(t, encodings[e], text)), format))
			if err != nil || string(got) != text {
				t.Errorf("%s: got %q, %v, want %q", e, got, err, text)
			}
		}
	})
}
