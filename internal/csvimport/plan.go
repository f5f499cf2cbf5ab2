package csvimport

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"syscall"
	"time"

	"lunogram-users/internal/csvfile"
	"lunogram-users/internal/csvimport/sheet"
)

// plan is what is known of a file once it was read. It is kept in the bucket, where every worker finds it.
type plan struct {
	Format csvfile.Format `json:"format"`
	Sheet  *sheet.Sheet   `json:"sheet"`
	Chunks []span         `json:"chunks"`
	// Copied says that the chunks are objects of their own, since a place in the file cannot be told by its bytes.
	Copied bool `json:"copied,omitempty"`
}

// span is one chunk: some rows of the file.
type span struct {
	From   position `json:"from"`
	End    int64    `json:"end"`              // the offset behind its last byte
	Marked bool     `json:"marked,omitempty"` // some rows are skipped or left to the tail
}

// position is a place between two rows.
type position struct {
	Row              int64 `json:"row"` // the number of the row that follows, from 1
	csvfile.Position       // where it starts, if no empty lines precede it
}

// chunkBytes is the least size of a chunk, about ten thousand rows. It doubles every chunksOfASize chunks, so that a file
// of 10 GB has some 400.
const (
	chunkBytes    = 1 << 20
	chunksOfASize = 64
)

// plan reads the file of an upload once, stores the plan and puts the tasks on the queue.
func (i *Importer) plan(ctx context.Context, in Import, log *slog.Logger) error {
	began := i.now()
	record, err := i.begin(ctx, in)
	waited := i.now().Sub(began) > leaseTime
	switch {
	case errors.Is(err, ErrLeased):
		log.WarnContext(ctx, "ignored a delivery of an upload that another invocation plans")
		return nil
	case err != nil:
		return err
	case record.Status != Planning:
		log.InfoContext(ctx, "planned already", "status", string(record.Status))
		return i.dispatch(ctx, record)
	}
	s := &survey{importer: i, record: record, beat: i.now(), last: lastCall(ctx), late: waited}
	err = s.read(ctx)
	defer s.close()
	if errors.Is(err, syscall.ENOSPC) {
		err = stopLong
	}
	if halt, ok := halted(err); ok {
		log.InfoContext(ctx, "file refused", "reason", halt.Error())
		return i.fail(ctx, record, halt)
	}
	if errors.Is(err, errCanceled) {
		return nil // whoever did it has ended it
	}
	if err != nil {
		i.release(ctx, record)
		return err
	}
	if record, err = s.save(ctx); err != nil {
		return err
	}
	log.InfoContext(ctx, "file planned", "rows", record.Total, "chunks", record.Chunks, "ms", i.now().Sub(began).Milliseconds())
	return i.dispatch(ctx, record)
}

// errAnother says that the import is that of another file at the same address.
var errAnother = errors.New("another file is imported under the id")

// begin claims the planning of the upload, waiting for whoever has it. A record whose file was planned already is
// returned as it is.
func (i *Importer) begin(ctx context.Context, in Import) (Import, error) {
	record, err := await(ctx, func() (Import, error) {
		return i.Records.ChangeImport(ctx, in.ProjectID, in.ID, func(r *Import) error {
			now := i.now()
			switch {
			case r.ETag != "" && r.ETag != in.ETag:
				return errAnother
			case r.Status == "" || r.Status == Waiting:
				*r = in
				r.Status, r.StartedAt = Planning, now
			case r.Status != Planning:
				return errDone
			}
			r.UpdatedAt = now
			return r.claim(now)
		})
	})
	if errors.Is(err, errDone) {
		err = nil
	}
	return record, err
}

// release ends the claim of a planning that was interrupted. It is a courtesy to the next: its failure does not matter.
func (i *Importer) release(ctx context.Context, record Import) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_, _ = i.Records.ChangeImport(ctx, record.ProjectID, record.ID, func(r *Import) error {
		if r.Status != Planning {
			return errDone
		}
		return r.Lease.release(record.Fence)
	})
}

// dispatch puts a task on the queue for every chunk that is not done. Doing it twice does no harm.
func (i *Importer) dispatch(ctx context.Context, record Import) error {
	if record.Finished() || record.Status == Planning {
		return nil
	}
	chunks, err := i.Records.Chunks(ctx, record.ProjectID, record.ID, Apply)
	if err != nil {
		return err
	}
	done := make(map[int]bool)
	for _, c := range chunks {
		done[c.Number] = c.Done
	}
	var tasks []Task
	for n := range record.Chunks {
		if !done[n] {
			tasks = append(tasks, Task{ProjectID: record.ProjectID, ImportID: record.ID, Phase: Apply, Chunk: n})
		}
	}
	if len(tasks) == 0 { // an empty file, or one that only waits for its tail
		return i.close(ctx, record.ProjectID, record.ID, i.Log)
	}
	return i.Queue.Send(ctx, tasks...)
}

// survey is the first reading of a file.
type survey struct {
	importer *Importer
	record   Import
	plan     plan
	reader   *sheet.Reader
	types    *sheet.Inference
	dup      *duplicates
	census   csvfile.Census
	copier   *copier
	rows     int64
	notes    []string
	beat     time.Time // of the last sign of life
	last     time.Time // when the time is up; zero for never
	late     bool      // begun in the midst of the invocation: another will have more time
}

// read learns all there is to know. A file that turns out to be in Windows-1252 is read again as such.
func (s *survey) read(ctx context.Context) error {
	head, err := s.head(ctx)
	if err != nil {
		return err
	}
	declared := s.record.Options.Sheet.Format()
	format, err := csvfile.Sniff(head, declared)
	if err != nil {
		return err
	}
	if err := s.pass(ctx, format); err != nil || format.Encoding != csvfile.UTF8 || declared.Encoding != "" || !s.census.Windows1252() {
		return err
	}
	format.Encoding = csvfile.Windows1252
	s.notes = append(s.notes, "The file is not in UTF-8; it was read as Windows-1252.")
	return s.pass(ctx, format)
}

// head returns the start of the file.
func (s *survey) head(ctx context.Context) ([]byte, error) {
	body, err := s.importer.openUpload(ctx, s.record, 0, -1)
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	head, err := io.ReadAll(io.LimitReader(body, csvfile.HeadSize))
	if err == nil && len(head) == 0 {
		err = sheet.Empty
	}
	return head, err
}

// pass reads the whole file in one format.
func (s *survey) pass(ctx context.Context, format csvfile.Format) error {
	s.close()
	body, err := s.importer.openUpload(ctx, s.record, 0, -1)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	s.plan = plan{Format: format, Copied: !format.Seekable()}
	text := csvfile.NewDecoder(body, format)
	if s.plan.Copied {
		s.copier = &copier{source: text, put: func(n int, content io.ReadSeeker) error {
			return s.importer.Objects.Put(ctx, s.record.workKey("text", chunkName(n)), content)
		}}
		text = s.copier
	}
	scanner := csvfile.NewScanner(text, format, csvfile.Position{})
	if err := s.header(ctx, scanner); err != nil {
		return err
	}
	return s.body(ctx, scanner)
}

// header reads the first record.
func (s *survey) header(ctx context.Context, scanner *csvfile.Scanner) error {
	first, err := scanner.Next()
	if err == io.EOF {
		return sheet.Empty
	}
	if err != nil {
		return err
	}
	s.census = csvfile.Census{}
	s.census.Add(first.Raw)
	options := s.record.Options.Sheet
	p, err := s.importer.Projects.Project(ctx, s.record.ProjectID)
	if err != nil {
		return err
	}
	options.Region = cmp.Or(options.Region, p.Settings.Region)
	s.record.Options.NoUndo = s.record.Options.NoUndo || p.Settings.NoUndo
	if s.plan.Sheet, err = sheet.New(first, options); err != nil {
		return err
	}
	s.reader, s.types = sheet.NewReader(s.plan.Sheet, s.importer.Phones), sheet.NewInference(s.plan.Sheet)
	s.dup = newDuplicates(len(sources(s.plan.Sheet)))
	scanner.Width = len(s.plan.Sheet.Columns)
	return nil
}

// body reads the rows and cuts the file.
func (s *survey) body(ctx context.Context, scanner *csvfile.Scanner) error {
	from := position{Row: 1, Position: scanner.Position()}
	for s.rows = 0; ; {
		record, err := scanner.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		s.rows++
		if err := s.row(record); err != nil {
			return err
		}
		if at := scanner.Position(); at.Offset-from.Offset >= s.chunkSize() {
			if err := s.cut(from, at.Offset); err != nil {
				return err
			}
			from = position{Row: s.rows + 1, Position: at}
		}
		if err := s.heartbeat(ctx); err != nil {
			return err
		}
	}
	if from.Row <= s.rows {
		if err := s.cut(from, scanner.Position().Offset); err != nil {
			return err
		}
	}
	return s.dup.find()
}

// row learns from one row.
func (s *survey) row(r csvfile.Record) error {
	s.census.Add(r.Raw)
	row := s.reader.Row(s.rows, r)
	if row.Fault != nil || row.Blank {
		return nil // neither replaces another
	}
	s.types.Add(r.Cells)
	return s.dup.add(s.rows, row.Upsert.Identifiers)
}

// chunkSize is that of the next chunk.
func (s *survey) chunkSize() int64 {
	least := cmp.Or(s.importer.ChunkBytes, chunkBytes)
	return least << (len(s.plan.Chunks) / chunksOfASize)
}

func (s *survey) cut(from position, end int64) error {
	s.plan.Chunks = append(s.plan.Chunks, span{From: from, End: end})
	if s.copier == nil {
		return nil
	}
	return s.copier.cut(len(s.plan.Chunks)-1, from.Offset, end)
}

// stopLong says that the invocation ended before the file did.
const stopLong csvfile.Stop = "The file is too large to be read in one run: split it into several files, each with the header, and " +
	"upload those."

// heartbeat renews the lease now and then, and finds out whether the import was canceled or the time is up.
func (s *survey) heartbeat(ctx context.Context) error {
	if s.rows%1000 != 0 || s.importer.now().Sub(s.beat) < heartbeat {
		return nil
	}
	s.beat = s.importer.now()
	if !s.last.IsZero() && time.Now().After(s.last) {
		if s.late {
			return errHandOver
		}
		return stopLong
	}
	_, err := s.importer.Records.ChangeImport(ctx, s.record.ProjectID, s.record.ID, func(r *Import) error {
		if r.Status != Planning {
			return errCanceled
		}
		r.UpdatedAt = s.beat
		return r.renew(s.record.Fence, s.beat)
	})
	return err
}

// sources returns those of the columns of identifiers.
func sources(s *sheet.Sheet) []string {
	var out []string
	for _, c := range s.Columns {
		if c.Role == sheet.Identifier {
			out = append(out, c.Source)
		}
	}
	return out
}

// save stores the plan and then says so in the record.
func (s *survey) save(ctx context.Context) (Import, error) {
	i := s.importer
	s.types.Apply()
	for n := range s.plan.Chunks {
		c := &s.plan.Chunks[n]
		end := s.rows + 1
		if n+1 < len(s.plan.Chunks) {
			end = s.plan.Chunks[n+1].From.Row
		}
		marks := marks{
			Replaced: s.dup.replaced.slice(c.From.Row, end), Tangled: s.dup.tangled.slice(c.From.Row, end),
		}
		if c.Marked = len(marks.Replaced)+len(marks.Tangled) > 0; !c.Marked {
			continue
		}
		if err := i.putJSON(ctx, s.record.workKey("marks", chunkName(n)), marks); err != nil {
			return Import{}, err
		}
	}
	if err := i.putJSON(ctx, s.record.workKey("plan"), s.plan); err != nil {
		return Import{}, err
	}
	record, err := i.Records.ChangeImport(ctx, s.record.ProjectID, s.record.ID, func(r *Import) error {
		if r.Status != Planning { // another was quicker, or it was canceled
			return errDone
		}
		r.Status, r.UpdatedAt = Running, i.now()
		r.Total, r.Chunks, r.Tail = s.rows, len(s.plan.Chunks), len(s.dup.tangled) > 0
		r.Columns, r.Notes = s.plan.Sheet.Columns, s.notes
		r.Options.NoUndo = s.record.Options.NoUndo
		return nil
	})
	if errors.Is(err, errDone) {
		err = nil
	}
	return record, err
}

func (s *survey) close() {
	if s.dup != nil {
		_ = s.dup.close() // the files have no names: nothing is left of them
	}
	if s.copier != nil {
		s.copier.close()
	}
	s.dup, s.copier = nil, nil
}

func (i *Importer) putJSON(ctx context.Context, key string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return i.Objects.Put(ctx, key, bytes.NewReader(body))
}

func (i *Importer) getJSON(ctx context.Context, key string, v any) error {
	body, err := i.Objects.Open(ctx, key, "", 0, -1)
	if err != nil {
		return fmt.Errorf("open the plan: %w", err)
	}
	defer func() { _ = body.Close() }()
	if err := json.NewDecoder(body).Decode(v); err != nil {
		return fmt.Errorf("read the plan: %w", err)
	}
	return nil
}

// loadPlan returns the plan of an import.
func (i *Importer) loadPlan(ctx context.Context, record Import) (plan, error) {
	var p plan
	return p, i.getJSON(ctx, record.workKey("plan"), &p)
}
