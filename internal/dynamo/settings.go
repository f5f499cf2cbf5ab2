package dynamo

import (
	"context"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// settingsItem holds project.Settings.
type settingsItem struct {
	Region string `dynamodbav:"region,omitempty"`
	NoUndo bool   `dynamodbav:"no_undo,omitempty"`

	RequireOptIn bool `dynamodbav:"require_opt_in,omitempty"`

	Brand         string `dynamodbav:"brand,omitempty"`
	Color         string `dynamodbav:"color,omitempty"`
	Locale        string `dynamodbav:"locale,omitempty"`
	StopText      string `dynamodbav:"stop_text,omitempty"`
	StartText     string `dynamodbav:"start_text,omitempty"`
	HelpText      string `dynamodbav:"help_text,omitempty"`
	KeepAddress   bool   `dynamodbav:"keep_address,omitempty"`
	KeepUserAgent bool   `dynamodbav:"keep_user_agent,omitempty"`
	LinkKey       uint8  `dynamodbav:"link_key,omitempty"`
	OldestLinkKey uint8  `dynamodbav:"oldest_link_key,omitempty"`
}

// ChangeSettings replaces the settings of a project by what change makes of them, and returns them. Only what differs is
// written, so that two changes of different settings do not undo each other. It returns the error of change, or
// user.ErrNotFound. Functions that cached the project see them within a minute.
func (s *Store) ChangeSettings(ctx context.Context, id string, change func(project.Settings) (project.Settings, error)) (project.Settings, error) {
	p, err := s.Project(ctx, id)
	if err != nil {
		return project.Settings{}, err
	}
	settings, err := change(p.Settings)
	if err != nil || settings == p.Settings {
		return settings, err
	}
	return settings, s.writeSettings(ctx, id, p.Settings, settings)
}

// writeSettings writes the attributes that differ between before and after.
func (s *Store) writeSettings(ctx context.Context, id string, before, after project.Settings) error {
	old, err := encode(settingsItem(before))
	if err != nil {
		return err
	}
	attributes, err := encode(settingsItem(after))
	if err != nil {
		return err
	}
	var up expression.UpdateBuilder
	for name, av := range attributes {
		if !reflect.DeepEqual(av, old[name]) {
			up = up.Set(expression.Name(name), expression.Value(av))
		}
		delete(old, name)
	}
	for name := range old {
		up = up.Remove(expression.Name(name))
	}
	expr, err := expression.NewBuilder().WithCondition(expression.Name("pk").AttributeExists()).WithUpdate(up).Build()
	if err != nil {
		return err
	}
	_, err = s.updateItem(ctx, projectKey(id), expr, "put settings")
	if refusal(err) {
		return user.ErrNotFound
	}
	return err
}

// updateItem carries out one conditional update, which must be harmless to repeat, and returns the item as it then is.
func (s *Store) updateItem(ctx context.Context, k key, expr expression.Expression, doing string) (item, error) {
	out, err := settle(ctx, func() (*dynamodb.UpdateItemOutput, error) {
		out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &s.table, Key: k.attributes(),
			ConditionExpression: expr.Condition(), UpdateExpression: expr.Update(),
			ExpressionAttributeNames: expr.Names(), ExpressionAttributeValues: expr.Values(),
			ReturnValues:                        types.ReturnValueAllNew,
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		return out, translate(err, doing)
	})
	if err != nil {
		return nil, err
	}
	return out.Attributes, nil
}
