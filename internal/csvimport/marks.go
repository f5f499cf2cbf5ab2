package csvimport

import (
	"bytes"
	"context"
	"encoding/binary"
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
	for rows, err := range w.contents(ctx, w.record.workKey("deferred", "")) {
		if err != nil {
			return nil, err
		}
		for ; len(rows) >= 8; rows = rows[8:] {
			tail.set(int64(binary.BigEndian.Uint64(rows)))
		}
	}
	return tail, nil
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
