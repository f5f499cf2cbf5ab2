package dynamo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

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

// remove returns the statement that deletes an item on condition of one of its attributes.
func (s *Store) remove(k key, condition attribute) statement {
	return statement{
		Statement:  new(`DELETE FROM "` + s.table + `" WHERE "pk" = ? AND "sk" = ? AND "` + condition.name + `" = ?`),
		Parameters: []types.AttributeValue{str(k.PK), str(k.SK), condition.value},
	}
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

// carryOut executes writes of different items, several batches at a time, and tries those again that a transaction or a
// throttle held up. It answers for each whether its condition stopped it.
func (s *Store) carryOut(ctx context.Context, statements []statement, doing string) (stopped []bool, err error) {
	stopped = make([]bool, len(statements))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(loadWriters)
	for at := 0; at < len(statements); at += maxStatements {
		end := min(at+maxStatements, len(statements))
		g.Go(func() error { return s.carryOutBatch(ctx, statements[at:end], stopped[at:end], doing) })
	}
	return stopped, g.Wait()
}

func (s *Store) carryOutBatch(ctx context.Context, statements []statement, stopped []bool, doing string) error {
	open := make([]int, len(statements)) // which are to be carried out yet
	for i := range open {
		open[i] = i
	}
	_, err := settle(ctx, func() (struct{}, error) {
		batch := make([]statement, len(open))
		for n, i := range open {
			batch[n] = statements[i]
		}
		var again []int
		for n, err := range s.execute(ctx, batch, doing) {
			switch i := open[n]; {
			case errors.Is(err, errConflict), errors.Is(err, errThrottled):
				again = append(again, i)
			case errors.Is(err, user.ErrAgain):
				stopped[i] = true
			case err != nil:
				return struct{}{}, err
			}
		}
		if open = again; len(open) > 0 {
			return struct{}{}, errConflict
		}
		return struct{}{}, nil
	})
	return err
}

// errThrottled says that DynamoDB had no room for one statement of a batch. The SDK does not try it again.
var errThrottled = fmt.Errorf("%w: throttled", user.ErrUnavailable)

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
		return fmt.Errorf("%s: %w: %s", doing, errThrottled, e.Code)
	case types.BatchStatementErrorCodeEnumItemCollectionSizeLimitExceeded:
		return fmt.Errorf("%s: %w", doing, user.ErrTooLarge)
	}
	return fmt.Errorf("%s: %s", doing, e.Code)
}
