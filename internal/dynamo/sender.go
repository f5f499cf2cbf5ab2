package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"lunogram-users/internal/project"
)

type senderItem struct {
	key
	Project    string           `dynamodbav:"project"`
	AnsweredBy project.Answerer `dynamodbav:"answered_by,omitempty"`
}

// PutSender says that messages to the number belong to its project, and who answers them. A number belongs to one
// project; that of another is refused with project.ErrExists.
func (s *Store) PutSender(ctx context.Context, n project.Sender) error {
	stored := senderItem{key: senderKey(n.Number), Project: n.ProjectID, AnsweredBy: n.AnsweredBy}
	err := s.put(ctx, stored, dynamodb.PutItemInput{
		ConditionExpression:       new("attribute_not_exists(pk) OR #project = :project"),
		ExpressionAttributeNames:  map[string]string{"#project": "project"},
		ExpressionAttributeValues: item{":project": str(n.ProjectID)},
	}, "put sender")
	if refusal(err) {
		return project.ErrExists
	}
	return err
}

// Sender returns the number: the project that it belongs to, and who answers; or user.ErrNotFound.
func (s *Store) Sender(ctx context.Context, number string) (project.Sender, error) {
	n, err := get[senderItem](ctx, s, senderKey(number), "get sender")
	if err != nil {
		return project.Sender{}, err
	}
	return project.Sender{Number: number, ProjectID: n.Project, AnsweredBy: n.AnsweredBy}, nil
}

// DeleteSender takes a number away from its project; it is no error if it has none.
func (s *Store) DeleteSender(ctx context.Context, number string) error {
	return s.batchDelete(ctx, []key{senderKey(number)})
}
