package child_test

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"lunogram-users/internal/local/child"
)

// parent makes the test's own binary start a child and print its id, instead of running the tests.
const parent = "CHILD_TEST_PARENT"

func TestMain(m *testing.M) {
	if os.Getenv(parent) != "" {
		cmd := exec.Command("sleep", "60")
		if _, err := child.NewGroup(child.Options{}).Start(cmd); err != nil {
			os.Exit(1)
		}
		_, _ = os.Stdout.WriteString(strconv.Itoa(cmd.Process.Pid) + "\n")
		select {}
	}
	os.Exit(m.Run())
}

// gone waits until no process has the id.
func gone(t *testing.T, id int) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if errors.Is(syscall.Kill(id, 0), syscall.ESRCH) {
			return
		}
	}
	t.Errorf("process %d lives", id)
}

func TestCloseKillsAll(t *testing.T) {
	g := child.NewGroup(child.Options{})
	var ids []int
	for range 3 {
		cmd := exec.Command("sh", "-c", "sleep 60 & wait")
		wait, err := g.Start(cmd)
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = wait() }()
		ids = append(ids, cmd.Process.Pid)
	}
	if got := len(g.Processes()); got != 3 {
		t.Errorf("processes: got %d, want 3", got)
	}
	g.Close()
	g.Close()
	for _, id := range ids {
		gone(t, id)
	}
	if _, err := g.Start(exec.Command("true")); !errors.Is(err, child.ErrClosed) {
		t.Errorf("start after close: got %v, want ErrClosed", err)
	}
}

func TestStartError(t *testing.T) {
	g := child.NewGroup(child.Options{})
	defer g.Close()
	if _, err := g.Start(exec.Command("/none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want that it does not exist", err)
	}
}
