package dynamotest

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/local"
	"lunogram-users/internal/local/stream"
)

// Stream returns a store on an engine of the test's own, whose table has a stream, and a function that returns the
// changes since it was called last, in order. What a call of the store changed is there as soon as the call returns.
func Stream(t testing.TB, options ...func(*dynamodb.Options)) (*dynamo.Store, func() []events.DynamoDBEventRecord) {
	t.Helper()
	table, err := declared()
	if err != nil {
		t.Fatal(err)
	}
	table.Properties["StreamSpecification"] = map[string]any{"StreamViewType": "NEW_AND_OLD_IMAGES"}
	engine, err := local.StartEngine(t.Context(), local.EngineOptions{DBPath: filepath.Join(t.TempDir(), "dynamodb.sqlite")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(engine.Stop)
	if err := local.CreateTable(t.Context(), engine.Endpoint(), table.Name, table.Properties); err != nil {
		t.Fatal(err)
	}
	reader, err := local.OpenStream(t.Context(), engine.Endpoint(), table.Name, "arn:aws:dynamodb:::stream")
	if err != nil {
		t.Fatal(err)
	}
	store := dynamo.New(running{engine.Endpoint(), table.Name}.config(), table.Name, append(options, strict)...)
	return store, since(t, reader)
}

// since returns a function that reads on from where it stopped.
func since(t testing.TB, reader *stream.Reader) func() []events.DynamoDBEventRecord {
	var at stream.Position
	return func() (all []events.DynamoDBEventRecord) {
		t.Helper()
		for {
			records, next, err := reader.Records(t.Context(), at)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range records {
				var record events.DynamoDBEventRecord
				if err := json.Unmarshal(r.JSON, &record); err != nil {
					t.Fatal(err)
				}
				all = append(all, record)
			}
			if next == at {
				return all
			}
			at = next
		}
	}
}
