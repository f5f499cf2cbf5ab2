package local_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"lunogram-users/internal/local"
)

func TestPublishByTheQueryProtocol(t *testing.T) {
	change, recorded := recorder(t)
	c := start(t, change)
	publish := func(form url.Values) (*http.Response, string) {
		return call(t, "POST", c.URL+"/_local/sns", form.Encode(), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
	}
	arn := c.Template.Topics[0].ARN
	response, body := publish(url.Values{"Action": {"Publish"}, "TopicArn": {arn}, "Message": {"größe & co"}})
	if response.StatusCode != http.StatusOK || !strings.Contains(body, "<MessageId>") {
		t.Errorf("Publish: got %d %s, want 200 and a message id", response.StatusCode, body)
	}
	for name, tt := range map[string]struct {
		form   url.Values
		status int
		code   string
	}{
		"another action": {url.Values{"Action": {"Subscribe"}}, http.StatusBadRequest, "InvalidAction"},
		"no message":     {url.Values{"Action": {"Publish"}, "TopicArn": {arn}}, http.StatusBadRequest, "InvalidParameter"},
		"no such topic":  {url.Values{"Action": {"Publish"}, "TopicArn": {arn + "x"}, "Message": {"m"}}, http.StatusNotFound, "NotFound"},
		"a long message": {url.Values{"Action": {"Publish"}, "TopicArn": {arn}, "Message": {strings.Repeat("m", 256<<10+1)}}, http.StatusBadRequest, "InvalidParameter"},
	} {
		if response, body := publish(tt.form); response.StatusCode != tt.status || !strings.Contains(body, "<Code>"+tt.code+"</Code>") {
			t.Errorf("%s: got %d %s, want %d and %s", name, response.StatusCode, body, tt.status, tt.code)
		}
	}
	eventually(t, "one event", func() bool { return len(recorded()) == 1 })
	if m := decode[events.SNSEvent](t, recorded()[0]).Records[0].SNS; m.Message != "größe & co" || m.TopicArn != arn {
		t.Errorf("delivered: got %q of %s", m.Message, m.TopicArn)
	}
}

func TestTextsAreKept(t *testing.T) {
	c := start(t, nil)
	send := func(target, body string) int {
		response, _ := call(t, "POST", c.URL+"/_local/sms", body, http.Header{"X-Amz-Target": {target}})
		return response.StatusCode
	}
	const target = "PinpointSMSVoiceV2.SendTextMessage"
	if got := send(target, `{"OriginationIdentity":"12345","DestinationPhoneNumber":"+15550100000","MessageBody":"hello","TimeToLive":300}`); got != http.StatusOK {
		t.Errorf("SendTextMessage: got %d, want 200", got)
	}
	if got := send("PinpointSMSVoiceV2.DeletePool", `{}`); got != http.StatusBadRequest {
		t.Errorf("another action: got %d, want 400", got)
	}
	if got := send(target, `{"DestinationPhoneNumber":"+15550100000"}`); got != http.StatusBadRequest {
		t.Errorf("no text: got %d, want 400", got)
	}
	want := []local.Text{{From: "12345", To: "+15550100000", Body: "hello"}}
	if diff := cmp.Diff(want, c.Texts(), cmpopts.IgnoreFields(local.Text{}, "ID")); diff != "" {
		t.Errorf("Texts (-want +got):\n%s", diff)
	}
	if _, body := call(t, "GET", c.URL+"/_local/sms", "", nil); !strings.Contains(body, `"body":"hello"`) {
		t.Errorf("GET /_local/sms: got %s, want the text", body)
	}
}
