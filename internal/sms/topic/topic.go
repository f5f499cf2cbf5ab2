// Package topic publishes to an SNS topic. It is a package of its own because its SDK is linked by whoever imports it.
package topic

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// Topic is one topic. It is safe for concurrent use.
type Topic struct {
	client *sns.Client
	arn    string
}

// New returns the topic of that ARN.
func New(cfg aws.Config, arn string) *Topic {
	return &Topic{client: sns.NewFromConfig(cfg), arn: arn}
}

// Publish publishes a message of at most 256 KB of UTF-8 text. When it returns an error the message may have been
// published.
func (t *Topic) Publish(ctx context.Context, message []byte) error {
	_, err := t.client.Publish(ctx, &sns.PublishInput{TopicArn: &t.arn, Message: new(string(message))})
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}
