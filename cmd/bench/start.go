package main

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lunogram-users/internal/local"
)

// buildBare builds the yardstick, as `make build` and `make build-local` build the functions.
func buildBare(ctx context.Context, scratch string) error {
	for target, env := range map[string][]string{
		"arm64": {"CGO_ENABLED=0", "GOOS=linux", "GOARCH=arm64"},
		"here":  {"CGO_ENABLED=0"},
	} {
		cmd := exec.CommandContext(ctx, "go", "build", "-tags=lambda.norpc", "-trimpath", "-ldflags=-s -w",
			"-o", filepath.Join(scratch, target, "bootstrap"), "./cmd/bench/bare")
		cmd.Env = append(os.Environ(), env...)
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("build the yardstick: %w", err)
		}
	}
	return nil
}

// zipSize returns the size of the file in a zip archive, which is what Lambda downloads.
func zipSize(path string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var size counter
	w := zip.NewWriter(&size)
	entry, err := w.Create("bootstrap")
	if err != nil {
		return 0, err
	}
	if _, err := io.Copy(entry, f); err != nil {
		return 0, err
	}
	err = w.Close()
	return int64(size), err
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

// startTime returns the median time from the start of the process to its first poll of the Runtime API, of n starts.
func startTime(ctx context.Context, bootstrap string, cloud *local.Cloud, n int) (time.Duration, error) {
	times := make([]time.Duration, n)
	for i := range times {
		d, err := startOnce(ctx, bootstrap, cloud)
		if err != nil {
			return 0, err
		}
		times[i] = d
	}
	slices.Sort(times)
	return times[n/2], nil
}

func startOnce(ctx context.Context, bootstrap string, cloud *local.Cloud) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	polled := make(chan time.Time, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/invocation/next") {
			polled <- time.Now()
		}
		<-ctx.Done()
	})}
	go func() { _ = server.Serve(l) }() // ends with Close
	defer server.Close()

	cmd := exec.CommandContext(ctx, bootstrap)
	cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + l.Addr().String(), "AWS_LAMBDA_FUNCTION_NAME=bench", "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ENDPOINT_URL_DYNAMODB=" + cloud.DynamoDBEndpoint, "TABLE_NAME=" + cloud.Table,
		"AWS_LAMBDA_LOG_FORMAT=JSON",
	}
	started := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	}()
	select {
	case at := <-polled:
		return at.Sub(started), nil
	case <-ctx.Done():
		return 0, errors.New("it did not poll for events")
	}
}
