package csvimport_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"lunogram-users/internal/csvimport"
	"lunogram-users/internal/csvimport/objects"
	"lunogram-users/internal/csvimport/phone"
	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

const bucket = "imports"

// rig is an importer on the real store and the S3 protocol, with a queue that the test empties.
type rig struct {
	*csvimport.Importer
	service  *csvimport.Service
	store    *dynamo.Store
	objects  *objects.S3
	project  project.Project
	client   *s3.Client
	log      bytes.Buffer
	uploads  int
	messages int

	mu    sync.Mutex
	tasks []csvimport.Task
}

func newRig(t testing.TB) *rig {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket(bucket); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	path := func(o *s3.Options) { o.UsePathStyle = true }
	r := &rig{store: dynamotest.New(t), objects: objects.New(cfg, bucket, path), client: s3.NewFromConfig(cfg, path)}
	r.project = dynamotest.Project(t, r.store)
	r.Importer = &csvimport.Importer{
		Objects: r.objects, Queue: r, Store: r.store, Records: r.store, Projects: r.store, Lists: r.store, Phones: phone.Parse,
		Log: slog.New(slog.NewTextHandler(&synced{to: &r.log}, nil)),
	}
	r.service = &csvimport.Service{Records: r.store, Lists: r.store, Queue: r, Links: objects.NewLinks(cfg, bucket, path)}
	return r
}

// synced is a writer for several goroutines.
type synced struct {
	mu sync.Mutex
	to io.Writer
}

func (s *synced) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.to.Write(p)
}

// Send implements csvimport.Queue.
func (r *rig) Send(_ context.Context, tasks ...csvimport.Task) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tasks = append(r.tasks, tasks...)
	return nil
}

// take empties the queue.
func (r *rig) take() []csvimport.Task {
	r.mu.Lock()
	defer r.mu.Unlock()
	tasks := r.tasks
	r.tasks = nil
	return tasks
}

// put uploads a file and returns its event and the id of its import.
func (r *rig) put(t testing.TB, name, content string) (event events.S3Event, id string) {
	t.Helper()
	return r.putKey(t, "imports/"+r.project.ID+"/"+name, content)
}

func (r *rig) putKey(t testing.TB, key, content string) (event events.S3Event, id string) {
	t.Helper()
	out, err := r.client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: new(bucket), Key: &key, Body: strings.NewReader(content)})
	if err != nil {
		t.Fatal(err)
	}
	r.uploads++
	event = created(t, key, strings.Trim(*out.ETag, `"`), fmt.Sprintf("%016X", r.uploads), int64(len(content)))
	return event, csvimport.ImportID(event.Records[0])
}

// created is the event of an object.
func created(t testing.TB, key, etag, sequencer string, size int64) events.S3Event {
	t.Helper()
	body := fmt.Sprintf(`{"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "eventTime": "2026-11-24T10:00:00.000Z",
		"s3": {"bucket": {"name": %q}, "object": {"key": %q, "eTag": %q, "sequencer": %q, "size": %d}}}]}`,
		bucket, strings.ReplaceAll(url.QueryEscape(key), "%2F", "/"), etag, sequencer, size)
	var event events.S3Event
	if err := json.Unmarshal([]byte(body), &event); err != nil {
		t.Fatal(err)
	}
	return event
}

// invocation is the context of a Lambda invocation.
func invocation(ctx context.Context, id string) context.Context {
	return lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: id})
}

// message is the event of one task.
func message(t testing.TB, task csvimport.Task, id string, receives int) events.SQSEvent {
	t.Helper()
	body, err := json.Marshal(task)
	if err != nil {
		t.Fatal(err)
	}
	return events.SQSEvent{Records: []events.SQSMessage{{
		MessageId: id, Body: string(body), EventSource: "aws:sqs",
		Attributes: map[string]string{"ApproximateReceiveCount": fmt.Sprint(receives)},
	}}}
}

// work does tasks until there are none.
func (r *rig) work(t testing.TB) {
	t.Helper()
	for tasks := r.take(); len(tasks) > 0; tasks = r.take() {
		for _, task := range tasks {
			r.messages++
			response := r.HandleTasks(t.Context(), message(t, task, fmt.Sprintf("message %d", r.messages), 1))
			if len(response.BatchItemFailures) > 0 {
				t.Fatalf("task %+v failed:\n%s", task, r.log.String())
			}
		}
	}
}

// run uploads a file, imports it and returns the record.
func (r *rig) run(t testing.TB, name, content string) csvimport.Import {
	t.Helper()
	event, id := r.put(t, name, content)
	if err := r.HandleUploads(invocation(t.Context(), "upload "+name), event); err != nil {
		t.Fatal(err)
	}
	r.work(t)
	return r.record(t, id)
}

// record returns the record of an import, whose counters must add up.
func (r *rig) record(t testing.TB, id string) csvimport.Import {
	t.Helper()
	p, err := r.service.Get(t.Context(), r.project.ID, id)
	if err != nil {
		t.Fatal(err)
	}
	c := p.Counters
	if sum := c.Created + c.Updated + c.Unchanged + c.Skipped + c.Failed; sum != c.Rows {
		t.Errorf("%+v: the outcomes add up to %d, want %d", c, sum, c.Rows)
	}
	return p.Import
}

// result returns the lines of a result, nil if there is none.
func (r *rig) result(t testing.TB, record csvimport.Import, result csvimport.Result) [][]string {
	t.Helper()
	content := r.read(t, record.ResultKey(result))
	if content == nil {
		return nil
	}
	lines, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(content, []byte("\uFEFF")))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func (r *rig) read(t testing.TB, key string) []byte {
	t.Helper()
	body, err := r.objects.Open(t.Context(), key, "", 0, -1)
	if errors.Is(err, csvimport.ErrGone) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = body.Close() }()
	content, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// user returns the owner of a pair, written source:id or id.
func (r *rig) user(t testing.TB, name string) user.User {
	t.Helper()
	source, id, ok := strings.Cut(name, ":")
	if !ok {
		source, id = user.DefaultSource, name
	}
	u, err := r.store.UserByPair(t.Context(), r.project.ID, user.Pair{Source: source, ExternalID: id})
	if err != nil {
		t.Fatalf("user %s: %v", name, err)
	}
	return u
}

// users counts the users of the project.
func (r *rig) users(t testing.TB) (n int) {
	t.Helper()
	for after := ""; ; {
		page, err := r.store.Users(t.Context(), r.project.ID, after, 100)
		if err != nil {
			t.Fatal(err)
		}
		n += len(page.Users)
		if after = page.Next; after == "" {
			return n
		}
	}
}
