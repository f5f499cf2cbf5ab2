package local_test

import (
	"crypto/md5"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"lunogram-users/internal/local"
)

func client(c *local.Cloud) *s3.Client {
	return s3.NewFromConfig(aws.Config{
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("a", "b", ""),
		BaseEndpoint: &c.S3URL,
	})
}

// objects returns the S3 records among the events.
func objects(t *testing.T, lines []string) []events.S3EventRecord {
	t.Helper()
	var records []events.S3EventRecord
	for _, line := range lines {
		if strings.Contains(line, `"aws:s3"`) {
			records = append(records, decode[events.S3Event](t, line).Records...)
		}
	}
	return records
}

func TestObjectReachesFunction(t *testing.T) {
	change, recorded := recorder(t)
	c := start(t, change)
	for _, name := range []string{"in/other.txt", "out/x.csv", "in/a b+c&ü.csv"} {
		response, body := call(t, "PUT", c.S3URL+"/"+c.Bucket+"/"+(&url.URL{Path: name}).EscapedPath(), "x,y\n", nil)
		if response.StatusCode != 200 {
			t.Fatalf("put %s: got %d %s", name, response.StatusCode, body)
		}
	}
	eventually(t, "one event", func() bool { return len(recorded()) == 1 })
	got := objects(t, recorded())[0]
	if want := "in/a+b%2Bc%26%C3%BC.csv"; got.S3.Object.Key != want {
		t.Errorf("key: got %q, want %q", got.S3.Object.Key, want)
	}
	if got.S3.Object.Size != 4 || got.S3.Object.ETag != fmt.Sprintf("%x", md5.Sum([]byte("x,y\n"))) {
		t.Errorf("object: got %+v, want 4 bytes and their MD5", got.S3.Object)
	}
	if got.EventName != "ObjectCreated:Put" || got.S3.Bucket.Name != c.Bucket {
		t.Errorf("event: got %s of %s, want ObjectCreated:Put of %s", got.EventName, got.S3.Bucket.Name, c.Bucket)
	}
}

func TestMultipartAndCopyReachFunction(t *testing.T) {
	change, recorded := recorder(t)
	c := start(t, change)
	s := client(c)
	key, copied := "in/big file.csv", "in/copy.csv"
	upload, err := s.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: &c.Bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	var parts []types.CompletedPart
	for number := range int32(2) {
		body := strings.Repeat(rand.Text(), (5<<20)/26+1)
		part, err := s.UploadPart(t.Context(), &s3.UploadPartInput{
			Bucket: &c.Bucket, Key: &key, UploadId: upload.UploadId, PartNumber: new(number + 1), Body: strings.NewReader(body),
		})
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, types.CompletedPart{ETag: part.ETag, PartNumber: new(number + 1)})
	}
	if got := len(recorded()); got != 0 {
		t.Errorf("before completion: got %d events, want none", got)
	}
	_, err = s.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{
		Bucket: &c.Bucket, Key: &key, UploadId: upload.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	if err != nil {
		t.Fatal(err)
	}
	source := c.Bucket + "/in/big%20file.csv"
	if _, err := s.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: &c.Bucket, Key: &copied, CopySource: &source}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "two events", func() bool { return len(recorded()) == 2 })
	sequencers := map[string]string{}
	for _, r := range objects(t, recorded()) {
		sequencers[r.EventName] = r.S3.Object.Sequencer
		if r.S3.Object.Size <= 10<<20 {
			t.Errorf("%s: got %d bytes, want more than 10 MB", r.EventName, r.S3.Object.Size)
		}
	}
	first, second := sequencers["ObjectCreated:CompleteMultipartUpload"], sequencers["ObjectCreated:Copy"]
	if first == "" || second <= first {
		t.Errorf("sequencers: got %q then %q, want them to rise", first, second)
	}
}

func TestMessageReachesFunction(t *testing.T) {
	change, recorded := recorder(t)
	c := start(t, change)
	header := http.Header{"X-Message-Id": {"m-1"}, "X-Timestamp": {"2026-01-02T03:04:05.006Z"}}
	for range 2 {
		response, body := call(t, "POST", c.URL+"/_local/sns/Inbox", `{"a":"STOP"}`, header)
		if response.StatusCode != 200 || body != `{"message_id":"m-1"}`+"\n" {
			t.Fatalf("publish: got %d %s", response.StatusCode, body)
		}
	}
	if response, _ := call(t, "POST", c.URL+"/_local/sns/Nobody", "x", nil); response.StatusCode != 404 {
		t.Errorf("unknown topic: got %d, want 404", response.StatusCode)
	}
	eventually(t, "two events", func() bool { return len(recorded()) == 2 })
	got := decode[events.SNSEvent](t, recorded()[0]).Records[0].SNS
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	if got.MessageID != "m-1" || got.Message != `{"a":"STOP"}` || !got.Timestamp.Equal(at) || got.Type != "Notification" {
		t.Errorf("message: got %+v", got)
	}
}

// A function that dies or hangs on an event gets it again; one that always fails loses it to the queue.
func TestEventIsRetried(t *testing.T) {
	for _, test := range []struct {
		body             string
		attempts, failed int
	}{{"die-once", 2, 0}, {"hang-once", 2, 0}, {"fail-always", 3, 1}} {
		t.Run(test.body, func(t *testing.T) {
			change, recorded := recorder(t)
			c := start(t, change)
			if test.body == "hang-once" {
				go func() {
					eventually(t, "the hanging attempt", func() bool { return len(recorded()) == 1 })
					if _, err := c.Kill("RecordFunction"); err != nil {
						t.Errorf("kill: %v", err)
					}
				}()
			}
			if _, err := c.Publish("Inbox", local.Message{Body: test.body}); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the attempts", func() bool { return len(recorded()) == test.attempts })
			failures, err := c.Queue("Failures")
			if err != nil {
				t.Fatal(err)
			}
			eventually(t, "the failure", func() bool { n, _, _ := failures.Count(); return n == test.failed })
			for _, m := range failures.Receive(1, 0) {
				record := decode[struct {
					RequestContext  struct{ Condition string }
					RequestPayload  events.SNSEvent
					ResponsePayload struct{ ErrorMessage string }
				}](t, m.Body)
				if record.RequestContext.Condition != "RetriesExhausted" || len(record.RequestPayload.Records) != 1 ||
					record.ResponsePayload.ErrorMessage != "as told" {
					t.Errorf("record: got %s", m.Body)
				}
			}
		})
	}
}

func TestQueueFeedsFunction(t *testing.T) {
	change, recorded := recorder(t)
	c := start(t, change)
	queue := func(operation, body string) (*http.Response, string) {
		return call(t, "POST", c.SQSURL, body, http.Header{"X-Amz-Target": {"AmazonSQS." + operation}})
	}
	for i := range 6 {
		body := fmt.Sprintf("job %d", i)
		if i == 3 {
			body = "poison"
		}
		response, text := queue("SendMessage", fmt.Sprintf(`{"QueueUrl":"https://sqs/0/local-Jobs","MessageBody":%q}`, body))
		if response.StatusCode != 200 {
			t.Fatalf("send: got %d %s", response.StatusCode, text)
		}
	}
	jobs, _ := c.Queue("Jobs")
	dead, _ := c.Queue("JobsDead")
	eventually(t, "the dead letter", func() bool { n, _, _ := dead.Count(); return n == 1 })
	eventually(t, "the empty queue", func() bool { a, b, d := jobs.Count(); return a+b+d == 0 })
	times := map[string]int{}
	for _, line := range recorded() {
		for _, m := range decode[events.SQSEvent](t, line).Records {
			times[m.Body]++
		}
	}
	if times["poison"] != 2 || times["job 0"] != 1 || times["job 5"] != 1 {
		t.Errorf("deliveries: got %v, want 2 of the poisoned and 1 of the others", times)
	}
	response, text := queue("ReceiveMessage", `{"QueueUrl":"https://sqs/0/local-JobsDead"}`)
	if response.StatusCode != 200 || !strings.Contains(text, `"Body":"poison"`) {
		t.Errorf("receive: got %d %s", response.StatusCode, text)
	}
	response, text = queue("SendMessage", `{"QueueUrl":"https://sqs/0/none","MessageBody":"x"}`)
	if response.StatusCode != 400 || !strings.Contains(text, "QueueDoesNotExist") {
		t.Errorf("unknown queue: got %d %s", response.StatusCode, text)
	}
}

// What was accepted before a stop is delivered after the next start; data and table remain.
func TestEventsOutliveTheProcess(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	change, recorded := recorder(t)
	persistent := func(o *local.Options) {
		change(o)
		o.Data, o.RetryDelay = data, time.Hour
	}
	c := start(t, persistent)
	object := c.S3URL + "/" + c.Bucket + "/in/kept.csv"
	call(t, "PUT", object, "die-once", nil)
	if _, err := c.Publish("Inbox", local.Message{Body: "die-once"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the first attempts", func() bool { return len(recorded()) == 2 })
	if second, err := local.Start(t.Context(), local.Options{Template: "testdata/template.yaml", BuildDir: buildDir, Data: data}); err == nil {
		t.Errorf("second cloud on the same data: got none, want an error: %v", second.Close())
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = start(t, persistent)
	eventually(t, "another attempt", func() bool { return len(recorded()) >= 3 })
	object = c.S3URL + "/" + c.Bucket + "/in/kept.csv"
	if response, body := call(t, "GET", object, "", nil); response.StatusCode != 200 || body != "die-once" {
		t.Errorf("object: got %d %q, want what was put", response.StatusCode, body)
	}
}
