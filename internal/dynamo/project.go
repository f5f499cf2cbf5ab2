package dynamo

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

type projectItem struct {
	key
	ID        string `dynamodbav:"id"`
	Name      string `dynamodbav:"name"`
	Secret    []byte `dynamodbav:"secret"`
	CreatedAt millis `dynamodbav:"created_at"`
	// Filtered says that every suppressed address is in the filter: not so in a project that is older than filters, or whose filter is full.
	Filtered bool `dynamodbav:"filtered,omitempty"`
	settingsItem
}

type apiKeyItem struct {
	key
	Hash      string       `dynamodbav:"hash"`
	Project   string       `dynamodbav:"project"`
	Role      project.Role `dynamodbav:"role"`
	Name      string       `dynamodbav:"name"`
	LastFour  string       `dynamodbav:"last_four"`
	CreatedAt millis       `dynamodbav:"created_at"`
}

// CreateProject stores a new project, or returns project.ErrExists.
func (s *Store) CreateProject(ctx context.Context, p project.Project) error {
	err := s.put(ctx, projectItem{
		key: projectKey(p.ID), ID: p.ID, Name: p.Name, Secret: p.Secret, CreatedAt: toMillis(p.CreatedAt),
		Filtered: true, settingsItem: settingsItem(p.Settings),
	}, dynamodb.PutItemInput{ConditionExpression: new("attribute_not_exists(pk)")}, "create project")
	if refusal(err) {
		return project.ErrExists
	}
	return err
}

// Project returns the project, or user.ErrNotFound.
func (s *Store) Project(ctx context.Context, id string) (project.Project, error) {
	p, err := get[projectItem](ctx, s, projectKey(id), "get project")
	if err != nil {
		return project.Project{}, err
	}
	return p.project(), nil
}

func (p projectItem) project() project.Project {
	return project.Project{
		ID: p.ID, Name: p.Name, Secret: p.Secret, Settings: project.Settings(p.settingsItem), CreatedAt: p.CreatedAt.time(),
	}
}

// CreateKey stores an API key. Storing the same token again for the same project changes nothing else.
// A token of another project is refused with project.ErrExists.
func (s *Store) CreateKey(ctx context.Context, k project.Key) error {
	stored := apiKeyItem{
		key: apiKeyKey(k.Hash), Hash: k.Hash, Project: k.ProjectID, Role: k.Role, Name: k.Name,
		LastFour: k.LastFour, CreatedAt: toMillis(k.CreatedAt),
	}
	listed := stored
	listed.key = projectKeyKey(k.ProjectID, k.Hash)
	t := s.begin()
	t.put(stored)
	t.put(listed)
	if t.err != nil {
		return t.err
	}
	_, err := settle(ctx, func() (*dynamodb.TransactWriteItemsOutput, error) {
		out, err := s.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: t.items})
		return out, translate(err, "create key")
	})
	if !refusal(err) {
		return err
	}
	if same, getErr := s.Key(ctx, k.Hash); getErr == nil && same.ProjectID == k.ProjectID {
		return nil
	}
	return project.ErrExists
}

// Key returns the API key with the hash, or user.ErrNotFound.
func (s *Store) Key(ctx context.Context, hash string) (project.Key, error) {
	k, err := get[apiKeyItem](ctx, s, apiKeyKey(hash), "get key")
	if err != nil {
		return project.Key{}, err
	}
	return k.apiKey(), nil
}

// Keys returns the API keys of a project, oldest first.
func (s *Store) Keys(ctx context.Context, projectID string) ([]project.Key, error) {
	var keys []project.Key
	err := s.query(ctx, projectKey(projectID).PK, skKey+"#", "list keys", func(av item) error {
		k, err := decode[apiKeyItem](av)
		keys = append(keys, k.apiKey())
		return err
	})
	slices.SortFunc(keys, func(a, b project.Key) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return keys, err
}

func (k apiKeyItem) apiKey() project.Key {
	return project.Key{
		Hash: k.Hash, ProjectID: k.Project, Role: k.Role, Name: k.Name, LastFour: k.LastFour,
		CreatedAt: k.CreatedAt.time(),
	}
}

// DeleteKey revokes an API key of the project. Functions that cached it accept it for up to a minute more.
// It returns user.ErrNotFound.
func (s *Store) DeleteKey(ctx context.Context, projectID, hash string) error {
	k, err := s.Key(ctx, hash)
	if err == nil && k.ProjectID != projectID {
		err = user.ErrNotFound
	}
	if err != nil {
		return err
	}
	return s.batchDelete(ctx, []key{apiKeyKey(hash), projectKeyKey(projectID, hash)})
}

// put writes an item, on the condition that in may hold.
func (s *Store) put(ctx context.Context, v any, in dynamodb.PutItemInput, doing string) error {
	av, err := encode(v)
	if err != nil {
		return err
	}
	in.TableName, in.Item = &s.table, av
	_, err = settle(ctx, func() (*dynamodb.PutItemOutput, error) {
		out, err := s.client.PutItem(ctx, &in)
		return out, translate(err, doing)
	})
	return err
}
