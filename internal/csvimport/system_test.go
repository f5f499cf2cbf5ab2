package csvimport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"lunogram-users/internal/csvimport"
	"lunogram-users/internal/csvimport/objects"
	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// system is the importer on the real store and the S3 protocol.
type system struct {
	*csvimport.Importer
	store   *dynamo.Store
	project project.Project
	client  *s3.Client
	uploads int
}

func newSystem(t *testing.T) *system {
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
	store := dynamotest.New(t)
	return &system{
		Importer: &csvimport.Importer{
			Objects: objects.New(cfg), Store: store, Records: store, Projects: store, Log: slog.New(slog.DiscardHandler),
		},
		store: store, project: dynamotest.Project(t, store), client: s3.NewFromConfig(cfg),
	}
}

// upload puts an object and returns its event and the id of its import.
func (s *system) upload(t *testing.T, name, content string) (event events.S3Event, id string) {
	t.Helper()
	key := "imports/" + s.project.ID + "/" + name
	out, err := s.client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: new(bucket), Key: &key, Body: strings.NewReader(content)})
	if err != nil {
		t.Fatal(err)
	}
	s.uploads++
	event = created(t, bucket, key, strings.Trim(*out.ETag, `"`), fmt.Sprintf("%016X", s.uploads))
	return event, csvimport.ImportID(event.Records[0])
}

func (s *system) record(t *testing.T, id string) csvimport.Import {
	t.Helper()
	record, err := s.store.Import(t.Context(), s.project.ID, id)
	if err != nil {
		t.Fatal(err)
	}
	sum(t, record.Counters)
	return record
}

// handle delivers the event and returns the record that is left.
func (s *system) handle(t *testing.T, event events.S3Event, id string) csvimport.Import {
	t.Helper()
	if err := s.Handle(invocation(t.Context(), t.Name()), event); err != nil {
		t.Fatal(err)
	}
	record := s.record(t, id)
	if record.Status != csvimport.Completed {
		t.Errorf("got status %q, reason %q, want completed", record.Status, record.Reason)
	}
	return record
}

func (s *system) user(t *testing.T, externalID string) user.User {
	t.Helper()
	u, err := s.store.UserByPair(t.Context(), s.project.ID, user.Pair{Source: user.DefaultSource, ExternalID: externalID})
	if err != nil {
		t.Fatalf("user %s: %v", externalID, err)
	}
	return u
}

func TestSystem(t *testing.T) {
	s := newSystem(t)
	event, id := s.upload(t, "our people+friends.csv", specification+"\nuser_001,nobody,,,,\n")
	record := s.handle(t, event, id)
	if want := (csvimport.Counters{Rows: 4, Created: 3, Failed: 1}); record.Counters != want {
		t.Errorf("got %+v, want %+v", record.Counters, want)
	}
	u := s.user(t, "user_002")
	want := map[string]any{"first_name": "Bob", "last_name": "Jones", "plan": "free", "company": "Globex"}
	if diff := cmp.Diff(want, u.Data); diff != "" || u.Email != "bob@example.com" {
		t.Errorf("got e-mail %q and data (-want +got):\n%s", u.Email, diff)
	}
	out, err := s.client.GetObject(t.Context(), &s3.GetObjectInput{
		Bucket: new(bucket), Key: new("results/" + s.project.ID + "/our people+friends.errors.csv"),
	})
	if err != nil {
		t.Fatal(err)
	}
	errorFile, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	if want := "identifier,email,first_name,last_name,plan,company,import_row,import_field,import_error\n" +
		"user_001,nobody,,,,,4,email,\"email must be a bare e-mail address, such as alice@example.com\"\n"; string(errorFile) != want {
		t.Errorf("got error file\n%s\nwant\n%s", errorFile, want)
	}

	// The same file again, with the id under its other name, writes nothing.
	event, id = s.upload(t, "again.csv", strings.Replace(specification, "identifier", "External_ID", 1))
	record = s.handle(t, event, id)
	if want := (csvimport.Counters{Rows: 3, Unchanged: 3}); record.Counters != want {
		t.Errorf("again: got %+v, want %+v", record.Counters, want)
	}
	if again := s.user(t, "user_002"); again.Version != u.Version {
		t.Errorf("again: got version %d, want %d", again.Version, u.Version)
	}
}

// A key that names another project reaches that project alone, and two projects do not share ids.
func TestTenants(t *testing.T) {
	s := newSystem(t)
	event, id := s.upload(t, "people.csv", specification)
	s.handle(t, event, id)
	other := dynamotest.Project(t, s.store)
	page, err := s.store.Users(t.Context(), other.ID, "", 10)
	if err != nil || len(page.Users) != 0 {
		t.Errorf("got %d users and %v in another project, want none", len(page.Users), err)
	}
	if _, err := s.store.Import(t.Context(), other.ID, id); !errors.Is(err, user.ErrNotFound) {
		t.Errorf("got %v for the import in another project, want ErrNotFound", err)
	}
}

// killer is a store during which the invocation is killed.
type killer struct {
	csvimport.Store
	mu   sync.Mutex
	left int
	kill context.CancelFunc
}

func (k *killer) UpsertBatch(ctx context.Context, project string, batch []user.Upsert) []user.Result {
	k.mu.Lock()
	if k.left--; k.left == 0 {
		k.kill()
	}
	k.mu.Unlock()
	return k.Store.UpsertBatch(ctx, project, batch)
}

func TestSystemKilled(t *testing.T) {
	s := newSystem(t)
	const n = 2000
	event, id := s.upload(t, "people.csv", numbered(n)+"u1,nobody,\n")
	for range 3 {
		ctx, kill := context.WithCancel(invocation(t.Context(), t.Name()))
		killed := *s.Importer
		killed.Store = &killer{Store: s.store, left: 1 + rand.IntN(n/100), kill: kill}
		if err := killed.Handle(ctx, event); !errors.Is(err, context.Canceled) {
			t.Fatalf("got error %v, want it cancelled", err)
		}
		kill()
	}
	record := s.handle(t, event, id)
	if record.Rows != n+1 || record.Failed != 1 {
		t.Errorf("got %+v, want %d rows of which one failed", record.Counters, n+1)
	}
	seen := 0
	for after := ""; ; {
		page, err := s.store.Users(t.Context(), s.project.ID, after, 100)
		if err != nil {
			t.Fatal(err)
		}
		seen += len(page.Users)
		if after = page.Next; after == "" {
			break
		}
	}
	if seen != n {
		t.Errorf("got %d users, want %d", seen, n)
	}
	for range 50 {
		i := 1 + rand.IntN(n)
		u := s.user(t, fmt.Sprintf("u%d", i))
		if want := fmt.Sprintf("person%d@example.com", i); u.Email != want || u.Data["n"] != fmt.Sprint(i) {
			t.Errorf("got %q and %v, want those of row %d", u.Email, u.Data["n"], i)
		}
	}
}
