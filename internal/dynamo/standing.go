package dynamo

import (
	"context"

	"lunogram-users/internal/consent"
)

// Subscriptions returns where the user with the id, or who absorbed that user, stands with each group in use of the
// project, by name of the group. It returns user.ErrNotFound.
func (s *Store) Subscriptions(ctx context.Context, projectID, userID string) ([]consent.Standing, error) {
	profile, err := s.liveProfile(ctx, projectID, userID)
	if err != nil {
		return nil, err
	}
	proj, err := s.Project(ctx, projectID)
	if err != nil {
		return nil, err
	}
	groups, err := s.Groups(ctx, projectID)
	if err != nil {
		return nil, err
	}
	found, err := s.suppressions(ctx, projectID, profile.places(proj))
	if err != nil {
		return nil, err
	}
	u := profile.user(projectID)
	groups = inUse(groups)
	standings := make([]consent.Standing, len(groups))
	for i, g := range groups {
		standings[i] = consent.StandingOf(u.Subscriptions, g, proj.Settings.RequireOptIn, profile.concerning(proj, g.Channel, found))
	}
	return standings, nil
}
