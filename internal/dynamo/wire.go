package dynamo

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// wire is the protocol of the SDK, but for the JSON of the two calls that an import makes by the thousand: the items that
// BatchGetItem returns and the statements of BatchExecuteStatement, which the SDK reads and writes at several
// times the cost of all else in an import. Whatever is out of the ordinary is left to the SDK, which is the reference: see
// TestWire. Signing, retries and endpoints are the SDK's in any case. See docs/decisions/0009-bulk-json-by-hand.md.
type wire struct{ smithyhttp.ClientProtocol }

// SerializeRequest implements smithyhttp.ClientProtocol.
func (w wire) SerializeRequest(ctx context.Context, op *smithy.OperationSchema, in smithy.Serializable, req *smithyhttp.Request) error {
	var body []byte
	var ok bool
	switch in := in.(type) {
	case *dynamodb.BatchExecuteStatementInput:
		body, ok = appendStatements(make([]byte, 0, roomFor(in.Statements)), in)
	case *dynamodb.BatchGetItemInput:
		body, ok = appendKeys(make([]byte, 0, 16<<10), in)
	}
	if !ok {
		return w.ClientProtocol.SerializeRequest(ctx, op, in, req)
	}
	req.Method = http.MethodPost
	if req.URL.Path == "" {
		req.URL.Path = "/"
	}
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810."+op.ID().Name)
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	stream, err := req.SetStream(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("set stream: %w", err)
	}
	*req = *stream
	return nil
}

// DeserializeResponse implements smithyhttp.ClientProtocol.
func (w wire) DeserializeResponse(ctx context.Context, op *smithy.OperationSchema, reg *smithy.TypeRegistry, resp *smithyhttp.Response, out smithy.Deserializable) error {
	got, ok := out.(*dynamodb.BatchGetItemOutput)
	if !ok || resp.StatusCode != http.StatusOK {
		return w.ClientProtocol.DeserializeResponse(ctx, op, reg, resp, out)
	}
	var body strings.Builder
	if resp.ContentLength > 0 {
		body.Grow(int(resp.ContentLength))
	}
	if _, err := io.Copy(&body, resp.Body); err != nil {
		return &smithy.DeserializationError{Err: err}
	}
	if responses, ok := parseResponses(body.String()); ok {
		got.Responses = responses
		return nil
	}
	again := *resp
	again.Response = new(*resp.Response)
	again.Body = io.NopCloser(strings.NewReader(body.String()))
	return w.ClientProtocol.DeserializeResponse(ctx, op, reg, &again, out)
}

// roomFor returns about how many bytes the statements take. The first stands for all: they differ little.
func roomFor(statements []types.BatchStatementRequest) int {
	if len(statements) == 0 || statements[0].Statement == nil {
		return 0
	}
	return len(statements) * (len(*statements[0].Statement) + 64*len(statements[0].Parameters) + 64)
}

// appendStatements appends the JSON of a batch of statements; false for what it does not know.
func appendStatements(b []byte, in *dynamodb.BatchExecuteStatementInput) ([]byte, bool) {
	b = append(b, `{"Statements":[`...)
	for i := range in.Statements {
		s := &in.Statements[i]
		if s.ConsistentRead != nil || s.ReturnValuesOnConditionCheckFailure != "" || s.Statement == nil {
			return b, false
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"Statement":`...)
		b = appendString(b, *s.Statement)
		b = append(b, `,"Parameters":[`...)
		for j, p := range s.Parameters {
			var ok bool
			if j > 0 {
				b = append(b, ',')
			}
			if b, ok = appendValue(b, p); !ok {
				return b, false
			}
		}
		b = append(b, `]}`...)
	}
	b = append(b, ']')
	return appendCapacity(b, in.ReturnConsumedCapacity), true
}

// appendKeys appends the JSON of a batch of keys to read; false for what it does not know.
func appendKeys(b []byte, in *dynamodb.BatchGetItemInput) ([]byte, bool) {
	b = append(b, `{"RequestItems":{`...)
	first := true
	for table, r := range in.RequestItems {
		if r.AttributesToGet != nil || r.ExpressionAttributeNames != nil || r.ProjectionExpression != nil || r.ConsistentRead == nil {
			return b, false
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = appendString(b, table)
		b = fmt.Appendf(b, `:{"ConsistentRead":%t,"Keys":[`, *r.ConsistentRead)
		for i, k := range r.Keys {
			var ok bool
			if i > 0 {
				b = append(b, ',')
			}
			if b, ok = appendItem(b, k); !ok {
				return b, false
			}
		}
		b = append(b, `]}`...)
	}
	b = append(b, '}')
	return appendCapacity(b, in.ReturnConsumedCapacity), true
}

func appendCapacity(b []byte, c types.ReturnConsumedCapacity) []byte {
	if c != "" {
		b = append(b, `,"ReturnConsumedCapacity":`...)
		b = appendString(b, string(c))
	}
	return append(b, '}')
}

func appendItem(b []byte, m item) ([]byte, bool) {
	b = append(b, '{')
	first := true
	for k, v := range m {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(appendString(b, k), ':')
		var ok bool
		if b, ok = appendValue(b, v); !ok {
			return b, false
		}
	}
	return append(b, '}'), true
}

// appendValue appends the JSON of an attribute value; false for a set, which no import writes.
func appendValue(b []byte, av types.AttributeValue) ([]byte, bool) {
	ok := true
	switch v := av.(type) {
	case *types.AttributeValueMemberS:
		b = appendString(append(b, `{"S":`...), v.Value)
	case *types.AttributeValueMemberN:
		b = appendString(append(b, `{"N":`...), v.Value)
	case *types.AttributeValueMemberBOOL:
		b = fmt.Appendf(b, `{"BOOL":%t`, v.Value)
	case *types.AttributeValueMemberNULL:
		b = fmt.Appendf(b, `{"NULL":%t`, v.Value)
	case *types.AttributeValueMemberB:
		b = append(base64.StdEncoding.AppendEncode(append(b, `{"B":"`...), v.Value), '"')
	case *types.AttributeValueMemberM:
		b, ok = appendItem(append(b, `{"M":`...), v.Value)
	case *types.AttributeValueMemberL:
		b = append(b, `{"L":[`...)
		for i, e := range v.Value {
			if i > 0 {
				b = append(b, ',')
			}
			if b, ok = appendValue(b, e); !ok {
				return b, false
			}
		}
		b = append(b, ']')
	default:
		return b, false
	}
	return append(b, '}'), ok
}

// appendString appends a JSON string (RFC 8259, 7).
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		if c < 0x20 {
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		} else {
			b = append(b, '\\', c)
		}
	}
	return append(append(b, s[from:]...), '"')
}
