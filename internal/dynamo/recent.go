package dynamo

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"lunogram-users/internal/consent"
)

// Every transaction after which a user may be allowed less (a group left, a merge, an erasure) leaves a note of the
// user for an hour. An audience is read from profiles that may be some moments old, at half the price, and then from the
// notes of the last minutes, which are never old: who has one is read again. So nobody who has refused is missed.
const (
	// recentFor is how far back notes are read. Replicas of DynamoDB are usually behind by less than a second.
	recentFor = 5 * time.Minute
	// keepRecent is how long notes are kept: long enough for clocks that differ.
	keepRecent = time.Hour
)

type recentItem struct {
	key
	ExpiresAt int64 `dynamodbav:"expires_at"` // Unix seconds
}

// note adds a note of the user, at the time of this machine, not at that of what is recorded.
func (t *tx) note(project, userID string, now time.Time) {
	t.overwrite(recentItem{key: recentKey(project, toMillis(now), userID), ExpiresAt: now.Add(keepRecent).Unix()})
}

// overwrite adds an item, whether or not it exists.
func (t *tx) overwrite(v any) {
	t.put(v)
	put := t.items[len(t.items)-1].Put
	put.ConditionExpression = nil
	put.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureNone
}

// recent returns the ids of the users that have a note, strongly consistent.
func (s *Store) recent(ctx context.Context, project string) (map[string]bool, error) {
	since := recentKey(project, toMillis(s.now().Add(-recentFor)), "")
	users := map[string]bool{}
	err := s.scanPartition(ctx, &dynamodb.QueryInput{
		KeyConditionExpression:    new("pk = :pk AND sk > :since"),
		ExpressionAttributeValues: item{":pk": str(since.PK), ":since": str(since.SK)},
	}, "read recent refusals", func(av item) error {
		k, err := decode[key](av)
		_, id, _ := strings.Cut(k.SK, "#")
		users[id] = true
		return err
	})
	return users, err
}

// restricts reports whether a user may be allowed less after the changes.
func restricts(changes []consent.Change) bool {
	return slices.ContainsFunc(changes, func(c consent.Change) bool {
		return !c.Keep && (c.To == nil || c.To.State != consent.Subscribed)
	})
}
