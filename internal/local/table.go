package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// dynamoDBError is an error that a DynamoDB endpoint answered.
type dynamoDBError struct{ operation, kind, message string }

func (e *dynamoDBError) Error() string { return e.operation + ": " + e.kind + ": " + e.message }

func parseDynamoDBError(operation string, answer []byte) error {
	var document struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
		Legacy  string `json:"Message"`
	}
	if json.Unmarshal(answer, &document) != nil || document.Type == "" {
		return fmt.Errorf("%s: the endpoint is not a DynamoDB", operation)
	}
	kind := document.Type[strings.LastIndexByte(document.Type, '#')+1:]
	return &dynamoDBError{operation, kind, document.Message + document.Legacy}
}

// CreateTable creates a table as its CloudFormation properties say, and returns when it is active. A table of
// that name and shape may exist, and its stream is enabled or disabled then; one of another shape is an error, since it
// was made from another template.
func CreateTable(ctx context.Context, endpoint, tableName string, properties map[string]any) error {
	request := maps.Clone(properties)
	request["TableName"] = tableName
	stream := map[string]any{"StreamEnabled": false}
	if view, ok := request["StreamSpecification"].(map[string]any); ok {
		// CloudFormation enables a stream by naming its view; the API wants both.
		stream = maps.Clone(view)
		stream["StreamEnabled"] = true
		request["StreamSpecification"] = stream
	}
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("marshal table %s: %w", tableName, err)
	}
	_, err = callDynamoDB(ctx, endpoint, "CreateTable", body)
	if e, ok := errors.AsType[*dynamoDBError](err); ok && e.kind == "ResourceInUseException" {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("create table %s: %w", tableName, err)
	}
	found, err := awaitTable(ctx, endpoint, tableName)
	if err != nil {
		return err
	}
	if err := found.compare(tableName, body); err != nil {
		return err
	}
	if found.StreamSpecification.StreamEnabled == stream["StreamEnabled"] {
		return nil
	}
	return updateStream(ctx, endpoint, tableName, stream)
}

// updateStream enables or disables the stream of a table.
func updateStream(ctx context.Context, endpoint, tableName string, stream map[string]any) error {
	body, err := json.Marshal(map[string]any{"TableName": tableName, "StreamSpecification": stream})
	if err != nil {
		return err
	}
	if _, err := callDynamoDB(ctx, endpoint, "UpdateTable", body); err != nil {
		return fmt.Errorf("change the stream of table %s: %w", tableName, err)
	}
	_, err = awaitTable(ctx, endpoint, tableName)
	return err
}

// awaitTable waits until the table is active and returns what it is then.
func awaitTable(ctx context.Context, endpoint, tableName string) (description, error) {
	name, err := json.Marshal(map[string]string{"TableName": tableName})
	if err != nil {
		return description{}, err
	}
	for {
		answer, err := callDynamoDB(ctx, endpoint, "DescribeTable", name)
		if err != nil {
			return description{}, fmt.Errorf("describe table %s: %w", tableName, err)
		}
		var found struct{ Table description }
		if err := json.Unmarshal(answer, &found); err != nil {
			return description{}, fmt.Errorf("describe table %s: %w", tableName, err)
		}
		if found.Table.TableStatus == "ACTIVE" {
			return found.Table, nil
		}
		select {
		case <-ctx.Done():
			return description{}, fmt.Errorf("table %s is not active: %w", tableName, context.Cause(ctx))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// description is what is read of the answer to DescribeTable.
type description struct {
	shape
	TableStatus         string
	StreamSpecification struct{ StreamEnabled bool }
}

// shape is what makes a table fit for a template: its keys and its indexes.
type shape struct {
	KeySchema              keySchema
	GlobalSecondaryIndexes []index
	LocalSecondaryIndexes  []index
}

type keySchema []struct{ AttributeName, KeyType string }

type index struct {
	IndexName string
	KeySchema keySchema
}

func (s shape) compare(tableName string, created []byte) error {
	var wanted shape
	if err := json.Unmarshal(created, &wanted); err != nil {
		return err
	}
	if !slices.Equal(s.lines(), wanted.lines()) {
		return fmt.Errorf("table %s exists with other keys or indexes than the template has: "+
			"remove the data directory, or name another", tableName)
	}
	return nil
}

// lines returns the shape as sorted text, as the API orders nothing.
func (s shape) lines() []string {
	lines := s.KeySchema.lines("table")
	for _, i := range slices.Concat(s.GlobalSecondaryIndexes, s.LocalSecondaryIndexes) {
		lines = append(lines, i.KeySchema.lines(i.IndexName)...)
	}
	slices.Sort(lines)
	return lines
}

func (k keySchema) lines(of string) []string {
	var lines []string
	for _, attribute := range k {
		lines = append(lines, strings.Join([]string{of, attribute.AttributeName, attribute.KeyType}, " "))
	}
	return lines
}
