package lambda

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"lunogram-users/internal/local/child"
)

// process is one running bootstrap and the Runtime API that it alone polls.
type process struct {
	cmd    *exec.Cmd
	group  *child.Group
	server *http.Server

	// Guarded by the lock of the function.
	reaper  *time.Timer // ends the process when it is idle for long
	retired bool        // it was killed and is not to be used again

	events  chan *invocation // handed to the poll of the process
	polled  chan struct{}    // closed at the first poll
	poll    sync.Once
	exited  chan struct{} // closed when the process has ended
	initErr chan *Error   // holds what the process posted to init/error, if it did

	mu      sync.Mutex
	current *invocation // the one it runs, nil between two
}

// invocation is one event on its way through a process.
type invocation struct {
	id       string
	arn      string
	event    []byte
	deadline time.Time
	answer   chan outcome // buffered; gets exactly one value
}

type outcome struct {
	response  []byte
	err       error
	delivered bool // the process got the event
}

// startProcess starts a bootstrap. It does not wait for its first poll.
func startProcess(config Config) (*process, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the runtime of %s: %w", config.Name, err)
	}
	p := &process{
		group:   config.Group,
		events:  make(chan *invocation),
		polled:  make(chan struct{}),
		exited:  make(chan struct{}),
		initErr: make(chan *Error, 1),
	}
	p.server = &http.Server{Handler: p.runtimeAPI(), ReadHeaderTimeout: initTimeout}
	p.cmd = exec.Command(config.Binary)
	p.cmd.Dir = filepath.Dir(config.Binary)
	p.cmd.Env = slices.Concat(config.Environment, []string{"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String()})
	output := &lines{to: config.Output}
	p.cmd.Stdout, p.cmd.Stderr = output, output
	p.cmd.WaitDelay = time.Second // a grandchild may hold the pipe open
	wait, err := p.group.Start(p.cmd)
	if err != nil {
		_ = listener.Close()
		return nil, fmt.Errorf("start %s: %w", config.Name, err)
	}
	go func() { _ = p.server.Serve(listener) }()
	go func() {
		_ = wait() // why it ended is told by what it did before
		output.flush()
		_ = p.server.Close()
		close(p.exited)
	}()
	return p, nil
}

func (p *process) alive() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

func (p *process) kill() { child.Kill(p.cmd) }

// awaitPoll waits until the process polls for the first time, for as long as Lambda would.
func (p *process) awaitPoll() error {
	timer := time.NewTimer(initTimeout)
	defer timer.Stop()
	select {
	case <-p.polled:
		return nil
	case e := <-p.initErr:
		p.kill()
		return e
	case <-p.exited:
		select {
		case e := <-p.initErr:
			return e
		default:
			return failure("Runtime.ExitError", "Runtime exited during init")
		}
	case <-timer.C:
		p.kill()
		return failure("Sandbox.Timedout", "Task timed out during init")
	}
}

// invoke runs one event. The process is dead or about to be when it did not answer in time.
func (p *process) invoke(requestID string, event []byte, config Config) outcome {
	if err := p.awaitPoll(); err != nil {
		return outcome{err: err}
	}
	in := &invocation{id: requestID, arn: config.ARN, event: event, answer: make(chan outcome, 1)}
	timer := time.NewTimer(config.Timeout)
	defer timer.Stop()
	in.deadline = time.Now().Add(config.Timeout)
	select {
	case p.events <- in: // it polls
	case <-p.exited:
		return p.ended(in)
	case <-timer.C:
		return p.timedOut(in, config.Timeout)
	}
	o := p.await(in, timer, config.Timeout)
	o.delivered = true
	return o
}

// await waits for the answer to an event that the process got.
func (p *process) await(in *invocation, timer *time.Timer, timeout time.Duration) outcome {
	select {
	case o := <-in.answer:
		return o
	case <-p.exited:
		return p.ended(in)
	case <-timer.C:
		return p.timedOut(in, timeout)
	}
}

// ended is the outcome of an invocation whose process is gone: what it answered just before, if it did.
func (p *process) ended(in *invocation) outcome {
	select {
	case o := <-in.answer:
		return o
	default:
		message := fmt.Sprintf("RequestId: %s Error: Runtime exited with error: %s", in.id, p.cmd.ProcessState)
		return outcome{err: failure("Runtime.ExitError", message)}
	}
}

func (p *process) timedOut(in *invocation, timeout time.Duration) outcome {
	p.kill()
	<-p.exited
	select {
	case o := <-in.answer:
		return o
	default:
		message := fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", in.id, timeout.Seconds())
		return outcome{err: failure("Sandbox.Timedout", message)}
	}
}

// failure returns the error of an invocation, with its payload as Lambda words it.
func failure(kind, message string) *Error {
	payload, _ := json.Marshal(map[string]string{"errorType": kind, "errorMessage": message}) // strings always marshal
	return &Error{Type: kind, Message: message, Payload: payload}
}

// traceID returns an X-Ray header value that says "not sampled".
// Source: https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
func traceID(now time.Time) string {
	random := strings.ReplaceAll(uuid.NewString(), "-", "")
	return fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0", now.Unix(), random[:24], random[16:])
}
