package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// Cursor is the place up to which a function has dealt with a stream, kept in a file: it outlives the process, not the
// machine. It is not for concurrent use.
type Cursor struct {
	path   string
	stream string
	at     Position
}

// kept is the form of the file.
type kept struct {
	Stream string `json:"stream"`
	Position
}

// OpenCursor returns the place that the file path holds. If there is none, or the table has got another stream since,
// it is the beginning of the stream if fromStart is set, and its end otherwise; that is kept at once.
func OpenCursor(ctx context.Context, path string, r *Reader, fromStart bool) (*Cursor, error) {
	c := &Cursor{path: path, stream: r.stream}
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var k kept
	if err == nil {
		if err := json.Unmarshal(content, &k); err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
	}
	if k.Stream == r.stream {
		c.at = k.Position
		return c, nil
	}
	var first Position
	if !fromStart {
		if first, err = r.End(ctx); err != nil {
			return nil, err
		}
	}
	return c, c.Save(first)
}

// At returns the place.
func (c *Cursor) At() Position { return c.at }

// Save moves the cursor. The file is replaced whole, so that a death leaves one place or the other.
func (c *Cursor) Save(p Position) error {
	content, err := json.Marshal(kept{c.stream, p})
	if err != nil {
		return err
	}
	scratch := c.path + ".new"
	if err := os.WriteFile(scratch, content, 0o600); err != nil {
		return err
	}
	c.at = p
	return os.Rename(scratch, c.path)
}
