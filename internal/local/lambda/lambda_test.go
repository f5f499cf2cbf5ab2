package lambda_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"lunogram-users/internal/local/child"
	"lunogram-users/internal/local/lambda"
)

// mode makes the test's own binary a bootstrap instead of running the tests.
const mode = "LAMBDA_TEST_MODE"

func TestMain(m *testing.M) {
	if m := os.Getenv(mode); m != "" {
		bootstrap(m, "http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+"/2018-06-01/runtime/")
		return
	}
	os.Exit(m.Run())
}

// bootstrap is a runtime that behaves as the mode says.
func bootstrap(mode, api string) {
	if mode == "init error" {
		post(api+"init/error", `{"errorType":"Init.Bad","errorMessage":"no"}`)
		os.Exit(1)
	}
	fmt.Print("started\nhalf a line")
	for {
		response, err := http.Get(api + "invocation/next")
		if err != nil {
			os.Exit(1)
		}
		event, _ := io.ReadAll(response.Body)
		invocation := api + "invocation/" + response.Header.Get("Lambda-Runtime-Aws-Request-Id")
		switch mode {
		case "echo":
			post(invocation+"/response", string(event))
		case "headers":
			post(invocation+"/response", fmt.Sprintf("%q", response.Header))
		case "error":
			post(invocation+"/error", `{"errorType":"My.Error","errorMessage":"secret"}`)
		case "bare error":
			post(invocation+"/error", `nonsense`)
		case "large":
			post(invocation+"/response", strings.Repeat("x", lambda.MaxPayload+1))
		case "twice":
			post(invocation+"/response", `"first"`)
			post(invocation+"/response", `"second"`)
		case "exit":
			os.Exit(3)
		case "hang":
			select {}
		}
	}
}

func post(url, body string) {
	response, err := http.Post(url, "application/json", strings.NewReader(body))
	if err == nil {
		_ = response.Body.Close()
	}
}

func newFunction(t *testing.T, mode string, change func(*lambda.Config)) *lambda.Function {
	t.Helper()
	group := child.NewGroup(child.Options{})
	c := lambda.Config{
		Name: "f", ARN: "arn:f", Binary: os.Args[0], Environment: []string{"LAMBDA_TEST_MODE=" + mode}, Group: group,
		Timeout: 10 * time.Second,
	}
	if change != nil {
		change(&c)
	}
	f := lambda.New(c)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		f.Close(ctx)
		group.Close()
	})
	return f
}

func TestOutcomes(t *testing.T) {
	for _, test := range []struct{ mode, response, kind string }{
		{"echo", `{"a":1}`, ""},
		{"twice", `"first"`, ""},
		{"error", "", "My.Error"},
		{"bare error", "", "Unhandled"},
		{"large", "", "Function.ResponseSizeTooLarge"},
		{"exit", "", "Runtime.ExitError"},
		{"init error", "", "Init.Bad"},
		{"hang", "", "Sandbox.Timedout"},
	} {
		t.Run(test.mode, func(t *testing.T) {
			f := newFunction(t, test.mode, func(c *lambda.Config) {
				if test.mode == "hang" {
					c.Timeout = 200 * time.Millisecond
				}
			})
			for range 2 { // and the function can be used again
				response, err := f.Invoke(t.Context(), []byte(`{"a":1}`))
				var kind string
				if e, ok := errors.AsType[*lambda.Error](err); ok {
					kind = e.Type
				} else if err != nil {
					t.Fatal(err)
				}
				if string(response) != test.response || kind != test.kind {
					t.Errorf("got %q and error %q, want %q and %q", response, kind, test.response, test.kind)
				}
				if err != nil && strings.Contains(err.Error(), "secret") {
					t.Errorf("error %q holds the function's message", err)
				}
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	f := newFunction(t, "headers", nil)
	response, err := f.Invoke(t.Context(), []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Lambda-Runtime-Aws-Request-Id", "Lambda-Runtime-Deadline-Ms", `"arn:f"`, "Root=1-"} {
		if !bytes.Contains(response, []byte(want)) {
			t.Errorf("got %s, want it to contain %s", response, want)
		}
	}
}

func TestBounds(t *testing.T) {
	f := newFunction(t, "hang", nil)
	if _, err := f.Invoke(t.Context(), make([]byte, lambda.MaxPayload+1)); !errors.Is(err, lambda.ErrTooLarge) {
		t.Errorf("large event: got %v, want ErrTooLarge", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for range 2 { // the first is abandoned and still runs, the second waits for the one slot
		if _, err := f.Invoke(ctx, []byte("{}")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's error", err)
		}
	}
	if killed := f.Kill(); killed != 1 {
		t.Errorf("killed: got %d, want 1", killed)
	}
	closed, stop := context.WithCancel(t.Context())
	stop()
	f.Close(closed)
	if _, err := f.Invoke(t.Context(), []byte("{}")); !errors.Is(err, lambda.ErrClosed) {
		t.Errorf("after close: got %v, want ErrClosed", err)
	}
	if got := len(f.Processes()); got != 0 {
		t.Errorf("processes after close: got %d, want none", got)
	}
}

func TestIdleProcessesEnd(t *testing.T) {
	f := newFunction(t, "echo", func(c *lambda.Config) { c.IdleAfter, c.MaxProcesses = 20*time.Millisecond, 2 })
	if err := f.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); len(f.Processes()) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the idle process lives")
		}
	}
	if _, err := f.Invoke(t.Context(), []byte("{}")); err != nil {
		t.Errorf("after that: %v", err)
	}
}

// Killing at any moment fails at most what ran, and never wedges the function.
func TestKillAtAnyMoment(t *testing.T) {
	f := newFunction(t, "echo", func(c *lambda.Config) { c.MaxProcesses = 4 })
	var callers sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		callers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				response, err := f.Invoke(t.Context(), []byte(`"x"`))
				if e, ok := errors.AsType[*lambda.Error](err); ok && e.Type == "Runtime.ExitError" {
					continue
				}
				if err != nil || string(response) != `"x"` {
					t.Errorf("got %s (%v)", response, err)
				}
			}
		})
	}
	for range 20 {
		time.Sleep(10 * time.Millisecond)
		f.Kill()
	}
	close(stop)
	callers.Wait()
	if response, err := f.Invoke(t.Context(), []byte(`"y"`)); err != nil || string(response) != `"y"` {
		t.Errorf("after the kills: got %s (%v)", response, err)
	}
}

// record keeps each Write apart.
type record struct {
	mu    sync.Mutex
	lines []string
}

func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, string(b))
	return len(b), nil
}

func TestOutputComesInLines(t *testing.T) {
	var r record
	f := newFunction(t, "echo", func(c *lambda.Config) { c.Output = &r })
	if _, err := f.Invoke(t.Context(), []byte("{}")); err != nil {
		t.Fatal(err)
	}
	closed, stop := context.WithCancel(t.Context())
	stop()
	f.Close(closed)
	r.mu.Lock()
	defer r.mu.Unlock()
	if got, want := strings.Join(r.lines, "|"), "started\n|half a line\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
