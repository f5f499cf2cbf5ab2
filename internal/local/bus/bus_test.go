package bus_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/local/bus"
	"lunogram-users/internal/local/sam"
)

const busARN = "arn:aws:events:us-east-1:000000000000:event-bus/local-bus"

// open returns buses and a client of them.
func open(t *testing.T) (*bus.Buses, *eventbridge.Client) {
	t.Helper()
	b := bus.New([]*sam.Bus{{LogicalID: "Bus", Name: "local-bus", ARN: busARN}}, func() time.Time { return time.Unix(1_800_000_000, 5) })
	server := httptest.NewServer(http.HandlerFunc(b.ServePut))
	t.Cleanup(server.Close)
	return b, eventbridge.New(eventbridge.Options{
		Region: sam.Region, BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
		Retryer: aws.NopRetryer{},
	})
}

func request(name, kind, detail string) types.PutEventsRequestEntry {
	return types.PutEventsRequestEntry{EventBusName: &name, Source: new("users"), DetailType: &kind, Detail: &detail}
}

func TestPutEvents(t *testing.T) {
	b, client := open(t)
	dated := request(busARN, "changed", `{"b":2}`)
	dated.Time, dated.Resources = new(time.Unix(1_700_000_000, 0)), []string{"r"}
	out, err := client.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		request("local-bus", "created", `{"a":1}`),
		request("other-bus", "created", `{"a":1}`),
		request("local-bus", "created", `[1]`),
		request("local-bus", "", `{}`),
		dated,
	}})
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, e := range out.Entries {
		codes = append(codes, aws.ToString(e.ErrorCode))
	}
	want := []string{"", "ResourceNotFoundException", "MalformedDetail", "InvalidArgument", ""}
	if diff := cmp.Diff(want, codes); diff != "" || out.FailedEntryCount != 3 {
		t.Errorf("%d failed (-want +got):\n%s", out.FailedEntryCount, diff)
	}
	events, total := b.Events("", "")
	wantEvents := []bus.Event{
		{Version: "0", ID: *out.Entries[0].EventId, DetailType: "created", Source: "users", Account: "000000000000", Region: "us-east-1",
			Time: time.Unix(1_800_000_000, 0).UTC(), Resources: []string{}, Detail: json.RawMessage(`{"a":1}`)},
		{Version: "0", ID: *out.Entries[4].EventId, DetailType: "changed", Source: "users", Account: "000000000000", Region: "us-east-1",
			Time: time.Unix(1_700_000_000, 0).UTC(), Resources: []string{"r"}, Detail: json.RawMessage(`{"b":2}`)},
	}
	if diff := cmp.Diff(wantEvents, events); diff != "" || total != 2 {
		t.Errorf("%d events (-want +got):\n%s", total, diff)
	}
}

func TestPutEventsIsRefused(t *testing.T) {
	_, client := open(t)
	long := strings.Repeat("x", 26<<10)
	for name, tt := range map[string]struct {
		n      int
		detail string
		want   string
	}{
		"too many":  {11, `{}`, "Member must have length"},
		"too large": {10, `{"long":"` + long + `"}`, "Total size of the entries"},
		"none":      {0, ``, "Member must have length"},
	} {
		in := &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{}}
		for range tt.n {
			in.Entries = append(in.Entries, request("local-bus", "k", tt.detail))
		}
		if _, err := client.PutEvents(t.Context(), in); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got error %v, want one with %q", name, err, tt.want)
		}
	}
	if _, err := client.ListRules(t.Context(), &eventbridge.ListRulesInput{}); err == nil {
		t.Error("another operation: got no error")
	}
}

// The newest events are kept, and can be read on from the last one known.
func TestEvents(t *testing.T) {
	b, client := open(t)
	put := func(kind string, n int) (last string) {
		t.Helper()
		out, err := client.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
			request("local-bus", kind, `{"n":`+strconv.Itoa(n)+`}`),
		}})
		if err != nil {
			t.Fatal(err)
		}
		return *out.Entries[0].EventId
	}
	first := put("a", 0)
	put("b", 1)
	put("a", 2)
	list := func(query string) (details []string) {
		t.Helper()
		w := httptest.NewRecorder()
		b.ServeList(w, httptest.NewRequest("GET", "/_local/events?"+query, nil))
		var out struct{ Events []bus.Event }
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
			t.Fatal(err)
		}
		for _, e := range out.Events {
			details = append(details, string(e.Detail))
		}
		return details
	}
	for query, want := range map[string][]string{
		"":                                {`{"n":0}`, `{"n":1}`, `{"n":2}`},
		"detail_type=a":                   {`{"n":0}`, `{"n":2}`},
		"after=" + first:                  {`{"n":1}`, `{"n":2}`},
		"detail_type=b&after=" + first:    {`{"n":1}`},
		"detail_type=none&after=" + first: nil,
		"limit=2":                         {`{"n":1}`, `{"n":2}`},
		"after=unknown":                   {`{"n":0}`, `{"n":1}`, `{"n":2}`},
	} {
		if diff := cmp.Diff(want, list(query)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", query, diff)
		}
	}
}

func TestOldEventsAreDropped(t *testing.T) {
	b, _ := open(t)
	entry := `{"Source":"s","DetailType":"t","Detail":"{}"}`
	body := `{"Entries":[` + strings.Repeat(entry+",", 9) + entry + `]}`
	for range 1001 {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("X-Amz-Target", "AWSEvents.PutEvents")
		b.ServePut(httptest.NewRecorder(), r)
	}
	if events, total := b.Events("", ""); len(events) != 10_000 || total != 10_010 {
		t.Errorf("got %d of %d events, want 10000 of 10010", len(events), total)
	}
}
