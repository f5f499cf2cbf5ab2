package dynamo

import (
	"context"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// Subscriptions returns where the user with the id, or who absorbed that user, stands with each group in use of the
// project, by name of the group. It returns user.ErrNotFound.
func (s *Store) Subscriptions(ctx context.Context, projectID, userID string) ([]consent.Standing, error) {
	proj, err := s.Project(ctx, projectID)
	if err != nil {
		return nil, err
	}
	_, standings, err := s.Standings(ctx, proj, userID)
	return standings, err
}

// Standings is Subscriptions for who has the project at hand, and returns the user as well. Three calls.
func (s *Store) Standings(ctx context.Context, proj project.Project, userID string) (user.User, []consent.Standing, error) {
	profile, err := s.liveProfile(ctx, proj.ID, userID)
	if err != nil {
		return user.User{}, nil, err
	}
	groups, err := s.Groups(ctx, proj.ID)
	if err != nil {
		return user.User{}, nil, err
	}
	found, err := s.suppressions(ctx, proj.ID, profile.places(proj))
	if err != nil {
		return user.User{}, nil, err
	}
	u := profile.user(proj.ID)
	groups = inUse(groups)
	standings := make([]consent.Standing, len(groups))
	for i, g := range groups {
		standings[i] = consent.StandingOf(u.Subscriptions, g, proj.Settings.RequireOptIn, profile.concerning(proj, g.Channel, found))
	}
	return u, standings, nil
}
