package lambda

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

// runtimeAPI serves the Lambda Runtime API to the process.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
func (p *process) runtimeAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", p.serveNext)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", p.serveResponse)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", p.serveError)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", p.serveInitError)
	return mux
}

// serveNext answers the poll of the process with the next event, whenever there is one.
func (p *process) serveNext(w http.ResponseWriter, r *http.Request) {
	p.poll.Do(func() { close(p.polled) })
	select {
	case in := <-p.events:
		p.mu.Lock()
		p.current = in
		p.mu.Unlock()
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", in.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(in.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", in.arn)
		h.Set("Lambda-Runtime-Trace-Id", traceID(time.Now()))
		_, _ = w.Write(in.event) // a process that went away is noticed by its end
	case <-r.Context().Done():
	}
}

// serveResponse takes the response of the running invocation.
func (p *process) serveResponse(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxPayload))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		p.finish(w, r, outcome{err: failure("Function.ResponseSizeTooLarge", "the response is larger than 6 MB")},
			http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil {
		return // the process died while it wrote
	}
	p.finish(w, r, outcome{response: body}, http.StatusAccepted)
}

// serveError takes the failure of the running invocation.
func (p *process) serveError(w http.ResponseWriter, r *http.Request) {
	e, err := readError(w, r)
	if err != nil {
		return
	}
	p.finish(w, r, outcome{err: e}, http.StatusAccepted)
}

// serveInitError takes the reason for which a process cannot start.
func (p *process) serveInitError(w http.ResponseWriter, r *http.Request) {
	e, err := readError(w, r)
	if err != nil {
		return
	}
	select {
	case p.initErr <- e:
	default: // one is enough
	}
	accept(w, http.StatusAccepted)
}

// finish ends the running invocation, once.
func (p *process) finish(w http.ResponseWriter, r *http.Request, o outcome, status int) {
	p.mu.Lock()
	in := p.current
	if in == nil || in.id != r.PathValue("id") {
		p.mu.Unlock()
		http.Error(w, `{"errorType":"InvalidRequestID","errorMessage":"no such invocation runs"}`, http.StatusBadRequest)
		return
	}
	p.current = nil
	p.mu.Unlock()
	in.answer <- o
	accept(w, status)
}

func accept(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

// readError reads the error document of a function. A body that is none still makes an error.
func readError(w http.ResponseWriter, r *http.Request) (*Error, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxPayload))
	if err != nil {
		return nil, err
	}
	var document struct {
		ErrorType    string `json:"errorType"`
		ErrorMessage string `json:"errorMessage"`
	}
	if json.Unmarshal(body, &document) != nil {
		return failure("Unhandled", "the function failed"), nil
	}
	kind := document.ErrorType
	if kind == "" {
		kind = r.Header.Get("Lambda-Runtime-Function-Error-Type")
	}
	return &Error{Type: kind, Message: document.ErrorMessage, Payload: body}, nil
}
