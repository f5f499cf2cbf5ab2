package csvimport

import (
	"context"
	"io"
	"iter"

	"lunogram-users/internal/list"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// Records keeps the imports. It must be safe for concurrent use, its reads of one record strongly consistent.
type Records interface {
	// Import returns the record, or user.ErrNotFound.
	Import(ctx context.Context, projectID, id string) (Import, error)
	// ChangeImport lets change amend the record and stores it if nobody else has meanwhile; if somebody has, it
	// begins again, so change may be called several times. A record that does not exist is the zero value but for its
	// ids. An error of change ends it and is returned. It returns the record as it is stored in the end.
	ChangeImport(ctx context.Context, projectID, id string, change func(*Import) error) (Import, error)
	// Imports returns a page of a project's imports, newest first. after is the next of the page before, "" at first; next
	// is "" on the last page. It may lag behind.
	Imports(ctx context.Context, projectID, after string, limit int) (page []Import, next string, err error)
	// ChangeChunk is to a chunk as ChangeImport is to an import.
	ChangeChunk(ctx context.Context, t Task, change func(*Chunk) error) (Chunk, error)
	// Chunks returns the chunks of a phase that were begun, by number.
	Chunks(ctx context.Context, projectID, id string, phase Phase) ([]Chunk, error)
}

// Store is where rows go. It must be safe for concurrent use.
type Store interface {
	// Prepare reads what the rows concern, strongly consistent, and decides what each will do. It writes nothing. The
	// requests are normalized, and there are at most 500 of them; they are decided as if applied in order.
	Prepare(ctx context.Context, l user.Load, rows []user.Row) ([]user.Decision, user.Usage, error)
	// Apply writes what was decided and answers in order. A row that lost a race is answered with user.ErrAgain and one
	// that met a busy store with user.ErrUnavailable: it is to be prepared again.
	Apply(ctx context.Context, l user.Load, decisions []user.Decision) []user.Result
	// Undo takes back what an import did to users, given all that its rows wrote down of each, and answers once for each
	// user, in the order of their first mention. To repeat it answers the same.
	Undo(ctx context.Context, projectID, importID string, before []user.Before) []user.UndoResult

	// ImportMembers makes at most 500 users members of a list, marked with the import, and estimates what that took. Who is a
	// member already stays one as before. It may be repeated; user.ErrUnavailable says that it should be.
	ImportMembers(ctx context.Context, projectID, listID, importID string, userIDs []string) (user.Usage, error)
	// ForeseeMembers estimates what ImportMembers would take.
	ForeseeMembers(ctx context.Context, projectID, listID, importID string, userIDs []string) (user.Usage, error)
	// DropImported takes out of a list those of the users whom the import made members of it. It may be repeated, likewise.
	DropImported(ctx context.Context, projectID, listID, importID string, userIDs []string) error
}

// Lists knows the lists. It must be safe for concurrent use.
type Lists interface {
	// List returns the list, strongly consistent, or list.ErrNotFound.
	List(ctx context.Context, projectID, listID string) (list.List, error)
}

// Projects knows the projects. It must be safe for concurrent use.
type Projects interface {
	// Project returns the project, or user.ErrNotFound.
	Project(ctx context.Context, id string) (project.Project, error)
}

// Objects is the bucket. It must be safe for concurrent use.
type Objects interface {
	// Open returns the bytes from one offset to before another (to the end if it is negative) of the object that has the
	// ETag (without quotes; "" for any). Open, or a later Read, returns ErrGone if there is no such object any more. Any
	// other error but io.EOF may be repeated.
	Open(ctx context.Context, key, etag string, from, to int64) (io.ReadCloser, error)
	// Put stores content, from its current position to its end, under the key.
	Put(ctx context.Context, key string, content io.ReadSeeker) error
	// Remove deletes the object under the key; it is no error if there is none.
	Remove(ctx context.Context, key string) error
	// List returns the keys with the prefix, in order.
	List(ctx context.Context, prefix string) iter.Seq2[string, error]
}

// Queue takes tasks. It must be safe for concurrent use.
type Queue interface {
	// Send puts all tasks on the queue, or returns an error, after which some may be on it.
	Send(ctx context.Context, tasks ...Task) error
}
