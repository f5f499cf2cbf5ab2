package dynamo

import (
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// object is a JSON object stored as a native map, numbers with every digit.
type object map[string]any

// stored returns the object of m, empty when m is nil: only a path into a map that exists can be set.
func stored(m map[string]any) object {
	if m == nil {
		return object{}
	}
	return m
}

// MarshalDynamoDBAttributeValue implements attributevalue.Marshaler.
func (o object) MarshalDynamoDBAttributeValue() (types.AttributeValue, error) {
	return toValue(map[string]any(o))
}

// UnmarshalDynamoDBAttributeValue implements attributevalue.Unmarshaler.
func (o *object) UnmarshalDynamoDBAttributeValue(av types.AttributeValue) error {
	v, err := fromValue(av)
	if err != nil {
		return err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("a stored object is a %T", av)
	}
	*o = m
	return nil
}

// jsonValue is any JSON value, stored as object stores it.
type jsonValue struct{ value any }

// MarshalDynamoDBAttributeValue implements attributevalue.Marshaler.
func (j jsonValue) MarshalDynamoDBAttributeValue() (types.AttributeValue, error) {
	return toValue(j.value)
}

// toValue returns the attribute value of a JSON value as user.User holds it.
func toValue(value any) (types.AttributeValue, error) {
	switch v := value.(type) {
	case nil:
		return &types.AttributeValueMemberNULL{Value: true}, nil
	case bool:
		return &types.AttributeValueMemberBOOL{Value: v}, nil
	case string:
		return str(v), nil
	case json.Number:
		return &types.AttributeValueMemberN{Value: string(v)}, nil
	case []any:
		list := make([]types.AttributeValue, len(v))
		for i, item := range v {
			av, err := toValue(item)
			if err != nil {
				return nil, err
			}
			list[i] = av
		}
		return &types.AttributeValueMemberL{Value: list}, nil
	case map[string]any:
		m := make(map[string]types.AttributeValue, len(v))
		for k, item := range v {
			av, err := toValue(item)
			if err != nil {
				return nil, err
			}
			m[k] = av
		}
		return &types.AttributeValueMemberM{Value: m}, nil
	}
	return nil, fmt.Errorf("no JSON value: %T", value)
}

// fromValue is the inverse of toValue.
func fromValue(av types.AttributeValue) (any, error) {
	switch v := av.(type) {
	case *types.AttributeValueMemberNULL:
		return nil, nil
	case *types.AttributeValueMemberBOOL:
		return v.Value, nil
	case *types.AttributeValueMemberS:
		return v.Value, nil
	case *types.AttributeValueMemberN:
		return json.Number(v.Value), nil
	case *types.AttributeValueMemberL:
		list := make([]any, len(v.Value))
		for i, item := range v.Value {
			value, err := fromValue(item)
			if err != nil {
				return nil, err
			}
			list[i] = value
		}
		return list, nil
	case *types.AttributeValueMemberM:
		m := make(map[string]any, len(v.Value))
		for k, item := range v.Value {
			value, err := fromValue(item)
			if err != nil {
				return nil, err
			}
			m[k] = value
		}
		return m, nil
	}
	return nil, fmt.Errorf("no JSON value is stored as %T", av)
}

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// itemSize returns about how many bytes DynamoDB charges for an item: the UTF-8 length of names and values, and
// a few bytes for each number and container
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html).
func itemSize(m item) int {
	size := 0
	for k, v := range m {
		size += len(k) + valueSize(v)
	}
	return size
}

func valueSize(av types.AttributeValue) int {
	switch v := av.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return len(v.Value)/2 + 2
	case *types.AttributeValueMemberM:
		return 3 + len(v.Value) + itemSize(v.Value)
	case *types.AttributeValueMemberL:
		size := 3 + len(v.Value)
		for _, e := range v.Value {
			size += valueSize(e)
		}
		return size
	}
	return 1
}
