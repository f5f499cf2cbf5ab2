package csvimport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"lunogram-users/internal/user"
)

const (
	// saveEvery is how often the record is saved at most while rows settle.
	saveEvery = time.Second
	// reserve is how much of an invocation is kept for what follows the last row: the batches under way, the error
	// file, the record. Of a short invocation it is a quarter.
	reserve = 30 * time.Second
)

// run is one invocation's work on one import.
type run struct {
	*Importer
	upload   upload
	record   Import
	report   report
	pipeline *pipeline
	columns  *columns
	saved    time.Time
	lastCall time.Time // after which no batch is begun; zero if there is no deadline
}

func newRun(ctx context.Context, i *Importer, u upload, record Import) *run {
	r := &run{Importer: i, upload: u, record: record, saved: i.now()}
	r.record.Counters = Counters{} // the file is read from its start
	r.pipeline = newPipeline(i.Store, u.projectID)
	r.pipeline.settled, r.pipeline.idle = r.settled, r.save
	if deadline, ok := ctx.Deadline(); ok {
		r.lastCall = deadline.Add(-min(reserve, deadline.Sub(i.now())/4))
	}
	return r
}

// do imports the file and finishes its record. Its errors are those that another delivery may mend, and ErrLeased.
func (r *run) do(ctx context.Context) error {
	defer r.report.close()
	err := r.read(ctx)
	halt, stopped := errors.AsType[stop](err)
	if err != nil && !stopped {
		return err
	}
	r.record.Status = Completed
	if stopped {
		r.record.Status, r.record.Reason = Failed, r.situate(halt)
		if err := r.report.stopped(r.record.Reason); err != nil {
			return err
		}
	}
	if err := r.publish(ctx, halt); err != nil {
		return err
	}
	r.record.FinishedAt = r.now()
	return r.save(ctx)
}

// publish stores the report, or removes that of an earlier upload of the name. It does neither once the upload is gone:
// what has its name by now has an error file of its own, and what was deleted shall not come back in one.
func (r *run) publish(ctx context.Context, halt stop) error {
	if halt == stopGone {
		return nil
	}
	body, err := r.Objects.Open(ctx, r.upload.bucket, r.upload.key, r.upload.etag)
	if errors.Is(err, ErrGone) { // after it was read to its end
		r.Log.InfoContext(ctx, "no error file for an upload that is gone", "import", r.upload.id, "project", r.upload.projectID)
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for the object: %w", err)
	}
	_ = body.Close()
	return r.report.put(ctx, r.Objects, r.upload.bucket, r.upload.resultKey())
}

// read opens the object and sends its rows. It returns nil or an error of type stop when all rows that were sent are
// settled, and any other error when none is under way any more.
func (r *run) read(ctx context.Context) error {
	body, err := r.Objects.Open(ctx, r.upload.bucket, r.upload.key, r.upload.etag)
	if errors.Is(err, ErrGone) {
		return stopGone
	}
	if err != nil {
		return fmt.Errorf("open the object: %w", err)
	}
	defer func() { _ = body.Close() }()
	sending, cancel := context.WithCancel(ctx)
	err = r.send(sending, newScanner(body))
	if halt, ok := errors.AsType[stop](err); ok || err == nil {
		if err = r.pipeline.drain(sending); err == nil && ok {
			err = halt
		}
	}
	cancel()
	r.pipeline.abandon()
	return err
}

// situate returns the reason of an import that stopped, and how far it got if that was between two rows.
func (r *run) situate(halt stop) string {
	if r.record.Rows == 0 || halt == stopReport {
		return string(halt)
	}
	return fmt.Sprintf("%s Rows 1 to %d are done.", halt, r.record.Rows)
}

const (
	stopEmpty stop = "The file is empty: upload one whose first line names the columns."
	stopGone  stop = "The file was deleted or replaced before it was read to its end. If it was replaced, the new file is " +
		"imported by itself."
	stopTime stop = "The file is too large for one run: upload the rows that are left, below the same header, as " +
		"another file."
	stopReport stop = "More is wrong with the file than an error file can hold: correct it and upload it again."
)

// send reads the header and sends the rows in batches.
func (r *run) send(ctx context.Context, s *scanner) error {
	if err := r.header(s); err != nil {
		return err
	}
	b := new(batch)
	for number := int64(1); ; number++ {
		found, err := s.next()
		switch {
		case err == io.EOF:
			if len(b.rows) == 0 {
				return nil
			}
			return r.pipeline.send(ctx, b)
		case errors.Is(err, ErrGone):
			return stopGone
		case err != nil:
			return fmt.Errorf("read the object: %w", err)
		}
		b.add(r.columns.row(number, found))
		if !b.full() {
			continue
		}
		if !r.lastCall.IsZero() && r.now().After(r.lastCall) {
			return stopTime
		}
		if err := r.pipeline.send(ctx, b); err != nil {
			return err
		}
		b = new(batch)
	}
}

func (r *run) header(s *scanner) error {
	r.report.bom = s.skipBOM()
	first, err := s.next()
	switch {
	case err == io.EOF:
		return stopEmpty
	case errors.Is(err, ErrGone):
		return stopGone
	case err != nil:
		return fmt.Errorf("read the object: %w", err)
	}
	if r.columns, err = parseHeader(first); err != nil {
		return err
	}
	s.width, r.report.columns = len(r.columns.all), r.columns
	return nil
}

// settled counts the rows of a batch, puts the refused ones into the report and saves the progress now and then.
func (r *run) settled(ctx context.Context, b *batch) error {
	for i, row := range b.rows {
		f := row.fault
		if err := b.answers[i].err; err != nil {
			f = r.columns.explain(err, row.ids)
		}
		if f != nil {
			if err := r.report.add(row, *f); errors.Is(err, errReportFull) {
				return stopReport
			} else if err != nil {
				return err
			}
		}
		r.record.count(row, f, b.answers[i].outcome)
	}
	if r.now().Sub(r.saved) < saveEvery {
		return nil
	}
	return r.save(ctx)
}

func (c *Counters) count(row row, f *fault, outcome user.Outcome) {
	c.Rows++
	switch {
	case f != nil:
		c.Failed++
	case row.blank:
		c.Skipped++
	case outcome == user.Created:
		c.Created++
	case outcome == user.Updated:
		c.Updated++
	default:
		c.Unchanged++
	}
}

// save stores the record, which renews the lease.
func (r *run) save(ctx context.Context) error {
	r.saved = r.now()
	r.record.UpdatedAt = r.saved
	r.record.LeaseUntil = r.saved.Add(leaseTime)
	if err := r.Records.SaveImport(ctx, r.record); err != nil {
		return fmt.Errorf("save the import: %w", err)
	}
	return nil
}

// release ends the lease, so that the next delivery need not wait for it. It is a courtesy: its failure
// does not matter.
func (r *run) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	r.record.Status, r.record.Reason, r.record.FinishedAt = Running, "", time.Time{}
	r.record.UpdatedAt = r.now()
	r.record.LeaseUntil = r.record.UpdatedAt
	_ = r.Records.SaveImport(ctx, r.record)
}
