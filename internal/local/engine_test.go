package local_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"lunogram-users/internal/local"
	"lunogram-users/internal/local/sam"
)

func TestEngineKeepsTheTable(t *testing.T) {
	template, err := sam.Read("testdata/template.yaml", sam.Options{})
	if err != nil {
		t.Fatal(err)
	}
	table := template.Tables[0]
	o := local.EngineOptions{DBPath: filepath.Join(t.TempDir(), "db.sqlite"), Log: t.Output()}
	for range 2 { // the second time the table is there
		engine, err := local.StartEngine(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if err := local.CreateTable(t.Context(), engine.Endpoint(), table.Name, table.Properties); err != nil {
			t.Errorf("create: %v", err)
		}
		engine.Stop()
		engine.Stop()
	}
	engine, err := local.StartEngine(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Stop()
	delete(table.Properties, "GlobalSecondaryIndexes")
	table.Properties["AttributeDefinitions"] = table.Properties["AttributeDefinitions"].([]any)[:2]
	err = local.CreateTable(t.Context(), engine.Endpoint(), table.Name, table.Properties)
	if err == nil || !strings.Contains(err.Error(), "other keys or indexes") {
		t.Errorf("a table of another shape: got error %v, want one that says so", err)
	}
}

// CreateTable leaves nothing out, a stream neither: that is for who reads the template.
func TestCreateTableWithAStream(t *testing.T) {
	engine, err := local.StartEngine(t.Context(), local.EngineOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Stop()
	err = local.CreateTable(t.Context(), engine.Endpoint(), "streamed", map[string]any{
		"BillingMode":          "PAY_PER_REQUEST",
		"AttributeDefinitions": []any{map[string]any{"AttributeName": "pk", "AttributeType": "S"}},
		"KeySchema":            []any{map[string]any{"AttributeName": "pk", "KeyType": "HASH"}},
		"StreamSpecification":  map[string]any{"StreamViewType": "KEYS_ONLY"}, // as CloudFormation has it
	})
	if err != nil {
		t.Fatal(err)
	}
	client := dynamodb.New(dynamodb.Options{
		Region: sam.Region, BaseEndpoint: new(engine.Endpoint()),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	out, err := client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: new("streamed")})
	if err != nil {
		t.Fatal(err)
	}
	if got := out.Table.StreamSpecification; got == nil || got.StreamViewType != types.StreamViewTypeKeysOnly {
		t.Errorf("stream: got %+v, want one of the keys", got)
	}
}

func TestStartEngineTwice(t *testing.T) {
	first, err := local.StartEngine(t.Context(), local.EngineOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Stop()
	second, err := local.StartEngine(t.Context(), local.EngineOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Stop()
	if first.Endpoint() == second.Endpoint() {
		t.Errorf("endpoints: got %s twice", first.Endpoint())
	}
}

// A stream comes and goes with the function that reads it, also on a table that exists.
func TestStreamIsEnabledLater(t *testing.T) {
	engine, err := local.StartEngine(t.Context(), local.EngineOptions{DBPath: filepath.Join(t.TempDir(), "db.sqlite")})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Stop()
	properties := map[string]any{
		"BillingMode":          "PAY_PER_REQUEST",
		"AttributeDefinitions": []any{map[string]any{"AttributeName": "pk", "AttributeType": "S"}},
		"KeySchema":            []any{map[string]any{"AttributeName": "pk", "KeyType": "HASH"}},
	}
	for i, want := range []bool{false, true, true, false} {
		delete(properties, "StreamSpecification")
		if want {
			properties["StreamSpecification"] = map[string]any{"StreamViewType": "KEYS_ONLY"}
		}
		if err := local.CreateTable(t.Context(), engine.Endpoint(), "later", properties); err != nil {
			t.Fatal(err)
		}
		_, err := local.OpenStream(t.Context(), engine.Endpoint(), "later", "")
		if got := err == nil; got != want {
			t.Errorf("call %d: the table has a stream: got %t (%v), want %t", i+1, got, err, want)
		}
	}
}

// Data that another version left are read as they are, with a word of warning.
func TestOldDatabase(t *testing.T) {
	for _, test := range []struct {
		name string
		old  bool
	}{{"made here", false}, {"made by the engine alone", true}} {
		t.Run(test.name, func(t *testing.T) {
			data := t.TempDir()
			if test.old { // SQLite takes an empty file for an empty database
				if err := os.WriteFile(filepath.Join(data, "dynamodb.sqlite"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var log strings.Builder
			c := start(t, func(o *local.Options) { o.Data, o.Log = data, &log })
			putItems(t, c, "USER#1")
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(log.String(), "the data are those of an earlier version"); got != test.old {
				t.Errorf("warned: got %t, want %t:\n%s", got, test.old, log.String())
			}
		})
	}
}
