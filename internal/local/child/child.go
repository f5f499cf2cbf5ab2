// Package child runs processes that must not outlive this one.
//
// Closing a [Group] kills what it started. On Linux the kernel also does so when this process dies without
// having had the time to (SIGKILL, a crash, a test's timeout); elsewhere such a death leaves them running.
package child

import (
	"errors"
	"os/exec"
	"runtime"
	"sync"
)

// ErrClosed says that the group was closed.
var ErrClosed = errors.New("the process group is closed")

// Group starts processes and knows those that live. All its methods may be called concurrently.
type Group struct {
	options Options
	starts  chan start
	closing chan struct{}
	once    sync.Once
	live    sync.WaitGroup
	mu      sync.Mutex
	running map[*exec.Cmd]struct{}
	closed  bool
}

type start struct {
	cmd   *exec.Cmd
	reply chan error
}

// Options changes how a group runs its processes. The zero value is the usual one.
type Options struct {
	// SkipSync makes fsync do nothing in the processes, if the kernel can: what they write then outlives them
	// but not a crash of the machine.
	SkipSync bool
}

// NewGroup returns an empty group. Close it to end its processes.
func NewGroup(o Options) *Group {
	g := &Group{options: o, starts: make(chan start), closing: make(chan struct{}), running: map[*exec.Cmd]struct{}{}}
	go g.fork()
	return g
}

// fork starts every process from one thread that lives as long as the group: the kernel sends a child its
// parent-death signal when the *thread* that forked it ends (prctl(2), PR_SET_PDEATHSIG), and the Go runtime
// may end any other thread at any time. The thread is never unlocked, so it ends with this function and runs
// nothing else before or after: skipSync is for the processes alone.
func (g *Group) fork() {
	runtime.LockOSThread()
	if g.options.SkipSync {
		skipSync()
	}
	for {
		select {
		case s := <-g.starts:
			s.reply <- g.start(s.cmd)
		case <-g.closing:
			return
		}
	}
}

func (g *Group) start(cmd *exec.Cmd) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return ErrClosed
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	g.running[cmd] = struct{}{}
	g.live.Add(1)
	return nil
}

// Start starts cmd in a process group of its own, so that a terminal's Ctrl-C does not reach it. The returned
// function waits for its end as cmd.Wait does and must be called exactly once. It returns ErrClosed after
// Close, and else the errors of cmd.Start.
func (g *Group) Start(cmd *exec.Cmd) (wait func() error, err error) {
	cmd.SysProcAttr = attributes()
	s := start{cmd, make(chan error, 1)}
	select {
	case g.starts <- s:
	case <-g.closing:
		return nil, ErrClosed
	}
	if err := <-s.reply; err != nil {
		return nil, err
	}
	return func() error {
		defer g.live.Done()
		err := cmd.Wait()
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.running, cmd)
		return err
	}, nil
}

// Processes returns the ids of the processes that live, in no order.
func (g *Group) Processes() []int {
	g.mu.Lock()
	defer g.mu.Unlock()
	ids := make([]int, 0, len(g.running))
	for cmd := range g.running {
		ids = append(ids, cmd.Process.Pid)
	}
	return ids
}

// Close kills every process of the group and waits until each has ended. Further calls do nothing.
func (g *Group) Close() {
	g.once.Do(func() {
		g.mu.Lock()
		g.closed = true
		for cmd := range g.running {
			Kill(cmd)
		}
		g.mu.Unlock()
		g.live.Wait()
		close(g.closing)
	})
}
