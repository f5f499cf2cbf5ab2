// Package queue sends tasks to SQS. It is apart from what makes tasks so that only functions that send some link the SQS
// client.
package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Queue is one queue of tasks, which travel as JSON. It is safe for concurrent use.
type Queue[Task any] struct {
	client *sqs.Client
	url    string
}

// New returns the queue with the URL. The SDK honours AWS_ENDPOINT_URL_SQS.
func New[Task any](cfg aws.Config, url string) *Queue[Task] {
	return &Queue[Task]{client: sqs.NewFromConfig(cfg), url: url}
}

// maxBatch is how many messages one call sends
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html).
const maxBatch = 10

// Send puts all tasks on the queue, or returns an error, after which some may be on it.
func (q *Queue[Task]) Send(ctx context.Context, all ...Task) error {
	return q.SendLater(ctx, 0, all...)
}

// SendLater is Send of tasks that nobody is given before the delay is over: at most 15 minutes, in whole seconds.
func (q *Queue[Task]) SendLater(ctx context.Context, delay time.Duration, all ...Task) error {
	for batch := range slices.Chunk(all, maxBatch) {
		in := sqs.SendMessageBatchInput{QueueUrl: &q.url}
		for n, t := range batch {
			body, err := json.Marshal(t)
			if err != nil {
				return err
			}
			in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{
				Id: new(strconv.Itoa(n)), MessageBody: new(string(body)), DelaySeconds: int32(delay / time.Second),
			})
		}
		out, err := q.client.SendMessageBatch(ctx, &in)
		if err != nil {
			return fmt.Errorf("send tasks: %w", err)
		}
		var failed []error
		for _, f := range out.Failed {
			failed = append(failed, fmt.Errorf("send task: %s", aws.ToString(f.Code)))
		}
		if err := errors.Join(failed...); err != nil {
			return err
		}
	}
	return nil
}
