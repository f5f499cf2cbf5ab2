// Command sms-stop is the Lambda function that acts on inbound STOP, START and HELP messages.
package main

import (
	"log"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"lunogram-users/internal/boot"
	"lunogram-users/internal/sms"
	"lunogram-users/internal/sms/carrier"
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
	h := sms.Handler{Directory: rt.Store, Ledger: rt.Store, Carrier: carrier.New(rt.Config), Now: time.Now, Log: rt.Log}
	lambda.Start(h.Handle)
	return nil
}
