package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

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
	if err := s.seat(ctx, projectID, seats, true); err != nil {
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
func (s *Store) RemoveMembers(ctx context.Context, projectID, listID string, names []user.Name) ([]list.Outcome, error) {
	seats := seatsOf(names)
	if err := s.seat(ctx, projectID, seats, true); err != nil {
		return nil, err
	}
	var keys []key
	for _, id := range present(seats) {
		keys = append(keys, memberKey(projectID, id, listID))
	}
	stored, err := s.members(ctx, keys, true)
	if err != nil {
		return nil, err
	}
	removed := make(map[string]bool, len(stored))
	keys = keys[:0]
	for k, m := range stored {
		removed[m.ID], keys = true, append(keys, k)
	}
	return outcomes(seats, removed), s.batchDelete(ctx, keys)
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
