package permission_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	scheduletypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/local/permission"
	"lunogram-users/internal/local/sam"
)

const (
	scope    = "us-east-1:000000000000:"
	table    = "arn:aws:dynamodb:" + scope + "table/users"
	function = "local-F"
)

// guard returns the guard of one function with the grants.
func guard(grants ...sam.Grant) *permission.Guard {
	return permission.New([]*sam.Function{{FunctionName: function, Grants: grants}}, slog.New(slog.DiscardHandler))
}

// ask sends a request, signed by id, to a service behind the guard, and reports whether it went through whole.
func ask(t *testing.T, g *permission.Guard, s permission.Service, id, method, path, target, body string) bool {
	t.Helper()
	through := false
	h := g.Handler(s, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got, err := io.ReadAll(r.Body)
		through = err == nil && string(got) == body
	}))
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+id+"/20260101/us-east-1/x/aws4_request, SignedHeaders=host, Signature=0")
	r.Header.Set("X-Amz-Target", target)
	h.ServeHTTP(httptest.NewRecorder(), r)
	return through
}

// TestNeeds checks that a request goes through with what it needs, and not if any of that is missing.
func TestNeeds(t *testing.T) {
	const dynamo, queue, bus = "DynamoDB_20120810.", "AmazonSQS.", "AWSEvents."
	schedule := "arn:aws:scheduler:" + scope + "schedule/wakes/one"
	for _, test := range []struct {
		name         string
		service      permission.Service
		method, path string
		target, body string
		want         []permission.Need
	}{
		{"get", permission.DynamoDB, "POST", "/", dynamo + "GetItem", `{"TableName":"users","Key":{"TableName":{"S":"x"}}}`,
			[]permission.Need{{"dynamodb:GetItem", table}}},
		{"query of an index", permission.DynamoDB, "POST", "/", dynamo + "Query", `{"TableName":"users","IndexName":"by_phone"}`,
			[]permission.Need{{"dynamodb:Query", table + "/index/by_phone"}}},
		{"batch", permission.DynamoDB, "POST", "/", dynamo + "BatchWriteItem", `{"RequestItems":{"users":[],"other":[]}}`,
			[]permission.Need{{"dynamodb:BatchWriteItem", table}, {"dynamodb:BatchWriteItem", "arn:aws:dynamodb:" + scope + "table/other"}}},
		{"transaction", permission.DynamoDB, "POST", "/", dynamo + "TransactWriteItems",
			`{"TransactItems":[{"Put":{"TableName":"users"}},{"Update":{"TableName":"users"}},{"Delete":{"TableName":"users"}},{"ConditionCheck":{"TableName":"users"}}]}`,
			[]permission.Need{{"dynamodb:PutItem", table}, {"dynamodb:UpdateItem", table}, {"dynamodb:DeleteItem", table}, {"dynamodb:ConditionCheckItem", table}}},
		{"statements", permission.DynamoDB, "POST", "/", dynamo + "BatchExecuteStatement",
			`{"Statements":[{"Statement":"INSERT INTO \"users\" VALUE {'pk': ?}"},{"Statement":"UPDATE \"users\" SET a = ?"},{"Statement":"delete from \"users\" WHERE a = 1"}]}`,
			[]permission.Need{{"dynamodb:PartiQLInsert", table}, {"dynamodb:PartiQLUpdate", table}, {"dynamodb:PartiQLDelete", table}}},
		{"selection", permission.DynamoDB, "POST", "/", dynamo + "ExecuteStatement", `{"Statement":"SELECT a\nFROM \"users\".\"by_phone\""}`,
			[]permission.Need{{"dynamodb:PartiQLSelect", table + "/index/by_phone"}}},
		{"task", permission.SQS, "POST", "/", queue + "SendMessage", `{"QueueUrl":"https://sqs.us-east-1.amazonaws.com/000000000000/tasks"}`,
			[]permission.Need{{"sqs:SendMessage", "arn:aws:sqs:" + scope + "tasks"}}},
		{"tasks", permission.SQS, "POST", "/", queue + "SendMessageBatch", `{"QueueUrl":"http://x/tasks"}`,
			[]permission.Need{{"sqs:SendMessage", "arn:aws:sqs:" + scope + "tasks"}}},
		{"events", permission.EventBridge, "POST", "/", bus + "PutEvents", `{"Entries":[{"EventBusName":"one"},{}]}`,
			[]permission.Need{{"events:PutEvents", "arn:aws:events:" + scope + "event-bus/one"}, {"events:PutEvents", "arn:aws:events:" + scope + "event-bus/default"}}},
		{"schedule", permission.Scheduler, "POST", "/x/schedules/one", "", `{"GroupName":"wakes","Target":{"RoleArn":"role"}}`,
			[]permission.Need{{"scheduler:CreateSchedule", schedule}, {"iam:PassRole", "role"}}},
		{"look at a schedule", permission.Scheduler, "GET", "/x/schedules/one?groupName=wakes", "", "", []permission.Need{{"scheduler:GetSchedule", schedule}}},
		{"no schedule", permission.Scheduler, "DELETE", "/x/schedules/one?groupName=wakes", "", "", []permission.Need{{"scheduler:DeleteSchedule", schedule}}},
		{"topic", permission.SNS, "POST", "/", "", url.Values{"Action": {"Publish"}, "TopicArn": {"topic"}}.Encode(), []permission.Need{{"sns:Publish", "topic"}}},
		{"text", permission.SMS, "POST", "/", "PinpointSMSVoiceV2.SendTextMessage", `{"OriginationIdentity":"+15550100000"}`,
			[]permission.Need{{"sms-voice:SendTextMessage", "arn:aws:sms-voice:" + scope + "phone-number/+15550100000"}}},
		{"object", permission.S3, "GET", "/bucket/a/b%20c", "", "", []permission.Need{{"s3:GetObject", "arn:aws:s3:::bucket/a/b c"}}},
		{"object of a host", permission.S3, "PUT", "http://bucket.localhost:9000/a", "", "text", []permission.Need{{"s3:PutObject", "arn:aws:s3:::bucket/a"}}},
		{"part", permission.S3, "POST", "/bucket/a?uploads", "", "", []permission.Need{{"s3:PutObject", "arn:aws:s3:::bucket/a"}}},
		{"no parts", permission.S3, "DELETE", "/bucket/a?uploadId=1", "", "", []permission.Need{{"s3:AbortMultipartUpload", "arn:aws:s3:::bucket/a"}}},
		{"no object", permission.S3, "DELETE", "/bucket/a", "", "", []permission.Need{{"s3:DeleteObject", "arn:aws:s3:::bucket/a"}}},
		{"list", permission.S3, "GET", "/bucket?list-type=2", "", "", []permission.Need{{"s3:ListBucket", "arn:aws:s3:::bucket"}}},
	} {
		var grants []sam.Grant
		for _, n := range test.want {
			grants = append(grants, sam.Grant{Actions: []string{n.Action}, Resources: []string{n.Resource}})
		}
		if !ask(t, guard(grants...), test.service, function, test.method, test.path, test.target, test.body) {
			t.Errorf("%s: refused with what it needs", test.name)
		}
		for i, n := range test.want {
			g := guard(slices.Delete(slices.Clone(grants), i, i+1)...)
			through := ask(t, g, test.service, function, test.method, test.path, test.target, test.body)
			if diff := cmp.Diff([]permission.Denial{{Function: function, Need: n}}, g.Denials()); through || diff != "" {
				t.Errorf("%s without %s: through %t, denials (-want +got):\n%s", test.name, n.Action, through, diff)
			}
		}
	}
}

// TestUnknown checks that nobody is granted what is not understood.
func TestUnknown(t *testing.T) {
	g := guard(sam.Grant{Actions: []string{"dynamodb:GetItem", "s3:PutObject"}, Resources: []string{"*"}})
	for _, test := range []struct {
		name, method, target, body string
		service                    permission.Service
	}{
		{"no JSON", "POST", "DynamoDB_20120810.GetItem", "no", permission.DynamoDB},
		{"no operation", "POST", "", "{}", permission.DynamoDB},
		{"another part", "POST", "DynamoDB_20120810.TransactWriteItems", `{"TransactItems":[{"Truncate":{"TableName":"users"}}]}`, permission.DynamoDB},
		{"another statement", "POST", "DynamoDB_20120810.ExecuteStatement", `{"Statement":"DROP TABLE \"users\""}`, permission.DynamoDB},
		{"another method", "PATCH", "", "", permission.S3},
	} {
		if ask(t, g, test.service, function, test.method, "/bucket/key", test.target, test.body) {
			t.Errorf("%s: it went through", test.name)
		}
	}
}

// TestWho checks who is bound, and by which resources.
func TestWho(t *testing.T) {
	for _, test := range []struct {
		id, resource string
		want         bool
	}{
		{"local", "nothing", true},
		{"", "nothing", true},
		{function, "nothing", false},
		{function, "arn:aws:s3:::bucket/in/*", true},
		{function, "arn:aws:s3:::*/in/x", true},
		{function, "arn:aws:s3:::bucket/in/x*x", false},
		{function, "arn:aws:s3:::bucket/in/", false},
	} {
		g := guard(sam.Grant{Actions: []string{"s3:GetObject"}, Resources: []string{test.resource}})
		if got := ask(t, g, permission.S3, test.id, "GET", "/bucket/in/x", "", ""); got != test.want {
			t.Errorf("signed by %q, granted %s: got %t, want %t", test.id, test.resource, got, test.want)
		}
		link := "/bucket/in/x?X-Amz-Credential=" + url.QueryEscape(function+"/20260101/us-east-1/s3/aws4_request")
		r := httptest.NewRequest("GET", link, nil)
		w := httptest.NewRecorder()
		g.Handler(permission.S3, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
		if got := w.Code == http.StatusOK; test.id == function && got != test.want {
			t.Errorf("a link, granted %s: got %t, want %t", test.resource, got, test.want)
		}
	}
}

// TestRefusals checks that the SDK reads each refusal as one, and does not try again.
func TestRefusals(t *testing.T) {
	ctx := t.Context()
	for name, test := range map[string]struct {
		service permission.Service
		call    func(aws.Config) error
		code    string
	}{
		"DynamoDB": {permission.DynamoDB, func(cfg aws.Config) error {
			_, err := dynamodb.NewFromConfig(cfg).Scan(ctx, &dynamodb.ScanInput{TableName: new("users")})
			return err
		}, "AccessDeniedException"},
		"SQS": {permission.SQS, func(cfg aws.Config) error {
			_, err := sqs.NewFromConfig(cfg).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: new("http://x/q"), MessageBody: new("m")})
			return err
		}, "AccessDeniedException"},
		"EventBridge": {permission.EventBridge, func(cfg aws.Config) error {
			_, err := eventbridge.NewFromConfig(cfg).PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []eventtypes.PutEventsRequestEntry{{Detail: new("{}")}}})
			return err
		}, "AccessDeniedException"},
		"Scheduler": {permission.Scheduler, func(cfg aws.Config) error {
			_, err := scheduler.NewFromConfig(cfg).CreateSchedule(ctx, &scheduler.CreateScheduleInput{
				Name: new("n"), ScheduleExpression: new("at(2030-01-01T00:00:00)"), FlexibleTimeWindow: &scheduletypes.FlexibleTimeWindow{Mode: "OFF"},
				Target: &scheduletypes.Target{Arn: new("a"), RoleArn: new("r")},
			})
			return err
		}, "AccessDeniedException"},
		"SNS": {permission.SNS, func(cfg aws.Config) error {
			_, err := sns.NewFromConfig(cfg).Publish(ctx, &sns.PublishInput{TopicArn: new("t"), Message: new("m")})
			return err
		}, "AuthorizationError"},
		"S3": {permission.S3, func(cfg aws.Config) error {
			_, err := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }).GetObject(ctx, &s3.GetObjectInput{Bucket: new("bucket"), Key: new("k")})
			return err
		}, "AccessDenied"},
	} {
		calls := 0
		h := guard().Handler(test.service, http.NotFoundHandler())
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			calls++
			h.ServeHTTP(w, r)
		}))
		err := test.call(aws.Config{
			Region: sam.Region, BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider(function, "x", ""),
		})
		server.Close()
		if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != test.code || !strings.Contains(e.ErrorMessage(), function) || calls != 1 {
			t.Errorf("%s: got %v after %d calls, want %s after one", name, err, calls, test.code)
		}
	}
}
