// Command imports is the Lambda function that creates, shows, cancels and takes back imports.
package main

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"lunogram-users/internal/api"
	"lunogram-users/internal/boot/imports"
	"lunogram-users/internal/csvimport"
	"lunogram-users/internal/csvimport/objects"
	"lunogram-users/internal/queue"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	rt, err := imports.Load()
	if err != nil {
		return err
	}
	service := &csvimport.Service{
		Records: rt.Store, Lists: rt.Store,
		Queue: queue.New[csvimport.Task](rt.Config, rt.QueueURL), Links: objects.NewLinks(rt.Config, rt.Bucket),
	}
	rt.Warm(ctx)
	lambda.Start(api.Gateway(api.Imports(rt.Store, service, api.Options{Log: rt.Log})))
	return nil
}
