package csvimport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lunogram-users/internal/pause"
	"lunogram-users/internal/user"
)

// archivedNote is what the record of an import says once its list was found archived.
const archivedNote = "The list was archived meanwhile: users of the parts of the file that were begun after that did not become members."

// list returns the id of the list that the users of the chunk become members of, "" if of none. Those of a list that
// was archived since the import was asked for stay as they are, and the record says so.
func (w *worker) list(ctx context.Context) (string, error) {
	id := w.record.Options.ListID
	if id == "" {
		return "", nil
	}
	l, err := w.Lists.List(ctx, w.record.ProjectID, id)
	if err != nil || !l.Archived() {
		return id, err
	}
	_, err = w.Records.ChangeImport(ctx, w.record.ProjectID, w.record.ID, func(r *Import) error {
		if slices.Contains(r.Notes, archivedNote) {
			return errDone
		}
		r.Notes = append(r.Notes, archivedNote)
		return nil
	})
	if errors.Is(err, errDone) {
		err = nil
	}
	return "", err
}

// enrol makes the users of the rows members of the list, if there is one. It comes before the checkpoint moves behind the
// segment: a repetition, whose rows are answered as before, does it again.
func (s *segment) enrol(ctx context.Context, w *worker) error {
	ids := s.users()
	if w.listID == "" || len(ids) == 0 {
		return nil
	}
	write := w.Store.ImportMembers
	if w.record.Options.DryRun {
		write = w.Store.ForeseeMembers
	} else if err := w.rememberMembers(ctx, s, ids); err != nil {
		return err
	}
	return patiently(ctx, func() error {
		used, err := write(ctx, w.record.ProjectID, w.listID, w.record.ID, ids)
		s.used = s.used.Plus(Cost{ReadUnits: used.Read, WriteUnits: used.Write})
		return err
	})
}

// users returns the users of those rows that made or changed one or said what was known, each once. Of several rows of a
// user one is among them; the mode has skipped the others.
func (s *segment) users() []string {
	var ids []string
	seen := make(map[string]bool, len(s.rows))
	for i := range s.rows {
		r := &s.rows[i]
		counts := r.outcome == user.Created || r.outcome == user.Updated || r.outcome == user.Unchanged
		if counts && r.err == nil && !seen[r.userID] {
			seen[r.userID] = true
			ids = append(ids, r.userID)
		}
	}
	return ids
}

// rememberMembers stores whom the segment is going to make members, for an undo: the before-images lack those users whom it
// did not change. The key has the fence of the claim, so that a repetition replaces nothing.
func (w *worker) rememberMembers(ctx context.Context, s *segment, ids []string) error {
	if w.record.Options.NoUndo {
		return nil
	}
	key := w.record.membersKey(w.task.Chunk, fmt.Sprintf("%s-%06d.txt", rowName(s.rows[0].Number), w.fence))
	if err := w.Objects.Put(ctx, key, strings.NewReader(strings.Join(ids, "\n"))); err != nil {
		return fmt.Errorf("store members: %w", err)
	}
	return nil
}

// members takes those users of the chunk out of the list whom the import put into it, segment by segment.
func (r *reverter) members(ctx context.Context) error {
	if r.record.Options.ListID == "" {
		return nil
	}
	for key, err := range r.Objects.List(ctx, r.record.membersKey(r.task.Chunk, "")) {
		if err != nil {
			return err
		}
		row, err := firstRow(key)
		if err != nil {
			return err
		}
		if row < r.chunk.Listed { // of the same row there may be another object
			continue
		}
		if !r.last.IsZero() && time.Now().After(r.last) {
			return errHandOver
		}
		if err := r.drop(ctx, key); err != nil {
			return err
		}
		r.chunk.Listed = row
		if err := r.checkpoint(ctx); err != nil {
			return err
		}
	}
	return nil
}

// drop takes the users out of the list whom an object names.
func (r *reverter) drop(ctx context.Context, key string) error {
	object, err := r.content(ctx, key)
	if err != nil {
		return err
	}
	var ids []string
	for id := range bytes.Lines(object) {
		ids = append(ids, string(bytes.TrimSpace(id)))
	}
	return patiently(ctx, func() error {
		return r.Store.DropImported(ctx, r.record.ProjectID, r.record.Options.ListID, r.record.ID, ids)
	})
}

// patiently repeats a call as long as the store is too busy for it, up to patience.
func patiently(ctx context.Context, call func() error) error {
	for began, tries := time.Now(), 1; ; tries++ {
		err := call()
		if err == nil || !passing(err) || time.Since(began) > patience {
			return err
		}
		if err := pause.For(ctx, backoff(tries)); err != nil {
			return err
		}
	}
}
