// Command changes is the Lambda function that follows the table's stream: it keeps memberships and publishes events.
package main

import (
	"errors"
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"lunogram-users/internal/boot/events"
	"lunogram-users/internal/boot/memberships"
	"lunogram-users/internal/change"
	"lunogram-users/internal/change/bus"
	"lunogram-users/internal/dynamo"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	rt, err := memberships.Load()
	name, noBus := events.Bus()
	if err := errors.Join(err, noBus); err != nil {
		return err
	}
	h := change.Handler{Read: dynamo.ReadChange, Memberships: rt.Engine, Log: rt.Log}
	if name != "" {
		h.Publisher = bus.New(rt.Config, name)
	}
	lambda.Start(h.Handle)
	return nil
}
