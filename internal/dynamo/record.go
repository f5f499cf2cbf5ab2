package dynamo

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"lunogram-users/internal/user"
)

// recordItem is a list, an import, the progress of work on one of them, or the catalog of lists, which is nothing but its
// revision. What is in the record, nobody queries: it is
// kept as JSON, of which new code reads what old code wrote.
type recordItem struct {
	key
	ID       string `dynamodbav:"id,omitempty"`      // of an import, for the list
	ListPK   string `dynamodbav:"list_pk,omitempty"` // of an import
	Revision int64  `dynamodbav:"revision"`
	Record   string `dynamodbav:"record"`
	Expires  int64  `dynamodbav:"expires_at,omitempty"` // of progress, in Unix seconds
}

// changeRecord reads a record, or takes first and zero for one that is not there, lets change amend it, and writes it if its
// revision is still the one that was read. What change leaves as it is stored is not written. A write whose reply was lost is seen as a change by somebody else:
// change then meets its own work.
func changeRecord[T any](ctx context.Context, s *Store, first recordItem, zero T, change func(*T) error) (T, error) {
	return untilWon(ctx, func() (T, error) {
		stored, err := s.record(ctx, first)
		if err != nil {
			return zero, err
		}
		record := zero
		if stored.Revision > 0 {
			if record, err = decodeRecord[T](stored); err != nil {
				return zero, err
			}
		}
		if err := change(&record); err != nil {
			return record, err
		}
		return record, s.putRecord(ctx, stored, record)
	})
}

// putRecord writes the record in place of what is stored, unless it is that.
func (s *Store) putRecord(ctx context.Context, stored recordItem, record any) error {
	body, err := encodeRecord(record)
	if err != nil || body == stored.Record {
		return err
	}
	next := stored.next(body)
	expr, err := next.follows()
	if err != nil {
		return err
	}
	return s.put(ctx, next, dynamodb.PutItemInput{
		ConditionExpression: expr.Condition(), ExpressionAttributeNames: expr.Names(), ExpressionAttributeValues: expr.Values(),
	}, "put record")
}

// record returns what is stored under the key of first, or first if nothing is; strongly consistent.
func (s *Store) record(ctx context.Context, first recordItem) (recordItem, error) {
	stored, err := get[recordItem](ctx, s, first.key, "get record")
	if err == user.ErrNotFound {
		return first, nil
	}
	return stored, err
}

// next returns the record that replaces this one.
func (i recordItem) next(body string) recordItem {
	i.Revision, i.Record = i.Revision+1, body
	return i
}

// follows is the condition that what is stored is still what the record is to replace.
func (i recordItem) follows() (expression.Expression, error) {
	same := expression.Name("revision").Equal(expression.Value(i.Revision - 1))
	if i.Revision == 1 {
		same = expression.Name("pk").AttributeNotExists()
	}
	return expression.NewBuilder().WithCondition(same).Build()
}

func encodeRecord(record any) (string, error) {
	body, err := json.Marshal(record)
	if err != nil {
		return "", fmt.Errorf("encode record: %w", err)
	}
	return string(body), nil
}

// readRecord returns what is in a record that was read.
func readRecord[T any](av item) (T, error) {
	i, err := decode[recordItem](av)
	if err != nil {
		return *new(T), err
	}
	return decodeRecord[T](i)
}

func decodeRecord[T any](i recordItem) (T, error) {
	var record T
	if err := json.Unmarshal([]byte(i.Record), &record); err != nil {
		return record, fmt.Errorf("decode record: %w", err)
	}
	return record, nil
}
