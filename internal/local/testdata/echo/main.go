// Echo is the function of the local cloud's tests. What it does depends on the event: it answers HTTP requests
// with the event itself, and appends every other event to the file named by RECORD. Commands in the event make
// it fail.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func main() { lambda.Start(handle) }

func handle(ctx context.Context, event json.RawMessage) (any, error) {
	if strings.Contains(string(event), `"routeKey"`) {
		return answer(ctx, event)
	}
	if err := record(event); err != nil {
		return nil, err
	}
	switch text := string(event); {
	case strings.Contains(text, "die-once"):
		return nil, dieOnce()
	case strings.Contains(text, "hang-once"):
		return nil, hangOnce()
	case strings.Contains(text, "fail-always"):
		return nil, errors.New("as told")
	case strings.Contains(text, `"aws:sqs"`):
		return failures(event)
	default:
		return nil, nil
	}
}

// answer answers an HTTP request.
func answer(ctx context.Context, event json.RawMessage) (any, error) {
	var request events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(event, &request); err != nil {
		return nil, err
	}
	switch request.QueryStringParameters["do"] {
	case "sleep":
		<-ctx.Done() // until just before the deadline
		time.Sleep(10 * time.Second)
	case "die":
		os.Exit(1)
	case "fail":
		return nil, errors.New("as told")
	case "tables", "table":
		return ask(ctx, request.QueryStringParameters["do"])
	case "infer":
		return "just text", nil
	case "pid":
		fmt.Println("this is process", os.Getpid())
		return map[string]any{"pid": os.Getpid(), "greeting": os.Getenv("GREETING"), "path": os.Getenv("PATH")}, nil
	}
	return events.APIGatewayV2HTTPResponse{
		StatusCode: 201,
		Headers:    map[string]string{"content-type": "application/json", "access-control-allow-origin": "*"},
		Cookies:    []string{"a=1", "b=2"},
		Body:       string(event),
	}, nil
}

// ask asks DynamoDB for its tables or for the function's own, and answers its answer.
func ask(ctx context.Context, what string) (any, error) {
	operation, body := "ListTables", "{}"
	if what == "table" {
		operation, body = "DescribeTable", `{"TableName":"`+os.Getenv("TABLE_NAME")+`"}`
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("AWS_ENDPOINT_URL_DYNAMODB"), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+os.Getenv("AWS_ACCESS_KEY_ID")+"/20260101/us-east-1/dynamodb/aws4_request")
	request.Header.Set("Content-Type", "application/x-amz-json-1.0")
	request.Header.Set("X-Amz-Date", "20260101T000000Z")
	request.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return events.APIGatewayV2HTTPResponse{StatusCode: response.StatusCode, Body: string(text)}, err
}

// record appends the event to the file, a line each.
func record(event json.RawMessage) error {
	name := os.Getenv("RECORD")
	if name == "" {
		return nil
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.WriteString(file, string(event)+"\n")
	return err
}

// first reports whether it is called for the first time in a test.
func first() bool {
	_, err := os.OpenFile(os.Getenv("RECORD")+".once", os.O_CREATE|os.O_EXCL, 0o600)
	return err == nil
}

func dieOnce() error {
	if first() {
		os.Exit(137)
	}
	return nil
}

func hangOnce() error {
	if first() {
		select {}
	}
	return nil
}

// failures reports every message that asks for it.
func failures(event json.RawMessage) (any, error) {
	var batch events.SQSEvent
	if err := json.Unmarshal(event, &batch); err != nil {
		return nil, err
	}
	response := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for _, m := range batch.Records {
		if strings.Contains(m.Body, "poison") {
			response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	return response, nil
}
