package api

import (
	"context"
	"net/http"
	"strconv"
	"unicode/utf8"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/link"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// setRequest sets states of one user, who is named by id, by pairs or by the token of a link.
type setRequest struct {
	projectID, userID string
	pairs             []user.Pair
	token             string
	remote, agent     string // the address and browser of who calls
	set               consent.Setting
}

// decodeStates reads a PATCH of a user's subscriptions: an array of {subscription_id, state}.
func decodeStates(r *http.Request) (setRequest, error) {
	path, err := decodeUserPath(r)
	if err != nil {
		return setRequest{}, err
	}
	b := &badRequest{}
	items, err := decodeArray(r, b)
	if err != nil {
		return setRequest{}, err
	}
	in := setRequest{projectID: path.projectID, userID: path.userID}
	in.set = consent.Setting{How: consent.ByAdmin, Choices: readChoices(items), Evidence: evidence(r.Context())}
	noteChoices(b, "", in.set)
	return in, b.err()
}

// decodeClientStates reads a client's PUT: {identifier or token, subscriptions, notice_version}. A public key needs a
// token: it is in the hands of every visitor, who may not speak for others.
func decodeClientStates(r *http.Request) (setRequest, error) {
	b := &badRequest{}
	o, err := decodeBody(r, b)
	if err != nil {
		return setRequest{}, err
	}
	in := setRequest{projectID: projectOf(r.Context()), token: o.textOr("token", ""), remote: r.RemoteAddr, agent: r.UserAgent()}
	key, _ := keyOf(r.Context())
	if in.token == "" && !key.Role.Includes(project.Editor) {
		return in, errToken
	}
	in.set = consent.Setting{How: consent.ByAPI, Choices: readChoices(o.objects("subscriptions")), Evidence: evidence(r.Context())}
	in.set.Evidence.Notice = o.textOr("notice_version", "")
	noteChoices(b, "/subscriptions", in.set)
	if utf8.RuneCountInString(in.set.Evidence.Notice) > maxNotice {
		b.body("/notice_version", "must have at most 255 characters")
	}
	if in.token != "" {
		if o.has("identifier") {
			b.body("/identifier", "must be left out where a token names the user")
		}
		return in, b.err()
	}
	req := user.Upsert{Identifiers: readIdentifiers(o)}
	err = finish(b, req.Normalize())
	in.pairs = req.Pairs()
	return in, err
}

// maxNotice is how many characters the version of a notice has at most.
const maxNotice = 255

// evidence returns what every line says of the request and of who made it.
func evidence(ctx context.Context) consent.Evidence {
	key, _ := keyOf(ctx)
	return consent.Evidence{RequestID: requestIDOf(ctx), Actor: key.Hash[:min(len(key.Hash), actorLength)]}
}

// actorLength is how much of a key's hash names it, as in usersctl key list.
const actorLength = 16

// readChoices reads an array of {subscription_id, state}.
func readChoices(items []object) []consent.Choice {
	choices := make([]consent.Choice, len(items))
	for i, item := range items {
		choices[i] = consent.Choice{
			Group: item.textOr("subscription_id", ""), State: consent.State(item.textOr("state", "")),
		}
		if id, err := project.ParseID(choices[i].Group); err == nil {
			choices[i].Group = id
		}
	}
	return choices
}

// noteChoices notes what is wrong with the choices in the array at a pointer.
func noteChoices(b *badRequest, array string, set consent.Setting) {
	if n := len(set.Choices); n == 0 || n > consent.MaxGroups {
		b.body(array, "must have 1 to 50 entries")
	}
	for i, f := range set.Check() {
		b.body(array+"/"+strconv.Itoa(i)+"/"+f.Field, f.Detail)
	}
}

// setStates sets states of a user by id and answers with the user.
func (s *service) setStates(ctx context.Context, in setRequest) (userView, error) {
	u, err := s.set(ctx, in)
	return full(u), err
}

// set carries out a setting. What is neither the id of a group nor all groups is not asked of the store.
func (s *service) set(ctx context.Context, in setRequest) (user.User, error) {
	for _, c := range in.set.Choices {
		if _, err := project.ParseID(c.Group); err != nil && c.Group != consent.AllGroups {
			return user.User{}, consent.ErrNoGroup
		}
	}
	return s.consent.SetSubscriptions(ctx, in.projectID, in.userID, in.set)
}

// setClientStates sets states of the user whom pairs or a token name, and answers with what was set.
func (s *service) setClientStates(ctx context.Context, in setRequest) (choicesView, error) {
	var err error
	if in.token != "" {
		err = s.openToken(ctx, &in)
	} else {
		in.userID, err = s.consent.Owner(ctx, in.projectID, in.pairs)
	}
	if err != nil {
		return choicesView{}, err
	}
	u, err := s.set(ctx, in)
	if err != nil {
		return choicesView{}, err
	}
	v := choicesView{UserID: u.ID, Subscriptions: []choiceView{}}
	for _, c := range in.set.Choices {
		v.Subscriptions = append(v.Subscriptions, choiceView{c.Group, c.State})
	}
	return v, nil
}

// openToken names the user by the token of a link to the preferences, as whose own word the choices then count. They may
// be of public groups only, as on the page that the link opens.
func (s *service) openToken(ctx context.Context, in *setRequest) error {
	claim, err := link.Parse(in.token)
	if err != nil {
		return errToken
	}
	p, err := s.consent.Project(ctx, in.projectID) // not from the cache, which may not know the key yet
	if err != nil {
		return err
	}
	l, err := claim.Verify(p, link.Preferences)
	if err != nil {
		return errToken
	}
	in.userID, in.set.How = l.UserID, consent.ByPage
	visitor := p.Settings.Visitor(in.remote, in.agent)
	in.set.Evidence.Address, in.set.Evidence.UserAgent = visitor.Address, visitor.UserAgent
	return s.onlyPublic(ctx, *in)
}

// onlyPublic returns consent.ErrNoGroup if a choice is of a group that recipients do not see. Of all groups they may only
// leave: anything else would take back refusals of groups that they do not see.
func (s *service) onlyPublic(ctx context.Context, in setRequest) error {
	groups, err := s.consent.Groups(ctx, in.projectID)
	if err != nil {
		return err
	}
	public := map[string]bool{consent.AllGroups: true}
	for _, g := range groups {
		public[g.ID] = g.Public && !g.Archived()
	}
	for _, c := range in.set.Choices {
		if !public[c.Group] || c.Group == consent.AllGroups && c.State != consent.Unsubscribed {
			return consent.ErrNoGroup
		}
	}
	return nil
}

// choicesView is what was set of one user.
type choicesView struct {
	UserID        string       `json:"user_id"`
	Subscriptions []choiceView `json:"subscriptions"`
}

type choiceView struct {
	SubscriptionID string        `json:"subscription_id"`
	State          consent.State `json:"state"`
}
