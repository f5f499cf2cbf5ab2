package dynamo

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"lunogram-users/internal/user"
)

// Undo takes back what the import did to the users of the records, as far as nobody has written them since: users it
// created are deleted, the others restored, and the pairs it attached are free. It answers for each user, in the order in which
// they come first; all records of one user must be in one call. It may be repeated, also after it was cut short, and
// then answers the same. Costs are a read and a write of each profile, and those of Delete.
func (s *Store) Undo(ctx context.Context, project, importID string, before []user.Before) []user.UndoResult {
	var ids []string
	records := make(map[string][]user.Before)
	for _, b := range before {
		if _, ok := records[b.UserID]; !ok {
			ids = append(ids, b.UserID)
		}
		records[b.UserID] = append(records[b.UserID], b)
	}
	results := make([]user.UndoResult, len(ids))
	profiles, err := s.profiles(ctx, project, ids)
	var g errgroup.Group
	g.SetLimit(batchWriters)
	for i, id := range ids {
		results[i] = user.UndoResult{UserID: id, Err: err}
		if err == nil {
			u := undoing{store: s, project: project, importID: importID, records: records[id]}
			g.Go(func() error {
				results[i] = u.result(ctx, id, profiles[id])
				return nil
			})
		}
	}
	_ = g.Wait() // the results carry the errors
	return results
}

// undoing is the undoing of what an import did to one user.
type undoing struct {
	store             *Store
	project, importID string
	records           []user.Before
}

func (u *undoing) result(ctx context.Context, id string, p profileItem) user.UndoResult {
	result := user.UndoResult{UserID: id}
	first := true
	fate, err := untilWon(ctx, func() (fate user.UndoResult, err error) {
		if !first {
			if p, err = u.store.profile(ctx, u.project, id); err != nil && !errors.Is(err, user.ErrNotFound) {
				return user.UndoResult{}, err
			}
		}
		first = false
		return u.try(ctx, p)
	})
	result.Fate, result.Reason, result.Err = fate.Fate, fate.Reason, err
	return result
}

// created reports whether the import made the user.
func (u *undoing) created() bool {
	for i := range u.records {
		if u.records[i].Created {
			return true
		}
	}
	return false
}

// try undoes the import on the profile as it was read. It returns errLost when it has changed since.
func (u *undoing) try(ctx context.Context, p profileItem) (user.UndoResult, error) {
	kept := func(reason string) user.UndoResult { return user.UndoResult{Fate: user.FateKept, Reason: reason} }
	stored := p.user(u.project)
	switch {
	case p.Deleting && !p.absent():
		return u.gone(), u.store.finishDelete(ctx, u.project, p)
	case p.absent():
		return u.gone(), nil
	case p.MergedInto != "":
		return kept(user.KeptMerged), nil
	case stored.Mark.Import == u.importID && stored.Mark.Undone:
		return user.UndoResult{Fate: user.FateRestored}, nil
	}
	plan, remove, reason := user.Undo(stored, u.importID, u.records, u.store.mint())
	switch {
	case reason != "":
		return kept(reason), nil
	case remove:
		return u.gone(), u.delete(ctx, stored)
	}
	return user.UndoResult{Fate: user.FateRestored}, u.store.take(ctx, &plan)
}

// gone is the answer for a user who does not exist any more.
func (u *undoing) gone() user.UndoResult {
	if u.created() {
		return user.UndoResult{Fate: user.FateDeleted}
	}
	return user.UndoResult{Fate: user.FateKept, Reason: user.KeptGone}
}

// delete erases the user if the version is still the one that was read.
func (u *undoing) delete(ctx context.Context, stored user.User) error {
	s := u.store
	out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: profileKey(u.project, stored.ID).attributes(),
		ConditionExpression:       new("version = :version AND attribute_not_exists(merged_into)"),
		UpdateExpression:          new("SET deleting = :true"),
		ExpressionAttributeValues: item{":version": number(stored.Version), ":true": &types.AttributeValueMemberBOOL{Value: true}},
		ReturnValues:              types.ReturnValueAllNew,
	})
	if err != nil {
		return translate(err, "mark profile")
	}
	p, err := decode[profileItem](out.Attributes)
	if err != nil {
		return err
	}
	return s.finishDelete(ctx, u.project, p)
}
