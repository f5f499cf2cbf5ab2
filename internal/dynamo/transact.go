package dynamo

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"lunogram-users/internal/user"
)

// maxTransact is how many items one transaction holds at most.
const maxTransact = 100

// tx collects the items of one transaction.
type tx struct {
	table string
	items []types.TransactWriteItem
	err   error
}

func (s *Store) begin() *tx { return &tx{table: s.table} }

// put adds an item that must not exist yet.
func (t *tx) put(v any) {
	av, err := encode(v)
	t.err = errors.Join(t.err, err, fits(av))
	t.items = append(t.items, types.TransactWriteItem{Put: &types.Put{
		TableName: &t.table, Item: av, ConditionExpression: new("attribute_not_exists(pk)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}})
}

// record adds a record in place of the one that it follows.
func (t *tx) record(i recordItem) {
	av, err := encode(i)
	t.err = errors.Join(t.err, err)
	expr, err := i.follows()
	t.err = errors.Join(t.err, err)
	t.items = append(t.items, types.TransactWriteItem{Put: &types.Put{
		TableName: &t.table, Item: av, ConditionExpression: expr.Condition(),
		ExpressionAttributeNames: expr.Names(), ExpressionAttributeValues: expr.Values(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}})
}

// replace adds the rewrite of a profile to what u is, on condition that it is live and of the version before.
func (t *tx) replace(u user.User, before int64, writeID string) {
	expr, err := replaceExpression(u, before, writeID)
	t.err = errors.Join(t.err, err)
	t.update(profileKey(u.ProjectID, u.ID), expr)
}

// update adds an update of an item.
func (t *tx) update(k key, expr expression.Expression) {
	t.items = append(t.items, types.TransactWriteItem{Update: &types.Update{
		TableName: &t.table, Key: k.attributes(),
		ConditionExpression: expr.Condition(), UpdateExpression: expr.Update(),
		ExpressionAttributeNames: expr.Names(), ExpressionAttributeValues: expr.Values(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}})
}

// fits returns user.ErrTooLarge if the item exceeds what DynamoDB holds.
func fits(av item) error {
	if itemSize(av) > user.MaxBytes-user.Slack {
		return user.ErrTooLarge
	}
	return nil
}

// bury replaces the profile of an absorbed user by a tombstone, on condition that it did not change.
func (t *tx) bury(u user.User, survivor string) {
	tomb, err := encode(tombstoneItem{key: profileKey(u.ProjectID, u.ID), ID: u.ID, MergedInto: survivor})
	t.err = errors.Join(t.err, err)
	cond := liveCondition().And(expression.Name("version").Equal(expression.Value(u.Version)))
	expr, err := expression.NewBuilder().WithCondition(cond).Build()
	t.err = errors.Join(t.err, err)
	t.items = append(t.items, types.TransactWriteItem{Put: &types.Put{
		TableName: &t.table, Item: tomb, ConditionExpression: expr.Condition(),
		ExpressionAttributeNames: expr.Names(), ExpressionAttributeValues: expr.Values(),
	}})
}

// move gives a pair from one user to another.
func (t *tx) move(k key, from, to string) {
	t.items = append(t.items, types.TransactWriteItem{Update: &types.Update{
		TableName: &t.table, Key: k.attributes(),
		ConditionExpression: new("#user = :from"), UpdateExpression: new("SET #user = :to"),
		ExpressionAttributeNames:  map[string]string{"#user": "user"},
		ExpressionAttributeValues: item{":from": str(from), ":to": str(to)},
	}})
}

// release frees a pair that the user owns; one that nobody owns is free already.
func (t *tx) release(k key, owner string) {
	t.items = append(t.items, types.TransactWriteItem{Delete: &types.Delete{
		TableName: &t.table, Key: k.attributes(), ConditionExpression: new("attribute_not_exists(pk) OR #user = :owner"),
		ExpressionAttributeNames:  map[string]string{"#user": "user"},
		ExpressionAttributeValues: item{":owner": str(owner)},
	}})
}

// commit writes all items or none. A transaction whose profile, at index 0, already carries writeID
// was persisted by an earlier try and is a success; writeID is "" where there is no profile. It returns errLost (as
// *refused) when a condition failed.
func (s *Store) commit(ctx context.Context, t *tx, writeID, doing string) error {
	if t.err != nil {
		return t.err
	}
	_, err := s.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: t.items})
	if err = translate(err, doing); err == nil {
		return nil
	}
	if r, ok := errors.AsType[*refused](err); ok && r.stored[0] != nil && writeID != "" {
		p, err := decode[profileItem](r.stored[0])
		if err != nil {
			return err
		}
		if p.WriteID == writeID {
			return nil
		}
	}
	return err
}

// refusal reports whether a condition stopped a write.
func refusal(err error) bool {
	_, ok := errors.AsType[*refused](err)
	return ok
}

// stopped returns what was stored where a single write was stopped by its condition, nil for nothing,
// and false when err is something else.
func stopped(err error) (item, bool) {
	r, ok := errors.AsType[*refused](err)
	if !ok {
		return nil, false
	}
	return r.stored[0], true
}
