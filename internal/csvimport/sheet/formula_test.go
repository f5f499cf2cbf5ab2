package sheet_test

import (
	"strings"
	"testing"

	"lunogram-users/internal/csvimport/sheet"
)

func TestDefuse(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""}, {"a", "a"}, {"'", "'"}, {"'a", "'a"}, {"a=1", "a=1"},
		{"=1+1", "'=1+1"}, {"+15550101234", "'+15550101234"}, {"-5", "'-5"}, {"@x", "'@x"}, {"\tx", "'\tx"}, {"\rx", "'\rx"}, {"\n=x", "'\n=x"},
		{"'=1+1", "''=1+1"}, {"''@x", "'''@x"},
	}
	for _, tt := range tests {
		if got := sheet.Defuse(tt.in); got != tt.want {
			t.Errorf("got %q for %q, want %q", got, tt.in, tt.want)
		}
	}
	for _, typed := range []string{"-5", "=1", "'a", "'", ""} { // by who corrects the file
		if got := sheet.Restore(typed); got != typed {
			t.Errorf("got %q restored, want %q", got, typed)
		}
	}
}

// FuzzDefuse checks that no cell is a formula once it is defused, and that it can be restored.
func FuzzDefuse(f *testing.F) {
	for _, seed := range []string{"=1", "'=1", "''", "'", "-", "a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		got := sheet.Defuse(cell)
		if got != "" && strings.ContainsRune("=+-@\t\r\n", rune(got[0])) {
			t.Errorf("got %q, a formula", got)
		}
		if again := sheet.Restore(got); again != cell {
			t.Errorf("got %q restored from %q, want %q", again, got, cell)
		}
	})
}
