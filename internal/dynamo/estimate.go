package dynamo

import "lunogram-users/internal/user"

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
		before, after := step.Before.Size(), step.After.Size()
		if err := step.After.Fits(); err != nil {
			d.Err, d.Outcome, d.Steps = err, "", nil
			return
		}
		items := kilobytes(max(before, after)) + len(step.Added) + len(step.Moved) + len(step.Released) + len(step.Consent)
		if step.Absorbed != nil {
			items += 2 * kilobytes(step.Absorbed.Size()) // the tombstone replaces it, the record holds it
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
