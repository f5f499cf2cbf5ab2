package dynamo

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"lunogram-users/internal/list"
	"lunogram-users/internal/user"
)

// enrolment makes users members of a list, see AddMembers.
type enrolment struct {
	store   *Store
	project string
	as      list.Membership // what is written of each
	seen    map[string]bool // user ids that were dealt with
	entered map[string]bool // user ids whose membership was written
	used    user.Usage      // of an import, estimated
}

func (s *Store) enrol(project string, as list.Membership) *enrolment {
	return &enrolment{store: s, project: project, as: as, seen: map[string]bool{"": true}, entered: map[string]bool{}}
}

// run makes the users in the seats members, reads who was entered again, and goes on with who absorbed one of them. In the
// end each seat has the user who is a member, if there is one.
func (e *enrolment) run(ctx context.Context, seats []*seat) error {
	for range attempts {
		var fresh []string
		for _, st := range seats {
			if id := st.profile.ID; !e.seen[id] {
				e.seen[id], fresh = true, append(fresh, id)
			}
		}
		if len(fresh) == 0 {
			return nil
		}
		if err := e.enter(ctx, fresh); err != nil {
			return err
		}
		if err := e.lookAgain(ctx, fresh, seats); err != nil {
			return err
		}
	}
	return user.ErrUnavailable
}

// enter writes the memberships of those of the users who have none, and notes them.
func (e *enrolment) enter(ctx context.Context, ids []string) error {
	missing, err := e.missing(ctx, ids)
	if err != nil {
		return err
	}
	for _, m := range missing {
		e.entered[m.ID] = true
	}
	there, err := e.store.enter(ctx, missing)
	if err != nil {
		return err
	}
	return e.sortOut(ctx, there)
}

// missing returns the memberships that are to be inserted. Most users of an import that comes every day are members
// already, and to read that costs a tenth of an insert in vain; whoever is added otherwise mostly is not.
func (e *enrolment) missing(ctx context.Context, ids []string) ([]memberItem, error) {
	members, keys := make([]memberItem, len(ids)), make([]key, len(ids))
	for i, id := range ids {
		members[i] = toMember(e.project, id, e.as)
		keys[i] = members[i].key
	}
	if e.as.Import == "" {
		return members, nil
	}
	known, err := e.store.members(ctx, keys, false)
	missing := slices.DeleteFunc(members, func(m memberItem) bool { return known[m.key].PK != "" })
	e.used.Read += float64(len(ids))/2 + float64(len(missing)) // each of these is read again, a profile of up to 4 KB
	e.used.Write += 2 * float64(len(missing))                  // the item, and its entry in the index
	return missing, err
}

// sortOut finds out which of the memberships that were there already are those of this call, written by a try whose
// reply was lost. The others were entered by somebody else.
func (e *enrolment) sortOut(ctx context.Context, there []memberItem) error {
	keys := make([]key, len(there))
	for i, m := range there {
		keys[i] = m.key
	}
	stored, err := e.store.members(ctx, keys, true)
	if err != nil {
		return err
	}
	for _, m := range there {
		if stored[m.key] == m {
			continue
		}
		delete(e.entered, m.ID)
		if e.as.Import == "" && stored[m.key].Import != "" {
			if err := e.store.adopt(ctx, m.key); err != nil {
				return err
			}
		}
	}
	return nil
}

// adopt makes a membership that an import made one that was asked for, which stays when the import is undone. One that is gone
// was removed at the same time.
func (s *Store) adopt(ctx context.Context, k key) error {
	expr, err := expression.NewBuilder().
		WithCondition(expression.Name("pk").AttributeExists()).
		WithUpdate(expression.Remove(expression.Name("import"))).Build()
	if err != nil {
		return err
	}
	if _, err = s.updateItem(ctx, k, expr, "adopt member"); refusal(err) {
		return nil
	}
	return err
}

// lookAgain reads those of the users again who were entered, and takes back the membership of who is not there any more.
func (e *enrolment) lookAgain(ctx context.Context, ids []string, seats []*seat) error {
	var theirs []*seat
	for _, st := range seats {
		if id := st.profile.ID; e.entered[id] {
			st.owner, st.profile = id, profileItem{}
			theirs = append(theirs, st)
		}
	}
	if err := e.store.seat(ctx, e.project, theirs, true, new(seatAttributes)); err != nil {
		return err
	}
	present := make(map[string]bool, len(theirs))
	for _, st := range theirs {
		present[st.profile.ID] = true
	}
	var gone []key
	for _, id := range ids {
		if e.entered[id] && !present[id] {
			delete(e.entered, id)
			gone = append(gone, memberKey(e.project, id, e.as.ListID))
		}
	}
	return e.store.batchDelete(ctx, gone)
}
