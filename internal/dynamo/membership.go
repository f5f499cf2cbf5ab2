package dynamo

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"lunogram-users/internal/list"
	"lunogram-users/internal/user"
)

// memberItem is a user's place in a list, or the user's due moment. It lies in the partition of the user, see
// docs/decisions/0016-memberships-in-the-users-partition.md.
type memberItem struct {
	key
	ID     string `dynamodbav:"id"` // of the user; of a due moment, with the moment before it
	ListPK string `dynamodbav:"list_pk"`
	List   string `dynamodbav:"list,omitempty"` // id; "" of a due moment
	At     millis `dynamodbav:"at"`
	Import string `dynamodbav:"import,omitempty"` // id of the import that made the user a member
}

func toMember(project, userID string, m list.Membership) memberItem {
	return memberItem{
		key: memberKey(project, userID, m.ListID), ID: userID, ListPK: membersShard(project, m.ListID, shardOf(userID)),
		List: m.ListID, At: toMillis(m.At), Import: m.Import,
	}
}

// toDue returns the due moment of a user. One that is too far off to be sorted is stored earlier, which does no harm.
func toDue(project, userID string, at millis) memberItem {
	at = min(at, lastStamp)
	return memberItem{key: dueKey(project, userID), ID: stamp(at, userID), ListPK: dueShard(project, shardOf(userID)), At: at}
}

func (i memberItem) membership() list.Membership {
	return list.Membership{ListID: i.List, Import: i.Import, At: i.At.time()}
}

// fields returns the attributes of the item.
func (i memberItem) fields() []attribute {
	fields := []attribute{
		{"pk", str(i.PK)}, {"sk", str(i.SK)}, {"id", str(i.ID)}, {"list_pk", str(i.ListPK)}, {"list", str(i.List)}, {"at", number(int64(i.At))},
	}
	if i.Import != "" {
		fields = append(fields, attribute{"import", str(i.Import)})
	}
	return fields
}

// Standing returns what is stored of a user's memberships, with the profile, strongly consistent. Of a user who does not
// exist, was erased or was absorbed, the profile is nil and the memberships are those that are left. Two calls.
func (s *Store) Standing(ctx context.Context, projectID, userID string) (list.Standing, error) {
	var standing list.Standing
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		p, err := s.profile(ctx, projectID, userID)
		if errors.Is(err, user.ErrNotFound) {
			return nil
		}
		standing.MergedInto = p.MergedInto
		if err == nil && p.live() {
			standing.User = new(p.user(projectID))
		}
		return err
	})
	var lists []list.Membership
	g.Go(func() error {
		pk := profileKey(projectID, userID).PK
		return s.query(ctx, pk, skMember, "list memberships", func(av item) error {
			i, err := decode[memberItem](av)
			if i.SK == skDue {
				standing.Due = i.At.time()
			} else {
				lists = append(lists, i.membership())
			}
			return err
		})
	})
	err := g.Wait()
	standing.Lists = lists
	return standing, err
}

// ChangeMembership writes a change of a user's memberships, whoever the user is and whatever the lists are: that is the
// caller's to know. A membership that is there stays as it is, with its time. The due moment is written first, on condition
// of the one that was read: list.ErrMoved says that there is another one, and then nothing is written. The change is not
// atomic; to repeat it after an error finishes it. Additions take a call for each 25, and so do removals; the due moment
// takes one.
func (s *Store) ChangeMembership(ctx context.Context, projectID, userID string, c list.Change) error {
	if err := s.moveDue(ctx, projectID, userID, c); err != nil {
		return err
	}
	added := make([]memberItem, len(c.Add))
	for i, m := range c.Add {
		added[i] = toMember(projectID, userID, m)
	}
	if _, err := s.enter(ctx, added); err != nil {
		return err
	}
	removed := make([]key, len(c.Remove))
	for i, id := range c.Remove {
		removed[i] = memberKey(projectID, userID, id)
	}
	return s.batchDelete(ctx, removed)
}

// Profiles returns those of the users who are live, by id, strongly consistent: a call and as many read units as their
// profiles take for each 100. The ids must differ.
func (s *Store) Profiles(ctx context.Context, projectID string, ids []string) (map[string]user.User, error) {
	profiles, err := s.profiles(ctx, projectID, ids)
	users := make(map[string]user.User, len(profiles))
	for id, p := range profiles {
		if p.live() {
			users[id] = p.user(projectID)
		}
	}
	return users, err
}
