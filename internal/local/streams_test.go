package local_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"lunogram-users/internal/local"
	"lunogram-users/internal/local/sam"
)

// putItems writes an item for each key, in order.
func putItems(t *testing.T, c *local.Cloud, keys ...string) {
	t.Helper()
	client := dynamodb.New(dynamodb.Options{
		Region: sam.Region, BaseEndpoint: &c.DynamoDBEndpoint, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	})
	for _, key := range keys {
		_, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &c.Table, Item: map[string]types.AttributeValue{
			"pk": &types.AttributeValueMemberS{Value: key}, "sk": &types.AttributeValueMemberS{Value: "s"},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// changes returns the keys of the records among the events.
func changes(t *testing.T, lines []string) (keys []string) {
	t.Helper()
	for _, line := range lines {
		if strings.Contains(line, `"aws:dynamodb"`) {
			for _, r := range decode[events.DynamoDBEvent](t, line).Records {
				keys = append(keys, r.Change.Keys["pk"].String())
			}
		}
	}
	return keys
}

func TestChangeReachesFunction(t *testing.T) {
	change, recorded := recorder(t)
	c := start(t, change)
	putItems(t, c, "USER#1", "OTHER#1", "USER#2")
	eventually(t, "the changes", func() bool { return len(changes(t, recorded())) >= 2 })
	if got := changes(t, recorded()); !slices.Equal(got, []string{"USER#1", "USER#2"}) {
		t.Errorf("changes: got %v, want those of users", got)
	}
}

// A function that dies or fails on a change gets it again; one that always fails loses it to the queue.
func TestChangeIsRetried(t *testing.T) {
	for _, test := range []struct {
		name             string
		attempts, failed int
	}{{"die-once", 2, 0}, {"fail-always", 2, 1}} {
		t.Run(test.name, func(t *testing.T) {
			change, recorded := recorder(t)
			c := start(t, change)
			putItems(t, c, "USER#"+test.name)
			eventually(t, "the attempts", func() bool { return len(recorded()) == test.attempts })
			failures, err := c.Queue("Failures")
			if err != nil {
				t.Fatal(err)
			}
			eventually(t, "the failure", func() bool { n, _, _ := failures.Count(); return n == test.failed })
			putItems(t, c, "USER#next")
			eventually(t, "the next change", func() bool { return slices.Contains(changes(t, recorded()), "USER#next") })
		})
	}
}

// What changed before a stop, and was not dealt with, reaches the function after the next start.
func TestChangesOutliveTheProcess(t *testing.T) {
	change, recorded := recorder(t)
	data := filepath.Join(t.TempDir(), "data")
	late := func(d time.Duration) func(*local.Options) {
		return func(o *local.Options) {
			change(o)
			o.Data, o.StreamDelay = data, func() time.Duration { return d }
		}
	}
	c := start(t, late(time.Hour))
	putItems(t, c, "USER#1", "USER#2")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if got := changes(t, recorded()); len(got) != 0 {
		t.Fatalf("changes of a late stream: got %v, want none", got)
	}
	start(t, late(0))
	eventually(t, "the changes", func() bool { return slices.Equal(changes(t, recorded()), []string{"USER#1", "USER#2"}) })
}

func TestBatchesComeTwice(t *testing.T) {
	change, recorded := recorder(t)
	c := start(t, func(o *local.Options) { change(o); o.Deliveries = 2 })
	putItems(t, c, "USER#1")
	eventually(t, "both", func() bool { return slices.Equal(changes(t, recorded()), []string{"USER#1", "USER#1"}) })
}
