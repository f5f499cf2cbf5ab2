// Command sms-webhook is the Lambda function that receives the inbound text messages of Twilio.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"lunogram-users/internal/api"
	"lunogram-users/internal/boot"
	"lunogram-users/internal/boot/webhook"
	"lunogram-users/internal/sms/topic"
	"lunogram-users/internal/sms/twilio"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	env, err := webhook.Load()
	if err != nil {
		return err
	}
	cfg, err := boot.Config()
	if err != nil {
		return err
	}
	logger := boot.Logger()
	h := twilio.Webhook{PublicURL: env.PublicURL, Tokens: env.Tokens, Publisher: topic.New(cfg, env.TopicARN), Refuse: api.Refuse, Log: logger}
	lambda.Start(api.Gateway(api.Public(h.Handler(), api.Sorry(), api.Options{Log: logger})))
	return nil
}
