package csvimport_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"lunogram-users/internal/csvimport"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

const (
	projectID = "01990000-0000-7000-8000-000000000001"
	bucket    = "imports"
)

// cloud is all that an Importer needs, in memory; the tests of this file's package that run on the real engine are in
// system_test.go. What a test wants to go wrong it hooks in.
type cloud struct {
	objects map[string][]byte // by bucket/key
	records map[string]csvimport.Import
	users   map[string]user.User
	owners  map[user.Pair]string
	calls   int
	now     func() time.Time
	log     bytes.Buffer

	beforeBatch func(ctx context.Context, call int, batch []user.Upsert) []user.Result // nil goes on
	body        func(io.Reader) io.Reader
	save        func(csvimport.Import) error

	mu sync.Mutex
}

func newCloud() *cloud {
	return &cloud{
		objects: make(map[string][]byte), records: make(map[string]csvimport.Import),
		users: make(map[string]user.User), owners: make(map[user.Pair]string), now: time.Now,
		body: func(r io.Reader) io.Reader { return r },
		save: func(csvimport.Import) error { return nil },
	}
}

func (c *cloud) importer() *csvimport.Importer {
	return &csvimport.Importer{
		Objects: c, Store: c, Records: c, Projects: c, Now: c.now, Log: slog.New(slog.NewTextHandler(&c.log, nil)),
	}
}

func (c *cloud) Project(_ context.Context, id string) (project.Project, error) {
	if id != projectID {
		return project.Project{}, user.ErrNotFound
	}
	return project.Project{ID: id}, nil
}

func (c *cloud) Open(ctx context.Context, bucket, key, etag string) (io.ReadCloser, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, ok := c.objects[bucket+"/"+key]
	if !ok || etag != "" && etagOf(b) != etag {
		return nil, csvimport.ErrGone
	}
	return io.NopCloser(c.body(bytes.NewReader(b))), ctx.Err()
}

func (c *cloud) Put(ctx context.Context, bucket, key string, content io.ReadSeeker) error {
	b, err := io.ReadAll(content)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.objects[bucket+"/"+key] = b
	return err
}

func (c *cloud) Remove(_ context.Context, bucket, key string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.objects, bucket+"/"+key)
	return nil
}

func (c *cloud) StartImport(ctx context.Context, in csvimport.Import) (csvimport.Import, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	stored, ok := c.records[in.ID]
	switch {
	case !ok:
		stored = in
	case stored.Finished():
		return stored, nil
	case stored.Owner != in.Owner && stored.LeaseUntil.After(in.UpdatedAt):
		return csvimport.Import{}, csvimport.ErrLeased
	}
	stored.Owner, stored.LeaseUntil, stored.UpdatedAt = in.Owner, in.LeaseUntil, in.UpdatedAt
	c.records[in.ID] = stored
	return stored, ctx.Err()
}

func (c *cloud) SaveImport(ctx context.Context, in csvimport.Import) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if stored := c.records[in.ID]; stored.Owner != in.Owner || stored.Finished() {
		return csvimport.ErrLeased
	}
	if err := c.save(in); err != nil {
		return err
	}
	c.records[in.ID] = in
	return ctx.Err()
}

func (c *cloud) UpsertBatch(ctx context.Context, _ string, batch []user.Upsert) []user.Result {
	c.mu.Lock()
	c.calls++
	call := c.calls
	c.mu.Unlock()
	if c.beforeBatch != nil {
		if results := c.beforeBatch(ctx, call, batch); results != nil {
			return results
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]user.Result, len(batch))
	for i, req := range batch {
		out[i] = c.upsert(req)
		if err := ctx.Err(); err != nil {
			out[i] = user.Result{Err: err}
		}
	}
	return out
}

func (c *cloud) upsert(req user.Upsert) user.Result {
	var found []string
	for _, p := range req.Pairs() {
		if id, ok := c.owners[p]; ok && !slices.Contains(found, id) {
			found = append(found, id)
		}
	}
	outcome := user.Created
	id := fmt.Sprintf("user %d", len(c.users)+1)
	switch len(found) {
	case 0:
	case 1:
		outcome, id = user.Updated, found[0]
		if req.Against(c.users[id]).Redundant() && len(req.Identifiers) == 1 {
			outcome = user.Unchanged
		}
	default:
		return user.Result{Err: &user.ConflictError{UserIDs: found}}
	}
	for _, p := range req.Pairs() {
		c.owners[p] = id
	}
	c.users[id] = req.Patch.Apply(c.users[id])
	return user.Result{UserID: id, Outcome: outcome}
}

// upload stores content and returns its event.
func (c *cloud) upload(t testing.TB, name, content string) events.S3Event {
	t.Helper()
	key := "imports/" + projectID + "/" + name
	c.mu.Lock()
	defer c.mu.Unlock()
	c.objects[bucket+"/"+key] = []byte(content)
	return created(t, bucket, key, etagOf([]byte(content)), fmt.Sprintf("%016X", len(c.objects)))
}

// created returns an event as S3 sends it.
func created(t testing.TB, bucket, key, etag, sequencer string) events.S3Event {
	t.Helper()
	var event events.S3Event
	escaped := strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
	if err := json.Unmarshal(fmt.Appendf(nil, `{"Records": [{"eventName": "ObjectCreated:Put", "s3": {
		"bucket": {"name": %q}, "object": {"key": %q, "eTag": %q, "sequencer": %q}}}]}`,
		bucket, escaped, etag, sequencer), &event); err != nil {
		t.Fatal(err)
	}
	return event
}

func etagOf(b []byte) string {
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}

// record returns the only import.
func (c *cloud) record(t testing.TB) csvimport.Import {
	t.Helper()
	if len(c.records) != 1 {
		t.Fatalf("got %d imports, want 1", len(c.records))
	}
	for _, r := range c.records {
		return r
	}
	return csvimport.Import{}
}

// user returns the user with an id of the default source.
func (c *cloud) user(id string) user.User {
	return c.users[c.owners[user.Pair{Source: user.DefaultSource, ExternalID: id}]]
}

// errorsOf returns the cells of an error file.
func (c *cloud) errorsOf(t testing.TB, name string) [][]string {
	t.Helper()
	b, ok := c.objects[bucket+"/results/"+projectID+"/"+name+".errors.csv"]
	if !ok {
		return nil
	}
	cells, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(b, []byte("\uFEFF")))).ReadAll()
	if err != nil {
		t.Fatalf("the error file is no CSV: %v\n%s", err, b)
	}
	return cells
}

// invocation returns a context as Lambda gives it, under the request id.
func invocation(ctx context.Context, id string) context.Context {
	return lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: id})
}

// sum checks the one law of the counters.
func sum(t testing.TB, c csvimport.Counters) {
	t.Helper()
	if got := c.Created + c.Updated + c.Unchanged + c.Skipped + c.Failed; got != c.Rows {
		t.Errorf("got rows %d, want the sum of %+v", c.Rows, c)
	}
}
