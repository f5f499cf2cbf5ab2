package csvfile_test

import (
	"testing"

	"golang.org/x/text/encoding/charmap"

	"lunogram-users/internal/csvfile"
)

// TestWindows1252 holds every byte against the table of golang.org/x/text.
func TestWindows1252(t *testing.T) {
	t.Parallel()
	for b := range 256 {
		got, want := string(csvfile.DecodeWindows1252([]byte{byte(b)})), string(charmap.Windows1252.DecodeByte(byte(b)))
		if got != want {
			t.Errorf("%#02x: got %q, want %q", b, got, want)
		}
	}
}
