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
// that name and shape may exist; one of another shape is an error, since it was made from another template.
func CreateTable(ctx context.Context, endpoint, tableName string, properties map[string]any) error {
	request := maps.Clone(properties)
	request["TableName"] = tableName
	if stream, ok := request["StreamSpecification"].(map[string]any); ok {
		// CloudFormation enables a stream by naming its view; the API wants both.
		stream = maps.Clone(stream)
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
	return awaitTable(ctx, endpoint, tableName, body)
}

// awaitTable waits until the table is active and compares it with the request that made it.
func awaitTable(ctx context.Context, endpoint, tableName string, created []byte) error {
	name, err := json.Marshal(map[string]string{"TableName": tableName})
	if err != nil {
		return err
	}
	for {
		answer, err := callDynamoDB(ctx, endpoint, "DescribeTable", name)
		if err != nil {
			return fmt.Errorf("describe table %s: %w", tableName, err)
		}
		var found struct {
			Table struct {
				shape
				TableStatus string
			}
		}
		if err := json.Unmarshal(answer, &found); err != nil {
			return fmt.Errorf("describe table %s: %w", tableName, err)
		}
		if found.Table.TableStatus == "ACTIVE" {
			return found.Table.compare(tableName, created)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("table %s is not active: %w", tableName, context.Cause(ctx))
		case <-time.After(20 * time.Millisecond):
		}
	}
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
