package page_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// chromium is a headless browser, spoken to by the DevTools protocol over two pipes
// (https://chromedevtools.github.io/devtools-protocol). It ends with the test.
type chromium struct {
	in io.Writer

	mu      sync.Mutex
	last    int
	replies map[int]chan message
	events  map[string]chan struct{} // closed when the event comes; by session and name
	gone    error
}

// message is a command, a reply or an event.
type message struct {
	ID      int             `json:"id,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  any             `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// browserPath returns the browser of the machine.
func browserPath(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("CHROMIUM"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("there is no Chromium to look at the pages with: run make browser, or set CHROMIUM to the path of one")
	return ""
}

// startChromium starts a browser. It waits at most a minute for anything.
func startChromium(t *testing.T) *chromium {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	profile, err := os.MkdirTemp("", "pages") // not t.TempDir: the browser's children write for a moment longer than it lives
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, browserPath(t), "--headless=new", "--remote-debugging-pipe", "--user-data-dir="+profile,
		"--no-sandbox", // its own needs rights that containers lack; it sees our pages only
		"--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--force-color-profile=srgb", "--lang=en-US")
	theirIn, in := pipe(t)
	out, theirOut := pipe(t)
	cmd.ExtraFiles = []*os.File{theirIn, theirOut} // 3 and 4
	if err := cmd.Start(); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	_, _ = theirIn.Close(), theirOut.Close()
	c := &chromium{in: in, replies: map[int]chan message{}, events: map[string]chan struct{}{}}
	var reading sync.WaitGroup
	reading.Go(func() { c.read(out) })
	t.Cleanup(func() {
		_, _ = c.call("", "Browser.close", nil)
		_ = in.Close()
		_ = cmd.Wait()
		cancel()
		reading.Wait()
		for range 10 {
			if os.RemoveAll(profile) == nil {
				break
			}
		}
	})
	return c
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

// read hands on what the browser says, until it ends.
func (c *chromium) read(from io.Reader) {
	for r := bufio.NewReader(from); ; {
		text, err := r.ReadBytes(0)
		var m message
		if err == nil {
			err = json.Unmarshal(text[:len(text)-1], &m)
		}
		c.mu.Lock()
		switch {
		case err != nil:
			c.gone = fmt.Errorf("Chromium ended: %w", err)
			for _, reply := range c.replies {
				close(reply)
			}
			for _, event := range c.events {
				close(event)
			}
			c.replies, c.events = nil, nil
			c.mu.Unlock()
			return
		case m.ID != 0:
			c.replies[m.ID] <- m
			delete(c.replies, m.ID)
		default:
			if event := c.events[m.Session+m.Method]; event != nil {
				close(event)
				delete(c.events, m.Session+m.Method)
			}
		}
		c.mu.Unlock()
	}
}

// call sends a command and returns its result.
func (c *chromium) call(session, method string, params any) (json.RawMessage, error) {
	c.mu.Lock()
	if c.gone != nil {
		defer c.mu.Unlock()
		return nil, c.gone
	}
	c.last++
	id, reply := c.last, make(chan message, 1)
	c.replies[id] = reply
	text, err := json.Marshal(message{ID: id, Session: session, Method: method, Params: params})
	if err == nil {
		_, err = c.in.Write(append(text, 0))
	}
	c.mu.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case m, ok := <-reply:
		switch {
		case !ok:
			return nil, errors.New("Chromium ended")
		case m.Error != nil:
			return nil, fmt.Errorf("%s: %s", method, m.Error.Message)
		}
		return m.Result, nil
	case <-time.After(time.Minute):
		return nil, fmt.Errorf("%s: Chromium did not answer within a minute", method)
	}
}

// expect returns a channel that is closed at the next event of the session with the name.
func (c *chromium) expect(session, name string) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	event := make(chan struct{})
	if c.gone != nil {
		close(event)
		return event
	}
	c.events[session+name] = event
	return event
}
