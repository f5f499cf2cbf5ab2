package dynamo

import (
	"context"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"lunogram-users/internal/user"
)

// Members returns the members of a list with their profiles, newest users first: those before the user id after, or the
// newest when it is "". At most limit of them; fewer only at the end, and where profiles are large.
func (s *Store) Members(ctx context.Context, projectID, listID, after string, limit int) (user.Page, error) {
	return s.page(ctx, projectID, membersOf(projectID, listID), after, limit)
}

// MemberPage returns the ids of the members of a list in the order of Members, and the id after which the next page begins,
// "" at the end. It may name users who are gone since.
func (s *Store) MemberPage(ctx context.Context, projectID, listID, after string, limit int) (ids []string, next string, err error) {
	return s.ids(ctx, membersOf(projectID, listID), after, limit)
}

// MemberIDs returns the ids of the members of a list in one of its segments, in order, and the id after which the next page
// begins, "" at the end. It may name users who are gone since.
func (s *Store) MemberIDs(ctx context.Context, projectID, listID string, segment int, after string, limit int) (ids []string, next string, err error) {
	return s.ids(ctx, oldestFirst(membersShard(projectID, listID, segment)), after, limit)
}

// UserIDs returns the ids of the users of a project in one of its segments, in order, and the id after which the next page
// begins, "" at the end. It may name users who are gone since. A segment has the same users as that of any list.
func (s *Store) UserIDs(ctx context.Context, projectID string, segment int, after string, limit int) (ids []string, next string, err error) {
	return s.ids(ctx, oldestFirst(listShard(projectID, segment)), after, limit)
}

// CountMembers returns how many members a list has: all entries of the index are read, half a read unit for some 16.
func (s *Store) CountMembers(ctx context.Context, projectID, listID string) (int64, error) {
	var total atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for _, pk := range membersOf(projectID, listID).partitions {
		g.Go(func() error {
			n, err := s.countPartition(ctx, pk)
			total.Add(n)
			return err
		})
	}
	err := g.Wait()
	return total.Load(), err
}

// countPartition returns how many entries by_project has in one partition.
func (s *Store) countPartition(ctx context.Context, pk string) (n int64, err error) {
	pages := s.pages(&dynamodb.QueryInput{
		TableName: &s.table, IndexName: new(indexProject), Select: types.SelectCount,
		KeyConditionExpression:    new("list_pk = :pk"),
		ExpressionAttributeValues: item{":pk": str(pk)},
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return 0, translate(err, "count members")
		}
		n += int64(out.Count)
	}
	return n, nil
}

func membersOf(projectID, listID string) span {
	return newestFirst(sharded(projectID, func(project string, n int) string { return membersShard(project, listID, n) })...)
}

// ids returns the ids of a page of a range, and the one after which the next page begins, "" at the end.
func (s *Store) ids(ctx context.Context, r span, after string, limit int) (ids []string, next string, err error) {
	found, err := s.entries(ctx, r, after, limit+1)
	for _, e := range found[:min(limit, len(found))] {
		ids = append(ids, e.sort)
	}
	if len(found) > limit {
		next = ids[limit-1]
	}
	return ids, next, err
}
