package dynamo

import (
	"context"

	"lunogram-users/internal/user"
)

// Patch changes the user with the id, or who absorbed that user: one call when nothing stands against it.
// The patch must be normalized. It returns user.ErrNotFound, user.ErrVersion when ifMatch is given and is not
// the stored version, user.ErrTooLarge, and user.ErrUnavailable. An absorbed user has no version any more, and so is
// user.ErrVersion to every ifMatch: the number was read of another user than the survivor, whose own may be the same.
func (s *Store) Patch(ctx context.Context, project, userID string, p user.Patch, ifMatch *int64) (user.User, error) {
	c := change{project: project, userID: userID, patch: p, ifMatch: ifMatch, writeID: newWriteID()}
	return untilWon(ctx, func() (user.User, error) {
		if !inPlace(nil, p) {
			return s.patchWide(ctx, c)
		}
		stored, err := s.update(ctx, c)
		switch {
		case err == nil:
			return stored.user(project), nil
		case !refusal(err):
			return user.User{}, err
		case stored.MergedInto != "" && ifMatch != nil:
			return user.User{}, user.ErrVersion
		case stored.MergedInto != "":
			c.userID = stored.MergedInto
			return user.User{}, errAgain
		case !stored.live():
			return user.User{}, user.ErrNotFound
		}
		return user.User{}, err
	})
}

// patchWide rewrites the profile on condition of the version it read.
func (s *Store) patchWide(ctx context.Context, c change) (user.User, error) {
	p, err := s.liveProfile(ctx, c.project, c.userID)
	switch {
	case err != nil:
		return user.User{}, err
	case p.WriteID == c.writeID:
		return p.user(c.project), nil
	case c.ifMatch != nil && (p.ID != c.userID || p.Version != *c.ifMatch):
		return user.User{}, user.ErrVersion
	}
	before := p.user(c.project)
	after := c.patch.Apply(before)
	after.Version, after.UpdatedAt = before.Version+1, s.mint().Now
	t := s.begin()
	t.replace(after, before.Version, c.writeID)
	return after, s.commit(ctx, t, c.writeID, "patch user")
}
