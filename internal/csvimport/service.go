package csvimport

import (
	"cmp"
	"context"
	"errors"
	"path"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"lunogram-users/internal/list"
	"lunogram-users/internal/user"
)

// Links makes addresses in the bucket that need no credentials. It must be safe for concurrent use.
type Links interface {
	// Upload returns a link to which a PUT may write the object.
	Upload(ctx context.Context, key string) (Link, error)
	// Download returns a link from which the object can be read, or ErrGone if there is no such object.
	Download(ctx context.Context, key string) (Link, error)
}

// Link is an address that works for whoever has it, until it expires.
type Link struct {
	URL     string
	Expires time.Time
}

// Service is what the API does with imports. All its fields but Now are needed. It is safe for concurrent use.
type Service struct {
	Records Records
	Lists   Lists
	Queue   Queue
	Links   Links
	Now     func() time.Time // nil for time.Now
}

var (
	// ErrFinished says that an import is over and cannot be canceled.
	ErrFinished = errors.New("the import is finished")
	// ErrNoUndo says that an import cannot be taken back: it is not finished, wrote nothing, or kept no before-images.
	ErrNoUndo = errors.New("the import cannot be taken back")
)

// undoLife is for how long before-images are kept, as template.yaml says.
const undoLife = 30 * 24 * time.Hour

// Create makes an import that waits for its file, whose name must be one of an upload (see ValidName), and says where the
// file goes. The options must be checked, but for the list, and are kept in the record: 64 KB of them at most. It returns
// list.ErrNotFound, list.ErrKind for a dynamic list, and list.ErrArchived.
func (s *Service) Create(ctx context.Context, projectID, name string, o Options) (Import, Link, error) {
	if o.ListID != "" {
		if err := s.checkList(ctx, projectID, o.ListID); err != nil {
			return Import{}, Link{}, err
		}
	}
	id := uuid.Must(uuid.NewV7()).String()
	key := UploadKey(projectID, id, name)
	upload, err := s.Links.Upload(ctx, key)
	if err != nil {
		return Import{}, Link{}, err
	}
	record, err := s.Records.ChangeImport(ctx, projectID, id, func(r *Import) error {
		now := s.now()
		*r = Import{ID: id, ProjectID: projectID, Key: key, Options: o, Status: Waiting, CreatedAt: now, UpdatedAt: now}
		return nil
	})
	return record, upload, err
}

// checkList returns why the users of a file cannot become members of a list.
func (s *Service) checkList(ctx context.Context, projectID, listID string) error {
	l, err := s.Lists.List(ctx, projectID, listID)
	switch {
	case err != nil:
		return err
	case l.Kind != list.Static:
		return list.ErrKind
	case l.Archived():
		return list.ErrArchived
	}
	return nil
}

// ValidName reports whether a file of the name may be uploaded.
func ValidName(name string) bool {
	return name == path.Base(name) && isUpload(name) && len(name) <= 255 && !strings.ContainsFunc(name, unicode.IsControl)
}

// Results returns links to those results of the import that exist. If another file was uploaded under the same name since,
// they are that one's.
func (s *Service) Results(ctx context.Context, i Import) (map[Result]Link, error) {
	links := make(map[Result]Link)
	for _, r := range i.results() {
		link, err := s.Links.Download(ctx, i.ResultKey(r))
		switch {
		case err == nil:
			links[r] = link
		case !errors.Is(err, ErrGone):
			return nil, err
		}
	}
	return links, nil
}

// results returns the results that the import may have so far.
func (i Import) results() []Result {
	var all []Result
	if i.Finished() && i.ETag != "" {
		all = append(all, Errors, Skipped)
		if i.Options.DryRun {
			all = append(all, Changes)
		}
	}
	if i.Undo.Status == Completed {
		all = append(all, Kept)
	}
	return all
}

// Progress is how far an import is.
type Progress struct {
	Import
	Done int // chunks, of which there are Import.Chunks and perhaps a tail
	// Rate is in rows a second since planning began, and Ends when the rest will be done at that rate; both are zero if
	// that cannot be said.
	Rate float64
	Ends time.Time
}

// Get returns an import with what its chunks have done so far, or user.ErrNotFound.
func (s *Service) Get(ctx context.Context, projectID, id string) (Progress, error) {
	record, err := s.Records.Import(ctx, projectID, id)
	if err != nil {
		return Progress{}, err
	}
	return s.progress(ctx, record)
}

// List returns a page of the project's imports, newest first, as Get does.
func (s *Service) List(ctx context.Context, projectID, after string, limit int) (page []Progress, next string, err error) {
	records, next, err := s.Records.Imports(ctx, projectID, after, limit)
	if err != nil {
		return nil, "", err
	}
	for _, record := range records {
		p, err := s.progress(ctx, record)
		if err != nil {
			return nil, "", err
		}
		page = append(page, p)
	}
	return page, next, nil
}

// progress adds up what the chunks say. The record of a finished import has the totals.
func (s *Service) progress(ctx context.Context, record Import) (Progress, error) {
	p := Progress{Import: record, Done: record.all()}
	if !record.Finished() && record.Chunks > 0 {
		chunks, err := s.Records.Chunks(ctx, record.ProjectID, record.ID, Apply)
		if err != nil {
			return Progress{}, err
		}
		p.sum(chunks)
	}
	if record.Undo.Status == Running {
		chunks, err := s.Records.Chunks(ctx, record.ProjectID, record.ID, Revert)
		if err != nil {
			return Progress{}, err
		}
		p.Undo.Reverted = Reverted{}
		for _, c := range chunks {
			p.Undo.Reverted = p.Undo.Plus(c.Reverted)
			p.Undo.Reason = cmp.Or(p.Undo.Reason, c.GivenUp)
		}
	}
	p.estimate(s.now())
	switch silent := s.now().Sub(p.UpdatedAt); {
	case p.Status == Waiting && silent > uploadLife:
		p.Reason = "No file came before its link expired: create another import."
	case (p.Status == Planning || p.Status == Running) && silent > silence:
		p.Reason = "Nothing has happened for a quarter of an hour: look at the queues of failed events and messages, and upload " +
			"the file again."
	}
	return p, nil
}

const (
	// silence is how long an import may show no sign of life: longer than its queue takes to deliver a message again.
	silence = 15 * time.Minute
	// uploadLife is how long the link to upload a file works at most.
	uploadLife = time.Hour
)

func (p *Progress) sum(chunks []Chunk) {
	p.Done, p.Counters, p.Cost, p.Failures = countDone(chunks), Counters{}, Cost{}, nil
	for _, c := range chunks {
		p.Counters, p.Cost = p.Counters.Plus(c.Counters), p.Cost.Plus(c.Cost)
		p.Failures = append(p.Failures, c.Failures...)
		if c.UpdatedAt.After(p.UpdatedAt) {
			p.UpdatedAt = c.UpdatedAt
		}
	}
	p.Failures = p.Failures[:min(maxFailures, len(p.Failures))]
}

// estimate sets Rate and Ends.
func (p *Progress) estimate(now time.Time) {
	until := p.FinishedAt
	if until.IsZero() {
		until = now
	}
	took := until.Sub(p.StartedAt).Seconds()
	if p.StartedAt.IsZero() || took <= 0 || p.Counters.Rows == 0 {
		return
	}
	p.Rate = float64(p.Counters.Rows) / took
	if p.Status == Running && p.Total > 0 {
		left := float64(p.Total-p.Counters.Rows) / p.Rate
		p.Ends = now.Add(time.Duration(left * float64(time.Second)))
	}
}

// Cancel stops an import: no row is begun after those under way, what is written stays written. It may be called
// again. It returns user.ErrNotFound, or ErrFinished for an import that has ended otherwise.
func (s *Service) Cancel(ctx context.Context, projectID, id string) (Progress, error) {
	var idle bool // a part was given up, and nobody may be left to end the import
	record, err := s.Records.ChangeImport(ctx, projectID, id, func(r *Import) error {
		switch {
		case r.Status == "":
			return user.ErrNotFound
		case r.Status == Canceled:
			return errDone
		case r.ended():
			return ErrFinished
		}
		now := s.now()
		if r.Status == Waiting || r.Status == Planning {
			r.FinishedAt = now // there is nobody else to end it
		}
		idle = r.Status == Failed
		r.Status, r.Reason, r.UpdatedAt = Canceled, "", now
		return nil
	})
	if err != nil && !errors.Is(err, errDone) {
		return Progress{}, err
	}
	if idle {
		if err := s.Queue.Send(ctx, record.tasks(Apply)...); err != nil {
			return Progress{}, err
		}
	}
	return s.progress(ctx, record)
}

// Undo starts to take an import back: users that nobody changed since get their old values, users that it created and
// nobody touched since are deleted, the others are kept and listed. All whom it made members of its list, and nobody added
// since, are none any more. It may be called again, which goes on with what is
// left. It returns user.ErrNotFound or ErrNoUndo.
func (s *Service) Undo(ctx context.Context, projectID, id string) (Progress, error) {
	record, err := s.Records.ChangeImport(ctx, projectID, id, func(r *Import) error {
		switch {
		case r.Status == "":
			return user.ErrNotFound
		case r.Undo.Status != "":
			return errDone
		case !r.Undoable(s.now()):
			return ErrNoUndo
		}
		r.Undo = Undo{Status: Running, StartedAt: s.now()}
		r.UpdatedAt = r.Undo.StartedAt
		return nil
	})
	if err != nil && !errors.Is(err, errDone) {
		return Progress{}, err
	}
	if record.Undo.Status == Running {
		if err := s.Queue.Send(ctx, record.tasks(Revert)...); err != nil {
			return Progress{}, err
		}
	}
	return s.progress(ctx, record)
}

// Undoable reports whether the import can be taken back.
func (i Import) Undoable(now time.Time) bool {
	did := i.Created+i.Updated > 0 || i.Options.ListID != "" && i.Unchanged > 0
	return i.Finished() && did && !i.Options.DryRun && !i.Options.NoUndo && i.Undo.Status == "" &&
		now.Sub(i.StartedAt) < undoLife
}

// tasks returns those of a phase, the tail included.
func (i Import) tasks(phase Phase) []Task {
	tasks := make([]Task, i.all())
	for n := range tasks {
		tasks[n] = Task{ProjectID: i.ProjectID, ImportID: i.ID, Phase: phase, Chunk: n}
	}
	return tasks
}

func (s *Service) now() time.Time {
	if s.Now == nil {
		return time.Now().UTC()
	}
	return s.Now().UTC()
}
