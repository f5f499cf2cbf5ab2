// Command subscriptions is the Lambda function of consent: groups, states, ledgers, suppressions, and whether a message
// may be sent.
package main

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"lunogram-users/internal/api"
	"lunogram-users/internal/boot"
	"lunogram-users/internal/boot/public"
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
	lambda.Start(api.Gateway(api.Subscriptions(rt.Store, api.Options{Log: rt.Log, PublicURL: public.URL()})))
	return nil
}
