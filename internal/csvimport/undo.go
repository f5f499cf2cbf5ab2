package csvimport

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"lunogram-users/internal/pause"
	"lunogram-users/internal/user"
)

// revertUsers is how many users are taken back at a time.
const revertUsers = 100

// revert takes back what one chunk did. Its before-images come in objects; those of one segment begin with the number of
// its first row, however often it was repeated, and all rows of a user are in one segment. The tail is the exception:
// its rows of one user may be far apart, so its users are taken back in groups, for each of which all objects are read.
func (i *Importer) revert(ctx context.Context, t Task, record Import, chunk Chunk) (Chunk, error) {
	r := &reverter{Importer: i, task: t, record: record, chunk: chunk, fence: chunk.Fence, last: lastCall(ctx)}
	take := r.segments
	if t.Chunk == record.Chunks {
		take = r.tail
	}
	if err := r.members(ctx); err != nil {
		return r.chunk, err
	}
	if err := take(ctx); err != nil {
		return r.chunk, err
	}
	r.chunk.Done = true
	return r.chunk, r.checkpoint(ctx)
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

// prefix is that of the chunk's before-images.
func (r *reverter) prefix() string { return r.record.undoKey(chunkName(r.task.Chunk), "") }

// segments takes back a chunk segment by segment.
func (r *reverter) segments(ctx context.Context) error {
	var group images
	first := int64(0)
	for key, err := range r.Objects.List(ctx, r.prefix()) {
		if err != nil {
			return err
		}
		row, err := firstRow(key)
		if err != nil {
			return err
		}
		if row != first {
			if err := r.group(ctx, first, &group); err != nil {
				return err
			}
			first, group = row, images{}
		}
		if r.settled(first) {
			continue
		}
		object, err := r.content(ctx, key)
		if err == nil {
			err = group.add(object, nil)
		}
		if err != nil {
			return err
		}
	}
	return r.group(ctx, first, &group)
}

// firstRow returns the number of the first row of a segment, of which the key names a before-image.
func firstRow(key string) (int64, error) {
	name, _, _ := strings.Cut(key[strings.LastIndexByte(key, '/')+1:], "-")
	row, err := strconv.ParseInt(name, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the name of a before-image: %w", err)
	}
	return row, nil
}

// settled reports whether an earlier delivery has taken back the segment with the first row, or the group with the number.
func (r *reverter) settled(number int64) bool { return number <= r.chunk.Row }

// objectsOfAGroup is how many objects of the tail, each of at most a segment, make a group of users.
const objectsOfAGroup = 100

// tail takes back the tail.
func (r *reverter) tail(ctx context.Context) error {
	groups := 1
	objects := 0
	for _, err := range r.Objects.List(ctx, r.prefix()) {
		if err != nil {
			return err
		}
		if objects++; objects%objectsOfAGroup == 0 {
			groups++
		}
	}
	for n := range groups {
		number := int64(n + 1)
		if r.settled(number) {
			continue
		}
		var group images
		for object, err := range r.contents(ctx, r.prefix()) {
			if err == nil {
				err = group.add(object, func(userID string) bool { return hash(userID)%uint32(groups) == uint32(n) })
			}
			if err == nil {
				err = r.heartbeat(ctx)
			}
			if err != nil {
				return err
			}
		}
		if err := r.group(ctx, number, &group); err != nil {
			return err
		}
	}
	return nil
}

func hash(s string) uint32 {
	h := fnv.New32a()
	_, _ = io.WriteString(h, s) // a hash never returns an error
	return h.Sum32()
}

// images are before-images, in the order in which they were stored.
type images struct {
	before []user.Before
	latest map[int64]string // the user of the latest image of a row; "" if the row found in the end that it need not write
}

// add adds those of an object whose user is wanted; all if wanted is nil.
func (g *images) add(object []byte, wanted func(userID string) bool) error {
	before, err := recall(object)
	if err != nil {
		return err
	}
	if g.latest == nil {
		g.latest = make(map[int64]string)
	}
	for _, b := range before {
		g.latest[b.Row] = b.UserID
		if b.UserID != "" && (wanted == nil || wanted(b.UserID)) {
			g.before = append(g.before, b)
		}
	}
	return nil
}

// users returns the images by user, less those of users that a row was going to create before it found another.
func (g *images) users() [][]user.Before {
	at := make(map[string]int)
	var users [][]user.Before
	for _, b := range g.before {
		if b.Created && g.latest[b.Row] != b.UserID {
			continue
		}
		n, ok := at[b.UserID]
		if !ok {
			n = len(users)
			at[b.UserID] = n
			users = append(users, nil)
		}
		users[n] = append(users[n], b)
	}
	return users
}

// group takes back the users of a group, and moves the checkpoint behind its number.
func (r *reverter) group(ctx context.Context, number int64, g *images) error {
	if len(g.before) == 0 {
		return nil
	}
	if !r.last.IsZero() && time.Now().After(r.last) {
		return errHandOver
	}
	var kept []user.UndoResult
	counts := r.chunk.Reverted
	for some := range slices.Chunk(g.users(), revertUsers) {
		results, err := r.take(ctx, some)
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
		if err := r.heartbeat(ctx); err != nil {
			return err
		}
	}
	if err := r.list(ctx, number, kept); err != nil {
		return err
	}
	r.chunk.Row, r.chunk.Reverted = number, counts
	return r.checkpoint(ctx)
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
		if err := pause.For(ctx, backoff(tries)); err != nil {
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
	if err != nil || countDone(chunks) < record.all() {
		return err
	}
	var total Reverted
	for _, c := range chunks {
		total = total.Plus(c.Reverted)
	}
	if err := i.assemble(ctx, record, Kept, "kept", resultLimit{header: []byte("user_id,reason\n")}); err != nil {
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

func countDone(chunks []Chunk) (n int) {
	for _, c := range chunks {
		if c.Done {
			n++
		}
	}
	return n
}

// all is how many chunks there are, the tail included.
func (i Import) all() int {
	if i.Tail {
		return i.Chunks + 1
	}
	return i.Chunks
}
