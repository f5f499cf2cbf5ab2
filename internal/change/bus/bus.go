// Package bus publishes events on EventBridge. It is apart from change so that only the function that publishes links the
// EventBridge client.
package bus

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"lunogram-users/internal/change"
)

// source is the source of every event.
const source = "lunogram.users"

// Bus is one event bus. It is safe for concurrent use.
type Bus struct {
	client *eventbridge.Client
	name   string
}

var _ change.Publisher = (*Bus)(nil)

// New returns the bus with the name. The SDK honours AWS_ENDPOINT_URL_EVENTBRIDGE.
func New(cfg aws.Config, name string) *Bus {
	return &Bus{client: eventbridge.NewFromConfig(cfg), name: name}
}

// Put implements change.Publisher with one call
// (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html).
func (b *Bus) Put(ctx context.Context, entries []change.Entry) ([]error, error) {
	in := &eventbridge.PutEventsInput{}
	for _, e := range entries {
		in.Entries = append(in.Entries, types.PutEventsRequestEntry{
			EventBusName: &b.name, Source: new(source), DetailType: new(e.Type), Detail: new(e.Detail), Time: &e.At,
		})
	}
	out, err := b.client.PutEvents(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("put events: %w", err)
	}
	failed := make([]error, len(entries))
	for i, result := range out.Entries {
		if code := aws.ToString(result.ErrorCode); code != "" && i < len(failed) {
			failed[i] = fmt.Errorf("put event: %s", code)
		}
	}
	return failed, nil
}
