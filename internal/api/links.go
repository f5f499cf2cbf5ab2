package api

import (
	"context"
	"net/http"

	"lunogram-users/internal/link"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// recipient is whom a message is for, and the group that it belongs to, if there is one.
type recipient struct {
	projectID, userID, groupID string
	pairs                      []user.Pair
	base                       string // of the URLs of the message
}

// decodeLinks reads {user_id or identifier, subscription_id}.
func (s *service) decodeLinks(r *http.Request) (recipient, error) {
	o, err := decodeBody(r, &badRequest{})
	if err != nil {
		return recipient{}, err
	}
	return s.readRecipient(r, o)
}

// readRecipient reads one name of the user, as two could mean two users, and the group. It returns all that is wrong with
// the object as one *badRequest.
func (s *service) readRecipient(r *http.Request, o object) (in recipient, err error) {
	b := o.bad
	in = recipient{projectID: projectOf(r.Context()), base: s.publicURL}
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
func (s *service) links(ctx context.Context, in recipient) (linksView, error) {
	if err := s.locate(ctx, &in); err != nil {
		return linksView{}, err
	}
	return s.linksOf(ctx, in)
}

// linksOf makes the links of the user whose id in holds.
func (s *service) linksOf(ctx context.Context, in recipient) (linksView, error) {
	// The settings as they are now, not from the cache: a link that is signed by a key that was retired never works.
	p, err := s.recipients.Project(ctx, in.projectID)
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
func (s *service) locate(ctx context.Context, in *recipient) error {
	if err := s.checkGroup(ctx, *in); err != nil {
		return err
	}
	if len(in.pairs) > 0 {
		id, err := s.recipients.Owner(ctx, in.projectID, in.pairs)
		in.userID = id
		return err
	}
	u, err := s.recipients.User(ctx, in.projectID, in.userID)
	in.userID = u.ID
	return err
}

// checkGroup checks that the group exists, if there is one.
func (s *service) checkGroup(ctx context.Context, in recipient) error {
	if in.groupID == "" {
		return nil
	}
	_, err := s.recipients.Group(ctx, in.projectID, in.groupID)
	return err
}

// linksView is the links of one user. Who has one may change the user's states: they are for the user alone.
type linksView struct {
	UserID         string            `json:"user_id"`
	PreferencesURL string            `json:"preferences_url"`
	UnsubscribeURL *string           `json:"unsubscribe_url"`
	Headers        map[string]string `json:"headers"`
}
