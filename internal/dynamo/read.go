package dynamo

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"lunogram-users/internal/user"
)

// User returns the user with the id, or who absorbed that user. One read; one more for each merge.
// It returns user.ErrNotFound.
func (s *Store) User(ctx context.Context, project, userID string) (user.User, error) {
	p, err := s.liveProfile(ctx, project, userID)
	if err != nil {
		return user.User{}, err
	}
	return p.user(project), nil
}

// UserByPair returns the user who owns the pair, or user.ErrNotFound. Two reads.
func (s *Store) UserByPair(ctx context.Context, project string, pair user.Pair) (user.User, error) {
	return untilWon(ctx, func() (user.User, error) {
		owner, err := s.owner(ctx, project, pair)
		if err != nil {
			return user.User{}, err
		}
		p, err := s.profile(ctx, project, owner)
		if err != nil {
			return user.User{}, err
		}
		if p.Deleting {
			return user.User{}, user.ErrNotFound
		}
		if _, ok := p.Identifiers[pairName(pair)]; !ok {
			return user.User{}, errLost // merged or detached between the two reads
		}
		return p.user(project), nil
	})
}

// liveProfile follows merges from the user id to a profile that is live.
func (s *Store) liveProfile(ctx context.Context, project, userID string) (profileItem, error) {
	for {
		p, err := s.profile(ctx, project, userID)
		switch {
		case err != nil:
			return profileItem{}, err
		case p.Deleting:
			return profileItem{}, user.ErrNotFound
		case p.MergedInto == "":
			return p, nil
		}
		userID = p.MergedInto
	}
}

// profile returns the stored profile, live or not.
func (s *Store) profile(ctx context.Context, project, userID string) (profileItem, error) {
	return get[profileItem](ctx, s, profileKey(project, userID), "get profile")
}

// owner returns the id of the user who owns the pair.
func (s *Store) owner(ctx context.Context, project string, pair user.Pair) (string, error) {
	o, err := get[ownerItem](ctx, s, identKey(project, pair), "get identifier")
	return o.User, err
}

// get reads one item, strongly consistent; user.ErrNotFound when there is none.
func get[T any](ctx context.Context, s *Store, k key, doing string) (T, error) {
	var zero T
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.table, Key: k.attributes(), ConsistentRead: new(true),
	})
	if err != nil {
		return zero, translate(err, doing)
	}
	if out.Item == nil {
		return zero, user.ErrNotFound
	}
	return decode[T](out.Item)
}

// Owner returns the id of the user who owns the pairs. It returns *user.ConflictError when they belong to several users,
// user.ErrNotFound when they belong to nobody. One read.
func (s *Store) Owner(ctx context.Context, project string, pairs []user.Pair) (string, error) {
	owners, err := s.owners(ctx, project, pairs)
	if err != nil {
		return "", err
	}
	ids := distinct(owners)
	switch len(ids) {
	case 0:
		return "", user.ErrNotFound
	case 1:
		return ids[0], nil
	}
	return "", &user.ConflictError{UserIDs: ids}
}

// owners returns the owner of each pair that has one: one read of one item, or one batch of up to 100.
func (s *Store) owners(ctx context.Context, project string, pairs []user.Pair) (map[user.Pair]string, error) {
	owners := make(map[user.Pair]string, len(pairs))
	if len(pairs) == 1 {
		owner, err := s.owner(ctx, project, pairs[0])
		if err == nil {
			owners[pairs[0]] = owner
		} else if err != user.ErrNotFound {
			return nil, err
		}
		return owners, nil
	}
	byKey := make(map[key]user.Pair, len(pairs))
	keys := make([]key, 0, len(pairs))
	for _, p := range pairs {
		k := identKey(project, p)
		if _, ok := byKey[k]; !ok {
			byKey[k] = p
			keys = append(keys, k)
		}
	}
	err := s.batchGet(ctx, keys, "get identifiers", func(av item) error {
		o, err := decode[ownerItem](av)
		owners[byKey[o.key]] = o.User
		return err
	})
	return owners, err
}

// profiles returns the stored profiles of the users, live or not, by id; a missing one is left out.
func (s *Store) profiles(ctx context.Context, project string, userIDs []string) (map[string]profileItem, error) {
	keys := make([]key, len(userIDs))
	for i, id := range userIDs {
		keys[i] = profileKey(project, id)
	}
	found := make(map[string]profileItem, len(userIDs))
	err := s.batchGet(ctx, keys, "get profiles", func(av item) error {
		p, err := decode[profileItem](av)
		p.size = itemSize(av)
		found[p.ID] = p
		return err
	})
	return found, err
}

// maxBatchGet is how many items one BatchGetItem reads at most.
const maxBatchGet = 100

// batchGet reads items, strongly consistent, and hands each one found to visit, in no order. Keys must differ.
func (s *Store) batchGet(ctx context.Context, keys []key, doing string, visit func(item) error) error {
	return s.batch(ctx, keys, types.KeysAndAttributes{ConsistentRead: new(true)}, doing, visit)
}

// batch reads items as how says, 100 in one call, and hands each one found to visit, in no order. Keys must differ.
func (s *Store) batch(ctx context.Context, keys []key, how types.KeysAndAttributes, doing string, visit func(item) error) error {
	for chunk := range slices.Chunk(keys, maxBatchGet) {
		how.Keys = make([]map[string]types.AttributeValue, len(chunk))
		for i, k := range chunk {
			how.Keys[i] = k.attributes()
		}
		pending := map[string]types.KeysAndAttributes{s.table: how}
		for n := 0; len(pending) > 0; n++ {
			out, err := s.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: pending})
			if err != nil {
				return translate(err, doing)
			}
			for _, av := range out.Responses[s.table] {
				if err := visit(av); err != nil {
					return err
				}
			}
			pending = out.UnprocessedKeys
			if len(pending) == 0 {
				break
			}
			if n >= attempts {
				return user.ErrUnavailable
			}
			if err := backOff(ctx, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// query hands every item of one partition whose sort key starts with the prefix to visit, in order.
func (s *Store) query(ctx context.Context, pk, prefix, doing string, visit func(item) error) error {
	return s.scanPartition(ctx, partition(pk, prefix), doing, visit)
}

// partition returns a query for all of a partition whose sort key starts with the prefix.
func partition(pk, prefix string) *dynamodb.QueryInput {
	in := &dynamodb.QueryInput{
		KeyConditionExpression:    new("pk = :pk"),
		ExpressionAttributeValues: item{":pk": str(pk)},
	}
	if prefix != "" { // a key value is never empty
		in.KeyConditionExpression = new("pk = :pk AND begins_with(sk, :prefix)")
		in.ExpressionAttributeValues[":prefix"] = str(prefix)
	}
	return in
}

// keysOf hands the key of every item of one partition whose sort key starts with the prefix to visit, in order.
func (s *Store) keysOf(ctx context.Context, pk, prefix, doing string, visit func(key)) error {
	in := partition(pk, prefix)
	in.ProjectionExpression = new("pk, sk")
	return s.scanPartition(ctx, in, doing, func(av item) error {
		k, err := decode[key](av)
		visit(k)
		return err
	})
}

func (s *Store) scanPartition(ctx context.Context, in *dynamodb.QueryInput, doing string, visit func(item) error) error {
	in.TableName, in.ConsistentRead = &s.table, new(true)
	pages := s.pages(in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return translate(err, doing)
		}
		for _, av := range page.Items {
			if err := visit(av); err != nil {
				return err
			}
		}
	}
	return nil
}

// pages returns the pages of a query. The paginator gets the one call that it needs, not the client: the linker of a function that
// calls methods by name keeps all those of a type that an interface holds, and the client has a hundred.
func (s *Store) pages(in *dynamodb.QueryInput) *dynamodb.QueryPaginator {
	return dynamodb.NewQueryPaginator(querier(s.client.Query), in)
}

type querier func(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)

// Query implements dynamodb.QueryAPIClient.
func (q querier) Query(ctx context.Context, in *dynamodb.QueryInput, options ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	return q(ctx, in, options...)
}
