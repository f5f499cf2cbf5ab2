package dynamo

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"lunogram-users/internal/list"
	"lunogram-users/internal/user"
)

// AddMembers makes the named users, at most list.MaxBatch, members of a list and answers each in order. That the list may be
// added to is the caller's to check. An absorbed user stands for who absorbed it. To repeat a call that ended in an error
// finishes it.
//
// A user may be erased or absorbed meanwhile, and whoever does that cannot see what is written after it. So the users are
// read again once their memberships are written, strongly consistent: one who is still there will be erased with
// the membership, and that of one who is not is taken back, or given to the survivor. What remains is a process that dies
// between the two: it leaves the membership of a user who is gone, which no page shows and a repeat does not mend.
func (s *Store) AddMembers(ctx context.Context, projectID, listID string, names []user.Name) ([]list.Outcome, error) {
	seats := seatsOf(names)
	if err := s.seat(ctx, projectID, seats, true, new(seatAttributes)); err != nil {
		return nil, err
	}
	e := s.enrol(projectID, list.Membership{ListID: listID, At: s.now()})
	if err := e.run(ctx, seats); err != nil {
		return nil, err
	}
	return outcomes(seats, e.entered), nil
}

// RemoveMembers takes the named users, at most list.MaxBatch, out of a list and answers each in order. That the list may be
// taken from is the caller's to check. An absorbed user stands for who absorbed it. It may be repeated.
//
// Until a merge is followed, the membership of the absorbed user waits to become the survivor's. It is removed as well, or the
// user would come back. Whoever follows the merge in this very moment may have read it before, and write it after: a window of
// milliseconds, after which the removal is to be repeated.
func (s *Store) RemoveMembers(ctx context.Context, projectID, listID string, names []user.Name) ([]list.Outcome, error) {
	seats := seatsOf(names)
	if err := s.seat(ctx, projectID, seats, true, new(seatAttributes)); err != nil {
		return nil, err
	}
	whose, err := s.personas(ctx, projectID, seats)
	if err != nil {
		return nil, err
	}
	keys := make([]key, 0, len(whose))
	for id := range whose {
		keys = append(keys, memberKey(projectID, id, listID))
	}
	stored, err := s.members(ctx, keys, true)
	if err != nil {
		return nil, err
	}
	removed := make(map[string]bool, len(stored))
	keys = keys[:0]
	for k, m := range stored {
		removed[whose[m.ID]], keys = true, append(keys, k)
	}
	return outcomes(seats, removed), s.batchDelete(ctx, keys)
}

// personas returns the ids under which memberships of the users in the seats may be stored, each with the id of its user: of
// a user who may have absorbed others, theirs too.
func (s *Store) personas(ctx context.Context, projectID string, seats []*seat) (map[string]string, error) {
	whose := map[string]string{}
	absorbers := map[string]bool{}
	for _, st := range seats {
		if id := st.profile.ID; id != "" {
			whose[id] = id
			absorbers[id] = absorbers[id] || st.followed || st.profile.mayHaveAbsorbed()
		}
	}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(familiesAtOnce)
	for id, asked := range absorbers {
		if !asked {
			continue
		}
		g.Go(func() error {
			family, err := s.family(ctx, projectID, id)
			mu.Lock()
			defer mu.Unlock()
			for _, member := range family {
				whose[member] = id
			}
			return err
		})
	}
	return whose, g.Wait()
}

// familiesAtOnce is of how many users it is read at the same time whom they absorbed.
const familiesAtOnce = 10

// mayHaveAbsorbed reports whether the user looks like one who absorbed another, which costs no read: only anonymous users are
// absorbed, and their identifiers stay with who absorbed them, if there is room.
func (p profileItem) mayHaveAbsorbed() bool {
	for name := range p.Identifiers {
		if parsePairName(name).Anonymous() {
			return true
		}
	}
	return len(p.Identifiers) == user.MaxIdentifiers
}

// ImportMembers makes users, at most 500 whom the caller has just seen, members of a list on behalf of an import, and says
// what that cost. One who is a member already stays as it is. It may be repeated; erasures and merges meanwhile are
// treated as by AddMembers.
func (s *Store) ImportMembers(ctx context.Context, projectID, listID, importID string, userIDs []string) (user.Usage, error) {
	seats := make([]*seat, len(userIDs))
	for i, id := range userIDs {
		seats[i] = &seat{name: user.Name{ID: id}, profile: profileItem{ID: id}}
	}
	e := s.enrol(projectID, list.Membership{ListID: listID, At: s.now(), Import: importID})
	err := e.run(ctx, seats)
	return e.used, err
}

// ForeseeMembers returns what ImportMembers would cost, at half a read unit each.
func (s *Store) ForeseeMembers(ctx context.Context, projectID, listID, importID string, userIDs []string) (user.Usage, error) {
	e := s.enrol(projectID, list.Membership{ListID: listID, Import: importID})
	_, err := e.missing(ctx, userIDs)
	return e.used, err
}

// DropImported takes those users out of a list whom the import made members of it, and nobody else has added since. It may
// be repeated.
func (s *Store) DropImported(ctx context.Context, projectID, listID, importID string, userIDs []string) error {
	statements := make([]statement, len(userIDs))
	for i, id := range userIDs {
		statements[i] = s.remove(memberKey(projectID, id, listID), attribute{"import", str(importID)})
	}
	_, err := s.carryOut(ctx, statements, "remove imported members")
	return err
}

// outcomes answers for each seat whether its user is among those whose membership was changed.
func outcomes(seats []*seat, changed map[string]bool) []list.Outcome {
	outcomes := make([]list.Outcome, len(seats))
	for i, st := range seats {
		outcomes[i] = list.Outcome{UserID: st.profile.ID, Changed: changed[st.profile.ID]}
		if st.profile.ID == "" {
			outcomes[i].Err = user.ErrNotFound
		}
	}
	return outcomes
}

// members returns the memberships with the keys that there are.
func (s *Store) members(ctx context.Context, keys []key, consistent bool) (map[key]memberItem, error) {
	found := make(map[key]memberItem, len(keys))
	err := s.batch(ctx, keys, types.KeysAndAttributes{ConsistentRead: &consistent}, "get memberships", func(av item) error {
		m, err := decode[memberItem](av)
		found[m.key] = m
		return err
	})
	return found, err
}

// enter inserts memberships and returns those that were there already, which stay as they are.
func (s *Store) enter(ctx context.Context, members []memberItem) (there []memberItem, err error) {
	statements := make([]statement, len(members))
	for i, m := range members {
		statements[i] = s.insert(m.fields())
	}
	stopped, err := s.carryOut(ctx, statements, "add members")
	for i, m := range members {
		if stopped[i] {
			there = append(there, m)
		}
	}
	return there, err
}
