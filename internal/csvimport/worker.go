package csvimport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"lunogram-users/internal/csvfile"
	"lunogram-users/internal/csvimport/sheet"
	"lunogram-users/internal/user"
)

// maxInFlight is how many segments of a chunk are under way at a time.
const maxInFlight = 3

// errHandOver says that the invocation's time is up and the rest of the chunk goes back to the queue.
var errHandOver = errors.New("time is up")

// errCanceled says that somebody has canceled the import.
var errCanceled = errors.New("the import was canceled")

// worker is one invocation's work on one chunk.
type worker struct {
	*Importer
	task   Task
	record Import
	plan   plan
	chunk  Chunk
	fence  int64
	reader *sheet.Reader
	load   user.Load
	listID string // that the users of the chunk become members of; "" for none

	last     time.Time    // after which no segment is begun; zero if there is no deadline
	skips    bitmap       // rows of the chunk that a later row replaces, from its first row
	tangled  bitmap       // rows that are left to the tail, likewise; of the tail itself: all that are its
	waveRows atomic.Int64 // how many rows are prepared at a time
	queue    []*segment   // under way, oldest first
	position position     // where the chunk goes on
	resumed  bool         // an earlier delivery may have stored its parts of the next segment, and no checkpoint behind it
}

// task does one task, and acknowledges it by returning nil.
func (i *Importer) task(ctx context.Context, t Task, deliveries int, log *slog.Logger) error {
	record, err := i.Records.Import(ctx, t.ProjectID, t.ImportID)
	if errors.Is(err, user.ErrNotFound) {
		log.ErrorContext(ctx, "ignored a task of an unknown import")
		return nil
	}
	if err != nil {
		return err
	}
	chunk, err := i.claim(ctx, t)
	if err != nil {
		return err
	}
	if !chunk.Done && deliveries > 1 && chunk.progressed() {
		return i.handOver(ctx, t, chunk.Fence) // deliveries that get ahead do not count
	}
	last := deliveries >= i.maxDeliveries()
	if !chunk.Done {
		if last {
			if err := i.lastTry(ctx, t, chunk.Fence, deliveries); err != nil {
				return err
			}
		}
		if err := i.work(ctx, t, record, chunk, log); err != nil {
			return i.interrupted(ctx, t, chunk.Fence, err)
		}
	}
	if err := i.resume(ctx, t); err != nil {
		return err
	}
	if t.Phase == Revert {
		err = i.closeUndo(ctx, t.ProjectID, t.ImportID, log)
	} else {
		err = i.close(ctx, t.ProjectID, t.ImportID, log)
	}
	if err != nil && last {
		err = errors.Join(err, i.giveUp(context.WithoutCancel(ctx), t))
	}
	return err
}

// work does what is left of a chunk.
func (i *Importer) work(ctx context.Context, t Task, record Import, chunk Chunk, log *slog.Logger) error {
	began := i.now()
	var err error
	if t.Phase == Revert {
		chunk, err = i.revert(ctx, t, record, chunk)
	} else {
		chunk, err = i.apply(ctx, t, record, chunk)
	}
	log = log.With("counters", chunk.Counters, "ms", i.now().Sub(began).Milliseconds())
	if errors.Is(err, errHandOver) {
		log.InfoContext(ctx, "chunk handed over")
		return i.handOver(ctx, t, chunk.Fence)
	}
	if err == nil {
		log.InfoContext(ctx, "chunk done")
	}
	return err
}

// claim takes the chunk, waiting for whoever has it. A chunk that is done is returned as it is.
func (i *Importer) claim(ctx context.Context, t Task) (Chunk, error) {
	chunk, err := await(ctx, func() (Chunk, error) {
		return i.Records.ChangeChunk(ctx, t, func(c *Chunk) error {
			if c.Done {
				return errDone
			}
			c.GivenUp, c.UpdatedAt = "", i.now()
			return c.claim(i.now())
		})
	})
	if errors.Is(err, errDone) {
		err = nil
	}
	return chunk, err
}

// errDone says that there is nothing to change any more.
var errDone = errors.New("done already")

// saveChunk stores the progress of the claim with the fence, which renews the lease. It returns ErrLeased if somebody
// else has taken over.
func (i *Importer) saveChunk(ctx context.Context, t Task, fence int64, c Chunk) (Chunk, error) {
	stored, err := i.Records.ChangeChunk(ctx, t, func(old *Chunk) error {
		if err := old.renew(fence, i.now()); err != nil {
			return err
		}
		c.Lease, c.UpdatedAt = old.Lease, i.now()
		*old = c
		return nil
	})
	if err != nil {
		return c, fmt.Errorf("checkpoint: %w", err)
	}
	return stored, nil
}

// handOver ends the claim and asks for the rest of the chunk in a new task, which the queue delivers as often again. It is
// sent first: if this invocation dies in between, there are two.
func (i *Importer) handOver(ctx context.Context, t Task, fence int64) error {
	if err := i.Queue.Send(ctx, t); err != nil {
		return err
	}
	_, err := i.Records.ChangeChunk(ctx, t, func(c *Chunk) error {
		c.Begun = c.ahead()
		return c.release(fence)
	})
	if errors.Is(err, ErrLeased) {
		return nil
	}
	return err
}

// interrupted ends a claim after an error. What has got ahead is handed over; else it returns the error.
func (i *Importer) interrupted(ctx context.Context, t Task, fence int64, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	errAhead := errors.New("got ahead")
	_, err := i.Records.ChangeChunk(ctx, t, func(c *Chunk) error {
		if c.Fence == fence && c.progressed() {
			return errAhead
		}
		return c.release(fence)
	})
	if err == errAhead {
		if err = i.handOver(ctx, t, fence); err == nil {
			return nil
		}
	}
	return errors.Join(cause, err)
}

// lastTry notes that the chunk is given up before the last delivery of its task begins: if that one is killed, nobody is
// left to say so. The first checkpoint takes it back.
func (i *Importer) lastTry(ctx context.Context, t Task, fence int64, deliveries int) error {
	_, err := i.Records.ChangeChunk(ctx, t, func(c *Chunk) error {
		if c.Fence != fence {
			return ErrLeased
		}
		c.GivenUp = fmt.Sprintf("It was tried %d times in vain; its message is in the dead-letter queue.", deliveries)
		return nil
	})
	if err != nil {
		return err
	}
	return i.giveUp(ctx, t)
}

// giveUp shows in the record of the import that a part of it was given up. A later delivery, taken from the dead-letter
// queue, takes it back. Of an undo the record of the chunk says so.
func (i *Importer) giveUp(ctx context.Context, t Task) error {
	if t.Phase == Revert {
		return nil
	}
	_, err := i.Records.ChangeImport(ctx, t.ProjectID, t.ImportID, func(in *Import) error {
		if in.Status != Running {
			return errDone
		}
		in.Status, in.UpdatedAt = Failed, i.now()
		in.Reason = fmt.Sprintf("Part %d of the file was given up after %d tries: its message is in the dead-letter queue, "+
			"from where it can be sent back to go on.", t.Chunk+1, i.maxDeliveries())
		return nil
	})
	if errors.Is(err, errDone) {
		return nil
	}
	return err
}

// resume takes back that a part of the import was given up, once no part is.
func (i *Importer) resume(ctx context.Context, t Task) error {
	record, err := i.Records.Import(ctx, t.ProjectID, t.ImportID)
	if err != nil || record.Status != Failed || record.ended() {
		return err
	}
	chunks, err := i.Records.Chunks(ctx, record.ProjectID, record.ID, Apply)
	if err != nil || slices.ContainsFunc(chunks, func(c Chunk) bool { return c.GivenUp != "" }) {
		return err
	}
	_, err = i.Records.ChangeImport(ctx, record.ProjectID, record.ID, func(r *Import) error {
		if r.Status == Failed && !r.ended() {
			r.Status, r.Reason, r.UpdatedAt = Running, "", i.now()
		}
		return nil
	})
	return err
}

// apply reads the rest of a chunk and applies its rows.
func (i *Importer) apply(ctx context.Context, t Task, record Import, chunk Chunk) (Chunk, error) {
	w := &worker{
		Importer: i, task: t, record: record, chunk: chunk, fence: chunk.Fence, resumed: chunk.Fence > 1,
	}
	if record.ended() {
		return w.chunk, w.finish(ctx)
	}
	if err := w.open(ctx); err != nil {
		return w.chunk, w.stopped(ctx, err)
	}
	err := w.run(ctx)
	if errors.Is(err, errCanceled) {
		err = nil
	}
	if err != nil {
		return w.chunk, w.stopped(ctx, err)
	}
	return w.chunk, w.finish(ctx)
}

// open loads the plan and finds the place where the chunk goes on.
func (w *worker) open(ctx context.Context) (err error) {
	if w.plan, err = w.loadPlan(ctx, w.record); err != nil {
		return err
	}
	if w.listID, err = w.list(ctx); err != nil {
		return err
	}
	w.reader = sheet.NewReader(w.plan.Sheet, w.Phones)
	w.last = lastCall(ctx)
	w.waveRows.Store(firstWave)
	w.load = user.Load{
		ProjectID: w.record.ProjectID, Import: w.record.ID, Started: w.record.StartedAt, Mode: w.record.Options.Mode,
	}
	if w.tail() {
		w.position = w.plan.Chunks[0].From
		if w.chunk.Next.Row > 0 {
			w.position = w.chunk.Next
		}
		w.tangled, err = w.loadTail(ctx)
		return err
	}
	w.load.Deferring = sources(w.plan.Sheet)
	span := w.plan.Chunks[w.task.Chunk]
	w.position = span.From
	if w.chunk.Next.Row > 0 {
		w.position = w.chunk.Next
	}
	if span.Marked {
		var m marks
		m, err = w.loadMarks(ctx)
		w.skips, w.tangled = m.Replaced, m.Tangled
	}
	return err
}

// tail reports whether the worker applies what is left after all chunks.
func (w *worker) tail() bool { return w.task.Chunk == w.record.Chunks }

// run sends the rows of the chunk in segments and settles them in order.
func (w *worker) run(ctx context.Context) error {
	sending, cancel := context.WithCancel(ctx)
	defer w.abandon() // after the cancel
	defer cancel()
	err := w.send(sending)
	if err == nil || errors.Is(err, errHandOver) || errors.Is(err, errCanceled) {
		for len(w.queue) > 0 {
			if failed := w.settle(sending); failed != nil {
				return failed
			}
		}
	}
	return err
}

// send reads rows and starts segments.
func (w *worker) send(ctx context.Context) error {
	body, err := w.body(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	scanner := csvfile.NewScanner(body, w.plan.Format, w.position.Position)
	scanner.Width = len(w.plan.Sheet.Columns)
	s := new(segment)
	for row := w.position.Row; ; row++ {
		record, err := scanner.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("read the object: %w", err)
		}
		if l, mine := w.line(row, record); mine {
			s.add(l)
		}
		s.next = position{Row: row + 1, Position: scanner.Position()}
		if s.full() {
			if s, err = w.flush(ctx, s); err != nil {
				return err
			}
		}
	}
	if s.next.Row > 0 {
		_, err = w.flush(ctx, s)
	}
	return err
}

// line reads a row of the file, and reports whether it is this worker's.
func (w *worker) line(row int64, r csvfile.Record) (line, bool) {
	if w.tail() {
		if !w.tangled.has(row) {
			return line{}, false
		}
	} else if first := w.plan.Chunks[w.task.Chunk].From.Row; w.tangled.has(row - first) {
		return line{}, false
	} else if w.skips.has(row - first) {
		return line{Row: w.reader.Row(row, r), skip: true}, true
	}
	return line{Row: w.reader.Row(row, r)}, true
}

// flush starts a segment as soon as it may be under way, and returns the next. The tail has one at a time, as its rows
// depend on each other.
func (w *worker) flush(ctx context.Context, s *segment) (*segment, error) {
	for len(w.queue) == maxInFlight || w.tail() && len(w.queue) > 0 {
		if err := w.settle(ctx); err != nil {
			return nil, err
		}
	}
	if err := w.mayGoOn(ctx); err != nil {
		return nil, err
	}
	s.done = make(chan struct{})
	w.queue = append(w.queue, s)
	go func() {
		defer close(s.done)
		if s.err = s.apply(ctx, w); s.err == nil {
			s.err = s.enrol(ctx, w)
		}
	}()
	return new(segment), nil
}

// mayGoOn returns errHandOver when the time is up, and errCanceled when the import was canceled or has failed.
func (w *worker) mayGoOn(ctx context.Context) error {
	if !w.last.IsZero() && w.now().After(w.last) {
		return errHandOver
	}
	record, err := w.Records.Import(ctx, w.task.ProjectID, w.task.ImportID)
	switch {
	case err != nil:
		return err
	case record.ended():
		return errCanceled
	}
	return nil
}

// settle waits for the oldest segment, stores its part of the reports and moves the checkpoint behind it.
func (w *worker) settle(ctx context.Context) error {
	s := w.queue[0]
	if err := w.wait(ctx, s); err != nil {
		return err
	}
	c := w.chunk
	c.Failures = append([]Failure(nil), c.Failures...)
	if err := w.report(ctx, s, &c); err != nil {
		return err
	}
	c.Next = s.next
	c.Cost = c.Cost.Plus(s.used)
	w.queue = w.queue[1:]
	return w.checkpoint(ctx, c)
}

// wait returns when the segment is through, and renews the lease meanwhile.
func (w *worker) wait(ctx context.Context, s *segment) error {
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		select {
		case <-s.done:
			return s.err
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
			if err := w.checkpoint(ctx, w.chunk); err != nil {
				return err
			}
		}
	}
}

// checkpoint stores the progress, which renews the lease.
func (w *worker) checkpoint(ctx context.Context, c Chunk) error {
	stored, err := w.saveChunk(ctx, w.task, w.fence, c)
	if err == nil {
		w.chunk = stored
	}
	return err
}

// finish marks the chunk as done.
func (w *worker) finish(ctx context.Context) error {
	c := w.chunk
	c.Done = true
	return w.checkpoint(ctx, c)
}

// abandon waits for the segments under way without settling them. Their context is cancelled.
func (w *worker) abandon() {
	for _, s := range w.queue {
		<-s.done
	}
	w.queue = nil
}

// stopped ends the import if the cause is one that no repetition mends, and returns the others.
func (w *worker) stopped(ctx context.Context, cause error) error {
	halt, ok := halted(cause)
	if !ok {
		return cause
	}
	if err := w.fail(ctx, w.record, halt); err != nil {
		return err
	}
	return w.finish(ctx)
}

// body opens what is left of the chunk, or of the whole file for the tail.
func (w *worker) body(ctx context.Context) (io.ReadCloser, error) {
	from, last := w.position.Offset, len(w.plan.Chunks)-1
	if !w.tail() {
		last = w.task.Chunk
	}
	end := w.plan.Chunks[last].End
	if !w.plan.Copied {
		return w.openUpload(ctx, w.record, from, end)
	}
	first := last
	for first > 0 && w.plan.Chunks[first].From.Offset > from {
		first--
	}
	return &sequence{open: func(n int) (io.ReadCloser, error) {
		span := w.plan.Chunks[n]
		start := max(0, from-span.From.Offset)
		return w.Objects.Open(ctx, w.record.workKey("text", chunkName(n)), "", start, span.End-span.From.Offset)
	}, next: first, last: last}, nil
}

// sequence reads objects one after the other.
type sequence struct {
	open       func(n int) (io.ReadCloser, error)
	next, last int
	body       io.ReadCloser
}

// Read implements io.Reader.
func (s *sequence) Read(p []byte) (int, error) {
	for {
		if s.body == nil {
			if s.next > s.last {
				return 0, io.EOF
			}
			var err error
			if s.body, err = s.open(s.next); err != nil {
				return 0, err
			}
			s.next++
		}
		n, err := s.body.Read(p)
		if err != io.EOF {
			return n, err
		}
		err = s.Close()
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// Close implements io.Closer.
func (s *sequence) Close() error {
	if s.body == nil {
		return nil
	}
	err := s.body.Close()
	s.body = nil
	return err
}
