package law_test

import (
	"os"
	"path/filepath"
	"testing"

	"lunogram-users/internal/moduleroot"
)

// root returns the folder of the module.
func root(t *testing.T) string {
	t.Helper()
	dir, err := moduleroot.Dir()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// read returns a file below the root.
func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
