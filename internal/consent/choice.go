package consent

import "errors"

// ErrNoGroup says that a group is not one of the project.
var ErrNoGroup = errors.New("there is no such group in the project")

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
