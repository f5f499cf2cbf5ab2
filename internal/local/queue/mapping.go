package queue

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"lunogram-users/internal/local/lambda"
	"lunogram-users/internal/local/sam"
)

// Invoker runs a function on an event. *lambda.Function is one.
type Invoker interface {
	Invoke(ctx context.Context, event []byte) ([]byte, error)
}

// Mapping feeds the messages of a queue to a function (an event source mapping). It differs from AWS in one
// thing: what failed is visible again after RetryDelay instead of the queue's visibility timeout, for which
// nobody at a keyboard wants to wait.
type Mapping struct {
	Queue          *Queue
	Function       Invoker
	BatchSize      int
	PartialFailure bool // the function answers with batchItemFailures
	Parallel       int  // batches at a time; 2 if 0
	RetryDelay     time.Duration
	Log            *slog.Logger
}

// Run feeds the function until ctx ends, and returns when no batch is under way. Batches under way are waited
// for until force ends.
func (m *Mapping) Run(ctx, force context.Context) {
	var pollers sync.WaitGroup
	for range max(m.Parallel, 2) {
		pollers.Go(func() {
			for ctx.Err() == nil {
				if batch := m.Queue.Await(ctx, m.BatchSize, -1); len(batch) > 0 {
					m.deliver(force, batch)
				}
			}
		})
	}
	pollers.Wait()
}

// deliver runs the function on a batch, deletes what it dealt with and lets the rest be received again.
func (m *Mapping) deliver(ctx context.Context, batch []Message) {
	failed, err := m.invoke(ctx, batch)
	if err != nil {
		m.Log.Warn("a batch failed", "queue", m.Queue.Name, "messages", len(batch), "error", err)
	}
	for _, message := range batch {
		if err == nil && !failed[message.ID] {
			_ = m.Queue.Delete(message.Receipt) // another receive took over: it came late and is delivered again
			continue
		}
		_ = m.Queue.ChangeVisibility(message.Receipt, m.RetryDelay) // the same
	}
}

// invoke returns the ids of the messages that the function says it could not handle.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
func (m *Mapping) invoke(ctx context.Context, batch []Message) (failed map[string]bool, err error) {
	event, err := json.Marshal(m.event(batch))
	if err != nil {
		return nil, err
	}
	answer, err := m.Function.Invoke(ctx, event)
	if err != nil || !m.PartialFailure {
		return nil, err
	}
	var response events.SQSEventResponse
	if string(answer) == "" || string(answer) == "null" {
		return nil, nil
	}
	if json.Unmarshal(answer, &response) != nil {
		return nil, errors.New("its answer has not the form of batchItemFailures")
	}
	failed = map[string]bool{}
	for _, item := range response.BatchItemFailures {
		failed[item.ItemIdentifier] = true
	}
	known := 0
	for _, message := range batch {
		if failed[message.ID] {
			known++
		}
	}
	if known != len(failed) {
		return nil, errors.New("its answer names a message that is not in the batch")
	}
	return failed, nil
}

func (m *Mapping) event(batch []Message) events.SQSEvent {
	var e events.SQSEvent
	for _, message := range batch {
		e.Records = append(e.Records, events.SQSMessage{
			MessageId:         message.ID,
			ReceiptHandle:     message.Receipt,
			Body:              message.Body,
			Md5OfBody:         message.MD5,
			Attributes:        message.system(),
			MessageAttributes: eventAttributes(message.Attributes),
			EventSourceARN:    m.Queue.ARN,
			EventSource:       "aws:sqs",
			AWSRegion:         sam.Region,
		})
	}
	return e
}

// system returns the attributes that SQS itself sets.
func (m Message) system() map[string]string {
	return map[string]string{
		"ApproximateReceiveCount":          strconv.Itoa(m.Receives),
		"SentTimestamp":                    strconv.FormatInt(m.Sent.UnixMilli(), 10),
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.FirstReceive.UnixMilli(), 10),
		"SenderId":                         sam.AccountID,
	}
}

func eventAttributes(attributes map[string]Attribute) map[string]events.SQSMessageAttribute {
	converted := make(map[string]events.SQSMessageAttribute, len(attributes))
	for name, a := range attributes {
		c := events.SQSMessageAttribute{DataType: a.DataType, BinaryValue: a.BinaryValue}
		if a.BinaryValue == nil {
			c.StringValue = &a.StringValue
		}
		converted[name] = c
	}
	return converted
}

var _ Invoker = (*lambda.Function)(nil)
