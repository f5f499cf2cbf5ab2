package main

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/list"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// terminal runs commands against a real store.
type terminal struct {
	t     *testing.T
	store *dynamo.Store
}

func (c terminal) run(args ...string) (code int, stdout, stderr string) {
	c.t.Helper()
	var out, errs bytes.Buffer
	code = run(c.t.Context(), args, &out, &errs, func(context.Context, target) (*dynamo.Store, error) {
		return c.store, nil
	})
	return code, out.String(), errs.String()
}

// must runs a command that succeeds and returns the line that it prints.
func (c terminal) must(args ...string) string {
	c.t.Helper()
	code, stdout, stderr := c.run(args...)
	if code != exitOK {
		c.t.Fatalf("usersctl %s: exit code %d, want 0; it says %q", strings.Join(args, " "), code, stderr)
	}
	return strings.TrimSpace(stdout)
}

func TestProjectKeyGroupSender(t *testing.T) {
	t.Parallel()
	c := terminal{t, dynamotest.New(t)}

	id := c.must("project", "create", "Acme")
	if shown := c.must("project", "show", id); !strings.Contains(shown, "Acme") || !strings.Contains(shown, id) {
		t.Errorf("project show printed %q, want the id %s and the name Acme", shown, id)
	}

	token := c.must("key", "create", "-project", id, "-role", "editor", "-name", "ci")
	if !strings.HasPrefix(token, "sk_") {
		t.Errorf("an editor key is %q, want the prefix sk_", token)
	}
	stored, err := c.store.Key(t.Context(), project.HashKey(token))
	if err != nil || stored.ProjectID != id || stored.Role != project.Editor || stored.Name != "ci" {
		t.Errorf("stored key: got %+v, %v; want an editor key named ci of %s", stored, err, id)
	}
	listed := c.must("key", "list", "-project", id)
	if strings.Contains(listed, token) || !strings.Contains(listed, stored.Hash[:listHash]) {
		t.Errorf("key list printed %q, want the start of the hash and never the key", listed)
	}
	c.must("key", "revoke", "-project", id, stored.Hash[:listHash])
	if _, err := c.store.Key(t.Context(), stored.Hash); err == nil {
		t.Error("the key is still there after key revoke")
	}
	if code, _, _ := c.run("key", "revoke", "-project", id, stored.Hash); code != exitFailed {
		t.Errorf("revoking a key twice: exit code %d, want %d", code, exitFailed)
	}

	group := c.must("group", "create", "-project", id, "-channel", "sms", "-public", "Offers")
	if listed := c.must("group", "list", "-project", id); !strings.Contains(listed, group) || !strings.Contains(listed, "Offers") {
		t.Errorf("group list printed %q, want the group %s named Offers", listed, group)
	}
	if _, err := c.store.ArchiveGroup(t.Context(), id, group); err != nil {
		t.Fatal(err)
	}
	if listed := strings.Fields(c.must("group", "list", "-project", id)); !slices.Equal(listed[5:], []string{group, "sms", "true", "true", "Offers"}) {
		t.Errorf("group list printed %q, want that the group is archived", listed)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	c := terminal{t, dynamotest.New(t)}
	id := c.must("project", "create", "Acme")
	c.must("project", "set", "-require-opt-in", "-brand", "Acme Inc", "-region", "US", "-link-key", "2", id)
	c.must("project", "set", "-require-opt-in=false", "-locale", "es_mx", "-keep-address", id)
	p, err := c.store.Project(t.Context(), id)
	want := project.Settings{Brand: "Acme Inc", Region: "US", LinkKey: 2, Locale: "es-MX", KeepAddress: true}
	if err != nil || p.Settings != want {
		t.Errorf("settings: got %+v, %v; want %+v", p.Settings, err, want)
	}
	for _, bad := range [][]string{{"-color", "red"}, {"-link-key", "256"}, {"-require-opt-in=perhaps"}, {"-oldest-link-key", "3"}} {
		if code, _, stderr := c.run(slices.Concat([]string{"project", "set"}, bad, []string{id})...); code != exitUsage {
			t.Errorf("project set %v: got %d, %q; want %d", bad, code, stderr, exitUsage)
		}
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	c := terminal{t, dynamotest.New(t)}
	id := c.must("project", "create", "Acme")
	for _, l := range []list.List{
		{ID: "d", ProjectID: id, Kind: list.Dynamic, Name: "Payers", Rule: "r", Revision: 1, Status: list.Ready},
		{ID: "s", ProjectID: id, Kind: list.Static, Name: "VIPs", Status: list.Ready},
	} {
		if err := dynamotest.CreateList(t.Context(), c.store, l); err != nil {
			t.Fatal(err)
		}
	}
	c.must("list", "rebuild", "-project", id, "d")
	want := []string{"d", "dynamic", "building", "2", "false", "Payers", "s", "static", "ready", "0", "false", "VIPs"}
	if got := strings.Fields(c.must("list", "list", "-project", id)); !slices.Equal(got[6:], want) {
		t.Errorf("list list printed %q, want %q", got, want)
	}
	for _, no := range []string{"s", "nobody's"} {
		if code, _, stderr := c.run("list", "rebuild", "-project", id, no); code != exitFailed || stderr == "" {
			t.Errorf("rebuilding %s: got %d, %q; want %d and a reason", no, code, stderr, exitFailed)
		}
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	c := terminal{t, dynamotest.New(t)}
	id := c.must("project", "create", "Acme")
	group := c.must("group", "create", "-project", id, "-channel", "email", "News")
	pair, err := user.ParsePair("", "a")
	if err != nil {
		t.Fatal(err)
	}
	u, err := c.store.Upsert(t.Context(), user.Upsert{ProjectID: id, Identifiers: []user.Sent{{Pair: pair}}})
	if err == nil {
		_, err = c.store.SetSubscriptions(t.Context(), id, u.ID, consent.Setting{
			Choices: []consent.Choice{{Group: group, State: consent.Unsubscribed}}, How: consent.ByAdmin,
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-project", id}, {"-project", id, "-user", u.ID}} {
		if got := c.must(append([]string{"verify"}, args...)...); got != "the ledgers of 1 user(s) are whole" {
			t.Errorf("verify %v printed %q", args, got)
		}
	}
	tamper(t, id, u.ID)
	if code, stdout, stderr := c.run("verify", "-project", id); code != exitFailed ||
		!strings.Contains(stdout, "line 1 is missing") || !strings.Contains(stderr, errBroken.Error()) {
		t.Errorf("after a line was removed: got %d, %q, %q", code, stdout, stderr)
	}
}

// tamper removes the ledger of a user behind the store's back.
func tamper(t *testing.T, projectID, userID string) {
	t.Helper()
	cfg, table := dynamotest.Config(t)
	raw := dynamodb.NewFromConfig(cfg)
	out, err := raw.Query(t.Context(), &dynamodb.QueryInput{
		TableName: &table, KeyConditionExpression: new("pk = :pk AND begins_with(sk, :sk)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk": &types.AttributeValueMemberS{Value: "USER#" + projectID + "#" + userID},
			":sk": &types.AttributeValueMemberS{Value: "CONSENT#"},
		},
	})
	if err != nil || len(out.Items) != 1 {
		t.Fatalf("%d lines, %v; want one", len(out.Items), err)
	}
	key := map[string]types.AttributeValue{"pk": out.Items[0]["pk"], "sk": out.Items[0]["sk"]}
	if _, err := raw.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table, Key: key}); err != nil {
		t.Fatal(err)
	}
}

func TestSenders(t *testing.T) {
	t.Parallel()
	c := terminal{t, dynamotest.New(t)}
	one, two := c.must("project", "create", "One"), c.must("project", "create", "Two")

	for _, number := range []string{"+15550171001", "71001"} {
		c.must("sender", "add", "-project", one, number)
		c.must("sender", "add", "-project", one, number) // again is no error
		if got := strings.Fields(c.must("sender", "show", number)); !slices.Equal(got, []string{"project:", one, "answered", "by:", "provider"}) {
			t.Errorf("sender show %s: got %q, want the project %s, and that the provider answers", number, got, one)
		}
		c.must("sender", "add", "-project", one, "-answered-by", "us", number)
		if got := c.must("sender", "show", number); !strings.HasSuffix(got, " us") {
			t.Errorf("sender show %s: got %q, want that we answer", number, got)
		}
		if code, _, stderr := c.run("sender", "add", "-project", two, number); code != exitFailed || !strings.Contains(stderr, "another project") {
			t.Errorf("adding the number of another project: got %d, %q; want a refusal that says so", code, stderr)
		}
		c.must("sender", "remove", number)
		if _, err := c.store.Sender(t.Context(), number); err == nil {
			t.Errorf("%s is still there after sender remove", number)
		}
	}
}

func TestProjectID(t *testing.T) {
	t.Parallel()
	c := terminal{t, dynamotest.New(t)}
	const id = "0198f5b2-7a40-7000-8000-0000000000aa"
	if got := c.must("project", "create", "-id", strings.ToUpper(id), "Fixed"); got != id {
		t.Errorf("project create -id: got %q, want %q", got, id)
	}
	if code, _, stderr := c.run("project", "create", "-id", id, "Again"); code != exitFailed || !strings.Contains(stderr, project.ErrExists.Error()) {
		t.Errorf("a second project of the id: got %d, %q; want a refusal", code, stderr)
	}
	const unknown = "0198f5b2-7a40-7000-8000-0000000000ab"
	if code, _, stderr := c.run("key", "list", "-project", unknown); code != exitFailed || !strings.Contains(stderr, "no project") {
		t.Errorf("keys of an unknown project: got %d, %q; want a refusal", code, stderr)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	const id = "0198f5b2-7a40-7000-8000-0000000000ac"
	tests := []struct {
		name string
		args string
		says string
	}{
		{"nothing", "", "say what to do"},
		{"unknown command", "project destroy", `no command "project destroy"`},
		{"unknown flag", "-tabel x project show", "not defined: -tabel"},
		{"unknown flag of a command", "key list -projekt x", "not defined: -projekt"},
		{"missing argument", "project create", "wants 1 argument(s)"},
		{"one argument too many", "project show a b", "wants 1 argument(s)"},
		{"malformed project", "key list -project acme", "UUID"},
		{"no project", "key list", "-project is required"},
		{"no role", "key create -project " + id, "-role must be"},
		{"unknown channel", "group create -project " + id + " -channel fax Offers", "-channel must be"},
		{"national number", "sender add -project " + id + " 020-7946-0958", "E.164"},
		{"too little of a hash", "key revoke -project " + id + " abc", "at least 8"},
	}
	store := dynamotest.New(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := terminal{t, store}.run(strings.Fields(tt.args)...)
			if code != exitUsage || stdout != "" || !strings.Contains(stderr, tt.says) {
				t.Errorf("usersctl %s: got code %d, stdout %q, stderr %q; want %d, nothing and %q",
					tt.args, code, stdout, stderr, exitUsage, tt.says)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-h"}, {"key", "create", "-h"}} {
		var stderr strings.Builder
		if code := run(t.Context(), args, io.Discard, &stderr, nil); code != exitOK || !strings.Contains(stderr.String(), "usage: usersctl") {
			t.Errorf("usersctl %v: got %d, %q; want 0 and the usage", args, code, stderr.String())
		}
	}
}

func TestOpen(t *testing.T) {
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")

	if _, err := open(t.Context(), target{endpoint: "http://127.0.0.1:1"}); err == nil || !strings.Contains(err.Error(), "-table") {
		t.Errorf("without a table: got %v, want an error that names -table", err)
	}
	if _, err := open(t.Context(), target{table: "users"}); err == nil || !strings.Contains(err.Error(), "-region") {
		t.Errorf("without a region: got %v, want an error that names -region", err)
	}
	// Nothing listens there; that the call gets as far shows that it needs no AWS account.
	store, err := open(t.Context(), target{table: "users", endpoint: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatalf("on a local endpoint: %v", err)
	}
	if _, err := store.Project(t.Context(), "any"); err == nil {
		t.Error("an endpoint where nothing listens answered")
	}
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string]bool{
		"": false, "http://127.0.0.1:8000": true, "http://localhost:8000": true, "http://[::1]:8000": true,
		"https://dynamodb.us-east-1.amazonaws.com": false, "http://127.0.0.1.example.com": false, "::": false,
	} {
		if got := loopback(endpoint); got != want {
			t.Errorf("loopback(%q): got %t, want %t", endpoint, got, want)
		}
	}
}
