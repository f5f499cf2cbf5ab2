package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"lunogram-users/internal/local/permission"
	"lunogram-users/internal/local/queue"
)

const (
	controlPath = "/_local/"
	sqsPath     = "/_local/sqs"
	// maxMessage is the size of the largest SNS message, in bytes.
	// Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
	maxMessage = 256 << 10
)

// handler serves the control paths and hands all else to the gateway. It is not a mux, which would collapse the
// doubled slashes that the functions are to see.
func (c *Cloud) handler(gateway http.Handler) http.Handler {
	control := c.control()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, controlPath) {
			control.ServeHTTP(w, r)
			return
		}
		gateway.ServeHTTP(w, r)
	})
}

func (c *Cloud) control() http.Handler {
	var queues []*queue.Queue
	for _, q := range c.queues {
		queues = append(queues, q)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_local/health", c.serveHealth)
	mux.HandleFunc("POST /_local/kill/{function}", c.serveKill)
	mux.HandleFunc("POST "+snsPath+"/{topic}", c.servePublish)
	mux.HandleFunc("GET "+textPath, c.serveTexts)
	for _, end := range []string{"", "/{$}"} { // clients differ
		mux.Handle("POST "+snsPath+end, c.guard.Handler(permission.SNS, http.HandlerFunc(c.serveSNS)))
		mux.Handle("POST "+textPath+end, c.guard.Handler(permission.SMS, http.HandlerFunc(c.serveSMS)))
	}
	c.handleBridge(mux)
	sqs := c.guard.Handler(permission.SQS, queue.NewServer(queues))
	mux.Handle("POST "+sqsPath, sqs)
	mux.Handle("POST "+sqsPath+"/", sqs)
	return mux
}

func answer(w http.ResponseWriter, status int, document map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(document) // the client may have gone away
}

// serveHealth answers 200 once every route can be served.
func (c *Cloud) serveHealth(w http.ResponseWriter, _ *http.Request) {
	select {
	case <-c.ready:
		answer(w, http.StatusOK, map[string]any{"status": "ready"})
	case <-c.broken:
		answer(w, http.StatusServiceUnavailable, map[string]any{"status": "broken", "reason": c.reason.Error()})
	default:
		answer(w, http.StatusServiceUnavailable, map[string]any{"status": "starting"})
	}
}

// serveKill kills the processes of a function.
func (c *Cloud) serveKill(w http.ResponseWriter, r *http.Request) {
	killed, err := c.Kill(r.PathValue("function"))
	if err != nil {
		answer(w, http.StatusNotFound, map[string]any{"message": err.Error()})
		return
	}
	answer(w, http.StatusOK, map[string]any{"killed": killed})
}

// servePublish publishes the body to a topic. X-Message-Id and X-Timestamp may fix what SNS would choose, to
// play a message that comes twice or late.
func (c *Cloud) servePublish(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		answer(w, http.StatusRequestEntityTooLarge, map[string]any{"message": "a message has at most 256 KB"})
		return
	}
	if err != nil {
		return // the client went away
	}
	m := Message{ID: r.Header.Get("X-Message-Id"), Body: string(body)}
	if at := r.Header.Get("X-Timestamp"); at != "" {
		if m.At, err = time.Parse(time.RFC3339, at); err != nil {
			answer(w, http.StatusBadRequest, map[string]any{"message": "X-Timestamp is not an RFC 3339 time"})
			return
		}
	}
	id, err := c.Publish(r.PathValue("topic"), m)
	switch {
	case errors.Is(err, ErrUnknown):
		answer(w, http.StatusNotFound, map[string]any{"message": err.Error()})
	case err != nil:
		c.log.Error("publish a message", "error", err)
		answer(w, http.StatusInternalServerError, map[string]any{"message": "the message was not accepted"})
	default:
		answer(w, http.StatusOK, map[string]any{"message_id": id})
	}
}

// ErrUnknown says that the template has no function, topic or queue of that name.
var ErrUnknown = errors.New("the template has no such resource")

// Kill kills all processes of a function with SIGKILL, as the machine it runs on might, and returns how many
// there were. The function is named by its folder or its logical id; ErrUnknown means there is none.
func (c *Cloud) Kill(function string) (int, error) {
	f := c.Template.Function(function)
	if f == nil {
		return 0, fmt.Errorf("function %s: %w", function, ErrUnknown)
	}
	return c.functions[f.Name].Kill(), nil
}

// Processes returns the process ids of a function, named as for Kill, or of all functions and the engine if
// the name is "". ErrUnknown means there is no such function.
func (c *Cloud) Processes(function string) ([]int, error) {
	if function != "" {
		f := c.Template.Function(function)
		if f == nil {
			return nil, fmt.Errorf("function %s: %w", function, ErrUnknown)
		}
		return c.functions[f.Name].Processes(), nil
	}
	ids := c.group.Processes()
	if c.engine != nil {
		ids = append(ids, c.engine.group.Processes()...)
	}
	return ids, nil
}

// Queue returns the queue of a logical id, to read a dead-letter queue in a test. ErrUnknown means there is none.
func (c *Cloud) Queue(logicalID string) (*queue.Queue, error) {
	for _, q := range c.Template.Queues {
		if q.LogicalID == logicalID {
			return c.queues[q.Name], nil
		}
	}
	return nil, fmt.Errorf("queue %s: %w", logicalID, ErrUnknown)
}

// Ready waits until every route can be served. It returns the reason if that will not come to pass, or the
// context's error.
func (c *Cloud) Ready(ctx context.Context) error {
	select {
	case <-c.ready:
		return nil
	case <-c.broken:
		return c.reason
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// EngineExited returns a channel that is closed when the engine ended; nil, which never is, if the cloud runs
// none of its own.
func (c *Cloud) EngineExited() <-chan struct{} {
	if c.engine == nil {
		return nil
	}
	return c.engine.Exited()
}

func newMessageID() string { return uuid.NewString() }
