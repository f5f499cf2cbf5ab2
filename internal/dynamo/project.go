package dynamo

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

type projectItem struct {
	key
	ID        string `dynamodbav:"id"`
	Name      string `dynamodbav:"name"`
	Secret    []byte `dynamodbav:"secret"`
	CreatedAt millis `dynamodbav:"created_at"`
	settingsItem
}

// settingsItem holds project.Settings.
type settingsItem struct {
	Region string `dynamodbav:"region,omitempty"`
	NoUndo bool   `dynamodbav:"no_undo,omitempty"`

	Brand         string `dynamodbav:"brand,omitempty"`
	Color         string `dynamodbav:"color,omitempty"`
	Locale        string `dynamodbav:"locale,omitempty"`
	KeepAddress   bool   `dynamodbav:"keep_address,omitempty"`
	KeepUserAgent bool   `dynamodbav:"keep_user_agent,omitempty"`
	LinkKey       uint8  `dynamodbav:"link_key,omitempty"`
	OldestLinkKey uint8  `dynamodbav:"oldest_link_key,omitempty"`
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

type groupItem struct {
	key
	ID        string          `dynamodbav:"id"`
	Name      string          `dynamodbav:"name"`
	Channel   consent.Channel `dynamodbav:"channel"`
	Public    bool            `dynamodbav:"public"`
	CreatedAt millis          `dynamodbav:"created_at"`
}

type senderItem struct {
	key
	Project string `dynamodbav:"project"`
}

// CreateProject stores a new project, or returns project.ErrExists.
func (s *Store) CreateProject(ctx context.Context, p project.Project) error {
	err := s.put(ctx, projectItem{
		key: projectKey(p.ID), ID: p.ID, Name: p.Name, Secret: p.Secret, CreatedAt: toMillis(p.CreatedAt),
		settingsItem: settingsItem(p.Settings),
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
	return project.Project{
		ID: p.ID, Name: p.Name, Secret: p.Secret, Settings: project.Settings(p.settingsItem), CreatedAt: p.CreatedAt.time(),
	}, nil
}

// PutSettings replaces the settings of a project, or returns user.ErrNotFound. Functions that cached the project see
// them within a minute.
func (s *Store) PutSettings(ctx context.Context, id string, settings project.Settings) error {
	attributes, err := encode(settingsItem(settings))
	if err != nil {
		return err
	}
	var up expression.UpdateBuilder
	for _, name := range settingsAttributes {
		if av, ok := attributes[name]; ok {
			up = up.Set(expression.Name(name), expression.Value(av))
		} else {
			up = up.Remove(expression.Name(name))
		}
	}
	expr, err := expression.NewBuilder().WithCondition(expression.Name("pk").AttributeExists()).WithUpdate(up).Build()
	if err != nil {
		return err
	}
	_, err = settle(ctx, func() (*dynamodb.UpdateItemOutput, error) {
		out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &s.table, Key: projectKey(id).attributes(),
			ConditionExpression: expr.Condition(), UpdateExpression: expr.Update(),
			ExpressionAttributeNames: expr.Names(), ExpressionAttributeValues: expr.Values(),
		})
		return out, translate(err, "put settings")
	})
	if refusal(err) {
		return user.ErrNotFound
	}
	return err
}

// settingsAttributes are the attributes of settingsItem.
var settingsAttributes = []string{
	"region", "no_undo", "brand", "color", "locale", "keep_address", "keep_user_agent", "link_key", "oldest_link_key",
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

// CreateGroup stores a subscription group; storing the same id again replaces it. It refuses a group
// beyond consent.MaxGroups.
func (s *Store) CreateGroup(ctx context.Context, g consent.Group) error {
	groups, err := s.Groups(ctx, g.ProjectID)
	if err != nil {
		return err
	}
	same := slices.ContainsFunc(groups, func(o consent.Group) bool { return o.ID == g.ID })
	if len(groups) >= consent.MaxGroups && !same {
		return fmt.Errorf("a project has at most %d groups", consent.MaxGroups)
	}
	return s.put(ctx, groupItem{
		key: groupKey(g.ProjectID, g.ID), ID: g.ID, Name: g.Name, Channel: g.Channel, Public: g.Public,
		CreatedAt: toMillis(g.CreatedAt),
	}, dynamodb.PutItemInput{}, "create group")
}

// Groups returns the subscription groups of a project, by name.
func (s *Store) Groups(ctx context.Context, projectID string) ([]consent.Group, error) {
	var groups []consent.Group
	err := s.query(ctx, projectKey(projectID).PK, skGroup, "list groups", func(av item) error {
		g, err := decode[groupItem](av)
		groups = append(groups, consent.Group{
			ID: g.ID, ProjectID: projectID, Name: g.Name, Channel: g.Channel, Public: g.Public,
			CreatedAt: g.CreatedAt.time(),
		})
		return err
	})
	slices.SortFunc(groups, func(a, b consent.Group) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return groups, err
}

// PutSender says that messages to the number (E.164) belong to the project. A number belongs to one project; that of
// another is refused with project.ErrExists.
func (s *Store) PutSender(ctx context.Context, phone, projectID string) error {
	err := s.put(ctx, senderItem{key: senderKey(phone), Project: projectID}, dynamodb.PutItemInput{
		ConditionExpression:       new("attribute_not_exists(pk) OR #project = :project"),
		ExpressionAttributeNames:  map[string]string{"#project": "project"},
		ExpressionAttributeValues: item{":project": str(projectID)},
	}, "put sender")
	if refusal(err) {
		return project.ErrExists
	}
	return err
}

// Sender returns the project that the number belongs to, or user.ErrNotFound.
func (s *Store) Sender(ctx context.Context, phone string) (string, error) {
	n, err := get[senderItem](ctx, s, senderKey(phone), "get sender")
	return n.Project, err
}

// DeleteSender takes a number away from its project; it is no error if it has none.
func (s *Store) DeleteSender(ctx context.Context, phone string) error {
	return s.batchDelete(ctx, []key{senderKey(phone)})
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
