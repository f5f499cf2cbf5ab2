// Package facet shows single functions as much of the table as they need.
//
// It is for those whose templates call methods by name. In them the linker keeps every method of each type that an interface
// holds, or that such a type refers to; of the table that would be all that it does for the other functions and the whole client of
// DynamoDB, 2.3 MB. What a function value refers to does not count, so a facet is made of function values.
package facet

import (
	"context"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// Pages is what the pages behind signed links need: a page.Store. It is safe for concurrent use.
type Pages struct {
	project          func(ctx context.Context, id string) (project.Project, error)
	standings        func(ctx context.Context, p project.Project, userID string) (user.User, []consent.Standing, error)
	setSubscriptions func(ctx context.Context, projectID, userID string, set consent.Setting) (user.User, error)
}

// NewPages returns the facet of the table. Its methods are those of dynamo.Store.
func NewPages(t *dynamo.Store) Pages {
	return Pages{project: t.Project, standings: t.Standings, setSubscriptions: t.SetSubscriptions}
}

// Project returns a project.
func (p Pages) Project(ctx context.Context, id string) (project.Project, error) {
	return p.project(ctx, id)
}

// Standings returns a user and where the user stands with each group.
func (p Pages) Standings(ctx context.Context, of project.Project, userID string) (user.User, []consent.Standing, error) {
	return p.standings(ctx, of, userID)
}

// SetSubscriptions sets states of a user.
func (p Pages) SetSubscriptions(ctx context.Context, projectID, userID string, set consent.Setting) (user.User, error) {
	return p.setSubscriptions(ctx, projectID, userID, set)
}

// Messages is what rendering needs: an api.RenderStore. It is safe for concurrent use.
type Messages struct {
	key     func(ctx context.Context, hash string) (project.Key, error)
	project func(ctx context.Context, id string) (project.Project, error)
	group   func(ctx context.Context, projectID, groupID string) (consent.Group, error)
	user    func(ctx context.Context, projectID, userID string) (user.User, error)
	owner   func(ctx context.Context, projectID string, pairs []user.Pair) (string, error)
	patch   func(ctx context.Context, projectID, userID string, p user.Patch, ifMatch *int64) (user.User, error)
}

// NewMessages returns the facet of the table. Its methods are those of dynamo.Store.
func NewMessages(t *dynamo.Store) Messages {
	return Messages{key: t.Key, project: t.Project, group: t.Group, user: t.User, owner: t.Owner, patch: t.Patch}
}

// Key returns an API key by its hash.
func (m Messages) Key(ctx context.Context, hash string) (project.Key, error) {
	return m.key(ctx, hash)
}

// Project returns a project.
func (m Messages) Project(ctx context.Context, id string) (project.Project, error) {
	return m.project(ctx, id)
}

// Group returns a group of a project.
func (m Messages) Group(ctx context.Context, projectID, groupID string) (consent.Group, error) {
	return m.group(ctx, projectID, groupID)
}

// User returns a user.
func (m Messages) User(ctx context.Context, projectID, userID string) (user.User, error) {
	return m.user(ctx, projectID, userID)
}

// Owner returns the id of the user who owns the pairs.
func (m Messages) Owner(ctx context.Context, projectID string, pairs []user.Pair) (string, error) {
	return m.owner(ctx, projectID, pairs)
}

// Patch changes a user.
func (m Messages) Patch(ctx context.Context, projectID, userID string, p user.Patch, ifMatch *int64) (user.User, error) {
	return m.patch(ctx, projectID, userID, p, ifMatch)
}
