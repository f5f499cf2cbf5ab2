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
	profile  profileItem
	decision consent.Decision
}

// seat fills the profiles of the seats. Whoever was absorbed is followed to the survivor, and a pair that has moved on
// since its owner was read is looked up anew: these reads are strongly consistent, and few.
func (s *Store) seat(ctx context.Context, project string, seats []*seat, consistent bool) error {
	for n := 0; len(seats) > 0 && n < attempts; n++ {
		if err := s.ownersOf(ctx, project, seats, consistent || n > 0); err != nil {
			return err
		}
		profiles, err := s.seatProfiles(ctx, project, seats, consistent || n > 0)
		if err != nil {
			return err
		}
		var again []*seat
		for _, st := range seats {
			p := profiles[st.owner]
			_, owns := p.Identifiers[pairName(st.name.Pair)]
			switch {
			case p.MergedInto != "":
				st.owner = p.MergedInto
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

// seatAttributes are what is needed of the profile of a seat: not data, which may be large.
const seatAttributes = "pk, sk, id, identifiers, email, phone, subscriptions, deleting, merged_into"

// seatProfiles returns the profiles of the owners of the seats, by id, without what no seat needs.
func (s *Store) seatProfiles(ctx context.Context, project string, seats []*seat, consistent bool) (map[string]profileItem, error) {
	var keys []key
	seen := map[string]bool{"": true}
	for _, st := range seats {
		if !seen[st.owner] {
			seen[st.owner] = true
			keys = append(keys, profileKey(project, st.owner))
		}
	}
	profiles := make(map[string]profileItem, len(keys))
	how := types.KeysAndAttributes{ConsistentRead: &consistent, ProjectionExpression: new(seatAttributes)}
	err := s.batch(ctx, keys, how, "get profiles", func(av item) error {
		p, err := decode[profileItem](av)
		profiles[p.ID] = p
		return err
	})
	return profiles, err
}

// seatsOf returns a seat for each name.
func seatsOf(names []user.Name) []*seat {
	seats := make([]*seat, len(names))
	for i, name := range names {
		seats[i] = &seat{name: name, owner: name.ID}
	}
	return seats
}

// present returns the ids of the users in the seats, each once.
func present(seats []*seat) []string {
	var ids []string
	seen := map[string]bool{"": true}
	for _, st := range seats {
		if id := st.profile.ID; !seen[id] {
			seen[id], ids = true, append(ids, id)
		}
	}
	return ids
}
