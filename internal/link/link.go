// Package link signs and checks the tokens of links that recipients click: to their preferences, and to leave one
// group. A token is the whole credential. It names its project and user by UUID and holds nothing personal, works for one
// purpose only, and never expires: mail is read years after it was sent.
//
// A token is base64url (RFC 4648, section 5, no padding) of
//
//	version and purpose   1 byte
//	key id                1 byte
//	project, user         16 bytes each
//	group                 16 bytes, to unsubscribe only
//	signature             16 bytes: the first half of HMAC-SHA-256 of all before it
//
// under a key that is derived from the secret of the project for the key id. RFC 2104, section 5, allows half. Keys
// rotate by id (see project.Settings.LinkKey), and old links go on working until their key is retired.
package link

import (
	"errors"
	"fmt"

	"github.com/google/uuid"

	"lunogram-users/internal/project"
)

// ErrInvalid says that a token is not one that we signed, or not for this purpose, or that its key was retired. It does
// not tell which.
var ErrInvalid = errors.New("not a valid link")

// Purpose is what a link is for. A token of one purpose is refused for another.
type Purpose byte

// The purposes. Their numbers are part of every token and never change.
const (
	Preferences Purpose = 1 // see and change the states of all public groups
	Unsubscribe Purpose = 2 // leave one group
)

// Link is what a token stands for.
type Link struct {
	Purpose   Purpose
	ProjectID string // UUID, lower case
	UserID    string // UUID, lower case
	GroupID   string // UUID, lower case, to unsubscribe; else ""
}

// Sign returns the token of the link under the project's newest key. It is the same for the same link and key. An
// error says that an id is no UUID, that the link is of another project, or that it has a group too many or none.
func Sign(p project.Project, l Link) (string, error) {
	t := token{purpose: l.Purpose, key: p.Settings.LinkKey}
	switch {
	case l.ProjectID != p.ID:
		return "", errors.New("sign link: it is of another project")
	case t.size() == 0:
		return "", fmt.Errorf("sign link: unknown purpose %d", l.Purpose)
	case (l.GroupID != "") != t.hasGroup():
		return "", errors.New("sign link: to unsubscribe it needs a group, else it has none")
	}
	for _, id := range []struct {
		to   *uuid.UUID
		text string
	}{{&t.project, l.ProjectID}, {&t.user, l.UserID}, {&t.group, l.GroupID}} {
		if id.text == "" && id.to == &t.group {
			continue
		}
		var err error
		if *id.to, err = uuid.Parse(id.text); err != nil {
			return "", fmt.Errorf("sign link: %w", err)
		}
	}
	return t.sign(p), nil
}

// Claim is what a token says of itself before its signature is checked: where to find the key, and nothing else that
// anyone may act on.
type Claim struct{ token token }

// Parse reads a token, or returns ErrInvalid. A token has one spelling.
func Parse(text string) (Claim, error) {
	t, err := parse(text)
	return Claim{t}, err
}

// ProjectID returns the id of the project whose keys can verify the token. Anyone may have written it.
func (c Claim) ProjectID() string { return c.token.project.String() }

// Verify returns the link if the project signed it for the purpose with a key that is not retired, else ErrInvalid. It
// compares signatures in constant time.
func (c Claim) Verify(p project.Project, purpose Purpose) (Link, error) {
	t := c.token
	known := p.Settings.OldestLinkKey <= t.key && t.key <= p.Settings.LinkKey
	if !t.signedBy(p) || !known || t.purpose != purpose || t.project.String() != p.ID {
		return Link{}, ErrInvalid
	}
	l := Link{Purpose: purpose, ProjectID: p.ID, UserID: t.user.String()}
	if t.hasGroup() {
		l.GroupID = t.group.String()
	}
	return l, nil
}

// Path returns the path of the page that a token of the purpose opens.
func Path(purpose Purpose, token string) string {
	if purpose == Unsubscribe {
		return "/unsubscribe/" + token
	}
	return "/preferences/" + token
}

// MailHeaders returns the two header fields by which a mail program lets its user leave in one click, given the URL of
// the unsubscribe page (RFC 8058, section 3.1). They work only in mail whose DKIM signature covers both.
func MailHeaders(url string) map[string]string {
	return map[string]string{"List-Unsubscribe": "<" + url + ">", "List-Unsubscribe-Post": OneClickField + "=" + OneClickValue}
}

// The form field of a one-click request and its value (RFC 8058, section 3.1).
const (
	OneClickField = "List-Unsubscribe"
	OneClickValue = "One-Click"
)
