// Package moduleroot finds the root of this module on disk, for tests and for the local cloud, which need files beside
// the code: template.yaml, openapi.yaml, the tools.
package moduleroot

import (
	"errors"
	"os"
	"path/filepath"
)

// ErrNone says that the working directory is in no module.
var ErrNone = errors.New("there is no go.mod in the working directory or above")

// Dir returns the absolute path of the nearest directory that holds a go.mod: the working directory or one above it.
// It returns ErrNone if there is none, and otherwise what the system says.
func Dir() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		_, err := os.Stat(filepath.Join(dir, "go.mod"))
		if err == nil {
			return dir, nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", ErrNone
		}
		dir = parent
	}
}
