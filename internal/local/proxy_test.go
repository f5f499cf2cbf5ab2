package local_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/local/permission"
)

// TestPermissions checks that a function may do what its statements say, and is told what it may not.
func TestPermissions(t *testing.T) {
	c := start(t, nil)
	if response, body := call(t, "GET", c.URL+"/echo?do=table", "", nil); response.StatusCode != 200 || !strings.Contains(body, c.Table) {
		t.Errorf("what is granted: got %d %s, want 200 and the table", response.StatusCode, body)
	}
	if response, body := call(t, "GET", c.URL+"/echo?do=tables", "", nil); response.StatusCode != 400 || !strings.Contains(body, "AccessDeniedException") {
		t.Errorf("what is not: got %d %s, want 400 and AccessDeniedException", response.StatusCode, body)
	}
	signed := http.Header{"Authorization": {"AWS4-HMAC-SHA256 Credential=local-EchoFunction/20260101/us-east-1/x/aws4_request"}}
	want := []permission.Denial{{
		Function: "local-EchoFunction",
		Need:     permission.Need{Action: "dynamodb:ListTables", Resource: "arn:aws:dynamodb:us-east-1:000000000000:table/"},
	}}
	for _, test := range []struct{ url, target, action, resource string }{
		{c.URL + "/_local/sqs", "AmazonSQS.ListQueues", "sqs:ListQueues", "arn:aws:sqs:us-east-1:000000000000:."},
		{c.URL + "/_local/events", "AWSEvents.PutEvents", "events:PutEvents", "arn:aws:events:us-east-1:000000000000:event-bus/default"},
		{c.URL + "/_local/sms", "PinpointSMSVoiceV2.SendTextMessage", "sms-voice:SendTextMessage", "arn:aws:sms-voice:us-east-1:000000000000:phone-number/"},
		{c.URL + "/_local/sns", "", "sns:", ""},
		{c.URL + "/_local/scheduler/schedules/one", "", "scheduler:CreateSchedule", "arn:aws:scheduler:us-east-1:000000000000:schedule/default/one"},
		{c.S3URL + "/" + c.Bucket + "/key", "", "s3:PutObject", "arn:aws:s3:::" + c.Bucket + "/key"},
	} {
		header := signed.Clone()
		header.Set("X-Amz-Target", test.target)
		if response, body := call(t, "POST", test.url, `{"Entries":[{}]}`, header); response.StatusCode/100 != 4 || !strings.Contains(body, "not authorized") {
			t.Errorf("%s: got %d %s, want a refusal", test.url, response.StatusCode, body)
		}
		want = append(want, permission.Denial{Function: "local-EchoFunction", Need: permission.Need{Action: test.action, Resource: test.resource}})
	}
	if diff := cmp.Diff(want, c.Denials()); diff != "" {
		t.Errorf("denials (-want +got):\n%s", diff)
	}
}
