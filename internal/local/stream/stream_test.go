package stream_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/local"
	"lunogram-users/internal/local/pattern"
	"lunogram-users/internal/local/sam"
	"lunogram-users/internal/local/stream"
)

// table is a table with a stream, on an engine of its own.
type table struct {
	client    *dynamodb.Client
	endpoint  string
	directory string
}

const tableName, source = "items", "arn:aws:dynamodb:us-east-1:000000000000:table/items/stream/local"

func newTable(t *testing.T) *table {
	t.Helper()
	directory := t.TempDir()
	engine, err := local.StartEngine(t.Context(), local.EngineOptions{DBPath: filepath.Join(directory, "db"), Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(engine.Stop)
	err = local.CreateTable(t.Context(), engine.Endpoint(), tableName, map[string]any{
		"BillingMode":          "PAY_PER_REQUEST",
		"AttributeDefinitions": []any{map[string]any{"AttributeName": "pk", "AttributeType": "S"}},
		"KeySchema":            []any{map[string]any{"AttributeName": "pk", "KeyType": "HASH"}},
		"StreamSpecification":  map[string]any{"StreamViewType": "NEW_AND_OLD_IMAGES"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &table{endpoint: engine.Endpoint(), directory: directory, client: dynamodb.New(dynamodb.Options{
		Region: sam.Region, BaseEndpoint: new(engine.Endpoint()), Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	})}
}

// put writes items with the value 1, in order.
func (tb *table) put(t *testing.T, keys ...string) {
	t.Helper()
	for _, key := range keys {
		_, err := tb.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: new(tableName), Item: map[string]types.AttributeValue{
			"pk": &types.AttributeValueMemberS{Value: key}, "n": &types.AttributeValueMemberN{Value: "1"},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// mapping returns a mapping that reads the whole stream, and begins where another on the same directory stopped.
func (tb *table) mapping(t *testing.T, f stream.Invoker) *stream.Mapping {
	t.Helper()
	reader, err := local.OpenStream(t.Context(), tb.endpoint, tableName, source)
	if err != nil {
		t.Fatal(err)
	}
	cursor, err := stream.OpenCursor(t.Context(), filepath.Join(tb.directory, "cursor"), reader, true)
	if err != nil {
		t.Fatal(err)
	}
	return &stream.Mapping{
		Reader: reader, Cursor: cursor, Function: f, FunctionARN: "arn:f", BatchSize: 100, Retries: -1,
		RetryDelay: time.Millisecond, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
}

// run runs a mapping until stop is called, or the test ends.
func run(t *testing.T, m *stream.Mapping) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); m.Run(ctx, t.Context()) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

// function is an Invoker that remembers the keys of each batch it got, and answers as answer says.
type function struct {
	answer func(batch []string, records []events.DynamoDBEventRecord) (any, error)

	mu      sync.Mutex
	batches [][]string
	records []events.DynamoDBEventRecord
}

func (f *function) Invoke(_ context.Context, event []byte) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var in events.DynamoDBEvent
	if err := json.Unmarshal(event, &in); err != nil {
		return nil, err
	}
	var batch []string
	for _, r := range in.Records {
		batch = append(batch, r.Change.Keys["pk"].String())
	}
	f.batches = append(f.batches, batch)
	f.records = append(f.records, in.Records...)
	if f.answer == nil {
		return []byte("null"), nil
	}
	answer, err := f.answer(batch, in.Records)
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

// got returns the batches, as soon as there are records in n of them.
func (f *function) got(t *testing.T, n int) [][]string {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		f.mu.Lock()
		batches := slices.Clone(f.batches)
		f.mu.Unlock()
		if len(batches) >= n {
			return batches
		}
		if time.Now().After(deadline) {
			t.Fatalf("got %v, want %d batches", batches, n)
		}
	}
}

func numbered(prefix string, n int) (keys []string) {
	for i := range n {
		keys = append(keys, prefix+strconv.Itoa(i))
	}
	return keys
}

func TestOrderAndFilter(t *testing.T) {
	tb := newTable(t)
	wanted := numbered("USER#", 25)
	for _, key := range wanted {
		tb.put(t, "OTHER#"+key, key)
	}
	f := &function{}
	m := tb.mapping(t, f)
	p, err := pattern.Parse(`{"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"USER#"}]}}}}`)
	if err != nil {
		t.Fatal(err)
	}
	m.BatchSize, m.Filters = 10, []pattern.Pattern{p}
	run(t, m)
	batches := f.got(t, 3)
	if diff := cmp.Diff(wanted, slices.Concat(batches...)); diff != "" || len(batches[0]) != 10 {
		t.Errorf("batches %v (-want +got):\n%s", batches, diff)
	}
}

// A record has the form that functions know.
func TestRecord(t *testing.T) {
	tb := newTable(t)
	f := &function{}
	run(t, tb.mapping(t, f))
	before := time.Now().Add(-2 * time.Second)
	tb.put(t, "a", "a") // the second changes nothing
	if _, err := tb.client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
		TableName: new(tableName), Key: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "a"}},
	}); err != nil {
		t.Fatal(err)
	}
	for len(slices.Concat(f.got(t, 1)...)) < 2 {
		time.Sleep(time.Millisecond)
	}
	first, second := f.records[0], f.records[1]
	if first.EventName != "INSERT" || second.EventName != "REMOVE" {
		t.Errorf("event names: got %s, %s, want INSERT, REMOVE", first.EventName, second.EventName)
	}
	if first.EventSource != "aws:dynamodb" || first.EventSourceArn != source || first.AWSRegion != sam.Region || first.EventID == "" {
		t.Errorf("record: got %+v", first)
	}
	c := first.Change
	if c.NewImage["n"].Number() != "1" || len(c.OldImage) != 0 || c.SequenceNumber == "" || c.SizeBytes == 0 ||
		c.StreamViewType != "NEW_AND_OLD_IMAGES" || c.ApproximateCreationDateTime.Before(before) {
		t.Errorf("change: got %+v", c)
	}
	if len(second.Change.NewImage) != 0 || second.Change.OldImage["pk"].String() != "a" {
		t.Errorf("removal: got %+v", second.Change)
	}
}

// A batch that fails in part is tried again from the first record that failed.
func TestPartialFailure(t *testing.T) {
	tb := newTable(t)
	tb.put(t, "a", "b", "c", "d")
	failed := false
	f := &function{answer: func(batch []string, records []events.DynamoDBEventRecord) (any, error) {
		var out events.DynamoDBEventResponse
		if !failed {
			failed = true
			for _, i := range []int{3, 2} {
				out.BatchItemFailures = append(out.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: records[i].Change.SequenceNumber})
			}
		}
		return out, nil
	}}
	m := tb.mapping(t, f)
	m.PartialFailure = true
	stop := run(t, m)
	want := [][]string{{"a", "b", "c", "d"}, {"c", "d"}}
	if diff := cmp.Diff(want, f.got(t, 2)); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}
	stop()
	tb.put(t, "e")
	run(t, tb.mapping(t, f))
	if got := f.got(t, 3)[2]; len(got) != 1 || got[0] != "e" {
		t.Errorf("after a restart: got %v, want what came since", got)
	}
}

// What always fails is tried as often as the template says, and holds up nothing after it.
func TestGivenUp(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*stream.Mapping)
		want   [][]string // batches
		lost   []string   // condition and batch size of each failure
	}{
		{"retries", func(m *stream.Mapping) { m.Retries = 1 },
			[][]string{{"a", "b", "poison", "d"}, {"a", "b", "poison", "d"}, {"e"}}, []string{"RetryAttemptsExhausted 4"}},
		{"bisected", func(m *stream.Mapping) { m.Retries, m.Bisect = 0, true },
			[][]string{{"a", "b", "poison", "d"}, {"a", "b"}, {"poison", "d"}, {"poison"}, {"d"}, {"e"}}, []string{"RetryAttemptsExhausted 1"}},
		{"too old", func(m *stream.Mapping) { m.MaxAge = time.Nanosecond },
			nil, []string{"RecordAgeExceeded 4", "RecordAgeExceeded 1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			tb := newTable(t)
			tb.put(t, "a", "b", "poison", "d", "e")
			f := &function{answer: func(batch []string, _ []events.DynamoDBEventRecord) (any, error) {
				if slices.Contains(batch, "poison") {
					return nil, errors.New("as told")
				}
				return nil, nil
			}}
			m := tb.mapping(t, f)
			m.BatchSize = 4
			lost := make(chan string, 10)
			m.OnFailure = func(record []byte) error {
				var r struct {
					RequestContext     struct{ Condition string }
					DDBStreamBatchInfo struct {
						BatchSize           int
						StartSequenceNumber string
						StreamArn           string
					}
				}
				if err := json.Unmarshal(record, &r); err != nil || r.DDBStreamBatchInfo.StreamArn != source || r.DDBStreamBatchInfo.StartSequenceNumber == "" {
					t.Errorf("failure: got %s", record)
				}
				lost <- r.RequestContext.Condition + " " + strconv.Itoa(r.DDBStreamBatchInfo.BatchSize)
				return nil
			}
			test.change(m)
			run(t, m)
			for _, want := range test.lost {
				if got := <-lost; got != want {
					t.Errorf("failure: got %s, want %s", got, want)
				}
			}
			if diff := cmp.Diff(test.want, f.got(t, len(test.want))); diff != "" {
				t.Errorf("batches (-want +got):\n%s", diff)
			}
		})
	}
}

// What was under way when the mapping ended comes again.
func TestRestart(t *testing.T) {
	tb := newTable(t)
	tb.put(t, "a", "b")
	f := &function{answer: func([]string, []events.DynamoDBEventRecord) (any, error) { return nil, errors.New("as told") }}
	m := tb.mapping(t, f)
	m.RetryDelay = time.Hour
	stop := run(t, m)
	f.got(t, 1)
	stop()
	f = &function{}
	run(t, tb.mapping(t, f))
	if diff := cmp.Diff([][]string{{"a", "b"}}, f.got(t, 1)); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}
}

// LATEST is the end of the stream when the cursor was made, for ever.
func TestLatest(t *testing.T) {
	tb := newTable(t)
	tb.put(t, numbered("before", 1200)...)
	reader, err := local.OpenStream(t.Context(), tb.endpoint, tableName, source)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(tb.directory, "latest")
	if _, err := stream.OpenCursor(t.Context(), path, reader, false); err != nil {
		t.Fatal(err)
	}
	tb.put(t, "after")
	f := &function{}
	m := tb.mapping(t, f)
	if m.Cursor, err = stream.OpenCursor(t.Context(), path, reader, false); err != nil {
		t.Fatal(err)
	}
	run(t, m)
	if diff := cmp.Diff([][]string{{"after"}}, f.got(t, 1)); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}
}

func TestTwiceAndLate(t *testing.T) {
	tb := newTable(t)
	tb.put(t, "a", "b")
	f := &function{}
	m := tb.mapping(t, f)
	var asked []int
	m.BatchSize, m.Copies = 1, 2
	m.Delay = func() time.Duration {
		f.mu.Lock()
		defer f.mu.Unlock()
		asked = append(asked, len(f.batches))
		return time.Millisecond
	}
	stop := run(t, m)
	if got, want := f.got(t, 4), [][]string{{"a"}, {"a"}, {"b"}, {"b"}}; !cmp.Equal(got, want) {
		t.Errorf("batches: got %v, want %v", got, want)
	}
	stop()
	if !slices.Equal(asked, []int{0, 2}) {
		t.Errorf("the delay: got it asked for after %v batches, want before each", asked)
	}
}

// A window fills a batch.
func TestWindow(t *testing.T) {
	tb := newTable(t)
	f := &function{}
	m := tb.mapping(t, f)
	m.BatchSize, m.Window = 3, time.Hour
	run(t, m)
	tb.put(t, "a")
	tb.put(t, "b", "c", "d")
	if got := strings.Join(f.got(t, 1)[0], " "); got != "a b c" {
		t.Errorf("batch: got %q, want a full one", got)
	}
}
