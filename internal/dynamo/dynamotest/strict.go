package dynamotest

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"
)

// strict refuses what DynamoDB refuses and the engine lets through.
func strict(o *dynamodb.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("strict",
			func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
				if err := refuse(in.Parameters); err != nil {
					return middleware.InitializeOutput{}, middleware.Metadata{}, err
				}
				return next.HandleInitialize(ctx, in)
			}), middleware.Before)
	})
}

// refuse returns an error for a query that compares a key with an empty string, and for a transaction of too many items.
func refuse(parameters any) error {
	switch in := parameters.(type) {
	case *dynamodb.QueryInput:
		for name, av := range in.ExpressionAttributeValues {
			if s, ok := av.(*types.AttributeValueMemberS); ok && s.Value == "" {
				return fmt.Errorf("the key value %s is empty", name)
			}
		}
	case *dynamodb.TransactWriteItemsInput:
		if len(in.TransactItems) > 100 {
			return errors.New("a transaction of more than 100 items")
		}
	}
	return nil
}
