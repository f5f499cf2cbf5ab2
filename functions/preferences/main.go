// Command preferences is the Lambda function that serves the pages behind signed links.
package main

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"lunogram-users/internal/api"
	"lunogram-users/internal/boot"
	"lunogram-users/internal/dynamo/facet"
	"lunogram-users/internal/page"
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
	pages := page.New(facet.NewPages(rt.Store), page.Options{Log: rt.Log, RequestID: api.RequestID})
	lambda.Start(api.Gateway(api.Public(pages, page.Sorry(), api.Options{Log: rt.Log})))
	return nil
}
