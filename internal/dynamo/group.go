package dynamo

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/user"
)

type groupItem struct {
	key
	ID          string          `dynamodbav:"id"`
	Name        string          `dynamodbav:"name"`
	Description string          `dynamodbav:"description,omitempty"`
	Channel     consent.Channel `dynamodbav:"channel"`
	Public      bool            `dynamodbav:"public"`
	Default     consent.State   `dynamodbav:"default,omitempty"`
	CreatedAt   millis          `dynamodbav:"created_at"`
	UpdatedAt   millis          `dynamodbav:"updated_at,omitempty"`
	ArchivedAt  millis          `dynamodbav:"archived_at,omitempty"`
}

func toGroup(g consent.Group) groupItem {
	return groupItem{
		key: groupKey(g.ProjectID, g.ID), ID: g.ID, Name: g.Name, Description: g.Description, Channel: g.Channel,
		Public: g.Public, Default: g.Default,
		CreatedAt: toMillis(g.CreatedAt), UpdatedAt: toMillis(g.UpdatedAt), ArchivedAt: toMillis(g.ArchivedAt),
	}
}

func (i groupItem) group(projectID string) consent.Group {
	return consent.Group{
		ID: i.ID, ProjectID: projectID, Name: i.Name, Description: i.Description, Channel: i.Channel,
		Public: i.Public, Default: i.Default,
		CreatedAt: i.CreatedAt.time(), UpdatedAt: cmp.Or(i.UpdatedAt, i.CreatedAt).time(), ArchivedAt: i.ArchivedAt.time(),
	}
}

// CreateGroup stores a subscription group; storing the same id again replaces it. It returns consent.ErrTooManyGroups.
func (s *Store) CreateGroup(ctx context.Context, g consent.Group) error {
	groups, err := s.Groups(ctx, g.ProjectID)
	if err != nil {
		return err
	}
	others := slices.DeleteFunc(groups, func(o consent.Group) bool { return o.ID == g.ID })
	if len(inUse(others)) >= consent.MaxGroups || len(others) >= consent.MaxArchived {
		return consent.ErrTooManyGroups
	}
	return s.put(ctx, toGroup(g), dynamodb.PutItemInput{}, "create group")
}

// inUse returns the groups that are not archived.
func inUse(groups []consent.Group) []consent.Group {
	return slices.DeleteFunc(slices.Clone(groups), consent.Group.Archived)
}

// Groups returns the subscription groups of a project, archived ones too, by name.
func (s *Store) Groups(ctx context.Context, projectID string) ([]consent.Group, error) {
	var groups []consent.Group
	err := s.query(ctx, projectKey(projectID).PK, skGroup, "list groups", func(av item) error {
		g, err := decode[groupItem](av)
		groups = append(groups, g.group(projectID))
		return err
	})
	slices.SortFunc(groups, func(a, b consent.Group) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return groups, err
}

// Group returns a group of the project, or consent.ErrNoGroup.
func (s *Store) Group(ctx context.Context, projectID, groupID string) (consent.Group, error) {
	g, err := get[groupItem](ctx, s, groupKey(projectID, groupID), "get group")
	if errors.Is(err, user.ErrNotFound) {
		return consent.Group{}, consent.ErrNoGroup
	}
	return g.group(projectID), err
}

// PatchGroup changes a group, in one call, and returns it. It returns consent.ErrNoGroup, and consent.ErrArchived for one
// that is archived.
func (s *Store) PatchGroup(ctx context.Context, projectID, groupID string, p consent.GroupPatch) (consent.Group, error) {
	up := expression.Set(expression.Name("updated_at"), expression.Value(toMillis(s.now())))
	if p.Name != nil {
		up = up.Set(expression.Name("name"), expression.Value(*p.Name))
	}
	if p.Description != nil {
		up = up.Set(expression.Name("description"), expression.Value(*p.Description))
	}
	if p.Public != nil {
		up = up.Set(expression.Name("public"), expression.Value(*p.Public))
	}
	if p.Default != nil {
		up = up.Set(expression.Name("default"), expression.Value(*p.Default))
	}
	return s.updateGroup(ctx, projectID, groupID, up, "change group")
}

// ArchiveGroup takes a group out of use, for good, and returns it. One that is archived already stays as it is. It
// returns consent.ErrNoGroup.
func (s *Store) ArchiveGroup(ctx context.Context, projectID, groupID string) (consent.Group, error) {
	now := expression.Value(toMillis(s.now()))
	up := expression.Set(expression.Name("archived_at"), now).Set(expression.Name("updated_at"), now)
	g, err := s.updateGroup(ctx, projectID, groupID, up, "archive group")
	if errors.Is(err, consent.ErrArchived) {
		return g, nil
	}
	return g, err
}

func (s *Store) updateGroup(ctx context.Context, projectID, groupID string, up expression.UpdateBuilder, doing string) (consent.Group, error) {
	used := expression.Name("pk").AttributeExists().And(expression.Name("archived_at").AttributeNotExists())
	expr, err := expression.NewBuilder().WithCondition(used).WithUpdate(up).Build()
	if err != nil {
		return consent.Group{}, err
	}
	av, err := s.updateItem(ctx, groupKey(projectID, groupID), expr, doing)
	old, refused := stopped(err)
	switch {
	case refused && old == nil:
		return consent.Group{}, consent.ErrNoGroup
	case refused:
		g, err := decode[groupItem](old)
		return g.group(projectID), errors.Join(consent.ErrArchived, err)
	case err != nil:
		return consent.Group{}, err
	}
	g, err := decode[groupItem](av)
	return g.group(projectID), err
}
