package dynamotest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Fault is a way in which one exchange with DynamoDB goes wrong.
type Fault string

// The faults.
const (
	Throttled Fault = "throttled"          // refused with a throttling error; not persisted
	Before    Fault = "timed out before"   // the connection broke; not persisted
	After     Fault = "timed out after it" // persisted, but the reply was lost
	Conflict  Fault = "conflict"           // refused as a transaction held the item; not persisted; writes only
	Partly    Fault = "throttled in part"  // the second half of a batch of statements is throttled; no other call breaks
)

// Faults breaks chosen exchanges of a store at its HTTP transport. It is safe for concurrent use.
type Faults struct {
	mu    sync.Mutex
	fault Fault
	at    int // which exchange breaks, counted from 1; 0 for none
	run   int // how many from there on
	seen  int
	ops   []string
}

// Arm breaks n exchanges from the at-th of now on, counted from 1, and forgets what was seen.
func (f *Faults) Arm(fault Fault, at, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault, f.at, f.run, f.seen, f.ops = fault, at, n, 0, nil
}

// Seen returns the operations of the exchanges since the last Arm, in order.
func (f *Faults) Seen() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.ops...)
}

// Option puts the faults between a store and DynamoDB. The SDK retries attempts-1 times, without waiting.
func (f *Faults) Option(attempts int) func(*dynamodb.Options) {
	return func(o *dynamodb.Options) {
		o.HTTPClient = &http.Client{Transport: f}
		o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
			r.MaxAttempts = attempts
			r.MaxBackoff = time.Millisecond
			r.RateLimiter = ratelimit.None
		})
	}
}

// RoundTrip implements http.RoundTripper.
func (f *Faults) RoundTrip(req *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	f.mu.Lock()
	f.seen++
	f.ops = append(f.ops, operation)
	fault := f.fault
	if f.at == 0 || f.seen < f.at || f.seen >= f.at+f.run {
		fault = ""
	}
	f.mu.Unlock()
	switch fault {
	case Throttled:
		return throttled(req), nil
	case Conflict:
		if resp := conflicting(req, operation); resp != nil {
			return resp, nil
		}
	case Partly:
		if operation == "BatchExecuteStatement" {
			return half(req)
		}
	case Before:
		return nil, errors.New("the connection broke")
	case After:
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		return nil, errors.New("the connection broke")
	}
	return http.DefaultTransport.RoundTrip(req)
}

func throttled(req *http.Request) *http.Response {
	return refusal(req, `{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow down"}`)
}

// conflicting is the answer to a write whose item another transaction holds; nil for what never conflicts.
func conflicting(req *http.Request, operation string) *http.Response {
	switch operation {
	case "UpdateItem", "PutItem", "DeleteItem":
		return refusal(req, `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionConflictException","message":"busy"}`)
	case "BatchExecuteStatement":
		return answer(req, http.StatusOK, statementErrors("TransactionConflict", len(statements(req))))
	case "TransactWriteItems":
		reasons := `{"Code":"TransactionConflict","Message":"busy"}` + strings.Repeat(`,{"Code":"None"}`, transactItems(req)-1)
		return refusal(req, `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","message":"cancelled",`+
			`"CancellationReasons":[`+reasons+`]}`)
	}
	return nil
}

// transactItems returns how many items a transaction has, for each of which DynamoDB gives a reason. It uses up the body.
func transactItems(req *http.Request) int {
	var in struct{ TransactItems []json.RawMessage }
	if err := json.NewDecoder(req.Body).Decode(&in); err != nil {
		panic(err) // the SDK sends JSON
	}
	return len(in.TransactItems)
}

// statements returns the statements of a batch. It uses up the body.
func statements(req *http.Request) []json.RawMessage {
	var in struct{ Statements []json.RawMessage }
	if err := json.NewDecoder(req.Body).Decode(&in); err != nil {
		panic(err) // the SDK sends JSON
	}
	return in.Statements
}

// statementErrors is the answer to a batch of n statements, each of which has the error.
func statementErrors(code string, n int) string {
	one := `{"Error":{"Code":"` + code + `","Message":"not now"}}`
	return `{"Responses":[` + strings.TrimSuffix(strings.Repeat(one+",", n), ",") + `]}`
}

// half carries out the first half of a batch of statements and answers that the others were throttled.
func half(req *http.Request) (*http.Response, error) {
	all := statements(req)
	done := all[:len(all)/2]
	var out struct{ Responses []json.RawMessage }
	if len(done) > 0 {
		body, err := json.Marshal(map[string]any{"Statements": done})
		if err != nil {
			return nil, err
		}
		again := req.Clone(req.Context())
		again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		resp, err := http.DefaultTransport.RoundTrip(again)
		if err != nil {
			return nil, err
		}
		defer func() { _ = resp.Body.Close() }()
		if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
			return nil, err
		}
	}
	var refused struct{ Responses []json.RawMessage }
	if err := json.Unmarshal([]byte(statementErrors("ThrottlingError", len(all)-len(done))), &refused); err != nil {
		return nil, err
	}
	out.Responses = append(out.Responses, refused.Responses...)
	body, err := json.Marshal(out)
	return answer(req, http.StatusOK, string(body)), err
}

func refusal(req *http.Request, body string) *http.Response {
	return answer(req, http.StatusBadRequest, body)
}

func answer(req *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Request: req,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body:   io.NopCloser(bytes.NewReader([]byte(body))), ContentLength: int64(len(body)),
	}
}
