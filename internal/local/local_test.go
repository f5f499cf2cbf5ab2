package local_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lunogram-users/internal/local"
)

// buildDir holds the test's function under the name of each function of the template.
var buildDir string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	directory, err := os.MkdirTemp("", "local-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(directory)
	buildDir = directory
	binary := filepath.Join(directory, "bootstrap")
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", binary, "./testdata/echo")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the test's function: %v\n%s", err, output)
		return 1
	}
	for _, name := range []string{"echo", "slow", "record", "work", "changes"} {
		if err := link(binary, filepath.Join(directory, name)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return m.Run()
}

func link(binary, directory string) error {
	if err := os.Mkdir(directory, 0o700); err != nil {
		return err
	}
	return os.Link(binary, filepath.Join(directory, "bootstrap"))
}

// start starts a cloud that ends with the test, and waits until it can serve.
func start(t *testing.T, change func(*local.Options)) *local.Cloud {
	t.Helper()
	o := local.Options{
		Template: "testdata/template.yaml", BuildDir: buildDir, RetryDelay: 10 * time.Millisecond, Log: t.Output(),
	}
	if change != nil {
		change(&o)
	}
	c, err := local.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := c.Ready(ctx); err != nil {
		t.Fatalf("ready: %v", err)
	}
	return c
}

// recorder makes the functions append their events to a file, and returns how to read them.
func recorder(t *testing.T) (change func(*local.Options), events func() []string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "events")
	change = func(o *local.Options) { o.Environment = map[string]string{"RECORD": name} }
	events = func() []string {
		content, err := os.ReadFile(name)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return strings.FieldsFunc(string(content), func(r rune) bool { return r == '\n' })
	}
	return change, events
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 15 seconds", what)
		}
	}
}

// call sends a request and returns the response with its body.
func call(t *testing.T, method, url, body string, header http.Header) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(request.Header, header)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(content)
}

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.NewDecoder(bytes.NewReader([]byte(text))).Decode(&v); err != nil {
		t.Fatalf("decode %q: %v", text, err)
	}
	return v
}
