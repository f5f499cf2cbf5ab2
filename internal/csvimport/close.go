package csvimport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

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
	done := undone(chunks)
	switch {
	case record.Status == Waiting || record.Status == Planning || done < record.Chunks:
		return nil
	case record.Status != Canceled && done == record.Chunks && (record.Tail || deferred(chunks)):
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
		if r.Status != Canceled {
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

// fail ends the import for a reason, which stands in the error file too.
func (i *Importer) fail(ctx context.Context, record Import, reason csvfile.Stop) error {
	if reason != stopGone { // what has the name by now has an error file of its own
		if err := i.publishReason(ctx, record, string(reason)); err != nil {
			return err
		}
	}
	chunks, err := i.Records.Chunks(ctx, record.ProjectID, record.ID, Apply)
	if err != nil {
		return err
	}
	var total Counters
	for _, c := range chunks {
		total = total.Plus(c.Counters)
	}
	_, err = i.Records.ChangeImport(ctx, record.ProjectID, record.ID, func(r *Import) error {
		if r.Finished() {
			return errDone
		}
		r.Status, r.Reason, r.Counters, r.FinishedAt = Failed, string(reason), total, i.now()
		r.UpdatedAt = r.FinishedAt
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
	body, err := i.Objects.Open(ctx, record.Key, record.ETag, 0, 1)
	if errors.Is(err, ErrGone) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for the upload: %w", err)
	}
	return false, body.Close()
}

// assemble makes a result of the parts that the chunks have stored, in the order of the file, below its header. Where
// there are no parts it removes what an earlier upload of the name left there.
func (i *Importer) assemble(ctx context.Context, record Import, r Result, parts string, header []byte) error {
	file, err := nameless()
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	size := int64(0)
	for key, err := range i.Objects.List(ctx, record.workKey(parts, "")) {
		if err != nil {
			return err
		}
		if size == 0 {
			if _, err := file.Write(header); err != nil {
				return fmt.Errorf("write a result: %w", err)
			}
		}
		n, err := i.append(ctx, file, key)
		if err != nil {
			return err
		}
		if size += n; size > maxResult {
			return i.finishResult(ctx, record, r, file, fmt.Appendf(nil, "… more in %s\n", record.workKey(parts, "")))
		}
	}
	if size == 0 {
		return i.Objects.Remove(ctx, record.ResultKey(r))
	}
	return i.finishResult(ctx, record, r, file, nil)
}

// maxResult is how large a result gets, in bytes: half of what the function has of temporary disk. What does not fit is
// left in its parts, and the last line says where.
const maxResult = 1 << 30

func (i *Importer) append(ctx context.Context, to io.Writer, key string) (n int64, err error) {
	body, err := i.Objects.Open(ctx, key, "", 0, -1)
	if err != nil {
		return 0, fmt.Errorf("read a part: %w", err)
	}
	n, err = io.Copy(to, body)
	if err = errors.Join(err, body.Close()); err != nil {
		return n, fmt.Errorf("copy a part: %w", err)
	}
	return n, nil
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
