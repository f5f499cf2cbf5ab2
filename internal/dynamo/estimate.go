package dynamo

import (
	"encoding/json"

	"lunogram-users/internal/user"
)

// What DynamoDB charges by, in bytes.
const (
	readUnit  = 4 << 10
	writeUnit = 1 << 10
)

// estimate works out what the steps of a decision cost; a step whose profile would not fit into an item fails the row.
// A plain write costs one unit for each KB of the item, before or after it, and one for each entry of an index that
// changes; in a transaction the items cost twice.
func estimate(d *user.Decision) {
	for i := range d.Steps {
		step := &d.Steps[i]
		before, after := userSize(&step.Before), userSize(&step.After)
		if after > user.MaxBytes-slack {
			d.Err, d.Outcome, d.Steps = user.ErrTooLarge, "", nil
			return
		}
		items := kilobytes(max(before, after)) + len(step.Added) + len(step.Moved) + len(step.Released) + len(step.Consent)
		if step.Absorbed != nil {
			items += 2 * kilobytes(userSize(step.Absorbed)) // the tombstone replaces it, the record holds it
		}
		if transacted(d, step) {
			items *= 2
		}
		d.WriteUnits += float64(items + entries(&step.Before, &step.After))
		if step.Absorbed != nil {
			d.WriteUnits += float64(entries(step.Absorbed, &user.User{}))
		}
	}
}

// transacted reports whether a step is written in a transaction.
func transacted(d *user.Decision, step *user.Plan) bool {
	if step.Before.ID == "" {
		return len(d.Stale) > 0
	}
	return touchesOthers(step)
}

// touchesOthers reports whether a step writes more items than the profile.
func touchesOthers(step *user.Plan) bool {
	return step.Absorbed != nil || len(step.Added)+len(step.Released)+len(step.Consent) > 0
}

func kilobytes(size int) int { return max(1, (size+writeUnit-1)/writeUnit) }

// entries returns how many index entries are written and removed.
func entries(before, after *user.User) int {
	changed := func(old, now string) int {
		switch {
		case old == now:
			return 0
		case old == "" || now == "":
			return 1
		}
		return 2
	}
	return changed(before.ID, after.ID) + changed(user.FoldEmail(before.Email), user.FoldEmail(after.Email)) + changed(before.Phone, after.Phone)
}

const (
	// profileOverhead is about what the keys, names and times of a profile take, its index keys left out.
	profileOverhead = 420
	// identifierOverhead and subscriptionOverhead are the same of one identifier and one subscription.
	identifierOverhead   = 90
	subscriptionOverhead = 80
)

// userSize returns about how many bytes the profile takes as an item; 0 for the zero User.
func userSize(u *user.User) int {
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

// jsonSize is valueSize of a JSON value.
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
