// Package tasks is the queue of imports on SQS. It is apart from csvimport so that only functions that send tasks
// link the SQS client.
package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"lunogram-users/internal/csvimport"
)

// SQS is one queue. It is safe for concurrent use.
type SQS struct {
	client *sqs.Client
	url    string
}

var _ csvimport.Queue = (*SQS)(nil)

// New returns the queue with the URL. The SDK honours AWS_ENDPOINT_URL_SQS.
func New(cfg aws.Config, url string) *SQS {
	return &SQS{client: sqs.NewFromConfig(cfg), url: url}
}

// maxBatch is how many messages one call sends
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html).
const maxBatch = 10

// Send implements csvimport.Queue.
func (q *SQS) Send(ctx context.Context, all ...csvimport.Task) error {
	for batch := range slices.Chunk(all, maxBatch) {
		in := sqs.SendMessageBatchInput{QueueUrl: &q.url}
		for n, t := range batch {
			body, err := json.Marshal(t)
			if err != nil {
				return err
			}
			in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{
				Id: new(strconv.Itoa(n)), MessageBody: new(string(body)),
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
