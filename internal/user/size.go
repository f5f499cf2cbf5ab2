package user

import "encoding/json"

const (
	// Slack is how far below MaxBytes a profile counts as full, as its size is known to within a few bytes only.
	Slack = 1024
	// profileOverhead is about what the keys, names and times of a profile take, its index keys left out.
	profileOverhead = 420
	// identifierOverhead and subscriptionOverhead are the same of one identifier and one subscription.
	identifierOverhead   = 90
	subscriptionOverhead = 80
)

// Size returns about how many bytes the profile takes where it is stored; 0 for the zero User.
func (u *User) Size() int {
	if u.ID == "" {
		return 0
	}
	size := profileOverhead + 3*len(u.Email) + 2*len(u.Phone) + len(u.Timezone) + len(u.Locale) + jsonSize(u.Data)
	for i := range u.Identifiers {
		id := &u.Identifiers[i]
		size += identifierOverhead + len(id.Source) + len(id.ExternalID) + jsonSize(id.Metadata)
	}
	return size + len(u.Subscriptions)*subscriptionOverhead
}

// Fits returns ErrTooLarge if the profile exceeds what one item can hold.
func (u *User) Fits() error {
	if u.Size() > MaxBytes-Slack {
		return ErrTooLarge
	}
	return nil
}

// jsonSize returns about how many bytes DynamoDB charges for a JSON value
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html).
func jsonSize(value any) int {
	switch v := value.(type) {
	case string:
		return len(v)
	case json.Number:
		return len(v)/2 + 2
	case map[string]any:
		size := 3 + len(v)
		for k, item := range v {
			size += len(k) + jsonSize(item)
		}
		return size
	case []any:
		size := 3 + len(v)
		for _, item := range v {
			size += jsonSize(item)
		}
		return size
	}
	return 1
}
