// Package sam reads what the local cloud needs of an AWS SAM template: functions and their triggers, the HTTP
// API, tables, buckets, topics, queues, event buses and groups of schedules, with parameters, globals and intrinsic
// functions resolved.
//
// What it does not understand in a property it needs is an error that names the resource and the line;
// properties it does not need (policies of buckets and topics, log groups, alarms, …) are not looked at.
package sam

import (
	"fmt"
	"os"
	"time"

	"gopkg.in/yaml.v3"

	"lunogram-users/internal/local/pattern"
)

// The values of the pseudo parameters.
const (
	Region    = "us-east-1"
	AccountID = "000000000000"
	StackName = "local"
	Partition = "aws"
)

// Template is a template with everything resolved. Slices are in the order of the file.
type Template struct {
	Functions []*Function
	Tables    []*Table
	Buckets   []*Bucket
	Topics    []*Topic
	Queues    []*Queue
	Buses     []*Bus
	Groups    []string // names of the groups of schedules
	CORS      *CORS    // of the HTTP API; nil if it has none
}

// Function is an AWS::Serverless::Function.
type Function struct {
	LogicalID    string
	Name         string // of its folder: the last element of CodeUri
	FunctionName string // as AWS_LAMBDA_FUNCTION_NAME has it
	ARN          string
	Timeout      time.Duration
	MemoryMB     int
	Concurrency  int // ReservedConcurrentExecutions, 0 if there is none
	Environment  map[string]string
	Grants       []Grant
	Async        Async
	Routes       []Route
	S3           []S3Trigger
	SNS          []*Topic
	SQS          []SQSTrigger
	Streams      []StreamTrigger
}

// Async is how asynchronous events are retried (EventInvokeConfig).
type Async struct {
	Retries   int           // after the first attempt; AWS's default is 2
	MaxAge    time.Duration // of an event that is still tried; AWS's default is 6 hours
	OnFailure *Queue        // gets what was given up; nil drops it
}

// Route is an HttpApi event. Method and Path are empty for the $default route; Method is "ANY" or in upper case.
type Route struct {
	Method string
	Path   string
}

// S3Trigger is an S3 event: objects of the bucket whose keys have the prefix and the suffix.
type S3Trigger struct {
	Bucket         *Bucket
	Events         []string // s3:ObjectCreated:* and the like
	Prefix, Suffix string
}

// SQSTrigger is an SQS event.
type SQSTrigger struct {
	Queue          *Queue
	BatchSize      int  // AWS's default is 10
	PartialFailure bool // FunctionResponseTypes has ReportBatchItemFailures
	Concurrency    int  // MaximumConcurrency of ScalingConfig, 0 if there is none
}

// StreamTrigger is a DynamoDB event: the changes of a table's items.
type StreamTrigger struct {
	Table          *Table
	ARN            string        // of the stream
	FromStart      bool          // StartingPosition is TRIM_HORIZON, not LATEST
	BatchSize      int           // AWS's default is 100
	Window         time.Duration // MaximumBatchingWindowInSeconds
	Filters        []pattern.Pattern
	PartialFailure bool          // FunctionResponseTypes has ReportBatchItemFailures
	Bisect         bool          // BisectBatchOnFunctionError
	Retries        int           // MaximumRetryAttempts; -1, AWS's default, for as many as it takes
	MaxAge         time.Duration // MaximumRecordAgeInSeconds; 0, AWS's default, for any
	OnFailure      *Queue        // gets a note of what was given up; nil for nobody
}

// Table is an AWS::DynamoDB::Table. Properties are those of the template that shape it, resolved, in plain Go values.
// StreamSpecification is among them only if a function refers to the table's stream: nobody would read it.
type Table struct {
	LogicalID  string
	Name       string
	Properties map[string]any
}

// Bucket is an AWS::S3::Bucket.
type Bucket struct {
	LogicalID string
	Name      string
	CORS      []CORS // its CorsRules
}

// Topic is an AWS::SNS::Topic.
type Topic struct {
	LogicalID string
	Name      string
	ARN       string
}

// Queue is an AWS::SQS::Queue.
type Queue struct {
	LogicalID  string
	Name       string
	ARN        string
	URL        string
	Visibility time.Duration
	Delay      time.Duration
	DeadLetter *Queue // nil if there is no RedrivePolicy
	MaxReceive int    // maxReceiveCount
}

// Bus is an AWS::Events::EventBus.
type Bus struct {
	LogicalID string
	Name      string
	ARN       string
}

// CORS is the CorsConfiguration of an HTTP API, or one rule of that of a bucket.
type CORS struct {
	Origins     []string
	Methods     []string
	Headers     []string
	Expose      []string
	MaxAge      int // seconds; 0 sends no header
	Credentials bool
}

// Options changes how a template is read. The zero value is the usual one.
type Options struct {
	Parameters  map[string]string // override defaults
	APIEndpoint string            // what the HTTP API's endpoint resolves to; http://127.0.0.1 if ""
}

// Read reads the template in the file path. Its errors name the file, and the resource and the line where one
// is to blame.
func Read(path string, o Options) (*Template, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t, err := Parse(content, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// Parse is Read for a template in memory.
func Parse(content []byte, o Options) (*Template, error) {
	var file document
	if err := yaml.Unmarshal(content, &file); err != nil {
		return nil, err
	}
	if o.APIEndpoint == "" {
		o.APIEndpoint = "http://127.0.0.1"
	}
	r, err := newReader(file, o)
	if err != nil {
		return nil, err
	}
	return r.read()
}

// Function returns the function whose folder or logical id is name, or nil.
func (t *Template) Function(name string) *Function {
	for _, f := range t.Functions {
		if f.Name == name || f.LogicalID == name {
			return f
		}
	}
	return nil
}
