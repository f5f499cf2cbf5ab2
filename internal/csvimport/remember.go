package csvimport

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"lunogram-users/internal/user"
)

// remember stores what undo must know of the rows, before they are written: afterwards it could not be found again. The
// key has the fence of the claim and the wave, so that a repetition adds to what earlier ones have stored and replaces
// nothing.
func (w *worker) remember(ctx context.Context, s *segment, decisions []user.Decision) error {
	if w.record.Options.NoUndo {
		return nil
	}
	var body bytes.Buffer
	zip, err := gzip.NewWriterLevel(&body, gzip.BestSpeed) // most are never read
	if err != nil {
		return fmt.Errorf("encode before-images: %w", err)
	}
	out := json.NewEncoder(zip)
	found := false
	for n := range decisions {
		if d := &decisions[n]; d.Writes() {
			found = true
			if err := out.Encode(d.Before()); err != nil {
				return fmt.Errorf("encode before-images: %w", err)
			}
		}
	}
	if !found {
		return nil
	}
	if err := zip.Close(); err != nil {
		return fmt.Errorf("encode before-images: %w", err)
	}
	name := fmt.Sprintf("%s-%06d-%04d.jsonl.gz", rowName(s.rows[0].Number), w.fence, s.waves)
	if err := w.Objects.Put(ctx, w.record.undoKey(chunkName(w.task.Chunk), name), bytes.NewReader(body.Bytes())); err != nil {
		return fmt.Errorf("store before-images: %w", err)
	}
	return nil
}

// recall reads what remember has stored under a key.
func (i *Importer) recall(ctx context.Context, key string) (before []user.Before, err error) {
	body, err := i.Objects.Open(ctx, key, "", 0, -1)
	if err != nil {
		return nil, fmt.Errorf("open before-images: %w", err)
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	zip, err := gzip.NewReader(body)
	if err != nil {
		return nil, fmt.Errorf("read before-images: %w", err)
	}
	in := json.NewDecoder(zip)
	in.UseNumber()
	for {
		var b user.Before
		switch err := in.Decode(&b); {
		case err == io.EOF:
			return before, nil
		case err != nil:
			return nil, fmt.Errorf("read before-images: %w", err)
		}
		before = append(before, b)
	}
}
