package csvimport

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
)

// marks are the rows of a chunk that its worker does not apply, counted from its first row.
type marks struct {
	Replaced bitmap `json:"replaced,omitempty"` // a later row has the same pairs
	Tangled  bitmap `json:"tangled,omitempty"`  // another row has one of its pairs: left to the tail
}

// loadMarks returns those of the worker's chunk.
func (w *worker) loadMarks(ctx context.Context) (m marks, err error) {
	err = w.getJSON(ctx, w.record.workKey("marks", chunkName(w.task.Chunk)), &m)
	return m, err
}

// loadTail returns the rows that were left to the tail, by the plan and by the workers.
func (w *worker) loadTail(ctx context.Context) (bitmap, error) {
	var tail bitmap
	for n, span := range w.plan.Chunks {
		if !span.Marked {
			continue
		}
		var m marks
		if err := w.getJSON(ctx, w.record.workKey("marks", chunkName(n)), &m); err != nil {
			return nil, err
		}
		for row := range int64(8 * len(m.Tangled)) {
			if m.Tangled.has(row) {
				tail.set(span.From.Row + row)
			}
		}
	}
	for key, err := range w.Objects.List(ctx, w.record.workKey("deferred", "")) {
		if err != nil {
			return nil, err
		}
		if err := w.addDeferred(ctx, key, &tail); err != nil {
			return nil, err
		}
	}
	return tail, nil
}

func (w *worker) addDeferred(ctx context.Context, key string, tail *bitmap) error {
	body, err := w.Objects.Open(ctx, key, "", 0, -1)
	if err != nil {
		return fmt.Errorf("open deferred rows: %w", err)
	}
	defer func() { _ = body.Close() }()
	content, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("read deferred rows: %w", err)
	}
	for ; len(content) >= 8; content = content[8:] {
		tail.set(int64(binary.BigEndian.Uint64(content)))
	}
	return nil
}

// leave stores the rows of a segment that are left to the tail.
func (w *worker) leave(ctx context.Context, first int64, rows []int64) error {
	if len(rows) == 0 && !w.resumed {
		return nil
	}
	var content []byte
	for _, row := range rows {
		content = binary.BigEndian.AppendUint64(content, uint64(row))
	}
	return w.Objects.Put(ctx, w.record.workKey("deferred", chunkName(w.task.Chunk)+"-"+rowName(first)), bytes.NewReader(content))
}
