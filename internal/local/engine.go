package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"lunogram-users/internal/local/child"
	"lunogram-users/internal/moduleroot"
)

const (
	enginePath    = ".tools/dynoxide-1.2.1/dynoxide" // as tools/engine.sh leaves it
	engineTries   = 5
	engineTimeout = 10 * time.Second
)

// EngineOptions says how to run the DynamoDB engine. The zero value finds the binary and keeps nothing.
type EngineOptions struct {
	Binary string    // path of dynoxide; FindEngine's if ""
	DBPath string    // database file, made if need be; "" keeps the data in memory, where no stream may grow
	Log    io.Writer // gets what the engine prints; nil discards it
}

// Engine is a running DynamoDB engine.
//
// With a stream, each write of the engine itself searches the whole stream: after 20,000 writes one took 8 ms instead of
// 1. In a database file that StartEngine made it takes one step, however long the stream is, and a stream keeps its
// records for a day. In memory that cannot be had.
//
// Its data outlive the process, however it ends, but not a crash of the machine: on Linux the engine is kept from
// syncing each write to the disk. On a small virtual disk syncing made it ten times slower (139 writes a second
// instead of 1,276) and some writes took seconds.
type Engine struct {
	endpoint string
	group    *child.Group
	exited   chan struct{}
}

// FindEngine returns the path of the engine's binary, in .tools of the module that holds the working directory.
// Its error says how to get it.
func FindEngine() (string, error) {
	root, err := moduleroot.Dir()
	if err != nil {
		return "", fmt.Errorf("name the DynamoDB engine's binary, or start in its module: %w", err)
	}
	binary := filepath.Join(root, enginePath)
	if _, err := os.Stat(binary); err != nil {
		return "", errors.New("the DynamoDB engine is not there: run `make tools`")
	}
	return binary, nil
}

// StartEngine starts an engine on a free port of the loopback interface and returns when it answers. It ends
// with Stop, and on Linux with this process at the latest. The context bounds the start alone.
func StartEngine(ctx context.Context, o EngineOptions) (*Engine, error) {
	if o.Binary == "" {
		binary, err := FindEngine()
		if err != nil {
			return nil, err
		}
		o.Binary = binary
	}
	ctx, cancel := context.WithTimeout(ctx, engineTimeout)
	defer cancel()
	var err error
	for range engineTries {
		var e *Engine
		if e, err = startEngine(ctx, o); err == nil {
			return e, nil
		}
		if !errors.Is(err, errEngineExited) {
			break
		}
	}
	return nil, fmt.Errorf("start the DynamoDB engine: %w", err)
}

// errEngineExited may mean that somebody took the port first.
var errEngineExited = errors.New("it exited before it answered")

func startEngine(ctx context.Context, o EngineOptions) (*Engine, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	arguments := []string{"--host", "127.0.0.1", "--port", strconv.Itoa(port)}
	if o.DBPath != "" {
		if err := makeDatabase(o.DBPath); err != nil {
			return nil, err
		}
		arguments = append(arguments, "--db-path", o.DBPath)
	}
	cmd := exec.Command(o.Binary, arguments...)
	cmd.Stdout, cmd.Stderr = o.Log, o.Log
	cmd.WaitDelay = time.Second
	e := &Engine{
		endpoint: "http://127.0.0.1:" + strconv.Itoa(port),
		group:    child.NewGroup(child.Options{SkipSync: true}),
		exited:   make(chan struct{}),
	}
	wait, err := e.group.Start(cmd)
	if err != nil {
		e.group.Close()
		return nil, err
	}
	go func() {
		_ = wait() // that it ended is all there is to know
		close(e.exited)
	}()
	if err := e.await(ctx); err != nil {
		e.Stop()
		return nil, err
	}
	return e, nil
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	return port, listener.Close()
}

// await returns when the engine answers.
func (e *Engine) await(ctx context.Context) error {
	for {
		_, err := callDynamoDB(ctx, e.endpoint, "ListTables", []byte("{}"))
		if err == nil {
			return e.own()
		}
		select {
		case <-e.exited:
			return errEngineExited
		case <-ctx.Done():
			return fmt.Errorf("it did not answer: %w", err)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// own checks that the answer came from this engine and not from another that had taken the port: an engine that
// cannot listen exits at once.
func (e *Engine) own() error {
	select {
	case <-e.exited:
		return errEngineExited
	case <-time.After(2 * time.Millisecond):
		return nil
	}
}

// Endpoint returns the address of the engine, as an SDK's BaseEndpoint takes it.
func (e *Engine) Endpoint() string { return e.endpoint }

// Exited returns a channel that is closed when the engine has ended, by Stop or by itself.
func (e *Engine) Exited() <-chan struct{} { return e.exited }

// Stop ends the engine. What was acknowledged is in the database file. Further calls do nothing.
func (e *Engine) Stop() { e.group.Close() }

// credential is a signature that any local endpoint takes for one.
const credential = "AWS4-HMAC-SHA256 Credential=local/20200101/us-east-1/dynamodb/aws4_request, " +
	"SignedHeaders=host;x-amz-date;x-amz-target, Signature=0000000000000000000000000000000000000000000000000000000000000000"

// callDynamoDB posts one operation of the low-level API.
func callDynamoDB(ctx context.Context, endpoint, operation string, body []byte) ([]byte, error) {
	return callTarget(ctx, endpoint, "DynamoDB_20120810."+operation, body)
}

// callTarget posts one operation of the low-level API, or of that of streams.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
func callTarget(ctx context.Context, endpoint, target string, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.0")
	request.Header.Set("X-Amz-Target", target)
	request.Header.Set("X-Amz-Date", "20200101T000000Z")
	request.Header.Set("Authorization", credential)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, parseDynamoDBError(target, answer)
	}
	return answer, nil
}
