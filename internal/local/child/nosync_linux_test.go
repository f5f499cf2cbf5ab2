package child_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lunogram-users/internal/local/child"
)

// Only the processes of the group are kept from syncing, and no thread of this one.
func TestSkipSync(t *testing.T) {
	own := filtered(t, "/proc/thread-self/status")
	g := child.NewGroup(child.Options{SkipSync: true})
	defer g.Close()
	cmd := exec.Command("sleep", "60")
	wait, err := g.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = wait() }()
	sync := exec.Command("dd", "if=/dev/zero", "of="+filepath.Join(t.TempDir(), "file"), "count=1", "conv=fsync")
	if done, err := g.Start(sync); err != nil || done() != nil {
		t.Errorf("a process that syncs fails (%v)", err)
	}
	if got := filtered(t, fmt.Sprintf("/proc/%d/status", cmd.Process.Pid)); got != "2" {
		t.Errorf("process: got seccomp mode %s, want 2", got)
	}
	if got := filtered(t, "/proc/thread-self/status"); got != own {
		t.Errorf("own thread: got seccomp mode %s, want %s as before", got, own)
	}
}

// filtered returns the seccomp mode of a status file.
func filtered(t *testing.T, status string) string {
	t.Helper()
	content, err := os.ReadFile(status)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(content), "\nSeccomp:\t")
	mode, _, _ := strings.Cut(rest, "\n")
	return mode
}
