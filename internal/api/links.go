package api

import (
	"context"
	"net/http"

	"lunogram-users/internal/link"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// linksRequest asks for the links of one user, and to leave one group if there is one.
type linksRequest struct {
	projectID, userID, groupID string
	pairs                      []user.Pair
	base                       string // of the URLs
}

// decodeLinks reads {user_id or identifier, subscription_id}: one name of the user, as two could mean two users.
func (s *service) decodeLinks(r *http.Request) (linksRequest, error) {
	b := &badRequest{}
	o, err := decodeBody(r, b)
	if err != nil {
		return linksRequest{}, err
	}
	in := linksRequest{projectID: projectOf(r.Context()), base: s.publicURL}
	if in.base == "" {
		in.base = "https://" + r.Host // API Gateway passes on its own names only
	}
	if group := o.textOr("subscription_id", ""); group != "" {
		if in.groupID, err = project.ParseID(group); err != nil {
			b.body("/subscription_id", "must be a UUID")
		}
	}
	if o.fields["user_id"] == nil && o.fields["identifier"] == nil {
		b.body("/user_id", "is needed, or identifier in its place")
		return in, b.err()
	}
	if id := o.text("user_id"); id != nil {
		if o.fields["identifier"] != nil {
			b.body("/identifier", "must be left out where user_id names the user")
		}
		if in.userID, err = project.ParseID(*id); err != nil {
			b.body("/user_id", "must be a UUID")
		}
		return in, b.err()
	}
	req := user.Upsert{Identifiers: readIdentifiers(o)}
	err = finish(b, req.Normalize())
	in.pairs = req.Pairs()
	return in, err
}

// links makes the links of a user who exists, and the header fields of a mail to them.
func (s *service) links(ctx context.Context, in linksRequest) (linksView, error) {
	if err := s.locate(ctx, &in); err != nil {
		return linksView{}, err
	}
	// The settings as they are now, not from the cache: a link that is signed by a key that was retired never works.
	p, err := s.consent.Project(ctx, in.projectID)
	if err != nil {
		return linksView{}, err
	}
	url := func(l link.Link) (string, error) {
		l.ProjectID, l.UserID = in.projectID, in.userID
		token, err := link.Sign(p, l)
		return in.base + link.Path(l.Purpose, token), err
	}
	v := linksView{UserID: in.userID, Headers: map[string]string{}}
	if v.PreferencesURL, err = url(link.Link{Purpose: link.Preferences}); err != nil || in.groupID == "" {
		return v, err
	}
	leave, err := url(link.Link{Purpose: link.Unsubscribe, GroupID: in.groupID})
	v.UnsubscribeURL, v.Headers = &leave, link.MailHeaders(leave)
	return v, err
}

// locate finds out who the user is and that user and group exist.
func (s *service) locate(ctx context.Context, in *linksRequest) error {
	if in.groupID != "" {
		if _, err := s.consent.Group(ctx, in.projectID, in.groupID); err != nil {
			return err
		}
	}
	if len(in.pairs) > 0 {
		id, err := s.consent.Owner(ctx, in.projectID, in.pairs)
		in.userID = id
		return err
	}
	u, err := s.consent.User(ctx, in.projectID, in.userID)
	in.userID = u.ID
	return err
}

// linksView is the links of one user. Who has one may change the user's states: they are for the user alone.
type linksView struct {
	UserID         string            `json:"user_id"`
	PreferencesURL string            `json:"preferences_url"`
	UnsubscribeURL *string           `json:"unsubscribe_url"`
	Headers        map[string]string `json:"headers"`
}
