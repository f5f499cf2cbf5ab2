package csvimport

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"lunogram-users/internal/user"
)

// revertUsers is how many users are taken back at a time.
const revertUsers = 100

// revert takes back what one chunk did. Its before-images come in objects; those of one segment begin with the number of
// its first row, however often it was repeated, and all rows of a user are in one segment. The tail is the exception:
// its rows of one user may be far apart, so it is taken back at once.
func (i *Importer) revert(ctx context.Context, t Task, record Import, chunk Chunk) (Chunk, error) {
	r := &reverter{Importer: i, task: t, record: record, chunk: chunk, fence: chunk.Fence, last: lastCall(ctx)}
	var group []string
	for key, err := range i.Objects.List(ctx, record.undoKey(chunkName(t.Chunk), "")) {
		if err != nil {
			return r.chunk, err
		}
		if len(group) > 0 && t.Chunk < record.Chunks && firstRow(key) != firstRow(group[0]) {
			if err := r.segment(ctx, group); err != nil {
				return r.chunk, err
			}
			group = nil
		}
		group = append(group, key)
	}
	if err := r.segment(ctx, group); err != nil {
		return r.chunk, err
	}
	r.chunk.Done = true
	return r.chunk, r.checkpoint(ctx)
}

// firstRow returns the number of the first row of a segment, of which it names a before-image.
func firstRow(key string) string {
	name, _, _ := strings.Cut(key[strings.LastIndexByte(key, '/')+1:], "-")
	return name
}

// reverter is one invocation's work on taking back a chunk.
type reverter struct {
	*Importer
	task   Task
	record Import
	chunk  Chunk
	fence  int64
	last   time.Time
	beat   time.Time
}

// segment takes back what the objects tell of, unless an earlier delivery has.
func (r *reverter) segment(ctx context.Context, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	row, err := strconv.ParseInt(firstRow(keys[0]), 10, 64)
	if err != nil {
		return fmt.Errorf("the name of a before-image: %w", err)
	}
	if row <= r.chunk.Row {
		return nil
	}
	if !r.last.IsZero() && r.now().After(r.last) {
		return errHandOver
	}
	users, err := r.users(ctx, keys)
	if err != nil {
		return err
	}
	var kept []user.UndoResult
	counts := r.chunk.Reverted
	for len(users) > 0 {
		n := min(revertUsers, len(users))
		results, err := r.take(ctx, users[:n])
		if err != nil {
			return err
		}
		for _, result := range results {
			switch {
			case result.Fate == user.FateRestored:
				counts.Restored++
			case result.Fate == user.FateDeleted:
				counts.Deleted++
			case result.Reason != user.KeptNever:
				counts.Kept++
				kept = append(kept, result)
			}
		}
		users = users[n:]
		if err := r.heartbeat(ctx); err != nil {
			return err
		}
	}
	if err := r.list(ctx, row, kept); err != nil {
		return err
	}
	r.chunk.Row, r.chunk.Reverted = row, counts
	return r.checkpoint(ctx)
}

// users reads before-images and groups them by user, in the order of the rows.
func (r *reverter) users(ctx context.Context, keys []string) ([][]user.Before, error) {
	at := make(map[string]int)
	var users [][]user.Before
	for _, key := range keys {
		before, err := r.recall(ctx, key)
		if err != nil {
			return nil, err
		}
		for _, b := range before {
			n, ok := at[b.UserID]
			if !ok {
				n = len(users)
				at[b.UserID] = n
				users = append(users, nil)
			}
			users[n] = append(users[n], b)
		}
	}
	return users, nil
}

// take takes users back, and repeats those for which the store was too busy.
func (r *reverter) take(ctx context.Context, users [][]user.Before) ([]user.UndoResult, error) {
	out := make([]user.UndoResult, len(users))
	pending := make([]int, len(users))
	for n := range users {
		pending[n] = n
	}
	for began, tries := time.Now(), 1; ; tries++ {
		var some []user.Before
		for _, p := range pending {
			some = append(some, users[p]...)
		}
		var again []int
		var why error
		for n, result := range r.Store.Undo(ctx, r.record.ProjectID, r.record.ID, some) {
			out[pending[n]] = result
			if result.Err != nil {
				again, why = append(again, pending[n]), result.Err
			}
		}
		switch pending = again; {
		case len(pending) == 0:
			return out, nil
		case time.Since(began) > patience:
			return nil, fmt.Errorf("take users back: %w", why)
		}
		if err := sleep(ctx, backoff(tries)); err != nil {
			return nil, err
		}
	}
}

// list stores which users were kept.
func (r *reverter) list(ctx context.Context, row int64, kept []user.UndoResult) error {
	if len(kept) == 0 {
		return nil
	}
	var body bytes.Buffer
	out := csv.NewWriter(&body)
	for _, k := range kept {
		if err := out.Write([]string{k.UserID, k.Reason}); err != nil {
			return err
		}
	}
	out.Flush()
	key := r.record.workKey("kept", chunkName(r.task.Chunk)+"-"+rowName(row))
	return r.Objects.Put(ctx, key, bytes.NewReader(body.Bytes()))
}

func (r *reverter) heartbeat(ctx context.Context) error {
	if r.now().Sub(r.beat) < heartbeat {
		return nil
	}
	r.beat = r.now()
	return r.checkpoint(ctx)
}

// checkpoint stores the progress, which renews the lease.
func (r *reverter) checkpoint(ctx context.Context) error {
	stored, err := r.saveChunk(ctx, r.task, r.fence, r.chunk)
	if err == nil {
		r.chunk = stored
	}
	return err
}

// closeUndo ends the undo if all its chunks are done: the list of kept users, the totals.
func (i *Importer) closeUndo(ctx context.Context, projectID, id string, log *slog.Logger) error {
	record, err := i.Records.Import(ctx, projectID, id)
	if err != nil || record.Undo.Status != Running {
		return err
	}
	chunks, err := i.Records.Chunks(ctx, projectID, id, Revert)
	if err != nil || undone(chunks) < record.tasks() {
		return err
	}
	var total Reverted
	for _, c := range chunks {
		total = total.Plus(c.Reverted)
	}
	if err := i.assemble(ctx, record, Kept, "kept", []byte("user_id,reason\n")); err != nil {
		return err
	}
	_, err = i.Records.ChangeImport(ctx, projectID, id, func(r *Import) error {
		if r.Undo.Status != Running {
			return errDone
		}
		r.Undo.Status, r.Undo.Reverted, r.Undo.FinishedAt = Completed, total, i.now()
		r.UpdatedAt = r.Undo.FinishedAt
		return nil
	})
	if errors.Is(err, errDone) {
		return nil
	}
	if err == nil {
		log.InfoContext(ctx, "import taken back", "restored", total.Restored, "deleted", total.Deleted, "kept", total.Kept)
	}
	return err
}

func undone(chunks []Chunk) (n int) {
	for _, c := range chunks {
		if c.Done {
			n++
		}
	}
	return n
}

// tasks is how many chunks there are, the tail included.
func (i Import) tasks() int {
	if i.Tail {
		return i.Chunks + 1
	}
	return i.Chunks
}
