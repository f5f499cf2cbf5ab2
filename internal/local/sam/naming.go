package sam

import (
	"fmt"
	"strings"
)

// streamARN is the attribute by which a function refers to the stream of a table.
const streamARN = "StreamArn"

// streamSuffix makes the ARN of a table that of its stream.
const streamSuffix = "/stream/local"

// nameProperty is where a resource of a type says its name, for types whose resources are referred to.
func nameProperty(kind string) (string, bool) {
	name, ok := map[string]string{
		"AWS::DynamoDB::Table":          "TableName",
		"AWS::S3::Bucket":               "BucketName",
		"AWS::SNS::Topic":               "TopicName",
		"AWS::SQS::Queue":               "QueueName",
		"AWS::Serverless::Function":     "FunctionName",
		"AWS::Logs::LogGroup":           "LogGroupName",
		"AWS::Events::EventBus":         "Name",
		"AWS::Scheduler::ScheduleGroup": "Name",
		"AWS::IAM::Role":                "RoleName",
	}[kind]
	return name, ok
}

// physicalName returns the name a resource has: its own, or one made of the stack's name and its logical id.
func (r *reader) physicalName(res *resource) (string, error) {
	property, ok := nameProperty(res.Type)
	if !ok {
		return "", fmt.Errorf("%s is a %s, which has no local value", res.id, res.Type)
	}
	if r.naming[res.id] {
		return "", fmt.Errorf("the name of %s refers to itself", res.id)
	}
	r.naming[res.id] = true
	defer delete(r.naming, res.id)
	for key, value := range pairs(&res.Properties) {
		if key.Value == property {
			resolved, err := r.resolve(value)
			if err != nil {
				return "", err
			}
			return resolved.Value, nil
		}
	}
	name := StackName + "-" + res.id
	if res.Type == "AWS::S3::Bucket" {
		name = strings.ToLower(name)
	}
	return name, nil
}

// refResource is what Ref answers for a resource of its type.
func (r *reader) refResource(res *resource) (string, error) {
	switch res.Type {
	case "AWS::SNS::Topic":
		return r.attribute(res.id, "TopicArn")
	case "AWS::SQS::Queue":
		return r.attribute(res.id, "QueueUrl")
	case "AWS::Serverless::HttpApi":
		return res.id, nil
	default:
		return r.physicalName(res)
	}
}

// attribute is what GetAtt answers.
func (r *reader) attribute(id, attribute string) (string, error) {
	res, ok := r.byID[id]
	if !ok {
		return "", fmt.Errorf("there is no resource %s", id)
	}
	if res.Type == "AWS::Serverless::HttpApi" && attribute == "ApiEndpoint" {
		return r.options.APIEndpoint, nil
	}
	name, err := r.physicalName(res)
	if err != nil {
		return "", err
	}
	if attribute == streamARN {
		r.streamed[id] = true
	}
	scope := Region + ":" + AccountID + ":"
	value, ok := map[string]string{
		"AWS::DynamoDB::Table Arn":           "arn:aws:dynamodb:" + scope + "table/" + name,
		"AWS::S3::Bucket Arn":                "arn:aws:s3:::" + name,
		"AWS::SNS::Topic TopicArn":           "arn:aws:sns:" + scope + name,
		"AWS::SNS::Topic TopicName":          name,
		"AWS::SQS::Queue Arn":                "arn:aws:sqs:" + scope + name,
		"AWS::SQS::Queue QueueName":          name,
		"AWS::SQS::Queue QueueUrl":           "https://sqs." + Region + ".amazonaws.com/" + AccountID + "/" + name,
		"AWS::Serverless::Function Arn":      "arn:aws:lambda:" + scope + "function:" + name,
		"AWS::Logs::LogGroup Arn":            "arn:aws:logs:" + scope + "log-group:" + name,
		"AWS::Events::EventBus Arn":          "arn:aws:events:" + scope + "event-bus/" + name,
		"AWS::Events::EventBus Name":         name,
		"AWS::IAM::Role Arn":                 "arn:aws:iam::" + AccountID + ":role/" + name,
		"AWS::Scheduler::ScheduleGroup Arn":  "arn:aws:scheduler:" + scope + "schedule-group/" + name,
		"AWS::S3::Bucket RegionalDomainName": name + ".s3." + Region + ".amazonaws.com",
		"AWS::S3::Bucket DomainName":         name + ".s3.amazonaws.com",
		"AWS::DynamoDB::Table " + streamARN:  "arn:aws:dynamodb:" + scope + "table/" + name + streamSuffix,
	}[res.Type+" "+attribute]
	if !ok {
		return "", fmt.Errorf("the attribute %s of %s (%s) has no local value", attribute, id, res.Type)
	}
	return value, nil
}
