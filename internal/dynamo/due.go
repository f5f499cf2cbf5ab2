package dynamo

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"lunogram-users/internal/user"
)

// DueUsers returns the ids of those users in one segment of a project whose due moment is not after until, earliest first.
// At most limit.
func (s *Store) DueUsers(ctx context.Context, projectID string, segment int, until time.Time, limit int) ([]string, error) {
	r := oldestFirst(dueShard(projectID, segment))
	r.upper = stamp(min(toMillis(until), lastStamp), highest)
	found, err := s.entries(ctx, r, "", limit)
	ids := make([]string, len(found))
	for i, e := range found {
		_, ids[i], _ = strings.Cut(e.sort, "#")
	}
	return ids, err
}

// NextDue returns the earliest due moment of a project's users, the zero time if there is none.
func (s *Store) NextDue(ctx context.Context, projectID string) (time.Time, error) {
	found, err := s.entries(ctx, oldestFirst(sharded(projectID, dueShard)...), "", 1)
	if err != nil || len(found) == 0 {
		return time.Time{}, err
	}
	at, _, _ := strings.Cut(found[0].sort, "#")
	ms, err := strconv.ParseInt(at, 10, 64)
	return millis(ms).time(), err
}

// wakeItem is when a project is to be woken next, so that whoever is due then is looked at.
type wakeItem struct {
	key
	At millis `dynamodbav:"at"`
}

// Wake returns when a project is to be woken next as far as it was recorded, the zero time if it never was; strongly
// consistent. It may be over.
func (s *Store) Wake(ctx context.Context, projectID string) (time.Time, error) {
	w, err := get[wakeItem](ctx, s, wakeKey(projectID), "get wake")
	if errors.Is(err, user.ErrNotFound) {
		err = nil
	}
	return w.At.time(), err
}

// SetWake records that a project is to be woken at a moment, unless it is to be woken earlier: at another one that is
// recorded and still comes after the moment after.
func (s *Store) SetWake(ctx context.Context, projectID string, at, after time.Time) error {
	stored := expression.Name("at")
	cond := stored.AttributeNotExists().
		Or(stored.GreaterThan(expression.Value(toMillis(at)))).
		Or(stored.LessThanEqual(expression.Value(toMillis(after))))
	up := expression.Set(stored, expression.Value(toMillis(at)))
	expr, err := expression.NewBuilder().WithCondition(cond).WithUpdate(up).Build()
	if err != nil {
		return err
	}
	_, err = s.updateItem(ctx, wakeKey(projectID), expr, "set wake")
	if refusal(err) {
		return nil
	}
	return err
}
