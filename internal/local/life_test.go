package local_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lunogram-users/internal/local"
)

func TestCloseLeavesNoProcess(t *testing.T) {
	c := start(t, nil)
	call(t, "GET", c.URL+"/echo", "", nil)
	ids, err := c.Processes("")
	if err != nil || len(ids) < 3 {
		t.Fatalf("processes: got %d (%v), want two functions and the engine", len(ids), err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if _, err := os.Stat(fmt.Sprintf("/proc/%d", id)); err == nil {
			t.Errorf("process %d lives after Close", id)
		}
	}
	if err := c.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

func TestPortIsFreeAfterClose(t *testing.T) {
	c := start(t, nil)
	addr := strings.TrimPrefix(c.URL, "http://")
	o := local.Options{Template: "testdata/template.yaml", BuildDir: buildDir, Addr: addr}
	if _, err := local.Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), addr+" is in use") {
		t.Errorf("port in use: got error %v, want it named", err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatalf("listen after close: %v", err)
	}
	_ = listener.Close()
}

func TestStartErrors(t *testing.T) {
	for _, test := range []struct {
		name    string
		options local.Options
		want    string
	}{
		{"no template", local.Options{Template: "testdata/none.yaml"}, "none.yaml"},
		{"not built", local.Options{Template: "testdata/template.yaml", BuildDir: t.TempDir()}, "function EchoFunction is not built"},
		{"no engine", local.Options{Template: "testdata/template.yaml", BuildDir: buildDir, EngineBinary: "/none"}, "start the DynamoDB engine"},
	} {
		c, err := local.Start(t.Context(), test.options)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got error %v, want one with %q", test.name, err, test.want)
		}
		if err == nil {
			_ = c.Close()
		}
	}
}

func TestHealth(t *testing.T) {
	broken := t.TempDir()
	for _, name := range []string{"echo", "slow", "record", "work", "changes"} {
		if err := os.Mkdir(filepath.Join(broken, name), 0o700); err != nil {
			t.Fatal(err)
		}
		script := []byte("#!/bin/sh\necho cannot start\nexit 1\n")
		if err := os.WriteFile(filepath.Join(broken, name, "bootstrap"), script, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	c, err := local.Start(t.Context(), local.Options{Template: "testdata/template.yaml", BuildDir: broken, Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "start function echo") {
		t.Errorf("ready: got %v, want the function that cannot start", err)
	}
	if response, body := call(t, "GET", c.URL+"/_local/health", "", nil); response.StatusCode != 503 || !strings.Contains(body, "echo") {
		t.Errorf("health: got %d %s, want 503 and the reason", response.StatusCode, body)
	}
	c = start(t, nil)
	if response, body := call(t, "GET", c.URL+"/_local/health", "", nil); response.StatusCode != 200 {
		t.Errorf("health: got %d %s, want 200", response.StatusCode, body)
	}
}
