package dynamo

import (
	"context"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"lunogram-users/internal/csvimport"
)

var _ csvimport.Records = (*Store)(nil)

type importItem struct {
	key
	ID         string           `dynamodbav:"id"`
	Object     string           `dynamodbav:"object"`
	ETag       string           `dynamodbav:"etag"`
	Status     csvimport.Status `dynamodbav:"status"`
	Rows       int64            `dynamodbav:"rows"`
	Created    int64            `dynamodbav:"created"`
	Updated    int64            `dynamodbav:"updated"`
	Unchanged  int64            `dynamodbav:"unchanged"`
	Skipped    int64            `dynamodbav:"skipped"`
	Failed     int64            `dynamodbav:"failed"`
	Reason     string           `dynamodbav:"reason,omitempty"`
	StartedAt  millis           `dynamodbav:"started_at"`
	UpdatedAt  millis           `dynamodbav:"updated_at"`
	FinishedAt millis           `dynamodbav:"finished_at,omitempty"`
	Owner      string           `dynamodbav:"owner"`
	LeaseUntil millis           `dynamodbav:"lease_until"`
}

func toImport(i csvimport.Import) importItem {
	return importItem{
		key: importKey(i.ProjectID, i.ID), ID: i.ID, Object: i.Key, ETag: i.ETag, Status: i.Status,
		Rows: i.Rows, Created: i.Created, Updated: i.Updated, Unchanged: i.Unchanged, Skipped: i.Skipped, Failed: i.Failed,
		Reason: i.Reason, StartedAt: toMillis(i.StartedAt), UpdatedAt: toMillis(i.UpdatedAt),
		FinishedAt: toMillis(i.FinishedAt), Owner: i.Owner, LeaseUntil: toMillis(i.LeaseUntil),
	}
}

func (i importItem) record(project string) csvimport.Import {
	return csvimport.Import{
		ID: i.ID, ProjectID: project, Key: i.Object, ETag: i.ETag, Status: i.Status,
		Counters: csvimport.Counters{
			Rows: i.Rows, Created: i.Created, Updated: i.Updated, Unchanged: i.Unchanged, Skipped: i.Skipped, Failed: i.Failed,
		},
		Reason: i.Reason, StartedAt: i.StartedAt.time(), UpdatedAt: i.UpdatedAt.time(),
		FinishedAt: i.FinishedAt.time(), Owner: i.Owner, LeaseUntil: i.LeaseUntil.time(),
	}
}

// Import returns the record of an import, or user.ErrNotFound.
func (s *Store) Import(ctx context.Context, project, id string) (csvimport.Import, error) {
	i, err := get[importItem](ctx, s, importKey(project, id), "get import")
	return i.record(project), err
}

// StartImport implements csvimport.Records.
func (s *Store) StartImport(ctx context.Context, in csvimport.Import) (csvimport.Import, error) {
	stored := toImport(in)
	expr, err := claimExpression(stored)
	if err != nil {
		return csvimport.Import{}, err
	}
	out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: stored.attributes(),
		ConditionExpression: expr.Condition(), UpdateExpression: expr.Update(),
		ExpressionAttributeNames: expr.Names(), ExpressionAttributeValues: expr.Values(),
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if err == nil {
		i, err := decode[importItem](out.Attributes)
		return i.record(in.ProjectID), err
	}
	err = translate(err, "start import")
	old, ok := stopped(err)
	if !ok {
		return csvimport.Import{}, err
	}
	i, err := decode[importItem](old)
	switch found := i.record(in.ProjectID); {
	case err != nil:
		return csvimport.Import{}, err
	case found.Finished():
		return found, nil
	default:
		return csvimport.Import{}, csvimport.ErrLeased
	}
}

// claimExpression takes an import over, and fills in what a new one starts with.
func claimExpression(i importItem) (expression.Expression, error) {
	name, value := expression.Name, expression.Value
	running := name("status").Equal(value(csvimport.Running))
	free := name("owner").Equal(value(i.Owner)).Or(name("lease_until").LessThanEqual(value(i.UpdatedAt)))
	up := expression.
		Set(name("owner"), value(i.Owner)).
		Set(name("lease_until"), value(i.LeaseUntil)).
		Set(name("updated_at"), value(i.UpdatedAt))
	attributes, err := encode(i)
	if err != nil {
		return expression.Expression{}, err
	}
	for k, v := range attributes {
		switch k {
		case "pk", "sk", "owner", "lease_until", "updated_at":
		default:
			up = up.Set(name(k), name(k).IfNotExists(value(v)))
		}
	}
	return expression.NewBuilder().
		WithCondition(name("pk").AttributeNotExists().Or(running.And(free))).WithUpdate(up).Build()
}

// SaveImport implements csvimport.Records.
func (s *Store) SaveImport(ctx context.Context, in csvimport.Import) error {
	stored := toImport(in)
	av, err := encode(stored)
	if err != nil {
		return err
	}
	_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.table, Item: av,
		ConditionExpression:      new("#owner = :owner AND #status = :running"),
		ExpressionAttributeNames: map[string]string{"#owner": "owner", "#status": "status"},
		ExpressionAttributeValues: item{
			":owner": str(in.Owner), ":running": str(string(csvimport.Running)),
		},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	err = translate(err, "save import")
	old, ok := stopped(err)
	if !ok {
		return err
	}
	if same, err := decode[importItem](old); err == nil && reflect.DeepEqual(same, stored) {
		return nil
	}
	return csvimport.ErrLeased
}
