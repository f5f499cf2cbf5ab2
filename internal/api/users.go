package api

import (
	"context"
	"errors"
	"fmt"

	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// upsert creates or updates a user.
func (s *service) upsert(ctx context.Context, in upsertRequest) (userView, error) {
	store := s.upserter.Upsert
	if in.mustExist {
		store = s.upsertExisting
	}
	u, err := store(ctx, in.Upsert)
	if err != nil {
		return userView{}, err
	}
	if key, _ := keyOf(ctx); key.Role.Includes(project.Support) {
		return full(u), nil
	}
	return echo(u, in.Upsert), nil
}

// existingTries is how often upsertExisting looks again when the user changes under its eyes.
const existingTries = 5

// upsertExisting is an upsert under If-Match: *. The store compares versions only, so the one to compare with is
// read first; a write in between means reading again. It returns user.ErrVersion when there is no user.
func (s *service) upsertExisting(ctx context.Context, req user.Upsert) (user.User, error) {
	for range existingTries {
		owners, err := s.owners(ctx, req)
		if err != nil {
			return user.User{}, err
		}
		if len(owners) == 0 {
			return user.User{}, user.ErrVersion
		}
		if survivor, _, ok := user.Survivor(owners); ok {
			req.IfMatch = new(survivor.Version)
		} // else the store answers with the conflict
		u, err := s.upserter.Upsert(ctx, req)
		if !errors.Is(err, user.ErrVersion) {
			return u, err
		}
	}
	return user.User{}, fmt.Errorf("upsert of an existing user lost %d races: %w", existingTries, user.ErrUnavailable)
}

// owners returns the users that own any of the pairs.
func (s *service) owners(ctx context.Context, req user.Upsert) ([]user.User, error) {
	var owners []user.User
	seen := map[string]bool{}
	for _, p := range req.Pairs() {
		u, err := s.upserter.UserByPair(ctx, req.ProjectID, p)
		if errors.Is(err, user.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if !seen[u.ID] {
			seen[u.ID] = true
			owners = append(owners, u)
		}
	}
	return owners, nil
}

// patch changes one user.
func (s *service) patch(ctx context.Context, in patchRequest) (userView, error) {
	u, err := s.upserter.Patch(ctx, in.projectID, in.userID, in.patch, in.ifMatch)
	return full(u), err
}

// user reads one user.
func (s *service) user(ctx context.Context, in userPath) (userView, error) {
	u, err := s.reader.User(ctx, in.projectID, in.userID)
	return full(u), err
}

// subscriptions reads where one user stands with every group.
func (s *service) subscriptions(ctx context.Context, in userPath) (standingsView, error) {
	all, err := s.reader.Subscriptions(ctx, in.projectID, in.userID)
	return standings(all), err
}

// list reads a page of all users, or of those that a search finds.
func (s *service) list(ctx context.Context, q pageRequest) (pageView, error) {
	var p user.Page
	var err error
	if q.search != "" {
		p, err = s.lister.Search(ctx, q.projectID, q.search, q.after, q.limit)
	} else {
		p, err = s.lister.Users(ctx, q.projectID, q.after, q.limit)
	}
	return pageOf(q, p), err
}

// lookup reads the owner of a pair, or a page of the users with an address.
func (s *service) lookup(ctx context.Context, in lookupRequest) (any, error) {
	q := in.page
	if in.pair != nil {
		u, err := s.reader.UserByPair(ctx, q.projectID, *in.pair)
		return full(u), err
	}
	var p user.Page
	var err error
	if q.email != "" {
		p, err = s.lister.UsersByEmail(ctx, q.projectID, q.email, q.after, q.limit)
	} else {
		p, err = s.lister.UsersByPhone(ctx, q.projectID, q.phone, q.after, q.limit)
	}
	return pageOf(q, p), err
}

// deleteUser erases one user.
func (s *service) deleteUser(ctx context.Context, in userPath) (nothing, error) {
	return nothing{}, s.deleter.Delete(ctx, in.projectID, in.userID)
}

// deleteByPairs erases the user who owns any of the pairs.
func (s *service) deleteByPairs(ctx context.Context, in pairsRequest) (nothing, error) {
	return nothing{}, s.deleter.DeleteByPairs(ctx, in.projectID, in.pairs)
}

// detach takes one identifier from a user.
func (s *service) detach(ctx context.Context, in userPath) (nothing, error) {
	return nothing{}, s.deleter.Detach(ctx, in.projectID, in.userID, in.identifierID)
}
