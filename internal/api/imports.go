package api

import (
	"context"
	"errors"

	"lunogram-users/internal/csvimport"
	"lunogram-users/internal/list"
	"lunogram-users/internal/user"
)

// Importer is what the API does with imports; csvimport.Service does it. Every method may be called concurrently. An import
// that the project does not have is user.ErrNotFound.
type Importer interface {
	// Create makes an import that waits for a file of that name, and a link to which the file goes. It returns
	// list.ErrNotFound, list.ErrKind or list.ErrArchived if the list of the options takes none.
	Create(ctx context.Context, projectID, name string, o csvimport.Options) (csvimport.Import, csvimport.Link, error)
	Get(ctx context.Context, projectID, id string) (csvimport.Progress, error)
	// List returns the newest first. after is the next of the page before it, or "".
	List(ctx context.Context, projectID, after string, limit int) (page []csvimport.Progress, next string, err error)
	// Cancel returns csvimport.ErrFinished for an import that has ended otherwise.
	Cancel(ctx context.Context, projectID, id string) (csvimport.Progress, error)
	// Undo returns csvimport.ErrNoUndo for an import that cannot be taken back.
	Undo(ctx context.Context, projectID, id string) (csvimport.Progress, error)
	// Results returns links to those results that exist.
	Results(ctx context.Context, i csvimport.Import) (map[csvimport.Result]csvimport.Link, error)
}

// noImport says of what the caller was looking for: the domain's error fits users too.
func noImport(err error) error {
	if errors.Is(err, user.ErrNotFound) {
		return errNoImport
	}
	return err
}

// createImport makes an import that waits for its file.
func (s *service) createImport(ctx context.Context, in createImportRequest) (createdImportView, error) {
	i, upload, err := s.importer.Create(ctx, in.projectID, in.name, in.options)
	if err != nil {
		return createdImportView{}, listFault(err)
	}
	return createdImportView{
		importView: showImport(csvimport.Progress{Import: i}, s.now()),
		Upload:     uploadView{Method: "PUT", linkView: showLink(upload)},
	}, nil
}

const noList = "must be the id of a static list of the project"

// listFault says of a list that takes no import that it is a fault of the request.
func listFault(err error) error {
	b := &badRequest{}
	switch {
	case errors.Is(err, list.ErrNotFound), errors.Is(err, list.ErrKind):
		b.body("/list_id", noList)
	case errors.Is(err, list.ErrArchived):
		b.body("/list_id", "must be a list in use; that one is archived")
	default:
		return err
	}
	return b.err()
}

// getImport reads one import.
func (s *service) getImport(ctx context.Context, in importPath) (importView, error) {
	p, err := s.importer.Get(ctx, in.projectID, in.importID)
	if err != nil {
		return importView{}, noImport(err)
	}
	return s.withFiles(ctx, p)
}

// withFiles shows an import with links to its results.
func (s *service) withFiles(ctx context.Context, p csvimport.Progress) (importView, error) {
	links, err := s.importer.Results(ctx, p.Import)
	if err != nil {
		return importView{}, err
	}
	v := showImport(p, s.now())
	v.Files = showFiles(links)
	return v, nil
}

// listImports reads a page of imports.
func (s *service) listImports(ctx context.Context, q pageRequest) (importPageView, error) {
	page, next, err := s.importer.List(ctx, q.projectID, q.after, q.limit)
	v := importPageView{Results: make([]importView, len(page)), NextCursor: q.seal.seal(next), Limit: q.limit}
	for n, p := range page {
		v.Results[n] = showImport(p, s.now())
	}
	return v, err
}

// cancelImport stops an import.
func (s *service) cancelImport(ctx context.Context, in importPath) (importView, error) {
	p, err := s.importer.Cancel(ctx, in.projectID, in.importID)
	if err != nil {
		return importView{}, noImport(err)
	}
	return s.withFiles(ctx, p)
}

// undoImport begins to take an import back.
func (s *service) undoImport(ctx context.Context, in importPath) (importView, error) {
	p, err := s.importer.Undo(ctx, in.projectID, in.importID)
	if err != nil {
		return importView{}, noImport(err)
	}
	return s.withFiles(ctx, p)
}
