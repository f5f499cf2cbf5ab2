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
