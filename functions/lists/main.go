// Command lists is the Lambda function of lists: what they are, who is in them, to whom of those a message may be sent, and
// the rules of dynamic ones.
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
	lambda.Start(api.Gateway(api.Lists(rt.Store, api.Options{Log: rt.Log})))
	return nil
}
