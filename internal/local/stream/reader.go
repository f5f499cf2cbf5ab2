// Package stream reads the stream of a DynamoDB table and feeds it to a function as Lambda does: in order, one batch at
// a time, again after a failure.
//
// Source: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"lunogram-users/internal/local/sam"
)

// Call posts one operation, such as DynamoDBStreams_20120810.GetRecords, to a DynamoDB endpoint and returns its answer.
type Call func(ctx context.Context, target string, body []byte) ([]byte, error)

// Position is a place in a stream: after a record of a shard. Without a sequence number it is before the shard's first
// record, and the zero value is before the stream's first.
type Position struct {
	Shard    string `json:"shard"`
	Sequence string `json:"sequence"`
}

// Record is a change of an item.
type Record struct {
	At      Position // just after it
	Created time.Time
	JSON    []byte // as the event of a function has it
}

// Reader reads the stream of a table. It may be used concurrently.
type Reader struct {
	call   Call
	stream string // ARN that the endpoint gave the stream
	source string // ARN that the records name
}

// Open returns a reader of the stream that the table has now; source is the ARN that its records are to name. It returns
// an error if the table has no stream.
func Open(ctx context.Context, call Call, table, source string) (*Reader, error) {
	r := &Reader{call: call, source: source}
	var out struct {
		Table struct{ LatestStreamArn string }
	}
	in := map[string]any{"TableName": table}
	if err := r.ask(ctx, "DynamoDB_20120810.DescribeTable", in, &out); err != nil {
		return nil, err
	}
	if r.stream = out.Table.LatestStreamArn; r.stream == "" {
		return nil, fmt.Errorf("table %s has no stream", table)
	}
	return r, nil
}

func (r *Reader) ask(ctx context.Context, target string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	answer, err := r.call(ctx, target, body)
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, out)
}

const streams = "DynamoDBStreams_20120810."

// shard is a part of a stream, as DescribeStream answers it.
type shard struct {
	ShardID             string `json:"ShardId"`
	SequenceNumberRange struct{ EndingSequenceNumber string }
}

// shards returns the parts of the stream, oldest first.
func (r *Reader) shards(ctx context.Context) ([]shard, error) {
	var out struct{ StreamDescription struct{ Shards []shard } }
	err := r.ask(ctx, streams+"DescribeStream", map[string]any{"StreamArn": r.stream}, &out)
	return out.StreamDescription.Shards, err
}

// End returns the position after the last record there is.
func (r *Reader) End(ctx context.Context) (Position, error) {
	shards, err := r.shards(ctx)
	if err != nil || len(shards) == 0 {
		return Position{}, err
	}
	last := shards[len(shards)-1]
	end := Position{last.ShardID, last.SequenceNumberRange.EndingSequenceNumber}
	for { // an open shard need not say where it ends
		_, next, err := r.Records(ctx, end)
		if err != nil || next == end {
			return end, err
		}
		end = next
	}
}

// Records returns the next records after a position, at most 1,000 of them, and the position after those. There may be
// none yet; the position can move all the same.
func (r *Reader) Records(ctx context.Context, p Position) ([]Record, Position, error) {
	if p.Shard == "" {
		return r.skip(ctx, p)
	}
	out, err := r.fetch(ctx, p)
	if err != nil {
		return nil, p, err
	}
	if len(out.Records) == 0 && out.NextShardIterator == "" { // the shard is closed
		return r.skip(ctx, p)
	}
	var records []Record
	for _, rec := range out.Records {
		converted, err := r.convert(rec, p.Shard)
		if err != nil {
			return nil, p, err
		}
		p = converted.At
		if !unchanged(rec.Change) {
			records = append(records, converted)
		}
	}
	return records, p, nil
}

// skip returns the position at the beginning of the next shard, or p if there is none yet.
func (r *Reader) skip(ctx context.Context, p Position) ([]Record, Position, error) {
	shards, err := r.shards(ctx)
	if err != nil {
		return nil, p, err
	}
	next := slices.IndexFunc(shards, func(s shard) bool { return s.ShardID == p.Shard }) + 1
	if next < len(shards) {
		p = Position{Shard: shards[next].ShardID}
	}
	return nil, p, nil
}

// page is what GetRecords answers.
type page struct {
	Records           []record
	NextShardIterator string // "" if the shard is closed and has no more
}

// fetch returns the records of a shard after a position.
func (r *Reader) fetch(ctx context.Context, p Position) (out page, err error) {
	in := map[string]any{"StreamArn": r.stream, "ShardId": p.Shard, "ShardIteratorType": "TRIM_HORIZON"}
	if p.Sequence != "" {
		in["ShardIteratorType"], in["SequenceNumber"] = "AFTER_SEQUENCE_NUMBER", p.Sequence
	}
	var iterator struct{ ShardIterator string }
	if err := r.ask(ctx, streams+"GetShardIterator", in, &iterator); err != nil {
		return out, err
	}
	err = r.ask(ctx, streams+"GetRecords", iterator, &out)
	return out, err
}

// record is a record as GetRecords answers it and, with the ARN of its source, as a function gets it.
type record struct {
	EventID      string          `json:"eventID"`
	EventName    string          `json:"eventName"`
	EventVersion string          `json:"eventVersion"`
	EventSource  string          `json:"eventSource"`
	AWSRegion    string          `json:"awsRegion"`
	Change       json.RawMessage `json:"dynamodb"`
	UserIdentity json.RawMessage `json:"userIdentity,omitempty"`
	SourceARN    string          `json:"eventSourceARN"`
}

func (r *Reader) convert(rec record, shard string) (Record, error) {
	var change struct {
		SequenceNumber              string
		ApproximateCreationDateTime float64
	}
	if err := json.Unmarshal(rec.Change, &change); err != nil {
		return Record{}, err
	}
	if change.SequenceNumber == "" {
		return Record{}, errors.New("a record has no sequence number")
	}
	rec.AWSRegion, rec.SourceARN = sam.Region, r.source
	text, err := json.Marshal(rec)
	return Record{
		At:      Position{shard, change.SequenceNumber},
		Created: time.Unix(int64(change.ApproximateCreationDateTime), 0),
		JSON:    text,
	}, err
}

// unchanged reports whether a change left the item as it was. DynamoDB writes no record of such, the engine does.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
func unchanged(change []byte) bool {
	var images struct{ OldImage, NewImage json.RawMessage }
	if json.Unmarshal(change, &images) != nil || len(images.OldImage) == 0 || len(images.OldImage) != len(images.NewImage) {
		return false
	}
	var before, after any
	return json.Unmarshal(images.OldImage, &before) == nil && json.Unmarshal(images.NewImage, &after) == nil &&
		reflect.DeepEqual(before, after)
}
