//go:build unix

package child

import (
	"os/exec"
	"syscall"
)

// Kill sends SIGKILL to a process started by a Group and to its own children. Killing one that has ended does
// nothing.
func Kill(cmd *exec.Cmd) {
	// The process leads its group, so its id is the group's. The leader itself is killed through
	// os.Process, which knows when the id is no longer its own.
	if cmd.Process.Kill() == nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // fails only when nobody is left
	}
}
