package moduleroot_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"lunogram-users/internal/moduleroot"
)

func TestDir(t *testing.T) {
	outer, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	inner := filepath.Join(outer, "a", "b")
	if err := os.MkdirAll(inner, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(inner)
	if got, err := moduleroot.Dir(); !errors.Is(err, moduleroot.ErrNone) {
		t.Errorf("no module: got %q and error %v, want ErrNone", got, err)
	}
	for _, want := range []string{outer, inner} { // the nearest wins
		if err := os.WriteFile(filepath.Join(want, "go.mod"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := moduleroot.Dir(); got != want || err != nil {
			t.Errorf("got %q and error %v, want %q", got, err, want)
		}
	}
}
