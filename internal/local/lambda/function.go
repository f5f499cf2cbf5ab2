// Package lambda runs the bootstrap binaries of functions as AWS Lambda does: processes that poll a Runtime
// API, one invocation at a time each, started on demand, reused when idle, killed at their timeout.
package lambda

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"lunogram-users/internal/local/child"
)

// MaxPayload is the size in bytes of the largest event and the largest response of a synchronous invocation.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const MaxPayload = 6 << 20

// initTimeout is how long Lambda gives a process to reach its first poll.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
const initTimeout = 10 * time.Second

// ErrTooLarge says that an event exceeds MaxPayload.
var ErrTooLarge = errors.New("the event is larger than 6 MB")

// ErrClosed says that the function was closed.
var ErrClosed = errors.New("the function is closed")

// Error is the failure of an invocation as Lambda reports it: what the function itself posted, or
// Runtime.ExitError for a process that ended, or Sandbox.Timedout for one that was too slow.
type Error struct {
	Type    string
	Message string
	Payload []byte // JSON, as a caller of Invoke on AWS would get it
}

// Error returns the type alone: the message of a function may hold personal data.
func (e *Error) Error() string { return "function error " + e.Type }

// Config says what to run.
type Config struct {
	Name         string // AWS_LAMBDA_FUNCTION_NAME
	ARN          string
	Binary       string // path of the bootstrap
	Environment  []string
	Timeout      time.Duration // of one invocation; 3 seconds if 0
	MaxProcesses int           // at a time; 1 if 0
	IdleAfter    time.Duration // an unused process ends after it; 5 minutes if 0
	Output       io.Writer     // gets the lines the processes print; nil discards them
	Group        *child.Group  // owns the processes
}

// Function is a pool of processes of one bootstrap. Its methods may be called concurrently.
type Function struct {
	config Config
	slots  chan struct{} // one is held by each invocation that runs

	mu     sync.Mutex
	idle   []*process // the last used is the last
	live   map[*process]struct{}
	closed bool
	calls  sync.WaitGroup
}

// New returns a function without processes. Close it to end those it will start.
func New(config Config) *Function {
	config.Timeout = orDefault(config.Timeout, 3*time.Second)
	config.IdleAfter = orDefault(config.IdleAfter, 5*time.Minute)
	config.MaxProcesses = max(config.MaxProcesses, 1)
	if config.Output == nil {
		config.Output = io.Discard
	}
	return &Function{
		config: config,
		slots:  make(chan struct{}, config.MaxProcesses),
		live:   map[*process]struct{}{},
	}
}

func orDefault(d, fallback time.Duration) time.Duration {
	if d == 0 {
		return fallback
	}
	return d
}

// Invoke runs the function on an event and returns its JSON response. When every process is busy and no more
// may be started it waits. It returns *Error if the function failed, ErrTooLarge, ErrClosed, or the context's
// error; when the context ends while the function runs, the function runs on, as it does on AWS. The request
// id is that of WithRequestID, or a new one.
func (f *Function) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	if len(event) > MaxPayload {
		return nil, ErrTooLarge
	}
	if err := f.begin(ctx); err != nil {
		return nil, err
	}
	answer := make(chan outcome, 1)
	go func() {
		defer f.end()
		answer <- f.run(requestID(ctx), event)
	}()
	select {
	case o := <-answer:
		return o.response, o.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// begin takes a slot; end gives it back.
func (f *Function) begin(ctx context.Context) error {
	select {
	case f.slots <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		<-f.slots
		return ErrClosed
	}
	f.calls.Add(1)
	return nil
}

func (f *Function) end() {
	<-f.slots
	f.calls.Done()
}

// run runs one invocation in an idle process or a new one. An idle process may turn out to have died before it
// got the event; then another one gets it.
func (f *Function) run(requestID string, event []byte) outcome {
	for {
		p, idle, err := f.take()
		if err != nil {
			return outcome{err: err}
		}
		o := p.invoke(requestID, event, f.config)
		f.give(p)
		if o.delivered || !idle {
			return o
		}
	}
}

// take returns the process that became idle last, or a new one.
func (f *Function) take() (p *process, idle bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, false, ErrClosed
	}
	if last := len(f.idle) - 1; last >= 0 {
		p := f.idle[last]
		f.idle = f.idle[:last]
		p.reaper.Stop()
		return p, true, nil
	}
	p, err = startProcess(f.config)
	if err != nil {
		return nil, false, err
	}
	f.live[p] = struct{}{}
	go f.forget(p)
	return p, false, nil
}

func (f *Function) give(p *process) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !p.alive() {
		delete(f.live, p)
		return
	}
	if f.closed || p.retired {
		p.kill()
		return
	}
	f.idle = append(f.idle, p)
	p.reaper = time.AfterFunc(f.config.IdleAfter, func() { f.reap(p) })
}

func (f *Function) reap(p *process) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i := slices.Index(f.idle, p); i >= 0 {
		f.idle = slices.Delete(f.idle, i, i+1)
		p.kill()
	}
}

// forget drops a process from the pool when it has ended.
func (f *Function) forget(p *process) {
	<-p.exited
	f.drop(p)
}

func (f *Function) drop(p *process) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.live, p)
	if i := slices.Index(f.idle, p); i >= 0 {
		f.idle = slices.Delete(f.idle, i, i+1)
		p.reaper.Stop()
	}
}

// Warm starts a process, if none is idle, and waits until it polls for its first event. It returns *Error if
// the process ended or took more than 10 seconds, and else as Invoke.
func (f *Function) Warm(ctx context.Context) error {
	if err := f.begin(ctx); err != nil {
		return err
	}
	defer f.end()
	p, _, err := f.take()
	if err != nil {
		return err
	}
	err = p.awaitPoll()
	f.give(p)
	return err
}

// Kill ends all processes at once with SIGKILL and returns how many there were. What they were doing fails.
func (f *Function) Kill() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.retire()
	return len(f.live)
}

// retire kills every process and leaves none to be taken; the lock must be held.
func (f *Function) retire() {
	for p := range f.live {
		p.retired = true
		p.kill()
	}
	for _, p := range f.idle {
		p.reaper.Stop()
	}
	f.idle = nil
}

// Processes returns the ids of the processes that live, in no order.
func (f *Function) Processes() []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	ids := make([]int, 0, len(f.live))
	for p := range f.live {
		ids = append(ids, p.cmd.Process.Pid)
	}
	return ids
}

// Close waits until no invocation runs or ctx ends, then kills every process and waits for its end. No
// invocation starts after it was called.
func (f *Function) Close(ctx context.Context) {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		f.calls.Wait()
	}()
	select {
	case <-drained:
	case <-ctx.Done():
	}
	f.mu.Lock()
	f.retire()
	processes := slices.Collect(maps.Keys(f.live))
	f.mu.Unlock()
	for _, p := range processes {
		<-p.exited
		f.drop(p)
	}
	<-drained
}
