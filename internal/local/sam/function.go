package sam

import (
	"fmt"
	"path"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// functionProperties is what is read of a function, globals included.
type functionProperties struct {
	CodeURI     string `yaml:"CodeUri"`
	Timeout     int    `yaml:"Timeout"`
	Memory      int    `yaml:"MemorySize"`
	Concurrency int    `yaml:"ReservedConcurrentExecutions"`
	Environment struct {
		Variables map[string]string `yaml:"Variables"`
	} `yaml:"Environment"`
	Async struct {
		Retries     *int        `yaml:"MaximumRetryAttempts"`
		MaxAge      int         `yaml:"MaximumEventAgeInSeconds"`
		Destination destination `yaml:"DestinationConfig"`
	} `yaml:"EventInvokeConfig"`
	Policies yaml.Node `yaml:"Policies"`
	Events   yaml.Node `yaml:"Events"`
}

func (r *reader) readFunction(res *resource) error {
	p, err := decode[functionProperties](r, merge(&r.document.Globals.Function, &res.Properties))
	if err != nil {
		return err
	}
	if p.CodeURI == "" {
		return fmt.Errorf("CodeUri is missing")
	}
	f := &Function{
		LogicalID:   res.id,
		Name:        path.Base(path.Clean(p.CodeURI)),
		Timeout:     seconds(p.Timeout),
		MemoryMB:    p.Memory,
		Concurrency: p.Concurrency,
		Environment: p.Environment.Variables,
		Async:       Async{Retries: 2, MaxAge: 6 * time.Hour},
	}
	// Source: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html
	if f.Timeout == 0 {
		f.Timeout = 3 * time.Second
	}
	if f.MemoryMB == 0 {
		f.MemoryMB = 128
	}
	if f.FunctionName, err = r.physicalName(res); err != nil {
		return err
	}
	if f.ARN, err = r.attribute(res.id, "Arn"); err != nil {
		return err
	}
	if err := r.readAsync(f, p); err != nil {
		return fmt.Errorf("EventInvokeConfig: %w", err)
	}
	if f.Grants, err = readPolicies(&p.Policies); err != nil {
		return fmt.Errorf("property Policies: %w", err)
	}
	for key, value := range pairs(&p.Events) {
		if err := r.readEvent(f, value); err != nil {
			return fmt.Errorf("event %s (line %d): %w", key.Value, key.Line, err)
		}
	}
	r.template.Functions = append(r.template.Functions, f)
	return nil
}

func (r *reader) readAsync(f *Function, p functionProperties) error {
	if p.Async.Retries != nil {
		f.Async.Retries = *p.Async.Retries
	}
	if p.Async.MaxAge > 0 {
		f.Async.MaxAge = seconds(p.Async.MaxAge)
	}
	var err error
	f.Async.OnFailure, err = r.onFailure(p.Async.Destination)
	return err
}

// destination is a DestinationConfig.
type destination struct {
	OnFailure *struct {
		Type        string `yaml:"Type"`
		Destination string `yaml:"Destination"`
	} `yaml:"OnFailure"`
}

// onFailure returns the queue that a destination names, nil if it names none.
func (r *reader) onFailure(d destination) (*Queue, error) {
	if d.OnFailure == nil {
		return nil, nil
	}
	if d.OnFailure.Type != "SQS" && d.OnFailure.Type != "" {
		return nil, fmt.Errorf("a destination of type %s is not supported yet", d.OnFailure.Type)
	}
	return r.queue(d.OnFailure.Destination)
}

// readEvent reads one trigger. Its intrinsic functions are resolved already.
func (r *reader) readEvent(f *Function, n *yaml.Node) error {
	var event struct {
		Type       string    `yaml:"Type"`
		Properties yaml.Node `yaml:"Properties"`
	}
	if err := n.Decode(&event); err != nil {
		return err
	}
	switch event.Type {
	case "HttpApi":
		return r.readHTTPEvent(f, &event.Properties)
	case "S3":
		return r.readS3Event(f, &event.Properties)
	case "SNS":
		return r.readSNSEvent(f, &event.Properties)
	case "SQS":
		return r.readSQSEvent(f, &event.Properties)
	case "DynamoDB":
		return r.readStreamEvent(f, &event.Properties)
	default:
		return fmt.Errorf("an event of type %q is not supported yet by the local cloud", event.Type)
	}
}

func (r *reader) readHTTPEvent(f *Function, n *yaml.Node) error {
	p, err := decode[struct {
		Path    string `yaml:"Path"`
		Method  string `yaml:"Method"`
		Payload string `yaml:"PayloadFormatVersion"`
	}](r, n)
	if err != nil {
		return err
	}
	if p.Payload != "" && p.Payload != "2.0" {
		return fmt.Errorf("the payload format %s is not supported", p.Payload)
	}
	if p.Path == "" || p.Path == "$default" {
		f.Routes = append(f.Routes, Route{})
		return nil
	}
	if !strings.HasPrefix(p.Path, "/") {
		return fmt.Errorf("the path %s does not start with a slash", p.Path)
	}
	method := strings.ToUpper(p.Method)
	if method == "" || method == "*" || method == "X-AMAZON-APIGATEWAY-ANY-METHOD" {
		method = "ANY"
	}
	f.Routes = append(f.Routes, Route{Method: method, Path: p.Path})
	return nil
}

func (r *reader) readS3Event(f *Function, n *yaml.Node) error {
	p, err := decode[struct {
		Bucket string     `yaml:"Bucket"`
		Events stringList `yaml:"Events"`
		Filter struct {
			Key struct {
				Rules []struct {
					Name  string `yaml:"Name"`
					Value string `yaml:"Value"`
				} `yaml:"Rules"`
			} `yaml:"S3Key"`
		} `yaml:"Filter"`
	}](r, n)
	if err != nil {
		return err
	}
	bucket, err := r.bucket(p.Bucket)
	if err != nil {
		return err
	}
	trigger := S3Trigger{Bucket: bucket, Events: p.Events}
	for _, rule := range p.Filter.Key.Rules {
		switch strings.ToLower(rule.Name) {
		case "prefix":
			trigger.Prefix = rule.Value
		case "suffix":
			trigger.Suffix = rule.Value
		default:
			return fmt.Errorf("a filter rule is named prefix or suffix, not %q", rule.Name)
		}
	}
	f.S3 = append(f.S3, trigger)
	return nil
}

func (r *reader) readSNSEvent(f *Function, n *yaml.Node) error {
	p, err := decode[struct {
		Topic        string    `yaml:"Topic"`
		FilterPolicy yaml.Node `yaml:"FilterPolicy"`
		Subscription yaml.Node `yaml:"SqsSubscription"`
	}](r, n)
	if err != nil {
		return err
	}
	if p.FilterPolicy.Kind != 0 || p.Subscription.Kind != 0 {
		return fmt.Errorf("FilterPolicy and SqsSubscription are not supported yet by the local cloud")
	}
	topic, err := r.topic(p.Topic)
	if err != nil {
		return err
	}
	f.SNS = append(f.SNS, topic)
	return nil
}

func (r *reader) readSQSEvent(f *Function, n *yaml.Node) error {
	p, err := decode[struct {
		Queue     string   `yaml:"Queue"`
		BatchSize int      `yaml:"BatchSize"`
		Responses []string `yaml:"FunctionResponseTypes"`
		Scaling   struct {
			Concurrency int `yaml:"MaximumConcurrency"`
		} `yaml:"ScalingConfig"`
	}](r, n)
	if err != nil {
		return err
	}
	queue, err := r.queue(p.Queue)
	if err != nil {
		return err
	}
	trigger := SQSTrigger{Queue: queue, BatchSize: p.BatchSize, Concurrency: p.Scaling.Concurrency}
	if trigger.BatchSize == 0 {
		trigger.BatchSize = 10
	}
	trigger.PartialFailure, err = partialFailure(p.Responses)
	f.SQS = append(f.SQS, trigger)
	return err
}

// partialFailure reports whether FunctionResponseTypes has ReportBatchItemFailures, and refuses what else it may have.
func partialFailure(kinds []string) (bool, error) {
	for _, kind := range kinds {
		if kind != "ReportBatchItemFailures" {
			return false, fmt.Errorf("FunctionResponseTypes: %s is not supported", kind)
		}
	}
	return len(kinds) > 0, nil
}
