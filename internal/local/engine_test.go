package local_test

import (
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
