package csvimport

import (
	"fmt"
	"io"
	"os"
)

// copier passes on a text whose places cannot be told by the bytes of the file that it comes from, and stores its chunks
// as objects. What was read and not stored yet is on disk.
type copier struct {
	source io.Reader
	put    func(n int, content io.ReadSeeker) error
	file   *os.File // nameless; nil before the first Read
	base   int64    // where in the text the file starts
	size   int64
}

// Read implements io.Reader.
func (c *copier) Read(p []byte) (int, error) {
	n, err := c.source.Read(p)
	if n == 0 {
		return n, err
	}
	if c.file == nil {
		var failed error
		if c.file, failed = nameless(); failed != nil {
			return 0, failed
		}
	}
	if _, failed := c.file.Write(p[:n]); failed != nil {
		return 0, fmt.Errorf("copy the text: %w", failed)
	}
	c.size += int64(n)
	return n, err
}

// cut stores the text between two offsets as chunk n and forgets all before its end.
func (c *copier) cut(n int, from, end int64) error {
	if err := c.put(n, io.NewSectionReader(c.file, from-c.base, end-from)); err != nil {
		return err
	}
	rest := io.NewSectionReader(c.file, end-c.base, c.base+c.size-end)
	file, err := nameless()
	if err != nil {
		return err
	}
	old := c.file
	c.file, c.base, c.size = file, end, rest.Size()
	if _, err := io.Copy(file, rest); err != nil {
		return fmt.Errorf("copy the text: %w", err)
	}
	return old.Close()
}

func (c *copier) close() {
	if c.file != nil {
		_ = c.file.Close()
		c.file = nil
	}
}

// nameless returns a temporary file that is gone when it is closed, also if the process is killed.
func nameless() (*os.File, error) {
	f, err := os.CreateTemp("", "import-*")
	if err != nil {
		return nil, fmt.Errorf("create a temporary file: %w", err)
	}
	_ = os.Remove(f.Name()) // a system that cannot remove an open file keeps it until it is rebooted
	return f, nil
}
