package dynamotest

import (
	"context"
	"errors"
	"fmt"
	"strings"

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

// refuse returns an error for a query that compares a key with an empty string, a transaction of too many items, and a batch of
// statements that is not allowed.
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
	case *dynamodb.BatchExecuteStatementInput:
		return refuseStatements(in.Statements)
	}
	return nil
}

// refuseStatements returns an error for a batch of too many statements or of reads and writes together, and for a
// statement that is too long.
func refuseStatements(statements []types.BatchStatementRequest) error {
	reads := 0
	for _, s := range statements {
		if len(*s.Statement) > 8192 {
			return errors.New("a statement of more than 8,192 characters")
		}
		if strings.HasPrefix(strings.ToUpper(*s.Statement), "SELECT") {
			reads++
		}
	}
	switch {
	case len(statements) == 0 || len(statements) > 25:
		return fmt.Errorf("a batch of %d statements", len(statements))
	case reads != 0 && reads != len(statements):
		return errors.New("a batch of reads and writes")
	}
	return nil
}
