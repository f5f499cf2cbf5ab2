package dynamo

import (
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	changes "lunogram-users/internal/change"
	"lunogram-users/internal/user"
)

var _ changes.Reader = ReadChange

// ReadChange returns what a record of the table's stream says of the domain; false if it says nothing, as of identifiers,
// merge records and due moments. Its error is of an item that is not as this package writes it, and names no value.
func ReadChange(raw events.DynamoDBEventRecord) (changes.Record, bool, error) {
	k := key{raw.Change.Keys["pk"].String(), raw.Change.Keys["sk"].String()}
	r := changes.Record{ID: raw.EventID, Sequence: raw.Change.SequenceNumber, At: raw.Change.ApproximateCreationDateTime.UTC()}
	parts := strings.Split(k.PK, "#")
	if len(parts) < 2 {
		return r, false, nil
	}
	r.ProjectID = unescape(parts[1])
	var err error
	switch {
	case parts[0] == "USER" && len(parts) == 3:
		r.UserID = unescape(parts[2])
		err = readUserChange(&r, k.SK, raw.Change)
	case parts[0] == "LISTS" && strings.HasPrefix(k.SK, skList) && raw.Change.NewImage != nil:
		r.List, err = readListChange(raw.Change)
	}
	return r, r.Profile != nil || r.Consent != nil || r.Member != nil || r.List != nil, err
}

// readUserChange fills the record with the change of an item in the partition of a user.
func readUserChange(r *changes.Record, sk string, c events.DynamoDBStreamRecord) (err error) {
	began, ended := c.OldImage == nil, c.NewImage == nil
	switch {
	case sk == skProfile:
		r.Profile, err = readProfileChange(r.ProjectID, c)
	case strings.HasPrefix(sk, skConsent) && began:
		var line eventItem
		line, err = readImage(c.NewImage, decode[eventItem])
		r.Consent = new(line.event())
	case strings.HasPrefix(sk, skMember) && sk != skDue && (began || ended):
		r.Member = &changes.Member{ListID: unescape(strings.TrimPrefix(sk, skMember)), Added: began}
	}
	return err
}

// readProfileChange returns the change of a profile; nil if there was no user that anybody saw on either side.
func readProfileChange(project string, c events.DynamoDBStreamRecord) (*changes.Profile, error) {
	old, err := readImage(c.OldImage, readProfile)
	if err != nil {
		return nil, err
	}
	stored, err := readImage(c.NewImage, readProfile)
	if err != nil || !old.live() && !stored.live() {
		return nil, err
	}
	return &changes.Profile{Before: old.seen(project), After: stored.seen(project), MergedInto: stored.MergedInto}, nil
}

// seen returns the user if the profile is live, nil otherwise.
func (p profileItem) seen(project string) *user.User {
	if !p.live() {
		return nil
	}
	return new(p.user(project))
}

func readListChange(c events.DynamoDBStreamRecord) (*changes.List, error) {
	l := new(changes.List)
	if c.OldImage != nil {
		before, err := readImage(c.OldImage, readList)
		if err != nil {
			return nil, err
		}
		l.Before = &before
	}
	var err error
	l.After, err = readImage(c.NewImage, readList)
	return l, err
}

// readImage reads an image of the stream as an item is read; the zero value if there is none.
func readImage[T any](image map[string]events.DynamoDBAttributeValue, read func(item) (T, error)) (T, error) {
	m, err := itemOf(image)
	if err != nil || image == nil {
		return *new(T), err
	}
	return read(m)
}

// itemOf returns an image of the stream as the SDK would read the item.
func itemOf(image map[string]events.DynamoDBAttributeValue) (item, error) {
	m := make(item, len(image))
	for name, av := range image {
		var err error
		if m[name], err = valueOf(av); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// valueOf returns a value of the stream as the SDK would read it. What is read here holds no sets.
func valueOf(av events.DynamoDBAttributeValue) (types.AttributeValue, error) {
	switch av.DataType() {
	case events.DataTypeString:
		return str(av.String()), nil
	case events.DataTypeNumber:
		return &types.AttributeValueMemberN{Value: av.Number()}, nil
	case events.DataTypeBoolean:
		return &types.AttributeValueMemberBOOL{Value: av.Boolean()}, nil
	case events.DataTypeNull:
		return &types.AttributeValueMemberNULL{Value: true}, nil
	case events.DataTypeBinary:
		return &types.AttributeValueMemberB{Value: av.Binary()}, nil
	case events.DataTypeMap:
		m, err := itemOf(av.Map())
		return &types.AttributeValueMemberM{Value: m}, err
	case events.DataTypeList:
		values := make([]types.AttributeValue, len(av.List()))
		for i, element := range av.List() {
			var err error
			if values[i], err = valueOf(element); err != nil {
				return nil, err
			}
		}
		return &types.AttributeValueMemberL{Value: values}, nil
	}
	return nil, fmt.Errorf("the stream has a value of type %d", av.DataType())
}
