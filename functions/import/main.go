// Command import is the Lambda function that applies uploaded CSV files.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"lunogram-users/internal/boot"
	"lunogram-users/internal/csvimport"
	"lunogram-users/internal/csvimport/objects"
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
	importer := csvimport.Importer{
		Objects: objects.New(rt.Config), Store: rt.Store, Records: rt.Store, Projects: rt.Store, Log: rt.Log,
	}
	lambda.Start(importer.Handle)
	return nil
}
