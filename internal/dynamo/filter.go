package dynamo

import (
	"context"
	"encoding/base64"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The filter of a project holds the start of the hash of every address that was ever suppressed, six bytes of each, in
// 64 items of one partition. One query tells of a thousand users which few may be suppressed; only of
// those the suppressions themselves are read. An address enters the filter before its suppression is written and never
// leaves it, so that the filter errs on one side only: it may name an address that is free, and misses none.
//
// An item takes 400 KB, so that the filter holds some three million addresses; when the first item is full, the project
// goes on without. A suppression costs a write unit
// for each KB of its item: one for each 9,000 addresses of the project.

// filterPart is one item of a filter.
type filterPart struct {
	key
	Marks [][]byte `dynamodbav:"marks,binaryset"`
}

// filterMark returns what the filter holds of a hash (see project.Project.AddressHash): the six bytes that its characters 2
// to 9 stand for. The first one chooses the item.
func filterMark(hash string) []byte {
	mark, err := base64.RawURLEncoding.DecodeString(hash[1:9])
	if err != nil {
		panic(err) // a hash is base64url, of 43 characters
	}
	return mark
}

// enterFilter adds a hash to the filter, before the suppression itself is written: not with it, as two hashes may share
// an item, which a transaction changes once.
func (s *Store) enterFilter(ctx context.Context, project, hash string) error {
	mark := &types.AttributeValueMemberBS{Value: [][]byte{filterMark(hash)}}
	expr, err := expression.NewBuilder().WithUpdate(expression.Add(expression.Name("marks"), expression.Value(mark))).Build()
	if err != nil {
		return err
	}
	_, err = s.updateItem(ctx, filterKey(project, hash), expr, "enter filter")
	if isRejected(err) {
		return s.abandonFilter(ctx, project)
	}
	return err
}

// abandonFilter gives up the filter of a project, for good, as an item of it is full: from then on every suppression is
// read, as for a project that is older than filters. A refusal must not be lost for want of room in what only saves reads.
func (s *Store) abandonFilter(ctx context.Context, project string) error {
	expr, err := expression.NewBuilder().
		WithCondition(expression.Name("pk").AttributeExists()).
		WithUpdate(expression.Remove(expression.Name("filtered"))).Build()
	if err != nil {
		return err
	}
	_, err = s.updateItem(ctx, projectKey(project), expr, "abandon filter")
	return err
}

// filter is a filter that was read. The nil filter is that of a project whose filter may lack addresses.
type filter map[string]struct{}

// filter reads the filter of a project, strongly consistent: a read unit for each 600 addresses, a call for each 150,000.
func (s *Store) filter(ctx context.Context, project string) (filter, error) {
	f := filter{}
	err := s.query(ctx, filterPK(project), "", "read filter", func(av item) error {
		part, err := decode[filterPart](av)
		for _, mark := range part.Marks {
			f[part.SK+string(mark)] = struct{}{}
		}
		return err
	})
	return f, err
}

// mayHold reports whether an address with the hash may be suppressed.
func (f filter) mayHold(hash string) bool {
	if f == nil {
		return true
	}
	_, ok := f[hash[:1]+string(filterMark(hash))]
	return ok
}
