// Local runs the whole system on this machine, with no Docker: the Lambdas of template.yaml behind an HTTP API,
// DynamoDB and its stream, S3, SNS, SQS, EventBridge and its Scheduler. It prints the addresses and the keys of a demo
// project, streams the logs of the functions, and runs until Ctrl-C; a second Ctrl-C does not wait for what is under way.
//
// The environment variable DYNAMODB_ENDPOINT names a DynamoDB endpoint to use instead of the engine that
// tools/engine.sh fetches.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"lunogram-users/internal/local"
)

// twilioToken is the auth token under which messages to /sms/twilio are signed here.
const twilioToken = "local"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the next signal ends the process at once
	err := run(ctx, os.Args[1:], os.Getenv("DYNAMODB_ENDPOINT"), os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		fmt.Fprintln(os.Stderr, "local:", err)
		os.Exit(1)
	}
}

// run runs the cloud until ctx ends.
func run(ctx context.Context, arguments []string, endpoint string, out, logs io.Writer) error {
	options, demo, err := parse(arguments, logs)
	if err != nil {
		return err
	}
	options.EngineEndpoint = endpoint
	options.Seed = demo.seed
	cloud, err := local.Start(ctx, options)
	if err != nil {
		return err
	}
	err = serve(ctx, cloud, demo, out)
	return errors.Join(err, cloud.Close())
}

// serve waits until the cloud is ready, says so, and returns when ctx or the engine ends.
func serve(ctx context.Context, cloud *local.Cloud, demo *demo, out io.Writer) error {
	if err := cloud.Ready(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	if err := welcome(out, cloud, demo); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case <-cloud.EngineExited():
		return errors.New("the DynamoDB engine has ended")
	}
}

// parse reads the flags.
func parse(arguments []string, logs io.Writer) (local.Options, *demo, error) {
	o, d := local.Options{Log: logs, Parameters: map[string]string{"TwilioAuthToken": twilioToken}}, &demo{}
	flags := flag.NewFlagSet("local", flag.ContinueOnError)
	flags.SetOutput(logs)
	flags.StringVar(&o.Addr, "addr", "127.0.0.1:8080", "address of the HTTP API")
	flags.StringVar(&o.S3Addr, "s3-addr", "127.0.0.1:9000", "address of S3")
	flags.StringVar(&o.Data, "data", ".local", "directory for all data, or "+local.Memory+" to keep nothing")
	flags.StringVar(&o.Template, "template", "template.yaml", "the SAM template to run")
	flags.StringVar(&o.BuildDir, "build", "build/local", "directory of the functions' binaries, built for this machine")
	flags.StringVar(&d.Project, "project", "", "id of the demo project, a UUID (made once and kept if empty)")
	flags.StringVar(&d.ClientKey, "client-key", "", "public key of the demo project, pk_… (made once and kept if empty)")
	flags.StringVar(&d.SecretKey, "secret-key", "", "secret key of the demo project, sk_… (made once and kept if empty)")
	if err := flags.Parse(arguments); err != nil {
		return o, nil, err
	}
	if flags.NArg() > 0 {
		return o, nil, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return o, d, d.prepare(o.Data)
}
