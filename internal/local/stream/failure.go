package stream

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

const timeFormat = "2006-01-02T15:04:05.000Z"

// giveUp tells the failure destination of records that are tried no more. If it cannot be told the records are lost all
// the same: the stream must not stand still.
func (m *Mapping) giveUp(batch []Record, condition string, attempts int) {
	log := m.Log.With("records", len(batch), "condition", condition)
	log.Error("a batch of a stream was given up")
	if m.OnFailure == nil {
		return
	}
	record, err := json.Marshal(m.failure(batch, condition, attempts))
	if err == nil {
		err = m.OnFailure(record)
	}
	if err != nil {
		log.Error("a batch of a stream did not reach its failure destination", "error", err)
	}
}

// failure is what Lambda sends to a destination: where the records are, and not what they hold.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
func (m *Mapping) failure(batch []Record, condition string, attempts int) map[string]any {
	first, last := batch[0], batch[len(batch)-1]
	return map[string]any{
		"version":   "1.0",
		"timestamp": time.Now().UTC().Format(timeFormat),
		"requestContext": map[string]any{
			"requestId":              uuid.NewString(),
			"functionArn":            m.FunctionARN,
			"condition":              condition,
			"approximateInvokeCount": attempts,
		},
		"responseContext": map[string]any{"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
		"DDBStreamBatchInfo": map[string]any{
			"shardId":                         first.At.Shard,
			"startSequenceNumber":             first.At.Sequence,
			"endSequenceNumber":               last.At.Sequence,
			"approximateArrivalOfFirstRecord": first.Created.UTC().Format(timeFormat),
			"approximateArrivalOfLastRecord":  last.Created.UTC().Format(timeFormat),
			"batchSize":                       len(batch),
			"streamArn":                       m.Reader.source,
		},
	}
}
