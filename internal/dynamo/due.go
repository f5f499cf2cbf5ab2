package dynamo

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"lunogram-users/internal/list"
	"lunogram-users/internal/user"
)

// moveDue writes the due moment of a change, if it has one. To repeat it does no harm, but for a removal: there is nothing
// that would tell it from somebody else's.
func (s *Store) moveDue(ctx context.Context, projectID, userID string, c list.Change) error {
	if c.Due == nil {
		return nil
	}
	if c.Due.IsZero() {
		was := attribute{"at", number(int64(toMillis(c.Was)))}
		stopped, err := s.carryOut(ctx, []statement{s.remove(dueKey(projectID, userID), was)}, "remove due moment")
		if err == nil && stopped[0] {
			err = list.ErrMoved
		}
		return err
	}
	due, stored := toDue(projectID, userID, toMillis(*c.Due)), expression.Name("at")
	unmoved := stored.AttributeNotExists()
	if !c.Was.IsZero() {
		unmoved = stored.Equal(expression.Value(toMillis(c.Was)))
	}
	expr, err := expression.NewBuilder().WithCondition(unmoved.Or(stored.Equal(expression.Value(due.At)))).Build()
	if err != nil {
		return err
	}
	err = s.put(ctx, due, dynamodb.PutItemInput{
		ConditionExpression: expr.Condition(), ExpressionAttributeNames: expr.Names(), ExpressionAttributeValues: expr.Values(),
	}, "put due moment")
	if refusal(err) {
		err = list.ErrMoved
	}
	return err
}

// DueUsers returns the ids of those users in one segment of a project whose due moment is not after until, earliest first.
// At most limit; if there may be more, next is what to send as after to go on.
func (s *Store) DueUsers(ctx context.Context, projectID string, segment int, until time.Time, after string, limit int) (
	ids []string, next string, err error) {
	r := oldestFirst(dueShard(projectID, segment))
	r.upper = stamp(min(toMillis(until), lastStamp), highest)
	if after >= r.upper { // by another machine's clock, it was later
		return nil, "", nil
	}
	found, err := s.entries(ctx, r, after, limit)
	ids = make([]string, len(found))
	for i, e := range found {
		_, ids[i], _ = strings.Cut(e.sort, "#")
	}
	if len(found) == limit {
		next = found[limit-1].sort
	}
	return ids, next, err
}

// NextDue returns the earliest due moment of the users in one segment of a project that is after another moment, the zero
// time if there is none.
func (s *Store) NextDue(ctx context.Context, projectID string, segment int, after time.Time) (time.Time, error) {
	r := oldestFirst(dueShard(projectID, segment))
	found, err := s.entries(ctx, r, stamp(min(toMillis(after), lastStamp), highest), 1)
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
