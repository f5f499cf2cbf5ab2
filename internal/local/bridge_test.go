package local_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"lunogram-users/internal/local"
)

func TestEventsAreKept(t *testing.T) {
	c := start(t, nil)
	response, body := call(t, "POST", c.URL+"/_local/events/",
		`{"Entries":[{"Source":"s","DetailType":"changed","Detail":"{\"a\":1}","EventBusName":"local-bus"}]}`,
		http.Header{"X-Amz-Target": {"AWSEvents.PutEvents"}})
	if response.StatusCode != http.StatusOK || !strings.Contains(body, `"FailedEntryCount":0`) {
		t.Errorf("put: got %d %s, want 200 and no failure", response.StatusCode, body)
	}
	if response, body := call(t, "GET", c.URL+"/_local/events?detail_type=changed", "", nil); response.StatusCode != http.StatusOK || !strings.Contains(body, `"detail":{"a":1}`) {
		t.Errorf("list: got %d %s, want the event", response.StatusCode, body)
	}
	if got := c.Events("changed", ""); len(got) != 1 || string(got[0].Detail) != `{"a":1}` {
		t.Errorf("Events: got %v, want the event", got)
	}
}

// A schedule survives the cloud, and its message feeds the function behind the queue.
func TestScheduleReachesFunction(t *testing.T) {
	change, recorded := recorder(t)
	data := filepath.Join(t.TempDir(), "data")
	persistent := func(o *local.Options) { change(o); o.Data = data }
	create := func(c *local.Cloud, name, at string) {
		t.Helper()
		jobs := "arn:aws:sqs:us-east-1:000000000000:local-Jobs"
		response, body := call(t, "POST", c.URL+"/_local/scheduler/schedules/"+name, fmt.Sprintf(`{"GroupName":"local-Sweeps",
			"ScheduleExpression":"at(%s)","FlexibleTimeWindow":{"Mode":"OFF"},"ActionAfterCompletion":"DELETE",
			"Target":{"Arn":%q,"RoleArn":"r","Input":%q}}`, at, jobs, name), nil)
		if response.StatusCode != http.StatusOK {
			t.Errorf("create %s: got %d %s", name, response.StatusCode, body)
		}
	}
	bodies := func() (bodies []string) {
		for _, line := range recorded() {
			for _, m := range decode[events.SQSEvent](t, line).Records {
				bodies = append(bodies, m.Body)
			}
		}
		return bodies
	}
	c := start(t, persistent)
	create(c, "past", "2020-01-01T00:00:00")
	create(c, "future", "2100-01-01T00:00:00")
	eventually(t, "the message of the past", func() bool { return slices.Equal(bodies(), []string{"past"}) })
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = start(t, persistent)
	if _, body := call(t, "GET", c.URL+"/_local/schedules", "", nil); !strings.Contains(body, `"name":"future"`) || strings.Contains(body, "past") {
		t.Errorf("schedules: got %s, want the one that waits", body)
	}
	if response, body := call(t, "POST", c.URL+"/_local/schedules/future/run", "", nil); response.StatusCode != http.StatusOK {
		t.Errorf("run: got %d %s, want 200", response.StatusCode, body)
	}
	eventually(t, "the message of the future", func() bool { return slices.Equal(bodies(), []string{"past", "future"}) })
	if response, _ := call(t, "POST", c.URL+"/_local/schedules/future/run", "", nil); response.StatusCode != http.StatusNotFound {
		t.Errorf("run it again: got %d, want 404", response.StatusCode)
	}
}
