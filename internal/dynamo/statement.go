package dynamo

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"lunogram-users/internal/user"
)

const (
	// maxStatements is how many statements one BatchExecuteStatement holds at most, and maxStatement how long one is in
	// characters.
	maxStatements = 25
	maxStatement  = 8192
)

// statement is a conditional write in PartiQL, which DynamoDB takes 25 at a time at the price of plain writes
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.multiplestatements.batching.html).
type statement = types.BatchStatementRequest

// attribute is one attribute of an item, by its path.
type attribute struct {
	name  string
	value types.AttributeValue
}

// insert returns the statement that writes an item on condition that there is none with its key.
func (s *Store) insert(attributes []attribute) statement {
	var b strings.Builder
	b.Grow(len(s.table) + 32 + 18*len(attributes))
	b.WriteString(`INSERT INTO "` + s.table + `" VALUE {`)
	parameters := make([]types.AttributeValue, len(attributes))
	for i, a := range attributes {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("'" + a.name + "': ?")
		parameters[i] = a.value
	}
	b.WriteString("}")
	return statement{Statement: new(b.String()), Parameters: parameters}
}

// set returns the statement that sets attributes of a live profile, given by quoted paths, on condition of its version.
func (s *Store) set(k key, before int64, attributes []attribute) statement {
	var b strings.Builder
	b.Grow(len(s.table) + 100 + 24*len(attributes))
	b.WriteString(`UPDATE "` + s.table + `" SET `)
	parameters := make([]types.AttributeValue, 0, len(attributes)+3)
	for i, a := range attributes {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(a.name + " = ?")
		parameters = append(parameters, a.value)
	}
	b.WriteString(` WHERE "pk" = ? AND "sk" = ? AND "version" = ? AND "deleting" IS MISSING`)
	parameters = append(parameters, str(k.PK), str(k.SK), number(before))
	return statement{Statement: new(b.String()), Parameters: parameters}
}

// plainName reports whether a key may stand in a quoted path of a statement as it is.
func plainName(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && c != '_' && c != '-' && c != ' ' {
			return false
		}
	}
	return len(name) <= 255
}

// execute carries out writes of different items in batches, one after the other, and answers each in order: nil,
// user.ErrAgain when its condition failed, which is errConflict as well if a transaction was in its way, user.ErrUnavailable,
// or what else stopped it.
func (s *Store) execute(ctx context.Context, statements []statement, doing string) []error {
	errs := make([]error, 0, len(statements))
	for chunk := range slices.Chunk(statements, maxStatements) {
		out, err := s.client.BatchExecuteStatement(ctx, &dynamodb.BatchExecuteStatementInput{Statements: chunk})
		err = translate(err, doing)
		for i := range chunk {
			switch {
			case err != nil:
				errs = append(errs, err)
			case i >= len(out.Responses): // DynamoDB answers every statement
				errs = append(errs, fmt.Errorf("%s: %w: no answer", doing, user.ErrUnavailable))
			default:
				errs = append(errs, translateStatement(out.Responses[i].Error, doing))
			}
		}
	}
	return errs
}

// translateStatement maps the error of one statement of a batch to one of the domain. DynamoDB's message is left out: it
// may repeat values.
func translateStatement(e *types.BatchStatementError, doing string) error {
	if e == nil {
		return nil
	}
	switch e.Code {
	case types.BatchStatementErrorCodeEnumDuplicateItem, types.BatchStatementErrorCodeEnumConditionalCheckFailed:
		return user.ErrAgain
	case types.BatchStatementErrorCodeEnumTransactionConflict:
		return fmt.Errorf("%w: %w", user.ErrAgain, errConflict)
	case types.BatchStatementErrorCodeEnumThrottlingError, types.BatchStatementErrorCodeEnumProvisionedThroughputExceeded,
		types.BatchStatementErrorCodeEnumRequestLimitExceeded, types.BatchStatementErrorCodeEnumInternalServerError:
		return fmt.Errorf("%s: %w: %s", doing, user.ErrUnavailable, e.Code)
	case types.BatchStatementErrorCodeEnumItemCollectionSizeLimitExceeded:
		return fmt.Errorf("%s: %w", doing, user.ErrTooLarge)
	}
	return fmt.Errorf("%s: %s", doing, e.Code)
}
