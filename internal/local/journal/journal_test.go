package journal_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lunogram-users/internal/local/journal"
)

func open(t *testing.T, path string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func add(t *testing.T, j *journal.Journal, target, body string) string {
	t.Helper()
	id, err := j.Add(target, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func bodies(j *journal.Journal, target string) string {
	var b []string
	for _, e := range j.Waiting(target) {
		b = append(b, string(e.Body))
	}
	return strings.Join(b, " ")
}

func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path)
	add(t, j, "a", "one")
	two := add(t, j, "a", "two")
	add(t, j, "b", "other")
	add(t, j, "a", "three\n")
	j.Done(two)
	// The process dies while it writes a line.
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(`{"add":{"id":"x","target":"a"`); err != nil {
		t.Fatal(err)
	}
	_ = file.Close()
	for range 2 {
		j = open(t, path)
		if got, want := bodies(j, "a"), "one three\n"; got != want {
			t.Errorf("a: got %q, want %q", got, want)
		}
		if got, want := bodies(j, "b"), "other"; got != want {
			t.Errorf("b: got %q, want %q", got, want)
		}
	}
}

func TestEmptiesItself(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path)
	for range 20 {
		j.Done(add(t, j, "a", strings.Repeat("x", 100_000)))
	}
	last := add(t, j, "a", "last")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 2<<20 {
		t.Errorf("size: got %d, want at most 2 MB", info.Size())
	}
	j = open(t, path)
	if got := j.Waiting("a"); len(got) != 1 || got[0].ID != last {
		t.Errorf("waiting: got %d entries, want the last", len(got))
	}
}

func TestNilKeepsNothing(t *testing.T) {
	var j *journal.Journal
	id := add(t, j, "a", "one")
	if id == "" || len(j.Waiting("a")) != 0 {
		t.Errorf("got id %q and %d entries, want an id and none", id, len(j.Waiting("a")))
	}
	j.Done(id)
	if err := j.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestOpenRefusesAnotherFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	if err := os.WriteFile(path, []byte("hello\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.Open(path); err == nil {
		t.Error("got no error")
	}
}
