package csvimport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"slices"

	"lunogram-users/internal/csvfile"
)

// close ends the import if all its chunks are done. Whoever finishes a chunk calls it: the last one finds nothing left,
// and if two find that, or one is killed on the way, closing twice changes nothing. The tail is begun when all chunks
// before it are done.
func (i *Importer) close(ctx context.Context, projectID, id string, log *slog.Logger) error {
	record, err := i.Records.Import(ctx, projectID, id)
	if err != nil || record.Finished() {
		return err
	}
	chunks, err := i.Records.Chunks(ctx, projectID, id, Apply)
	if err != nil {
		return err
	}
	done := countDone(chunks)
	switch {
	case record.Status == Waiting || record.Status == Planning || done < record.Chunks:
		return nil
	case !record.ended() && done == record.Chunks && (record.Tail || deferred(chunks)):
		return i.beginTail(ctx, record)
	}
	return i.conclude(ctx, record, chunks, log)
}

// deferred reports whether a worker has left a row to the tail.
func deferred(chunks []Chunk) bool {
	for _, c := range chunks {
		if c.Deferred > 0 {
			return true
		}
	}
	return false
}

// beginTail asks for the rows that had to wait for all others.
func (i *Importer) beginTail(ctx context.Context, record Import) error {
	if !record.Tail {
		_, err := i.Records.ChangeImport(ctx, record.ProjectID, record.ID, func(r *Import) error {
			r.Tail, r.UpdatedAt = true, i.now()
			return nil
		})
		if err != nil {
			return err
		}
	}
	return i.Queue.Send(ctx, Task{ProjectID: record.ProjectID, ImportID: record.ID, Phase: Apply, Chunk: record.Chunks})
}

// conclude publishes the results and stores the totals.
func (i *Importer) conclude(ctx context.Context, record Import, chunks []Chunk, log *slog.Logger) error {
	var total Counters
	var cost Cost
	var failures []Failure
	for _, c := range chunks {
		total, cost = total.Plus(c.Counters), cost.Plus(c.Cost)
		failures = append(failures, c.Failures...)
	}
	if err := i.publish(ctx, record); err != nil {
		return err
	}
	record, err := i.Records.ChangeImport(ctx, record.ProjectID, record.ID, func(r *Import) error {
		if r.Finished() {
			return errDone
		}
		if !r.ended() {
			r.Status, r.Reason = Completed, ""
		}
		r.Counters, r.Cost, r.Failures = total, cost, failures[:min(maxFailures, len(failures))]
		r.FinishedAt = i.now()
		r.UpdatedAt = r.FinishedAt
		return nil
	})
	if errors.Is(err, errDone) {
		return nil
	}
	if err == nil {
		log.InfoContext(ctx, "import finished", "status", string(record.Status), "counters", total)
	}
	return err
}

const (
	stopGone csvfile.Stop = "The file was deleted or replaced before it was read to its end. If it was replaced, the new file is " +
		"imported by itself."
)

// halted returns the reason for which an import ends for good, if err is one.
func halted(err error) (csvfile.Stop, bool) { return errors.AsType[csvfile.Stop](err) }

// fail ends the import for a reason, which stands in the error file too. Chunks that others work on end at their next
// segment, and the last one concludes the import.
func (i *Importer) fail(ctx context.Context, record Import, reason csvfile.Stop) error {
	if reason != stopGone { // what has the name by now has an error file of its own
		if err := i.publishReason(ctx, record, string(reason)); err != nil {
			return err
		}
	}
	_, err := i.Records.ChangeImport(ctx, record.ProjectID, record.ID, func(r *Import) error {
		if r.Finished() || r.Halted {
			return errDone
		}
		r.Status, r.Reason, r.Halted, r.UpdatedAt = Failed, string(reason), true, i.now()
		if r.Chunks == 0 {
			r.FinishedAt = r.UpdatedAt
		}
		return nil
	})
	if errors.Is(err, errDone) {
		return nil
	}
	return err
}

// openUpload opens the uploaded file, of which stopGone says that it is not there any more.
func (i *Importer) openUpload(ctx context.Context, record Import, from, to int64) (io.ReadCloser, error) {
	body, err := i.Objects.Open(ctx, record.Key, record.ETag, from, to)
	if err != nil {
		return nil, orGone(err)
	}
	return uploaded{body}, nil
}

type uploaded struct{ io.ReadCloser }

// Read implements io.Reader.
func (u uploaded) Read(p []byte) (int, error) {
	n, err := u.ReadCloser.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	return n, orGone(err)
}

func orGone(err error) error {
	if errors.Is(err, ErrGone) {
		return stopGone
	}
	return fmt.Errorf("read the upload: %w", err)
}

// replaced reports whether another upload has taken the name of this one since, or it was deleted: its results would be
// taken for those of the new one.
func (i *Importer) replaced(ctx context.Context, record Import) (bool, error) {
	body, err := i.Objects.Open(ctx, record.Key, record.ETag, 0, min(1, record.Size)) // no byte of an empty file can be asked for
	if errors.Is(err, ErrGone) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for the upload: %w", err)
	}
	return false, body.Close()
}

// assemble makes a result of the parts that the chunks have stored, in the order of the file, below its header. Where
// they hold nothing it removes what an earlier upload of the name left there.
func (i *Importer) assemble(ctx context.Context, record Import, r Result, parts string, limit resultLimit) error {
	file, err := nameless()
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	lines, size := 0, 0
	for part, err := range i.contents(ctx, record.workKey(parts, "")) {
		switch {
		case err != nil:
			return err
		case len(part) == 0: // a worker that went on where another was cut short may have had nothing to say
			continue
		case size == 0:
			part = slices.Concat(limit.header, part)
		case size > maxResult:
			return i.finishResult(ctx, record, r, file, limit.last)
		}
		if limit.lines > 0 {
			part, lines = firstLines(part, limit.lines-lines), lines+bytes.Count(part, []byte{'\n'})
		}
		if _, err := file.Write(part); err != nil {
			return fmt.Errorf("write a result: %w", err)
		}
		if size += len(part); limit.lines > 0 && lines >= limit.lines {
			break
		}
	}
	if size == 0 {
		return i.Objects.Remove(ctx, record.ResultKey(r))
	}
	return i.finishResult(ctx, record, r, file, nil)
}

// resultLimit is what a result begins with and how much of it there is.
type resultLimit struct {
	header []byte
	lines  int    // at most so many, if it is not 0
	last   []byte // ends a result that would be larger than maxResult
}

// firstLines returns the first n lines.
func firstLines(text []byte, n int) []byte {
	end := 0
	for ; n > 0 && end < len(text); n-- {
		line := bytes.IndexByte(text[end:], '\n')
		if line < 0 {
			return text
		}
		end += line + 1
	}
	return text[:end]
}

// maxResult is how large a result gets, in bytes: half of what the function has of temporary disk. What does not fit is
// left in its parts, and the last line says where.
const maxResult = 1 << 30

// ahead is how many parts are fetched at a time. Each is about as large as its segment.
const ahead = 16

// contents returns what is in the objects with the prefix, in the order of their keys. They are fetched ahead.
func (i *Importer) contents(ctx context.Context, prefix string) iter.Seq2[[]byte, error] {
	type fetched struct {
		content []byte
		err     error
	}
	return func(yield func([]byte, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		pending := make(chan chan fetched, ahead)
		go func() {
			defer close(pending)
			for key, err := range i.Objects.List(ctx, prefix) {
				one := make(chan fetched, 1)
				if err != nil {
					one <- fetched{err: err}
				} else {
					go func() {
						content, err := i.content(ctx, key)
						one <- fetched{content, err}
					}()
				}
				select {
				case pending <- one:
				case <-ctx.Done():
					return
				}
			}
		}()
		for one := range pending {
			if f := <-one; !yield(f.content, f.err) || f.err != nil {
				return
			}
		}
	}
}

func (i *Importer) content(ctx context.Context, key string) (content []byte, err error) {
	body, err := i.Objects.Open(ctx, key, "", 0, -1)
	if err != nil {
		return nil, fmt.Errorf("open a part: %w", err)
	}
	content, err = io.ReadAll(body)
	if err = errors.Join(err, body.Close()); err != nil {
		return nil, fmt.Errorf("read a part: %w", err)
	}
	return content, nil
}

func (i *Importer) finishResult(ctx context.Context, record Import, r Result, file io.ReadWriteSeeker, last []byte) error {
	if _, err := file.Write(last); err != nil {
		return fmt.Errorf("write a result: %w", err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read a result: %w", err)
	}
	return i.Objects.Put(ctx, record.ResultKey(r), file)
}
