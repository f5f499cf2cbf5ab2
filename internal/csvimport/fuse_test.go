package csvimport_test

import (
	"context"
	"io"
	"iter"
	"math/rand/v2"
	"sync/atomic"

	"lunogram-users/internal/csvimport"
	"lunogram-users/internal/user"
)

// fuse kills an invocation at one of the calls that it makes: before the call or after it, so that it was carried out and
// nobody knows. Every later call fails.
type fuse struct {
	left   atomic.Int64 // calls until it burns
	kill   context.CancelFunc
	before bool
}

// fused returns the importer as an invocation that is killed at its nth call.
func fused(i *csvimport.Importer, n int64, kill context.CancelFunc) *csvimport.Importer {
	f := &fuse{kill: kill, before: rand.IntN(2) == 0}
	f.left.Store(n)
	killed := *i
	killed.Objects = fusedObjects{i.Objects, f}
	killed.Store = fusedStore{i.Store, f}
	killed.Records = fusedRecords{i.Records, f}
	killed.Queue = fusedQueue{i.Queue, f}
	return &killed
}

// burn makes a call, unless the invocation is dead.
func (f *fuse) burn(call func() error) error {
	left := f.left.Add(-1)
	if left < 0 || left == 0 && f.before {
		f.kill()
		return context.Canceled
	}
	err := call()
	if left == 0 {
		f.kill()
		return context.Canceled
	}
	return err
}

type fusedObjects struct {
	csvimport.Objects
	*fuse
}

func (f fusedObjects) Open(ctx context.Context, key, etag string, from, to int64) (body io.ReadCloser, err error) {
	err = f.burn(func() error {
		body, err = f.Objects.Open(ctx, key, etag, from, to)
		return err
	})
	return body, err
}

func (f fusedObjects) Put(ctx context.Context, key string, content io.ReadSeeker) error {
	return f.burn(func() error { return f.Objects.Put(ctx, key, content) })
}

func (f fusedObjects) Remove(ctx context.Context, key string) error {
	return f.burn(func() error { return f.Objects.Remove(ctx, key) })
}

func (f fusedObjects) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	if err := f.burn(func() error { return nil }); err != nil {
		return func(yield func(string, error) bool) { yield("", err) }
	}
	return f.Objects.List(ctx, prefix)
}

type fusedStore struct {
	csvimport.Store
	*fuse
}

func (f fusedStore) Prepare(ctx context.Context, l user.Load, rows []user.Row) (d []user.Decision, u user.Usage, err error) {
	err = f.burn(func() error {
		d, u, err = f.Store.Prepare(ctx, l, rows)
		return err
	})
	return d, u, err
}

// Apply kills in the middle of a batch now and then: some rows are written, of all of which nobody hears.
func (f fusedStore) Apply(ctx context.Context, l user.Load, decisions []user.Decision) []user.Result {
	results := make([]user.Result, len(decisions))
	err := f.burn(func() error {
		if f.left.Load() == 0 && rand.IntN(2) == 0 {
			results = f.Store.Apply(ctx, l, decisions[:len(decisions)/2])
			return context.Canceled
		}
		results = f.Store.Apply(ctx, l, decisions)
		return nil
	})
	if err != nil {
		results = make([]user.Result, len(decisions))
		for n := range results {
			results[n].Err = err
		}
	}
	return results
}

func (f fusedStore) Undo(ctx context.Context, projectID, importID string, before []user.Before) []user.UndoResult {
	var results []user.UndoResult
	err := f.burn(func() error {
		results = f.Store.Undo(ctx, projectID, importID, before)
		return nil
	})
	if err != nil {
		for n := range results {
			results[n].Err = err
		}
	}
	if results == nil {
		seen := make(map[string]bool)
		for _, b := range before {
			if !seen[b.UserID] {
				seen[b.UserID] = true
				results = append(results, user.UndoResult{UserID: b.UserID, Err: err})
			}
		}
	}
	return results
}

func (f fusedStore) ImportMembers(ctx context.Context, projectID, listID, importID string, ids []string) (u user.Usage, err error) {
	err = f.burn(func() error {
		if f.left.Load() == 0 && rand.IntN(2) == 0 {
			ids = ids[:len(ids)/2]
		}
		u, err = f.Store.ImportMembers(ctx, projectID, listID, importID, ids)
		return err
	})
	return u, err
}

func (f fusedStore) DropImported(ctx context.Context, projectID, listID, importID string, ids []string) error {
	return f.burn(func() error {
		if f.left.Load() == 0 && rand.IntN(2) == 0 {
			ids = ids[:len(ids)/2]
		}
		return f.Store.DropImported(ctx, projectID, listID, importID, ids)
	})
}

type fusedRecords struct {
	csvimport.Records
	*fuse
}

func (f fusedRecords) Import(ctx context.Context, projectID, id string) (r csvimport.Import, err error) {
	err = f.burn(func() error {
		r, err = f.Records.Import(ctx, projectID, id)
		return err
	})
	return r, err
}

func (f fusedRecords) ChangeImport(ctx context.Context, projectID, id string, change func(*csvimport.Import) error) (r csvimport.Import, err error) {
	err = f.burn(func() error {
		r, err = f.Records.ChangeImport(ctx, projectID, id, change)
		return err
	})
	return r, err
}

func (f fusedRecords) ChangeChunk(ctx context.Context, t csvimport.Task, change func(*csvimport.Chunk) error) (c csvimport.Chunk, err error) {
	err = f.burn(func() error {
		c, err = f.Records.ChangeChunk(ctx, t, change)
		return err
	})
	return c, err
}

type fusedQueue struct {
	csvimport.Queue
	*fuse
}

// Send may lose the second half of the tasks when it is killed.
func (f fusedQueue) Send(ctx context.Context, tasks ...csvimport.Task) error {
	return f.burn(func() error {
		if f.left.Load() == 0 {
			tasks = tasks[:len(tasks)/2]
		}
		return f.Queue.Send(ctx, tasks...)
	})
}
