package consent

import (
	"maps"
	"slices"
	"time"
)

// AllGroups, in place of a group's id, means every group of the project, shown to recipients or not, and every one
// that is made later: as a choice it also sets what applies where the user says nothing else.
const AllGroups = "*"

// Choice is the state that someone sets for a group.
type Choice struct {
	Group string // id, or AllGroups
	State State
}

// Source says where an effective state comes from.
type Source string

// The sources.
const (
	FromUser           Source = "own"             // the user said so
	FromGroupDefault   Source = "group_default"   // the group's default
	FromProjectDefault Source = "project_default" // the project's policy
	FromSuppression    Source = "suppression"     // the address must not be messaged
)

// Setting is what one call sets for one user: all of it or nothing. No choice lifts a suppression.
type Setting struct {
	Choices  []Choice
	How      How
	Evidence Evidence
}

// Check returns what is wrong with the choices, by their places; nothing if they are valid.
func (s Setting) Check() map[int]Fault {
	faults := map[int]Fault{}
	seen := map[string]bool{}
	for i, c := range s.Choices {
		switch {
		case c.State != Subscribed && c.State != Unsubscribed && c.State != NotSet:
			faults[i] = Fault{"state", "must be subscribed, unsubscribed or not_set"}
		case seen[c.Group]:
			faults[i] = Fault{"subscription_id", "is there twice"}
		}
		seen[c.Group] = true
	}
	return faults
}

// Changes returns what the setting does to the subscriptions of a user, given the groups of the project: one change and
// one ledger line for each group that it names. AllGroups names every group in use that no other choice does. It returns
// ErrNoGroup if a group is not of the project, which an archived one still is. The id of a line is made of the occurrence.
func (s Setting) Changes(current map[string]Subscription, groups []Group, at time.Time, occurrence string) ([]Change, error) {
	states, err := s.states(groups)
	if err != nil {
		return nil, err
	}
	channels := make(map[string]Channel, len(groups))
	for _, g := range groups {
		channels[g.ID] = g.Channel
	}
	changes := make([]Change, 0, len(states))
	for _, id := range slices.Sorted(maps.Keys(states)) {
		to := states[id]
		c := Change{Event: Event{
			ID: EventID(at, occurrence, id), Group: id, Channel: channels[id], From: StateOf(current, id), To: to,
			How: s.How, Evidence: s.Evidence, At: at,
		}}
		if to != NotSet {
			c.To = &Subscription{State: to, How: s.How, At: at}
		}
		changes = append(changes, c)
	}
	return changes, nil
}

// states returns the state that each group gets: by a choice of its own, or else by that of AllGroups if it is in use.
func (s Setting) states(groups []Group) (map[string]State, error) {
	states := map[string]State{}
	for _, c := range s.Choices {
		known := slices.ContainsFunc(groups, func(g Group) bool { return g.ID == c.Group })
		if !known && c.Group != AllGroups {
			return nil, ErrNoGroup
		}
		states[c.Group] = c.State
	}
	all, ok := states[AllGroups]
	for _, g := range groups {
		if _, own := states[g.ID]; ok && !own && !g.Archived() {
			states[g.ID] = all
		}
	}
	return states, nil
}
