package dynamotest

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"
)

// Meter counts what a store asks of DynamoDB. It is safe for concurrent use.
type Meter struct {
	mu          sync.Mutex
	calls       int
	read, write float64
}

// Usage is what a meter counted: calls, and read and write units with those of the indexes.
type Usage struct {
	Calls       int
	Read, Write float64
}

// Option makes a store count its calls on the meter. Retries of the SDK are part of one call.
func (m *Meter) Option() func(*dynamodb.Options) {
	return func(o *dynamodb.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("meter", m.measure), middleware.Before)
		})
	}
}

// Take returns the usage since the last Take.
func (m *Meter) Take() Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := Usage{Calls: m.calls, Read: m.read, Write: m.write}
	m.calls, m.read, m.write = 0, 0, 0
	return u
}

func (m *Meter) measure(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	ask(in.Parameters)
	out, md, err := next.HandleInitialize(ctx, in)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	read, write := consumed(out.Result)
	m.read += read
	m.write += write
	return out, md, err
}

// ask makes DynamoDB tell what the call consumed.
func ask(parameters any) {
	const all = types.ReturnConsumedCapacityIndexes
	switch in := parameters.(type) {
	case *dynamodb.GetItemInput:
		in.ReturnConsumedCapacity = all
	case *dynamodb.BatchGetItemInput:
		in.ReturnConsumedCapacity = all
	case *dynamodb.QueryInput:
		in.ReturnConsumedCapacity = all
	case *dynamodb.PutItemInput:
		in.ReturnConsumedCapacity = all
	case *dynamodb.UpdateItemInput:
		in.ReturnConsumedCapacity = all
	case *dynamodb.BatchWriteItemInput:
		in.ReturnConsumedCapacity = all
	case *dynamodb.BatchExecuteStatementInput:
		in.ReturnConsumedCapacity = all
	case *dynamodb.TransactWriteItemsInput:
		in.ReturnConsumedCapacity = all
	}
}

func consumed(result any) (read, write float64) {
	switch out := result.(type) {
	case *dynamodb.GetItemOutput:
		return units(out.ConsumedCapacity), 0
	case *dynamodb.BatchGetItemOutput:
		return sum(out.ConsumedCapacity), 0
	case *dynamodb.QueryOutput:
		return units(out.ConsumedCapacity), 0
	case *dynamodb.PutItemOutput:
		return 0, units(out.ConsumedCapacity)
	case *dynamodb.UpdateItemOutput:
		return 0, units(out.ConsumedCapacity)
	case *dynamodb.BatchWriteItemOutput:
		return 0, sum(out.ConsumedCapacity)
	case *dynamodb.BatchExecuteStatementOutput: // writes: the store reads by BatchGetItem
		return 0, sum(out.ConsumedCapacity)
	case *dynamodb.TransactWriteItemsOutput:
		return 0, sum(out.ConsumedCapacity)
	}
	return 0, 0
}

func sum(all []types.ConsumedCapacity) (total float64) {
	for _, c := range all {
		total += units(&c)
	}
	return total
}

func units(c *types.ConsumedCapacity) float64 {
	if c == nil || c.CapacityUnits == nil {
		return 0
	}
	return *c.CapacityUnits
}
