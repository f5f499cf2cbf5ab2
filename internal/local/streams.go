package local

import (
	"context"
	"fmt"
	"path/filepath"

	"lunogram-users/internal/local/sam"
	"lunogram-users/internal/local/stream"
)

// OpenStream returns a reader of the stream that a table has; source is the ARN that its records are to name.
func OpenStream(ctx context.Context, endpoint, table, source string) (*stream.Reader, error) {
	call := func(ctx context.Context, target string, body []byte) ([]byte, error) {
		return callTarget(ctx, endpoint, target, body)
	}
	r, err := stream.Open(ctx, call, table, source)
	if err != nil {
		return nil, fmt.Errorf("open the stream of table %s: %w", table, err)
	}
	return r, nil
}

// openStreams finds the place in each stream from which each function reads on, before anybody writes to a table.
func (c *Cloud) openStreams(ctx context.Context) error {
	for _, f := range c.Template.Functions {
		for _, trigger := range f.Streams {
			m, err := c.newStreamMapping(ctx, f, trigger)
			if err != nil {
				return err
			}
			c.streams = append(c.streams, m)
		}
	}
	return nil
}

func (c *Cloud) newStreamMapping(ctx context.Context, f *sam.Function, t sam.StreamTrigger) (*stream.Mapping, error) {
	reader, err := OpenStream(ctx, c.DynamoDBEndpoint, t.Table.Name, t.ARN)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(c.directory, "stream-"+t.Table.Name+"-"+f.Name+".json")
	cursor, err := stream.OpenCursor(ctx, path, reader, t.FromStart)
	if err != nil {
		return nil, fmt.Errorf("find the place of function %s in its stream: %w", f.Name, err)
	}
	m := &stream.Mapping{
		Reader: reader, Cursor: cursor, Function: c.functions[f.Name], FunctionARN: f.ARN, BatchSize: t.BatchSize,
		Window: t.Window, Filters: t.Filters, PartialFailure: t.PartialFailure, Bisect: t.Bisect, Retries: t.Retries,
		MaxAge: t.MaxAge, RetryDelay: c.options.RetryDelay, OnFailure: c.sendTo(t.OnFailure),
		Copies: c.options.Deliveries, Delay: c.options.StreamDelay, Log: c.log.With("function", f.Name),
	}
	return m, nil
}

// sendTo returns what sends a record to a queue; nil if there is no queue.
func (c *Cloud) sendTo(q *sam.Queue) func(record []byte) error {
	if q == nil {
		return nil
	}
	destination := c.queues[q.Name]
	return func(record []byte) error {
		_, err := destination.Send(string(record), nil, -1)
		return err
	}
}
