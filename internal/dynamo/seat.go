package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/user"
)

// seat is one of the named users.
type seat struct {
	name     user.Name
	owner    string // the id to look for, as far as it is known
	followed bool   // whether it was that of a user who was absorbed
	profile  profileItem
	decision consent.Decision
}

// seat fills the profiles of the seats. Whoever was absorbed is followed to the survivor, and a pair that has moved on
// since its owner was read is looked up anew: these reads are strongly consistent, and few. attributes are those of the
// profiles that are read, see seatAttributes; nil for all.
func (s *Store) seat(ctx context.Context, project string, seats []*seat, consistent bool, attributes *string) error {
	for n := 0; len(seats) > 0 && n < attempts; n++ {
		if err := s.ownersOf(ctx, project, seats, consistent || n > 0); err != nil {
			return err
		}
		how := types.KeysAndAttributes{ConsistentRead: new(consistent || n > 0), ProjectionExpression: attributes}
		profiles, err := s.seatProfiles(ctx, project, seats, how)
		if err != nil {
			return err
		}
		var again []*seat
		for _, st := range seats {
			p := profiles[st.owner]
			_, owns := p.Identifiers[pairName(st.name.Pair)]
			switch {
			case p.MergedInto != "":
				st.followed, st.owner = true, p.MergedInto
				again = append(again, st)
			case p.live() && st.name.ID == "" && !owns:
				st.owner = ""
				again = append(again, st)
			case p.live():
				st.profile = p
			}
		}
		seats = again
	}
	return nil
}

// ownersOf fills the owners of those seats that are named by a pair and have none yet.
func (s *Store) ownersOf(ctx context.Context, project string, seats []*seat, consistent bool) error {
	byKey := map[key][]*seat{}
	var keys []key
	for _, st := range seats {
		if st.owner != "" {
			continue
		}
		k := identKey(project, st.name.Pair)
		if byKey[k] == nil {
			keys = append(keys, k)
		}
		byKey[k] = append(byKey[k], st)
	}
	how := types.KeysAndAttributes{ConsistentRead: &consistent}
	return s.batch(ctx, keys, how, "get identifiers", func(av item) error {
		o, err := decode[ownerItem](av)
		for _, st := range byKey[o.key] {
			st.owner = o.User
		}
		return err
	})
}

// seatAttributes are what most need of the profile of a seat: not data, which may be large.
const seatAttributes = "pk, sk, id, identifiers, email, phone, subscriptions, deleting, merged_into"

// seatProfiles returns the profiles of the owners of the seats, by id, read as how says.
func (s *Store) seatProfiles(ctx context.Context, project string, seats []*seat, how types.KeysAndAttributes) (map[string]profileItem, error) {
	var keys []key
	seen := map[string]bool{"": true}
	for _, st := range seats {
		if !seen[st.owner] {
			seen[st.owner] = true
			keys = append(keys, profileKey(project, st.owner))
		}
	}
	profiles := make(map[string]profileItem, len(keys))
	err := s.batch(ctx, keys, how, "get profiles", func(av item) error {
		p, err := decode[profileItem](av)
		profiles[p.ID] = p
		return err
	})
	return profiles, err
}

// Named returns the named users in order, nil in place of nobody, strongly consistent: a call for each 100 that are named by
// a pair, one for each 100 users, and the like for those who were absorbed, in whose place is who absorbed them.
func (s *Store) Named(ctx context.Context, projectID string, names []user.Name) ([]*user.User, error) {
	seats := seatsOf(names)
	if err := s.seat(ctx, projectID, seats, true, nil); err != nil {
		return nil, err
	}
	users := make([]*user.User, len(seats))
	for i, st := range seats {
		if st.profile.ID != "" {
			users[i] = new(st.profile.user(projectID))
		}
	}
	return users, nil
}

// seatsOf returns a seat for each name.
func seatsOf(names []user.Name) []*seat {
	seats := make([]*seat, len(names))
	for i, name := range names {
		seats[i] = &seat{name: name, owner: name.ID}
	}
	return seats
}
