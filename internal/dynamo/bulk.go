package dynamo

import (
	"context"
	"time"

	"lunogram-users/internal/list"
)

// EnterMembers makes users members of a list since a time, whoever they are: that is the caller's to know. Who is a member
// stays one as before. To repeat it does no harm. It takes a call for each 25, several at a time.
func (s *Store) EnterMembers(ctx context.Context, projectID, listID string, ids []string, at time.Time) error {
	members := make([]memberItem, len(ids))
	for i, id := range ids {
		members[i] = toMember(projectID, id, list.Membership{ListID: listID, At: at})
	}
	_, err := s.enter(ctx, members)
	return err
}

// ExpelMembers ends the membership of users in a list. To repeat it does no harm. It takes a call for each 25.
func (s *Store) ExpelMembers(ctx context.Context, projectID, listID string, ids []string) error {
	keys := make([]key, len(ids))
	for i, id := range ids {
		keys[i] = memberKey(projectID, id, listID)
	}
	return s.batchDelete(ctx, keys)
}
