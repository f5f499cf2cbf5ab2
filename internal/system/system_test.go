// Package system tests the whole: the bootstraps that are deployed, driven by the template that is deployed, on
// the embedded engine. What can be tested closer to the code is tested there.
package system_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/uuid"

	"lunogram-users/internal/api/apitest"
	"lunogram-users/internal/consent"
	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/local"
	"lunogram-users/internal/local/sam"
	"lunogram-users/internal/project"
)

// cloud is shared by all tests, which keep apart by their projects.
var cloud *local.Cloud

const root = "../.."

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	build := exec.Command("make", "--no-print-directory", "build-local")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "make build-local: %v\n%s", err, out)
		return 1
	}
	var err error
	if cloud, err = start(local.Options{Parameters: map[string]string{"TwilioAuthToken": twilioToken}}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	for _, d := range cloud.Denials() {
		fmt.Fprintf(os.Stderr, "the template does not grant %s to %s on %s\n", d.Action, d.Function, d.Resource)
		code = 1
	}
	if err := cloud.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// start starts a cloud and waits until it serves.
func start(o local.Options) (*local.Cloud, error) {
	o.Template, o.BuildDir = filepath.Join(root, "template.yaml"), filepath.Join(root, "build/local")
	o.RetryDelay, o.Log = 50*time.Millisecond, functionLog()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := local.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	return c, c.Ready(ctx)
}

// startCloud starts a cloud for one test.
func startCloud(t *testing.T, o local.Options) *local.Cloud {
	t.Helper()
	c, err := start(o)
	must(t, err)
	t.Cleanup(func() {
		if denied := c.Denials(); len(denied) > 0 {
			t.Errorf("the template does not grant %+v", denied)
		}
		must(t, c.Close())
	})
	return c
}

// functionLog is where the functions' logs go: nowhere, unless LOG is set.
func functionLog() io.Writer {
	if os.Getenv("LOG") != "" {
		return os.Stderr
	}
	return io.Discard
}

// tenant is a project with its keys, and a client that holds all traffic to openapi.yaml.
type tenant struct {
	t      testing.TB
	cloud  *local.Cloud
	store  *dynamo.Store
	http   *http.Client
	id     string
	client string // pk_ key
	secret string // sk_ key of role admin

	answeredBy project.Answerer // who answers what is sent to the tenant's number
}

// newTenant makes a project with an SMS group, an e-mail group and keys in the cloud of all tests.
func newTenant(t testing.TB) *tenant {
	t.Helper()
	return newTenantOf(t, cloud)
}

// newTenantOf makes one in another cloud.
func newTenantOf(t testing.TB, cloud *local.Cloud) *tenant {
	t.Helper()
	store := dynamo.New(aws.Config{
		Region: sam.Region, BaseEndpoint: &cloud.DynamoDBEndpoint,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}, cloud.Table)
	p := project.New("", t.Name(), time.Now())
	must(t, store.CreateProject(t.Context(), p))
	for _, c := range []consent.Channel{consent.Email, consent.SMS} {
		must(t, store.CreateGroup(t.Context(), consent.Group{
			ID: uuid.NewString(), ProjectID: p.ID, Name: string(c), Channel: c, Public: true,
		}))
	}
	return &tenant{
		t: t, cloud: cloud, store: store, id: p.ID,
		http:   &http.Client{Transport: apitest.Load(t).Transport(t, nil), Timeout: time.Minute},
		client: newKey(t, store, p.ID, project.Client), secret: newKey(t, store, p.ID, project.Admin),
	}
}

func newKey(t testing.TB, s *dynamo.Store, projectID string, role project.Role) string {
	t.Helper()
	k, token := project.NewKey("", projectID, role, "test", time.Now())
	must(t, s.CreateKey(t.Context(), k))
	return token
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// reply is an answer of the API.
type reply struct {
	status int
	header http.Header
	body   map[string]any
}

// call sends a request with a key ("" for none) and a body (nil for none, a string as it is, else as JSON).
// headers are name, value, name, value …
func (n *tenant) call(method, path, key string, body any, headers ...string) reply {
	n.t.Helper()
	var content io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		content = bytes.NewBufferString(b)
	default:
		text, err := json.Marshal(b)
		must(n.t, err)
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(n.t.Context(), method, n.cloud.URL+path, content)
	must(n.t, err)
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := n.http.Do(req)
	must(n.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(n.t, err)
	r := reply{status: resp.StatusCode, header: resp.Header}
	if len(text) > 0 {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&r.body); err != nil {
			n.t.Fatalf("%s %s answered %d with %q: %v", method, path, resp.StatusCode, text, err)
		}
	}
	return r
}

// upsert posts to the client API with the secret key and expects 200.
func (n *tenant) upsert(body any) map[string]any {
	n.t.Helper()
	r := n.call("POST", "/api/client/users", n.secret, body)
	if r.status != http.StatusOK {
		n.t.Fatalf("upsert: %d %v", r.status, r.body)
	}
	return r.body
}

// admin is the path of the users of the tenant's project.
func (n *tenant) admin(rest string) string {
	return "/api/admin/projects/" + n.id + "/subjects/users" + rest
}

// pairs builds the identifier array of a request: ids of source default, or source:id.
func pairs(names ...string) []map[string]any {
	var ids []map[string]any
	for _, name := range names {
		if source, id, ok := strings.Cut(name, ":"); ok {
			ids = append(ids, map[string]any{"source": source, "external_id": id})
		} else {
			ids = append(ids, map[string]any{"external_id": name})
		}
	}
	return ids
}

type object = map[string]any
