// Command usersctl makes projects, API keys, subscription groups and sender numbers and mends lists, on AWS and locally.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"lunogram-users/internal/dynamo"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr, open)
	stop()
	os.Exit(code)
}

// target says which table is meant.
type target struct {
	table    string
	endpoint string // "" for that of AWS
	region   string // "" for that of the AWS profile
}

// opener returns the store in the target.
type opener func(context.Context, target) (*dynamo.Store, error)

// run carries out one command and returns the exit code. What a script would read goes to stdout, all else to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, open opener) int {
	t := target{table: os.Getenv("TABLE_NAME")}
	flags := flag.NewFlagSet("usersctl", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&t.table, "table", t.table, "name of the `table`: output TableName of the stack (default $TABLE_NAME)")
	flags.StringVar(&t.endpoint, "endpoint", "", "`address` of the DynamoDB endpoint, for a local run")
	flags.StringVar(&t.region, "region", "", "AWS `region`")
	flags.Usage = func() { usage(stderr, flags) }
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return exitOK
	} else if err != nil {
		return exitUsage
	}
	c, rest, err := find(flags.Args())
	if err != nil {
		fmt.Fprintf(stderr, "usersctl: %v\n\n", err)
		usage(stderr, flags)
		return exitUsage
	}
	s := &session{target: t, open: open, stdout: stdout, stderr: stderr}
	err = s.do(ctx, c, rest)
	switch bad, isUsage := errors.AsType[usageError](err); {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return exitOK
	case isUsage:
		fmt.Fprintf(stderr, "usersctl: %v\nusage: usersctl %s\n", bad, c.synopsis())
		return exitUsage
	default:
		fmt.Fprintf(stderr, "usersctl %s: %v\n", c.name(), err)
		return exitFailed
	}
}

// open returns the store on AWS, with the credentials of the environment, or of a local run.
func open(ctx context.Context, t target) (*dynamo.Store, error) {
	if t.table == "" {
		return nil, usageError("say which table, with -table or TABLE_NAME")
	}
	var options []func(*config.LoadOptions) error
	if t.endpoint != "" {
		options = append(options, config.WithBaseEndpoint(t.endpoint))
	}
	if loopback(t.endpoint) { // a local engine wants some credentials and checks none: never send it real ones
		t.region = "us-east-1"
		options = append(options, config.WithCredentialsProvider(
			credentials.NewStaticCredentialsProvider("local", "local", "")))
	}
	if t.region != "" {
		options = append(options, config.WithRegion(t.region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("load the AWS config: %w", err)
	}
	if cfg.Region == "" {
		return nil, usageError("say which region, with -region, AWS_REGION or an AWS profile")
	}
	// A person waits for the answer, not for a missing metadata service.
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return nil, fmt.Errorf("find AWS credentials: %w", err)
	}
	return dynamo.New(cfg, t.table), nil
}

// loopback reports whether the endpoint is on this machine.
func loopback(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}
