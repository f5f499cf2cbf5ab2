package sam_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/local/pattern"
	"lunogram-users/internal/local/sam"
)

const whole = `
Parameters:
  Stage: {Type: String, Default: dev}
  Size: {Type: Number, Default: 256}
  NoDefault: {Type: String}
  Limit: {Type: Number, Default: 5}
Globals:
  Function:
    Timeout: 7
    Environment: {Variables: {A: global, B: global}}
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      CorsConfiguration: {AllowOrigins: ["*"], AllowMethods: [GET], MaxAge: 5, AllowCredentials: false}
  One:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: build/one/
      MemorySize: !Ref Size
      ReservedConcurrentExecutions: 3
      Tags: [!GetAtt Unknown.Thing, {Fn::Whatever: x}]
      Policies:
        - Statement:
            - {Effect: Allow, Action: "dynamodb:GetItem", Resource: !GetAtt Table.Arn}
            - {Sid: Two, Effect: Allow, Action: ["s3:GetObject", "s3:PutObject"], Resource: [!Sub "${Bucket.Arn}/in/*"]}
      Environment:
        Variables:
          A: own
          REF: !Ref Table
          BUCKET: {Ref: Bucket}
          SUB: !Sub "${AWS::StackName}-${Stage}-${!Literal}-${Bucket.Arn}"
          SUB_LIST: !Sub ["${x}/${AWS::Partition}", {x: !Ref Stage}]
          FN_SUB: {Fn::Sub: "${AWS::Region}"}
          ATT_LIST: {Fn::GetAtt: [Jobs, Arn]}
          URL: !Ref Jobs
          TOPIC: !Ref Topic
          JOIN: !Join [",", [a, !Ref Stage]]
          ENDPOINT: !GetAtt Api.ApiEndpoint
          NUMBER: 10
          BOOL: true
          BUS: !Ref Bus
          BUS_ARN: !GetAtt Bus.Arn
          GROUP: !Ref Group
          ROLE: !GetAtt Role.Arn
      EventInvokeConfig:
        MaximumRetryAttempts: 0
        MaximumEventAgeInSeconds: 60
        DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt Dead.Arn}}
      Events:
        A: {Type: HttpApi, Properties: {Path: "/a/{id}", Method: get}}
        B: {Type: HttpApi, Properties: {Path: /b, Method: any}}
        C: {Type: HttpApi}
        D: {Type: S3, Properties: {Bucket: !Ref Bucket, Events: ["s3:ObjectCreated:Put"], Filter: {S3Key: {Rules: [{Name: prefix, Value: in/}]}}}}
        E: {Type: SNS, Properties: {Topic: !Ref Topic}}
        F: {Type: SQS, Properties: {Queue: !GetAtt Jobs.Arn, FunctionResponseTypes: [ReportBatchItemFailures], ScalingConfig: {MaximumConcurrency: !Ref Limit}}}
  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      CorsConfiguration: {CorsRules: [{AllowedOrigins: ["*"], AllowedMethods: [PUT], AllowedHeaders: ["*"], ExposedHeaders: [ETag], MaxAge: 9}]}
  Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: news}}
  Jobs:
    Type: AWS::SQS::Queue
    Properties: {VisibilityTimeout: 90, RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 4}}
  Dead: {Type: AWS::SQS::Queue}
  Bus: {Type: AWS::Events::EventBus, Properties: {Name: !Sub "${AWS::StackName}-bus"}}
  Group: {Type: AWS::Scheduler::ScheduleGroup}
  Role: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {Statement: [{Principal: {Service: scheduler.amazonaws.com}}]}}}
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: !Sub users-${Stage}
      SSESpecification: !If [a, b, c]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
`

func TestParse(t *testing.T) {
	got, err := sam.Parse([]byte(whole), sam.Options{APIEndpoint: "http://here"})
	if err != nil {
		t.Fatal(err)
	}
	const account = "us-east-1:000000000000:"
	bucket := &sam.Bucket{LogicalID: "Bucket", Name: "local-bucket", CORS: []sam.CORS{{
		Origins: []string{"*"}, Methods: []string{"PUT"}, Headers: []string{"*"}, Expose: []string{"ETag"}, MaxAge: 9,
	}}}
	topic := &sam.Topic{LogicalID: "Topic", Name: "news", ARN: "arn:aws:sns:" + account + "news"}
	dead := &sam.Queue{
		LogicalID: "Dead", Name: "local-Dead", ARN: "arn:aws:sqs:" + account + "local-Dead",
		URL: "https://sqs.us-east-1.amazonaws.com/000000000000/local-Dead", Visibility: 30 * time.Second,
	}
	jobs := &sam.Queue{
		LogicalID: "Jobs", Name: "local-Jobs", ARN: "arn:aws:sqs:" + account + "local-Jobs",
		URL:        "https://sqs.us-east-1.amazonaws.com/000000000000/local-Jobs",
		Visibility: 90 * time.Second, DeadLetter: dead, MaxReceive: 4,
	}
	want := &sam.Template{
		CORS:    &sam.CORS{Origins: []string{"*"}, Methods: []string{"GET"}, MaxAge: 5},
		Buckets: []*sam.Bucket{bucket}, Topics: []*sam.Topic{topic}, Queues: []*sam.Queue{jobs, dead},
		Buses:  []*sam.Bus{{LogicalID: "Bus", Name: "local-bus", ARN: "arn:aws:events:" + account + "event-bus/local-bus"}},
		Groups: []string{"local-Group"},
		Tables: []*sam.Table{{LogicalID: "Table", Name: "users-dev", Properties: map[string]any{
			"KeySchema":            []any{map[string]any{"AttributeName": "pk", "KeyType": "HASH"}},
			"AttributeDefinitions": []any{map[string]any{"AttributeName": "pk", "AttributeType": "S"}},
		}}},
		Functions: []*sam.Function{{
			LogicalID: "One", Name: "one", FunctionName: "local-One", ARN: "arn:aws:lambda:" + account + "function:local-One",
			Timeout: 7 * time.Second, MemoryMB: 256, Concurrency: 3,
			Environment: map[string]string{
				"A": "own", "B": "global", "REF": "users-dev", "BUCKET": "local-bucket",
				"SUB": "local-dev-${Literal}-arn:aws:s3:::local-bucket", "SUB_LIST": "dev/aws", "FN_SUB": "us-east-1",
				"ATT_LIST": jobs.ARN, "URL": jobs.URL, "TOPIC": topic.ARN, "JOIN": "a,dev", "ENDPOINT": "http://here",
				"NUMBER": "10", "BOOL": "true", "BUS": "local-bus", "BUS_ARN": "arn:aws:events:" + account + "event-bus/local-bus",
				"GROUP": "local-Group", "ROLE": "arn:aws:iam::000000000000:role/local-Role",
			},
			Grants: []sam.Grant{
				{Actions: []string{"dynamodb:GetItem"}, Resources: []string{"arn:aws:dynamodb:" + account + "table/users-dev"}},
				{Actions: []string{"s3:GetObject", "s3:PutObject"}, Resources: []string{"arn:aws:s3:::local-bucket/in/*"}},
			},
			Async:  sam.Async{MaxAge: time.Minute, OnFailure: dead},
			Routes: []sam.Route{{Method: "GET", Path: "/a/{id}"}, {Method: "ANY", Path: "/b"}, {}},
			S3:     []sam.S3Trigger{{Bucket: bucket, Events: []string{"s3:ObjectCreated:Put"}, Prefix: "in/"}},
			SNS:    []*sam.Topic{topic},
			SQS:    []sam.SQSTrigger{{Queue: jobs, BatchSize: 10, PartialFailure: true, Concurrency: 5}},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("template (-want +got):\n%s", diff)
	}
}

// A stream is part of its table only while a function refers to it.
func TestStream(t *testing.T) {
	const template = `
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: build/f
      Policies: [{Statement: [{Effect: Allow, Action: dynamodb:GetRecords, Resource: !GetAtt Read.StreamArn}]}]
      Environment: {Variables: {STREAM: !GetAtt Read.StreamArn, TABLE: !GetAtt Unread.Arn}}
  Read: {Type: AWS::DynamoDB::Table, Properties: {StreamSpecification: {StreamViewType: KEYS_ONLY}}}
  Unread: {Type: AWS::DynamoDB::Table, Properties: {StreamSpecification: {StreamViewType: KEYS_ONLY}}}
`
	for _, test := range []struct {
		name, template string
		want           map[string]bool // by table
	}{
		{"one of two", template, map[string]bool{"Read": true, "Unread": false}},
		{"the permission alone", strings.Replace(template, "STREAM: !GetAtt Read.StreamArn, ", "", 1), map[string]bool{"Read": true, "Unread": false}},
	} {
		got, err := sam.Parse([]byte(test.template), sam.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range got.Tables {
			if _, ok := table.Properties["StreamSpecification"]; ok != test.want[table.LogicalID] {
				t.Errorf("%s: table %s has a stream: got %t, want %t", test.name, table.LogicalID, ok, !ok)
			}
		}
	}
}

func TestStreamTrigger(t *testing.T) {
	const template = `
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: build/f
      Events:
        Plain:
          Type: DynamoDB
          Properties: {Stream: !GetAtt T.StreamArn, StartingPosition: TRIM_HORIZON}
        Full:
          Type: DynamoDB
          Properties:
            Stream: !GetAtt T.StreamArn
            StartingPosition: LATEST
            BatchSize: 50
            ParallelizationFactor: 4
            MaximumBatchingWindowInSeconds: 2
            FilterCriteria: {Filters: [{Pattern: '{"eventName":["INSERT"]}'}]}
            FunctionResponseTypes: [ReportBatchItemFailures]
            BisectBatchOnFunctionError: true
            MaximumRetryAttempts: 5
            MaximumRecordAgeInSeconds: 60
            DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt Dead.Arn}}
  Dead: {Type: AWS::SQS::Queue}
  Other: {Type: AWS::DynamoDB::Table, Properties: {StreamSpecification: {StreamViewType: KEYS_ONLY}}}
  T: {Type: AWS::DynamoDB::Table, Properties: {StreamSpecification: {StreamViewType: KEYS_ONLY}}}
`
	got, err := sam.Parse([]byte(template), sam.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const arn = "arn:aws:dynamodb:us-east-1:000000000000:table/local-T/stream/local"
	inserts := pattern.Pattern{Fields: map[string]pattern.Pattern{
		"eventName": {Conditions: []pattern.Condition{{Operator: "equals", Values: []any{"INSERT"}}}},
	}}
	want := []sam.StreamTrigger{
		{Table: got.Tables[1], ARN: arn, FromStart: true, BatchSize: 100, Retries: -1},
		{
			Table: got.Tables[1], ARN: arn, BatchSize: 50, Window: 2 * time.Second, Filters: []pattern.Pattern{inserts},
			PartialFailure: true, Bisect: true, Retries: 5, MaxAge: time.Minute, OnFailure: got.Queues[0],
		},
	}
	if diff := cmp.Diff(want, got.Functions[0].Streams); diff != "" {
		t.Errorf("triggers (-want +got):\n%s", diff)
	}
	if _, ok := got.Tables[0].Properties["StreamSpecification"]; ok {
		t.Error("the stream that nobody reads: got it, want it left out")
	}
}

func TestParameterOverride(t *testing.T) {
	got, err := sam.Parse([]byte(whole), sam.Options{Parameters: map[string]string{"Stage": "prod"}})
	if err != nil {
		t.Fatal(err)
	}
	if name := got.Tables[0].Name; name != "users-prod" {
		t.Errorf("table: got %s, want users-prod", name)
	}
}

// Errors name the resource, and the line that is to blame.
func TestParseErrors(t *testing.T) {
	function := func(properties string) string {
		return "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      CodeUri: build/f\n      " + properties
	}
	const streamed = "{StreamSpecification: {StreamViewType: KEYS_ONLY}}"
	stream := func(properties, table string) string {
		return function("Events: {S: {Type: DynamoDB, Properties: {Stream: !GetAtt T.StreamArn, "+properties+"}}}\n") +
			"  T: {Type: AWS::DynamoDB::Table, Properties: " + table + "}"
	}
	for _, test := range []struct {
		name, template string
		want           []string
	}{
		{"no resources", "Parameters: {}", []string{"no Resources"}},
		{"not YAML", "\t", []string{"yaml"}},
		{"no code", "Resources:\n  F: {Type: AWS::Serverless::Function}", []string{"resource F (line 2)", "CodeUri"}},
		{"unknown reference", function("Environment: {Variables: {X: !Ref Nothing}}"), []string{"resource F", "line 6", "Nothing"}},
		{"unknown attribute", function("Environment: {Variables: {X: !GetAtt F.Color}}"), []string{"resource F", "line 6", "Color of F"}},
		{"unknown function", function("Timeout: !If [a, b, c]"), []string{"resource F", "Timeout", "line 6", "If"}},
		{"unknown event", function("Events: {S: {Type: Kinesis, Properties: {StartingPosition: LATEST}}}"), []string{"event S (line 6)", "Kinesis", "not supported yet"}},
		{"no stream", function("Events: {S: {Type: DynamoDB, Properties: {StartingPosition: LATEST}}}"), []string{"event S (line 6)", `"" is not the ARN of the stream`}},
		{"table without a stream", stream("StartingPosition: LATEST", "{}"), []string{"event S (line 6)", "is not the ARN of the stream"}},
		{"no position", stream("BatchSize: 1", streamed), []string{"event S (line 6)", "StartingPosition is TRIM_HORIZON or LATEST"}},
		{"position by time", stream("StartingPosition: AT_TIMESTAMP", streamed), []string{"event S (line 6)", `not "AT_TIMESTAMP"`}},
		{"filter", stream("StartingPosition: LATEST, FilterCriteria: {Filters: [{Pattern: '{\"a\":[{\"numeric\":[\">\",1]}]}'}]}", streamed), []string{"event S (line 6)", "FilterCriteria", "a: the operator numeric is not supported"}},
		{"tumbling window", stream("StartingPosition: LATEST, TumblingWindowInSeconds: 9", streamed), []string{"event S (line 6)", "TumblingWindowInSeconds"}},
		{"foreign destination", stream("StartingPosition: LATEST, DestinationConfig: {OnFailure: {Type: SQS, Destination: x}}", streamed), []string{"event S (line 6)", "DestinationConfig", `"x"`}},
		{"wrong type", function("Timeout: soon"), []string{"resource F", "line 6"}},
		{"managed policy", function("Policies: [AWSLambdaBasicExecutionRole]"), []string{"resource F", "Policies", "statements only"}},
		{"SAM's policy", function("Policies: [{SQSPollerPolicy: {QueueName: q}}]"), []string{"resource F", "Policies", "statements only"}},
		{"denial", function("Policies: [{Statement: [{Effect: Deny, Action: a, Resource: r}]}]"), []string{"Policies", "without a condition"}},
		{"condition", function("Policies: [{Statement: [{Effect: Allow, Action: a, Resource: r, Condition: {}}]}]"), []string{"Policies", "without a condition"}},
		{"wildcard", function("Policies: [{Statement: [{Effect: Allow, Action: 's3:*', Resource: r}]}]"), []string{"Policies", "s3:* has a wildcard"}},
		{"wildcards", function("Policies: [{Statement: [{Effect: Allow, Action: a, Resource: '*:*'}]}]"), []string{"Policies", "*:* has more wildcards"}},
		{"foreign bucket", function("Events: {S: {Type: S3, Properties: {Bucket: other, Events: x}}}"), []string{"event S", `"other"`}},
		{"payload 1.0", function("Events: {S: {Type: HttpApi, Properties: {Path: /, PayloadFormatVersion: '1.0'}}}"), []string{"1.0"}},
		{"self-named", "Resources:\n  B: {Type: AWS::S3::Bucket, Properties: {BucketName: !Ref B}}", []string{"resource B", "refers to itself"}},
		{"fifo", "Resources:\n  Q: {Type: AWS::SQS::Queue, Properties: {FifoQueue: true}}", []string{"resource Q", "FIFO"}},
		{"one folder twice", function("Timeout: 1\n  G: {Type: AWS::Serverless::Function, Properties: {CodeUri: build/f/}}"), []string{"resource G", "CodeUri is that of F"}},
	} {
		_, err := sam.Parse([]byte(test.template), sam.Options{})
		if err == nil {
			t.Errorf("%s: got no error", test.name)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %q, want it to contain %q", test.name, err, want)
			}
		}
	}
}
