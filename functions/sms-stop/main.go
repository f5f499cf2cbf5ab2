// Command sms-stop is the Lambda function that acts on inbound STOP and START messages.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"lunogram-users/internal/boot"
	"lunogram-users/internal/sms"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	rt, err := boot.Load()
	if err != nil {
		return err
	}
	h := sms.Handler{Senders: rt.Store, Recorder: rt.Store, Log: rt.Log}
	lambda.Start(h.Handle)
	return nil
}
