package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"lunogram-users/internal/consent"
)

// ClaimAnswer takes the right to answer a STOP, START or HELP of a number, before the answer is sent: whoever gets true
// must send it, and nobody else will. If the reply of DynamoDB is lost, so may the right be.
//
// A STOP is granted if it is the newest message of its number and no STOP was granted to the number since its last
// START; a START if it is the newest and the last grant to its number was to a STOP. Both follow Record. A HELP is
// granted once for each message id. It returns user.ErrNotFound when there is no such project.
func (s *Store) ClaimAnswer(ctx context.Context, projectID, phone string, in consent.Inbound) (bool, error) {
	proj, err := s.Project(ctx, projectID)
	if err != nil {
		return false, err
	}
	switch in.Verdict {
	case consent.Stop, consent.Start:
		err = s.claim(ctx, placeOf(proj, consent.SMS, phone).key(projectID), in)
	case consent.Help:
		seen := s.seen(projectID, in.MessageID, in.At)
		err = s.put(ctx, seen, dynamodb.PutItemInput{ConditionExpression: new("attribute_not_exists(pk)")}, "claim answer")
	default:
		return false, nil
	}
	if refusal(err) {
		return false, nil
	}
	return err == nil, err
}

// claim notes on the suppression of a number that the message is answered, or is refused.
func (s *Store) claim(ctx context.Context, k key, in consent.Inbound) error {
	answered, stopAnswered := expression.Name("answered"), expression.Name("stop_answered")
	cond := expression.Name("inbound_message").Equal(expression.Value(in.MessageID)).
		And(expression.Name("inbound_verdict").Equal(expression.Value(in.Verdict)))
	up := expression.Set(answered, expression.Value(in.Verdict))
	if in.Verdict == consent.Stop {
		cond = cond.And(stopAnswered.AttributeNotExists())
		up = up.Set(stopAnswered, expression.Value(true))
	} else {
		cond = cond.And(answered.Equal(expression.Value(consent.Stop)))
	}
	expr, err := expression.NewBuilder().WithCondition(cond).WithUpdate(up).Build()
	if err != nil {
		return err
	}
	_, err = s.updateItem(ctx, k, expr, "claim answer")
	return err
}
