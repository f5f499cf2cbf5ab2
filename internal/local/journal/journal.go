// Package journal remembers which messages were accepted and not yet dealt with, so that a process that is
// killed delivers them when it is started again: at least once.
package journal

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"github.com/google/uuid"
)

// Entry is a message that waits.
type Entry struct {
	ID     string `json:"id"`
	Target string `json:"target"` // who is to get it
	Body   []byte `json:"body"`
}

// line is one line of the file: an entry, or the id of one that is done.
type line struct {
	Entry *Entry `json:"add,omitempty"`
	Done  string `json:"done,omitempty"`
}

// Journal is a file of entries. A nil *Journal remembers nothing, and all its methods may be called. They may be
// called concurrently.
type Journal struct {
	mu      sync.Mutex
	file    *os.File
	waiting map[string]Entry
	order   []string // ids as they came, done ones included until the file is emptied
	size    int      // of the file, in bytes
}

// compactAt is the size in bytes from which the file is emptied when nothing waits.
const compactAt = 1 << 20

// Open opens the journal in the file path, which is made if need be, and drops from it what is done. A last
// line cut short by a death is ignored: whoever wrote it was never told that it had been accepted.
func Open(path string) (*Journal, error) {
	j := &Journal{waiting: map[string]Entry{}}
	if err := j.load(path); err != nil {
		return nil, fmt.Errorf("read journal %s: %w", path, err)
	}
	if err := j.rewrite(path); err != nil {
		return nil, fmt.Errorf("rewrite journal %s: %w", path, err)
	}
	return j, nil
}

func (j *Journal) load(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	reader := bufio.NewReader(file)
	for {
		text, err := reader.ReadBytes('\n')
		if err == io.EOF {
			return nil // with or without a torn line
		}
		if err != nil {
			return err
		}
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return err
		}
		if l.Entry != nil {
			j.waiting[l.Entry.ID] = *l.Entry
			j.order = append(j.order, l.Entry.ID)
		}
		delete(j.waiting, l.Done)
	}
}

// rewrite replaces the file by one of the waiting entries alone and leaves it open.
func (j *Journal) rewrite(path string) error {
	scratch := path + ".new"
	file, err := os.OpenFile(scratch, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	j.file = file
	j.order = slices.DeleteFunc(j.order, func(id string) bool { _, ok := j.waiting[id]; return !ok })
	for _, id := range j.order {
		if err := j.append(line{Entry: new(j.waiting[id])}); err != nil {
			return errors.Join(err, file.Close())
		}
	}
	return os.Rename(scratch, path)
}

// append writes one line in one call. Nothing is synced to the disk: the journal outlives the process, not the
// machine.
func (j *Journal) append(l line) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	n, err := j.file.Write(append(text, '\n'))
	j.size += n
	return err
}

// Add remembers a message for target and returns the id of its entry.
func (j *Journal) Add(target string, body []byte) (id string, err error) {
	id = uuid.NewString()
	if j == nil {
		return id, nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	e := Entry{ID: id, Target: target, Body: body}
	if err := j.append(line{Entry: &e}); err != nil {
		return "", fmt.Errorf("write journal: %w", err)
	}
	j.waiting[id] = e
	j.order = append(j.order, id)
	return id, nil
}

// Done forgets an entry. If it cannot be written the message is delivered again by the next process, which
// receivers bear anyway.
func (j *Journal) Done(id string) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.waiting, id)
	_ = j.append(line{Done: id})
	if len(j.waiting) == 0 && j.size > compactAt {
		j.empty()
	}
}

// empty starts the file anew when nothing waits. If that fails the file is only longer than need be.
func (j *Journal) empty() {
	if j.file.Truncate(0) != nil {
		return
	}
	_, _ = j.file.Seek(0, io.SeekStart)
	j.size, j.order = 0, nil
}

// Waiting returns the entries for target that are not done, oldest first.
func (j *Journal) Waiting(target string) []Entry {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	var entries []Entry
	for _, id := range j.order {
		if e, ok := j.waiting[id]; ok && e.Target == target {
			entries = append(entries, e)
		}
	}
	return entries
}

// Close closes the file.
func (j *Journal) Close() error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.file.Close()
}
