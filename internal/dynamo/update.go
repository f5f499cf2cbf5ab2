package dynamo

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"lunogram-users/internal/user"
)

// maxPaths is how many keys one update expression may set. DynamoDB allows 300 operators and 4 KB
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html); each key takes
// one operator and up to about 20 bytes.
const maxPaths = 100

// inPlace reports whether DynamoDB can apply the request to a profile by one expression, without a read.
// It cannot if objects are to be merged, if the request is too wide, or if a key holds a bracket, which the expression
// package takes for a list index; then the profile is rewritten on condition of its version.
func inPlace(identifiers []user.Sent, p user.Patch) bool {
	if len(p.MergeData) > 0 {
		return false // what they are merged into must be read
	}
	paths := len(p.Data) + len(p.RemoveData)
	names := func(m map[string]any) bool {
		for k := range m {
			if strings.ContainsAny(k, "[]") {
				return false
			}
		}
		return true
	}
	for _, id := range identifiers {
		paths += len(id.Metadata)
		if !names(id.Metadata) {
			return false
		}
	}
	for _, k := range p.RemoveData {
		if strings.ContainsAny(k, "[]") {
			return false
		}
	}
	return paths <= maxPaths && names(p.Data)
}

// change is one conditional update of a live profile.
type change struct {
	project, userID string
	identifiers     []user.Sent // pairs the user must own; their metadata is merged
	patch           user.Patch
	ifMatch         *int64
	writeID         string
}

// update applies the change in one call and returns the profile as it then is. It returns errLost when
// the user is not live or no longer owns every pair, user.ErrVersion when the version differs.
// A change that an earlier try already wrote is a success.
func (s *Store) update(ctx context.Context, c change) (profileItem, error) {
	expr, err := s.changeExpression(c)
	if err != nil {
		return profileItem{}, err
	}
	out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           &s.table,
		Key:                                 profileKey(c.project, c.userID).attributes(),
		ConditionExpression:                 expr.Condition(),
		UpdateExpression:                    expr.Update(),
		ExpressionAttributeNames:            expr.Names(),
		ExpressionAttributeValues:           expr.Values(),
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if err != nil {
		return s.notUpdated(ctx, c, translate(err, "update profile"))
	}
	return decode[profileItem](out.Attributes)
}

// notUpdated tells why an update failed, from the item that DynamoDB returned with the failure.
func (s *Store) notUpdated(ctx context.Context, c change, err error) (profileItem, error) {
	if isRejected(err) {
		return profileItem{}, s.outgrown(ctx, c, err)
	}
	stored, ok := stopped(err)
	if !ok {
		return profileItem{}, err
	}
	p, decodeErr := decode[profileItem](stored)
	switch {
	case decodeErr != nil:
		return profileItem{}, decodeErr
	case p.WriteID == c.writeID:
		return p, nil
	case c.ifMatch != nil && p.live() && p.owns(c.identifiers) && p.Version != *c.ifMatch:
		return profileItem{}, user.ErrVersion
	}
	return p, err
}

// owns reports whether the profile has every sent pair.
func (p profileItem) owns(sent []user.Sent) bool {
	for _, id := range sent {
		if _, ok := p.Identifiers[pairName(id.Pair)]; !ok {
			return false
		}
	}
	return true
}

// outgrown returns user.ErrTooLarge if the change would make the profile exceed an item, else err.
func (s *Store) outgrown(ctx context.Context, c change, err error) error {
	p, getErr := s.profile(ctx, c.project, c.userID)
	if getErr != nil {
		return err
	}
	u := p.user(c.project)
	plan, planErr := user.Plan{Before: u, After: u}.Amend(&user.Upsert{Identifiers: c.identifiers, Patch: c.patch}, s.mint())
	if planErr != nil {
		return err
	}
	if av, encErr := encode(toProfile(plan.After, c.writeID)); encErr == nil && fits(av) != nil {
		return user.ErrTooLarge
	}
	return err
}

func (s *Store) changeExpression(c change) (expression.Expression, error) {
	cond := liveCondition().And(expression.Name("write_id").NotEqual(expression.Value(c.writeID)))
	if c.ifMatch != nil {
		cond = cond.And(expression.Name("version").Equal(expression.Value(*c.ifMatch)))
	}
	now := toMillis(s.now())
	up := expression.
		Set(expression.Name("version"), expression.Name("version").Plus(expression.Value(1))).
		Set(expression.Name("updated_at"), expression.Value(now)).
		Set(expression.Name("write_id"), expression.Value(c.writeID))
	for _, id := range c.identifiers {
		path := expression.Name("identifiers").AppendName(expression.NameNoDotSplit(pairName(id.Pair)))
		cond = cond.And(path.AttributeExists())
		if len(id.Metadata) == 0 {
			continue
		}
		up = up.Set(path.AppendName(expression.Name("updated_at")), expression.Value(now))
		up = setObject(up, path.AppendName(expression.Name("metadata")), id.Metadata)
	}
	up = setContact(up, c.project, c.userID, c.patch)
	data := expression.Name("data")
	up = setObject(up, data, c.patch.Data)
	for _, k := range c.patch.RemoveData {
		up = up.Remove(data.AppendName(expression.NameNoDotSplit(k)))
	}
	return expression.NewBuilder().WithCondition(cond).WithUpdate(up).Build()
}

// liveCondition holds for a profile that exists and is neither absorbed nor being deleted.
func liveCondition() expression.ConditionBuilder {
	return expression.Name("pk").AttributeExists().
		And(expression.Name("deleting").AttributeNotExists()).
		And(expression.Name("merged_into").AttributeNotExists())
}

func setObject(up expression.UpdateBuilder, path expression.NameBuilder, m map[string]any) expression.UpdateBuilder {
	for k, v := range m {
		up = up.Set(path.AppendName(expression.NameNoDotSplit(k)), expression.Value(jsonValue{v}))
	}
	return up
}

// setContact sets or removes the contact fields with the keys of the indexes they are found by.
func setContact(up expression.UpdateBuilder, project, userID string, p user.Patch) expression.UpdateBuilder {
	set := func(name string, value *string, derived map[string]string) {
		switch {
		case value == nil:
		case *value == "":
			up = up.Remove(expression.Name(name))
			for k := range derived {
				up = up.Remove(expression.Name(k))
			}
		default:
			up = up.Set(expression.Name(name), expression.Value(*value))
			for k, v := range derived {
				up = up.Set(expression.Name(k), expression.Value(v))
			}
		}
	}
	var email, phone map[string]string
	if p.Email != nil {
		folded := user.FoldEmail(*p.Email)
		email = map[string]string{"email_pk": emailPK(project, folded), "email_key": emailKey(folded, userID)}
	}
	if p.Phone != nil {
		phone = map[string]string{"phone_pk": phonePK(project, *p.Phone)}
	}
	set("email", p.Email, email)
	set("phone", p.Phone, phone)
	set("timezone", p.Timezone, nil)
	set("locale", p.Locale, nil)
	return up
}

// replaceExpression makes the profile what u is, on condition that it is live and still of the version
// before. It sets whole attributes, so that attributes it does not know stay.
func replaceExpression(u user.User, before int64, writeID string) (expression.Expression, error) {
	p := toProfile(u, writeID)
	attributes, err := encode(p)
	if err = errors.Join(err, fits(attributes)); err != nil {
		return expression.Expression{}, err
	}
	var up expression.UpdateBuilder
	for _, name := range profileAttributes {
		if av, ok := attributes[name]; ok {
			up = up.Set(expression.Name(name), expression.Value(av))
		} else {
			up = up.Remove(expression.Name(name))
		}
	}
	cond := liveCondition().And(expression.Name("version").Equal(expression.Value(before)))
	return expression.NewBuilder().WithCondition(cond).WithUpdate(up).Build()
}

// profileAttributes are the attributes that a rewrite of a profile sets or removes.
var profileAttributes = []string{
	"email_pk", "email_key", "phone_pk", "identifiers", "email", "phone", "timezone", "locale",
	"data", "subscriptions", "ledger_lines", "ledger_head", "version", "updated_at", "write_id", "mark",
}
