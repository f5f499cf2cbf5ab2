// Command render is the Lambda function of templates: it renders messages for one user, and the templates of update steps.
package main

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"lunogram-users/internal/api"
	"lunogram-users/internal/boot"
	"lunogram-users/internal/boot/public"
	"lunogram-users/internal/liquid/engine"
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
	options := api.Options{Log: rt.Log, PublicURL: public.URL()}
	lambda.Start(api.Gateway(api.Render(rt.Store, engine.New, options)))
	return nil
}
