package csvimport

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"lunogram-users/internal/user"
)

// remember stores what undo must know of the rows, before they are written: afterwards it could not be found again. The
// key has the fence of the claim and the wave, so that a repetition adds to what earlier ones have stored and replaces
// nothing. Of a row that was going to write and then found that it need not, a Before without a user says so.
func (w *worker) remember(ctx context.Context, s *segment, pending []int, decisions []user.Decision) error {
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
		d, l := &decisions[n], &s.rows[pending[n]]
		b := user.Before{Row: d.Number}
		switch {
		case d.Writes():
			b = d.Before()
		case !l.tried && w.fence == 1 || d.Outcome == user.Created || d.Outcome == user.Updated:
			continue // nothing was remembered of it, or what was is what happened
		}
		found, l.tried = true, true
		if err := out.Encode(b); err != nil {
			return fmt.Errorf("encode before-images: %w", err)
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

// recall reads what remember has stored in an object.
func recall(object []byte) (before []user.Before, err error) {
	zip, err := gzip.NewReader(bytes.NewReader(object))
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
