package dynamo

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"lunogram-users/internal/user"
)

// Delete erases the user with the id, or who absorbed that user: profile, identifiers, index entries, ledger and
// merge records. What the user had left stays left: its addresses remain suppressed, as keyed hashes, and a proof of what
// was refused stays that names nobody (see proofItem).
//
// It works in three steps: mark the profile, so that nobody sees the user any more and no write reaches it;
// remove what hangs on it; free the pairs and remove the profile in one transaction. A delete
// that was cut short is finished by repeating it, or by the next upsert of one of its pairs.
// It returns user.ErrNotFound and user.ErrUnavailable.
func (s *Store) Delete(ctx context.Context, project, userID string) error {
	for {
		p, err := settle(ctx, func() (profileItem, error) { return s.mark(ctx, project, userID) })
		switch {
		case err != nil:
			return err
		case p.absent():
			return user.ErrNotFound
		case p.MergedInto != "":
			userID = p.MergedInto
			continue
		}
		return s.finishDelete(ctx, project, p)
	}
}

// DeleteByPairs erases the user who owns the pairs. It returns *user.ConflictError, and erases nobody, when they
// belong to several users; user.ErrNotFound when they belong to nobody.
func (s *Store) DeleteByPairs(ctx context.Context, project string, pairs []user.Pair) error {
	id, err := s.Owner(ctx, project, pairs)
	if err != nil {
		return err
	}
	return s.Delete(ctx, project, id)
}

// mark makes the user invisible and returns the profile as it is from then on. A tombstone is returned untouched.
func (s *Store) mark(ctx context.Context, project, userID string) (profileItem, error) {
	out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: profileKey(project, userID).attributes(),
		ConditionExpression:                 new("attribute_exists(pk) AND attribute_not_exists(merged_into)"),
		UpdateExpression:                    new("SET deleting = :true"),
		ExpressionAttributeValues:           item{":true": &types.AttributeValueMemberBOOL{Value: true}},
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if err == nil {
		return decode[profileItem](out.Attributes)
	}
	err = translate(err, "mark profile")
	stored, ok := stopped(err)
	switch {
	case !ok:
		return profileItem{}, err
	case stored == nil:
		return profileItem{}, user.ErrNotFound
	}
	return decode[profileItem](stored)
}

// finishDelete removes what is left of a marked user. Several may do so at once: each step can be repeated,
// and whoever comes last finds nothing to do.
func (s *Store) finishDelete(ctx context.Context, project string, p profileItem) error {
	if err := s.sweep(ctx, project, p.ID); err != nil {
		return err
	}
	t := s.begin()
	t.erase(profileKey(project, p.ID))
	for name := range p.Identifiers {
		t.release(identKey(project, parsePairName(name)), p.ID)
	}
	now := s.mint().Now
	t.note(project, p.ID, now)
	if err := s.keepRefusals(ctx, t, project, p, now); err != nil {
		return err
	}
	_, err := untilWon(ctx, func() (struct{}, error) {
		err := s.commit(ctx, t, "", "delete user")
		if isLost(err) && s.gone(ctx, project, p.ID) {
			err = nil // somebody else finished the delete
		}
		return struct{}{}, err
	})
	return err
}

// gone reports whether it is known that the user does not exist any more.
func (s *Store) gone(ctx context.Context, project, userID string) bool {
	_, err := s.profile(ctx, project, userID)
	return errors.Is(err, user.ErrNotFound)
}

// sweep removes the ledger and the merge records of a user, and all that is left of the users it absorbed.
func (s *Store) sweep(ctx context.Context, project, userID string) error {
	var below, tombstones []key
	err := s.keysOf(ctx, profileKey(project, userID).PK, "", "list items of user", func(k key) {
		if k.SK == skProfile {
			return
		}
		below = append(below, k)
		if absorbed, ok := strings.CutPrefix(k.SK, skMerge); ok {
			tombstones = append(tombstones, profileKey(project, absorbed))
		}
	})
	if err != nil {
		return err
	}
	for _, t := range tombstones {
		if err := s.sweep(ctx, project, t.PK[strings.LastIndexByte(t.PK, '#')+1:]); err != nil {
			return err
		}
	}
	// The tombstones first: the records name them, to a repeat too.
	if err := s.batchDelete(ctx, tombstones); err != nil {
		return err
	}
	return s.batchDelete(ctx, below)
}

// maxBatchWrite is how many items one BatchWriteItem deletes at most.
const maxBatchWrite = 25

// batchDelete deletes items in order, in batches; what does not exist is no error.
func (s *Store) batchDelete(ctx context.Context, keys []key) error {
	for chunk := range slices.Chunk(keys, maxBatchWrite) {
		requests := make([]types.WriteRequest, len(chunk))
		for i, k := range chunk {
			requests[i].DeleteRequest = &types.DeleteRequest{Key: k.attributes()}
		}
		pending := map[string][]types.WriteRequest{s.table: requests}
		for n := 0; len(pending) > 0; n++ {
			if n >= attempts {
				return user.ErrUnavailable
			}
			out, err := s.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: pending})
			if err != nil {
				return translate(err, "delete items of user")
			}
			pending = out.UnprocessedItems
			if len(pending) > 0 {
				if err := backOff(ctx, n); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Detach takes one identifier off the user with the id, or who absorbed that user. Its pair is free at once.
// It returns user.ErrNotFound, user.ErrLastIdentifier and user.ErrUnavailable.
func (s *Store) Detach(ctx context.Context, project, userID, identifierID string) error {
	writeID := newWriteID()
	_, err := untilWon(ctx, func() (struct{}, error) {
		p, err := s.liveProfile(ctx, project, userID)
		if err != nil {
			return struct{}{}, err
		}
		if p.WriteID == writeID {
			return struct{}{}, nil
		}
		u := p.user(project)
		i := slices.IndexFunc(u.Identifiers, func(id user.Identifier) bool { return id.ID == identifierID })
		switch {
		case i < 0:
			return struct{}{}, user.ErrNotFound
		case len(u.Identifiers) == 1:
			return struct{}{}, user.ErrLastIdentifier
		}
		pair := u.Identifiers[i].Pair
		before := u.Version
		u.Identifiers = slices.Delete(u.Identifiers, i, i+1)
		u.Version, u.UpdatedAt = before+1, s.mint().Now
		t := s.begin()
		t.replace(u, before, writeID)
		t.release(identKey(project, pair), u.ID)
		return struct{}{}, s.commit(ctx, t, writeID, "detach identifier")
	})
	return err
}

// erase deletes a marked profile.
func (t *tx) erase(k key) {
	t.items = append(t.items, types.TransactWriteItem{Delete: &types.Delete{
		TableName: &t.table, Key: k.attributes(), ConditionExpression: new("attribute_exists(deleting)"),
	}})
}
