// Command import is the Lambda function that plans imports of uploaded CSV files and applies their rows.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"lunogram-users/internal/boot/imports"
	"lunogram-users/internal/csvimport"
	"lunogram-users/internal/csvimport/objects"
	"lunogram-users/internal/csvimport/phone"
	"lunogram-users/internal/queue"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	rt, err := imports.Load()
	if err != nil {
		return err
	}
	importer := csvimport.Importer{
		Objects: objects.New(rt.Config, rt.Bucket), Queue: queue.New[csvimport.Task](rt.Config, rt.QueueURL),
		Store: rt.Store, Records: rt.Store, Projects: rt.Store, Lists: rt.Store, Phones: phone.Parse, Log: rt.Log,
	}
	lambda.Start(importer.Handle)
	return nil
}
