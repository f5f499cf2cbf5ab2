package local

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// emptyDatabase is a database of the engine without tables, as tools/engine-database.sh makes it: one in which streams
// may grow.
//
//go:embed engine.sqlite.gz
var emptyDatabase []byte

// makeDatabase puts the empty database into the file path if there is none.
func makeDatabase(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	compressed, err := gzip.NewReader(bytes.NewReader(emptyDatabase))
	if err != nil {
		return err
	}
	content, err := io.ReadAll(compressed)
	if err != nil {
		return err
	}
	scratch := path + ".new"
	if err := os.WriteFile(scratch, content, 0o600); err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	return os.Rename(scratch, path)
}

// fitForStreams reports whether a database was made by makeDatabase, and not by the engine alone. That is told by its user
// version.
// Source: https://www.sqlite.org/fileformat2.html#the_database_header
func fitForStreams(path string) (bool, error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	var version [4]byte
	if _, err := file.ReadAt(version[:], 60); err != nil {
		return false, err
	}
	return binary.BigEndian.Uint32(version[:]) > 0, nil
}
