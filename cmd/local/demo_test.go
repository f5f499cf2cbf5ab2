package main

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPrepare(t *testing.T) {
	const (
		one = "0190f0f0-0000-7000-8000-000000000001"
		two = "0190f0f0-0000-7000-8000-000000000002"
	)
	data := t.TempDir()
	kept := `{"project":"` + one + `","client_key":"pk_kept","secret_key":"sk_kept"}`
	if err := os.WriteFile(filepath.Join(data, "demo.json"), []byte(kept), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		data string
		demo demo
		want demo
	}{
		{"kept", data, demo{}, demo{Project: one, ClientKey: "pk_kept", SecretKey: "sk_kept"}},
		{"one key fixed", data, demo{ClientKey: "pk_x"}, demo{Project: one, ClientKey: "pk_x", SecretKey: "sk_kept"}},
		{"another project", data, demo{Project: two}, demo{Project: two}},
		{"nothing kept", t.TempDir(), demo{Project: two}, demo{Project: two}},
		{"memory", "memory", demo{Project: strings.ToUpper(two)}, demo{Project: two}},
	} {
		got := test.demo
		if err := got.prepare(test.data); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		got.file = ""
		if got != test.want {
			t.Errorf("%s: got %+v, want %+v", test.name, got, test.want)
		}
	}
}

func TestRunErrors(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	used := listener.Addr().String()
	for _, test := range []struct {
		arguments string
		want      string
	}{
		{"-addr " + used, used + " is in use by another program"},
		{"-project 7", "-project: a project id is a UUID"},
		{"-client-key sk_1", "a public key starts with pk_"},
		{"-secret-key pk_1", "a secret key starts with sk_"},
		{"-template none.yaml -addr 127.0.0.1:0 -s3-addr 127.0.0.1:0", "none.yaml"},
		{"surplus", `unexpected argument "surplus"`},
		{"-none", "-none"},
	} {
		arguments := append([]string{"-data", "memory"}, strings.Fields(test.arguments)...)
		err := run(context.Background(), arguments, "", io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got error %v, want one line with %q", test.arguments, err, test.want)
		}
	}
}
