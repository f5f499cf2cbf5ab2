package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/project"
)

// groupPath names one group of the key's project.
type groupPath struct{ projectID, groupID string }

// decodeGroupPath reads the id of a path. What is no UUID names no group.
func decodeGroupPath(r *http.Request) (groupPath, error) {
	id, err := project.ParseID(r.PathValue("subscriptionID"))
	if err != nil {
		return groupPath{}, consent.ErrNoGroup
	}
	return groupPath{projectID: projectOf(r.Context()), groupID: id}, nil
}

// decodeNewGroup reads a group that is to be made.
func (s *service) decodeNewGroup(r *http.Request) (consent.Group, error) {
	b := &badRequest{}
	o, err := decodeBody(r, b)
	if err != nil {
		return consent.Group{}, err
	}
	now := s.now().UTC()
	g := readGroupPatch(o).Apply(consent.Group{
		ID: uuid.Must(uuid.NewV7()).String(), ProjectID: projectOf(r.Context()), Public: true,
		Channel: consent.Channel(o.textOr("channel", "")), CreatedAt: now, UpdatedAt: now,
	})
	return g, b.domain(g.Check())
}

// groupChange is a PATCH of one group.
type groupChange struct {
	groupPath
	patch consent.GroupPatch
}

// decodeGroupPatch reads a change of a group. Its channel is not among what changes.
func decodeGroupPatch(r *http.Request) (groupChange, error) {
	path, err := decodeGroupPath(r)
	if err != nil {
		return groupChange{}, err
	}
	b := &badRequest{}
	o, err := decodeBody(r, b)
	if err != nil {
		return groupChange{}, err
	}
	if o.fields["channel"] != nil {
		b.body("/channel", "never changes: people consented to it; make another group")
	}
	in := groupChange{path, readGroupPatch(o)}
	valid := consent.Group{Name: "valid", Channel: consent.Email}
	return in, b.domain(in.patch.Apply(valid).Check())
}

// readGroupPatch reads what can change of a group. A default of null leaves it to the project; all else that is null
// keeps what is stored.
func readGroupPatch(o object) consent.GroupPatch {
	p := consent.GroupPatch{Name: trimmed(o.text("name")), Description: o.text("description"), Public: o.truth("is_public")}
	if o.has("default") {
		p.Default = new(consent.State(o.textOr("default", "")))
	}
	return p
}

// trimmed returns the text without space around it.
func trimmed(s *string) *string {
	if s != nil {
		s = new(strings.TrimSpace(*s))
	}
	return s
}

// domain notes what the domain found wrong, and returns b if anything is.
func (b *badRequest) domain(faults []consent.Fault) error {
	for _, f := range faults {
		b.body("/"+f.Field, f.Detail)
	}
	return b.err()
}

// groups lists the groups of the project.
func (s *service) groups(ctx context.Context, in groupsRequest) (groupsView, error) {
	all, err := s.consent.Groups(ctx, in.projectID)
	v := groupsView{Results: []groupView{}, Limit: consent.MaxArchived}
	for _, g := range all {
		if in.archived || !g.Archived() {
			v.Results = append(v.Results, viewGroup(g))
		}
	}
	return v, err
}

// groupsRequest asks for the groups of a project, with those that are archived or without.
type groupsRequest struct {
	projectID string
	archived  bool
}

func decodeGroups(r *http.Request) (groupsRequest, error) {
	p, err := readQuery(r)
	if err != nil {
		return groupsRequest{}, err
	}
	in := groupsRequest{projectID: projectOf(r.Context()), archived: p.flag("include_archived")}
	return in, p.bad.err()
}

// createGroup makes a group.
func (s *service) createGroup(ctx context.Context, g consent.Group) (newGroupView, error) {
	if err := s.distinct(ctx, g); err != nil {
		return newGroupView{}, err
	}
	return newGroupView{viewGroup(g)}, s.consent.CreateGroup(ctx, g)
}

// distinct returns consent.ErrGroupExists if another group of the project is like the one that is to be stored. It stops
// mistakes and repeated requests, not two calls in the same instant.
func (s *service) distinct(ctx context.Context, g consent.Group) error {
	all, err := s.consent.Groups(ctx, g.ProjectID)
	alike := func(o consent.Group) bool { return o.ID != g.ID && o.Alike(g) }
	if err == nil && slices.ContainsFunc(all, alike) {
		err = consent.ErrGroupExists
	}
	return err
}

// nameFree is distinct for a group that is to change, if its name is to.
func (s *service) nameFree(ctx context.Context, in groupChange) error {
	if in.patch.Name == nil {
		return nil
	}
	g, err := s.consent.Group(ctx, in.projectID, in.groupID)
	if err != nil {
		return err
	}
	return s.distinct(ctx, in.patch.Apply(g))
}

// group reads one group.
func (s *service) group(ctx context.Context, in groupPath) (groupView, error) {
	g, err := s.consent.Group(ctx, in.projectID, in.groupID)
	return viewGroup(g), err
}

// patchGroup changes one group.
func (s *service) patchGroup(ctx context.Context, in groupChange) (groupView, error) {
	if err := s.nameFree(ctx, in); err != nil {
		return groupView{}, err
	}
	g, err := s.consent.PatchGroup(ctx, in.projectID, in.groupID, in.patch)
	return viewGroup(g), err
}

// archiveGroup takes one group out of use.
func (s *service) archiveGroup(ctx context.Context, in groupPath) (groupView, error) {
	g, err := s.consent.ArchiveGroup(ctx, in.projectID, in.groupID)
	return viewGroup(g), err
}

// groupView is a group on the wire.
type groupView struct {
	ID          string          `json:"id"`
	ProjectID   string          `json:"project_id"`
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Channel     consent.Channel `json:"channel"`
	Public      bool            `json:"is_public"`
	Default     *consent.State  `json:"default"`
	CreatedAt   moment          `json:"created_at"`
	UpdatedAt   moment          `json:"updated_at"`
	ArchivedAt  *moment         `json:"archived_at"`
}

// newGroupView is a group that was just made.
type newGroupView struct{ groupView }

func (v newGroupView) location() string {
	return "/api/admin/projects/" + v.ProjectID + "/subscriptions/" + v.ID
}

type groupsView struct {
	Results []groupView `json:"results"`
	Limit   int         `json:"limit"`
}

func viewGroup(g consent.Group) groupView {
	v := groupView{
		ID: g.ID, ProjectID: g.ProjectID, Name: g.Name, Description: g.Description, Channel: g.Channel, Public: g.Public,
		CreatedAt: moment(g.CreatedAt), UpdatedAt: moment(g.UpdatedAt),
	}
	if g.Default != "" {
		v.Default = &g.Default
	}
	if g.Archived() {
		v.ArchivedAt = new(moment(g.ArchivedAt))
	}
	return v
}
