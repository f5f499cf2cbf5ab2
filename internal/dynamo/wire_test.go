package dynamo

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/user"
)

// echo answers every request with a body and keeps what was sent.
type echo struct{ sent, answer string }

func (e *echo) Do(req *http.Request) (*http.Response, error) {
	sent, err := io.ReadAll(req.Body)
	e.sent = string(sent)
	return &http.Response{
		StatusCode: http.StatusOK, Request: req, Header: http.Header{},
		Body: io.NopCloser(strings.NewReader(e.answer)), ContentLength: int64(len(e.answer)),
	}, err
}

// clients returns one client with our protocol and one with the SDK's, on the same echo.
func clients(e *echo) (ours, theirs *dynamodb.Client) {
	cfg := aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
	build := func(protocol bool) *dynamodb.Client {
		return dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
			o.HTTPClient = e
			o.RetryMaxAttempts = 1
			if protocol {
				o.Protocol = wire{o.Protocol}
			}
		})
	}
	return build(true), build(false)
}

var ignoreSerde = cmpopts.IgnoreUnexported(
	types.AttributeValueMemberS{}, types.AttributeValueMemberN{}, types.AttributeValueMemberB{}, types.AttributeValueMemberM{},
	types.AttributeValueMemberL{}, types.AttributeValueMemberBOOL{}, types.AttributeValueMemberNULL{}, types.AttributeValueMemberSS{},
	types.KeysAndAttributes{},
)

// TestWireWrites: requests mean the same as those that the SDK writes.
func TestWireWrites(t *testing.T) {
	e := &echo{answer: `{}`}
	ours, theirs := clients(e)
	value := &types.AttributeValueMemberM{Value: item{
		"text": str("a \"quoted\" \\ text\n\t\x01 with ü, 🦊,   and </script>"), "": number(-12), "yes": &types.AttributeValueMemberBOOL{Value: true},
		"nil": &types.AttributeValueMemberNULL{Value: true}, "bytes": &types.AttributeValueMemberB{Value: []byte{0, 255, 1}},
		"list": &types.AttributeValueMemberL{Value: []types.AttributeValue{str(""), number(1), &types.AttributeValueMemberM{Value: item{}}}},
		"none": &types.AttributeValueMemberL{Value: []types.AttributeValue{}},
	}}
	set := &types.AttributeValueMemberSS{Value: []string{"a"}}
	statements := func(parameters ...types.AttributeValue) func(*dynamodb.Client) error {
		return func(c *dynamodb.Client) error {
			_, err := c.BatchExecuteStatement(t.Context(), &dynamodb.BatchExecuteStatementInput{
				ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
				Statements:             []types.BatchStatementRequest{{Statement: new(`UPDATE "t" SET "a b" = ?`), Parameters: parameters}, {Statement: new("x"), Parameters: parameters}},
			})
			return err
		}
	}
	keys := func(k types.KeysAndAttributes) func(*dynamodb.Client) error {
		return func(c *dynamodb.Client) error {
			_, err := c.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"t": k}})
			return err
		}
	}
	all := []map[string]types.AttributeValue{key{"a", "b"}.attributes(), key{`"`, "ü"}.attributes()}
	for name, call := range map[string]func(*dynamodb.Client) error{
		"statements":     statements(value, str("x")),
		"a set":          statements(set),
		"a set in a map": statements(&types.AttributeValueMemberM{Value: item{"s": set}}),
		"keys":           keys(types.KeysAndAttributes{Keys: all, ConsistentRead: new(true)}),
		"a projection":   keys(types.KeysAndAttributes{Keys: all, ProjectionExpression: new("pk")}),
	} {
		var sent [2]any
		for i, c := range []*dynamodb.Client{ours, theirs} {
			if err := call(c); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if err := json.Unmarshal([]byte(e.sent), &sent[i]); err != nil {
				t.Fatalf("%s: %v in %s", name, err, e.sent)
			}
		}
		if diff := cmp.Diff(sent[1], sent[0]); diff != "" {
			t.Errorf("%s (-SDK +ours):\n%s", name, diff)
		}
	}
}

var answers = []string{
	`{"Responses":{"t":[{"pk":{"S":"a"},"n":{"N":"1.50"},"m":{"M":{"l":{"L":[{"NULL":true},{"BOOL":false},{"B":"AP8="}]}}}}]},"UnprocessedKeys":{}}`,
	`{"Responses":{"t":[]},"UnprocessedKeys":{"t":{"Keys":[{"pk":{"S":"a"}}],"ConsistentRead":true}}}`,
	`{"Responses":{"t":[{"s":{"S":"\u00fc \ud83e\udd8a \"\\\n"},"ss":{"SS":["a"]}}]}}`,
	` { "Responses" : { "t" : [ { "s\n" : { "S" : "\\" } } ] } , "ConsumedCapacity": [] } `,
	`{"Responses":{"t":[{"s":{"S":"a\"}}]}}`, `{"Responses":{"t":[{"s":{"S":"a","N":"1"}}]}}`, `{"Responses":{"t":[{"s":{}}]}}`,
	`{"Responses":null}`, `{"Responses":{"t":[{"b":{"B":"?"}},{"x":{"BOOL":tru}}]}}`, ``, `{`, "{\"Responses\":{\"t\":[{\"s\":{\"S\":\"\xff\"}}]}}",
	`{"Responses":{"t":[{"d":` + strings.Repeat(`{"L":[`, 70) + strings.Repeat(`]}`, 70) + `}]}}`,
}

// FuzzWireReads: whatever our reader takes, the SDK's reads as the same.
func FuzzWireReads(f *testing.F) {
	for _, a := range answers {
		f.Add(a)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		responses, ok := parseResponses(answer)
		if !ok {
			return
		}
		e := &echo{answer: answer}
		_, theirs := clients(e)
		out, err := theirs.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"t": {}}})
		if err != nil {
			t.Skip("the SDK is stricter") // a body that DynamoDB never sends
		}
		if diff := cmp.Diff(out.Responses, responses, ignoreSerde, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-SDK +ours):\n%s", answer, diff)
		}
	})
}

// TestWireReads: a client with our reader answers as one with the SDK's, also what our reader leaves to it.
func TestWireReads(t *testing.T) {
	for i, answer := range answers {
		ours, theirs := clients(&echo{answer: answer})
		var got [2]string
		for j, c := range []*dynamodb.Client{ours, theirs} {
			out, err := c.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"t": {}}})
			if err != nil {
				got[j] = "an error"
				continue
			}
			b, err := json.Marshal([]any{out.Responses, out.UnprocessedKeys, out.ConsumedCapacity})
			got[j] = fmt.Sprint(string(b), err)
		}
		if got[0] != got[1] && answer != "" {
			t.Errorf("answer %d: %s, want %s", i, got[0], got[1])
		}
	}
}

// TestFields: profiles written and read by hand are those of the struct tags.
func TestFields(t *testing.T) {
	at := time.UnixMilli(1_800_000_000_123).UTC()
	full := user.User{
		ID: "01a20aad-0000-7000-8000-000000000000", ProjectID: "p", Email: "A@example.com", Phone: "+15550101234", Timezone: "UTC", Locale: "en",
		Identifiers: []user.Identifier{{ID: "i", Pair: user.Pair{Source: "default", ExternalID: "a#b"}, Metadata: map[string]any{"k": nil}, CreatedAt: at, UpdatedAt: at}},
		Data:        map[string]any{"n": json.Number("1.5"), "l": []any{true, "x"}, "o": map[string]any{}},
		Subscriptions: map[string]consent.Subscription{
			"g": {State: consent.Unsubscribed, How: consent.ByAPI, At: at, Prior: consent.NotSet}, "h": {State: consent.Subscribed, How: consent.ByAPI, At: at},
		},
		Version: 3, CreatedAt: at, UpdatedAt: at,
		Mark: user.Mark{Import: "0198c0de-0000-7000-8000-000000000000", First: 1, Last: 300, Outcome: user.Created},
	}
	for name, u := range map[string]user.User{"full": full, "bare": {ID: "x", ProjectID: "p"}} {
		p := toProfile(u, "w")
		want, err := encode(p)
		if err != nil {
			t.Fatal(err)
		}
		got := item{}
		for _, a := range p.fields() {
			got[a.name] = a.value
		}
		if diff := cmp.Diff(want, got, ignoreSerde); diff != "" {
			t.Errorf("%s written (-tags +fields):\n%s", name, diff)
		}
		read, err := readProfile(got)
		if diff := cmp.Diff(p, read, cmp.AllowUnexported(profileItem{}, key{}), cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("%s read, %v (-want +got):\n%s", name, err, diff)
		}
		if diff := cmp.Diff(u, read.user("p"), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if _, err := readProfile(item{"version": str("x")}); err == nil {
		t.Error("a version that is a string: no error")
	}
}
