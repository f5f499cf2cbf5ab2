package dynamo

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"lunogram-users/internal/user"
)

// An import claims the pairs of a new user before it writes the profile. When it stops in between, the pairs are
// owned by nobody: claims that dangle. Reads find no user by them; whoever wants to write one of them
// clears it away, so that it is free again, and makes sure that the profile cannot come into being later.

const (
	// abandonedFor is how long a profile is kept from coming into being, longer than any write is under way.
	abandonedFor = 24 * time.Hour
	// Between the claim and the profile there are milliseconds. Only a claim that still dangles after some pauses, up to 200
	// milliseconds in all, is held to be abandoned.
	firstLook = 4
	lastLook  = 5
)

// abandonedItem stands where the profile of a user would be whose claims were given up. To readers it is a user who is
// being deleted; it is forgotten when it has expired.
type abandonedItem struct {
	key
	ID        string `dynamodbav:"id"`
	Deleting  bool   `dynamodbav:"deleting"`
	ExpiresAt int64  `dynamodbav:"expires_at"` // Unix seconds
}

// absent reports whether there is no profile, and that of p is at most what abandon left.
func (p profileItem) absent() bool { return p.ID == "" || p.ExpiresAt != 0 }

// clear frees those of the pairs that the id owns although it is no user: it finishes a delete, or abandons a claim. It
// returns errLost when neither was to be done. own says that the claim is the caller's, who knows that it is not under way.
func (s *Store) clear(ctx context.Context, project, id string, pairs []user.Pair, own bool) error {
	owners, err := s.owners(ctx, project, pairs)
	if err != nil {
		return err
	}
	var held []user.Pair
	for pair, owner := range owners {
		if owner == id {
			held = append(held, pair)
		}
	}
	if len(held) == 0 {
		return errLost
	}
	p, err := s.profile(ctx, project, id)
	switch {
	case errors.Is(err, user.ErrNotFound):
		return s.abandon(ctx, project, id, held, own)
	case err != nil:
		return err
	case p.absent():
		return s.abandon(ctx, project, id, held, true)
	case p.Deleting:
		return s.finishDelete(ctx, project, p)
	}
	return errLost
}

// abandon frees pairs that the id has claimed and keeps its profile from coming into being, in one transaction. Unless it
// is sure that nobody is about to write the profile, it waits a moment for it. It returns errLost when there is a user
// after all or the pairs are owned otherwise.
func (s *Store) abandon(ctx context.Context, project, id string, pairs []user.Pair, sure bool) error {
	for n := firstLook; n <= lastLook && !sure; n++ {
		if err := backOff(ctx, n); err != nil {
			return err
		}
		if err := s.dangles(ctx, project, id, pairs[0]); err != nil {
			return err
		}
	}
	t := s.begin()
	t.preclude(abandonedItem{profileKey(project, id), id, true, s.now().Add(abandonedFor).Unix()})
	for _, pair := range pairs {
		t.disown(identKey(project, pair), id)
	}
	return s.commit(ctx, t, "", "abandon a claim")
}

// dangles returns errLost unless the pair is owned by the id and that is no user.
func (s *Store) dangles(ctx context.Context, project, id string, pair user.Pair) error {
	owner, err := s.owner(ctx, project, pair)
	switch {
	case errors.Is(err, user.ErrNotFound) || err == nil && owner != id:
		return errLost
	case err != nil:
		return err
	}
	p, err := s.profile(ctx, project, id)
	switch {
	case err == nil && !p.absent():
		return errLost
	case err != nil && !errors.Is(err, user.ErrNotFound):
		return err
	}
	return nil
}

// preclude puts an item where there is none, or another of its kind.
func (t *tx) preclude(a abandonedItem) {
	av, err := encode(a)
	t.err = errors.Join(t.err, err)
	t.items = append(t.items, types.TransactWriteItem{Put: &types.Put{
		TableName: &t.table, Item: av, ConditionExpression: new("attribute_not_exists(pk) OR attribute_exists(expires_at)"),
	}})
}

// disown frees a pair that the id must own.
func (t *tx) disown(k key, owner string) {
	t.items = append(t.items, types.TransactWriteItem{Delete: &types.Delete{
		TableName: &t.table, Key: k.attributes(), ConditionExpression: new("#user = :owner"),
		ExpressionAttributeNames:  map[string]string{"#user": "user"},
		ExpressionAttributeValues: item{":owner": str(owner)},
	}})
}
