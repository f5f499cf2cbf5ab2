// Command upsert is the Lambda function that creates, updates and merges users.
package main

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"lunogram-users/internal/api"
	"lunogram-users/internal/boot"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	rt, err := boot.Load()
	if err != nil {
		return err
	}
	rt.Warm(ctx)
	lambda.Start(api.Gateway(api.Upsert(rt.Store, api.Options{Log: rt.Log})))
	return nil
}
