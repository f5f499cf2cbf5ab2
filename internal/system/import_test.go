package system_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/csvimport"
	"lunogram-users/internal/user"
)

// upload puts a file into the bucket, as any S3 client does.
func (n *tenant) upload(t *testing.T, name, content string) {
	t.Helper()
	address := n.cloud.S3URL + "/" + n.cloud.Bucket + "/imports/" + n.id + "/" + url.PathEscape(name)
	req, err := http.NewRequestWithContext(t.Context(), "PUT", address, strings.NewReader(content))
	must(t, err)
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		t.Fatalf("upload: %s %s", resp.Status, text)
	}
}

// errorFile returns the records of the error file of an import, nil while there is none.
func (n *tenant) errorFile(t *testing.T, name string) [][]string {
	t.Helper()
	name = strings.TrimSuffix(name, path.Ext(name)) + ".errors.csv"
	resp, err := http.Get(n.cloud.S3URL + "/" + n.cloud.Bucket + "/results/" + n.id + "/" + url.PathEscape(name))
	must(t, err)
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotFound {
		return nil
	}
	content, err := io.ReadAll(resp.Body)
	must(t, err)
	r := csv.NewReader(bytes.NewReader(content))
	r.FieldsPerRecord = -1
	records, err := r.ReadAll()
	must(t, err)
	return records
}

// imported returns the record of an import.
func (n *tenant) imported(t *testing.T, id string) csvimport.Import {
	t.Helper()
	record, err := n.store.Import(t.Context(), n.id, id)
	must(t, err)
	return record
}

// await waits until the condition holds, for half a minute.
func (n *tenant) await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	n.awaitFor(t, what, 30*time.Second, holds)
}

// awaitFor waits so long. When it waited in vain it says what for and what is left in the queues.
func (n *tenant) awaitFor(t *testing.T, what string, long time.Duration, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(long); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s; in the queues: %s", what, n.queues(t))
		}
	}
}

// queues says what is in the queues of the cloud, those of the dead and of failures included.
func (n *tenant) queues(t *testing.T) string {
	t.Helper()
	held := []string{}
	for _, declared := range n.cloud.Template.Queues {
		q, err := n.cloud.Queue(declared.LogicalID)
		must(t, err)
		if visible, hidden, delayed := q.Count(); visible+hidden+delayed > 0 {
			held = append(held, fmt.Sprintf("%s %d visible, %d in flight, %d delayed", declared.LogicalID, visible, hidden, delayed))
		}
	}
	return fmt.Sprintf("%q", held)
}

func (n *tenant) byID(t *testing.T, externalID string) (user.User, bool) {
	t.Helper()
	u, err := n.store.UserByPair(t.Context(), n.id, user.Pair{Source: "default", ExternalID: externalID})
	return u, err == nil
}

func TestImportOfTheSpecification(t *testing.T) {
	const rows = "user_001,alice@example.com,Alice,Smith,premium,Acme Inc\n" +
		"user_002,bob@example.com,Bob,Jones,free,Globex\n" +
		"user_003,carol@example.com,Carol,White,premium,Initech"
	for _, column := range []string{"identifier", "external_id", "\ufeffIDENTIFIER"} {
		t.Run(column, func(t *testing.T) {
			n := newTenant(t)
			n.upload(t, "my users+1.csv", column+",email,first_name,last_name,plan,company\n"+rows)
			n.await(t, "the last row", func() bool { _, ok := n.byID(t, "user_003"); return ok })
			u, _ := n.byID(t, "user_001")
			want := map[string]any{"first_name": "Alice", "last_name": "Smith", "plan": "premium", "company": "Acme Inc"}
			if u.Email != "alice@example.com" || !cmp.Equal(want, u.Data) {
				t.Errorf("user_001: %s %v", u.Email, u.Data)
			}
		})
	}
}

func TestImportReportsBadRowsAndTakesTheRest(t *testing.T) {
	n := newTenant(t)
	n.upload(t, "mixed.csv", "\ufeffidentifier,email,note,crm\r\n"+
		"a,a@example.com,\"two\r\nlines\",x\r\n"+
		"b,not an address,=1+1,x\r\n"+
		",c@example.com,no id,x\r\n"+
		"d,d@example.com,short\r\n"+
		"e,e@example.com,fine,x\r\n")
	n.await(t, "the error file", func() bool { return n.errorFile(t, "mixed.csv") != nil })
	for id, want := range map[string]bool{"a": true, "b": false, "d": false, "e": true} {
		if _, ok := n.byID(t, id); ok != want {
			t.Errorf("user %s exists: %t, want %t", id, ok, want)
		}
	}
	if u, _ := n.byID(t, "a"); u.Data["note"] != "two\r\nlines" && u.Data["note"] != "two\nlines" {
		t.Errorf("a quoted newline became %q", u.Data["note"])
	}
	file := n.errorFile(t, "mixed.csv")
	if len(file) != 4 {
		t.Fatalf("error file: %q, want a header and three rows", file)
	}
	header := strings.TrimPrefix(strings.Join(file[0], ","), "\ufeff")
	if header != "identifier,email,note,crm,import_row,import_field,import_error" {
		t.Errorf("header of the error file: %s", header)
	}
	if got := fmt.Sprint(file[1][:6]); got != "[b not an address '=1+1 x 2 email]" {
		t.Errorf("first bad row: %s", got)
	}
	n.upload(t, "mixed.csv", "identifier\na\n")
	n.await(t, "the end of the old error file", func() bool { return n.errorFile(t, "mixed.csv") == nil })
	corrected := strings.Replace(join(file[:2]), "not an address", "b@example.com", 1)
	n.upload(t, "corrected.csv", corrected)
	n.await(t, "the corrected row", func() bool { u, ok := n.byID(t, "b"); return ok && u.Email == "b@example.com" })
	if u, _ := n.byID(t, "b"); u.Data["note"] != "=1+1" || u.Data["import_row"] != nil {
		t.Errorf("the corrected row: %v", u.Data)
	}
}

func join(records [][]string) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.WriteAll(records) // a strings.Builder takes everything
	return b.String()
}

// TestImportSubscribesNobody: a no stays a no, whoever imports the address again.
func TestImportSubscribesNobody(t *testing.T) {
	n := newTenant(t)
	n.upsert(object{"identifier": pairs("gone"), "phone": "+15550103333"})
	n.publish(t, "STOP", "+15550103333", "m-gone")
	n.await(t, "the STOP", func() bool { return n.state(t, "gone") == "unsubscribed*" })
	if r := n.call("DELETE", "/api/client/users", n.secret, object{"identifier": pairs("gone")}); r.status != http.StatusNoContent {
		t.Fatalf("delete: %d", r.status)
	}
	n.upload(t, "again.csv", "identifier,phone,texts\nback,+15550103333,subscribed\n")
	n.await(t, "the import", func() bool { _, ok := n.byID(t, "back"); return ok })
	if got := n.state(t, "back"); got != "not_set*" {
		t.Errorf("the state of a re-imported number is %s, want it suppressed", got)
	}
}
