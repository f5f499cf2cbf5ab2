package api

import (
	"strconv"
	"time"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/user"
)

// moment is a time on the wire: RFC 3339 in UTC, with milliseconds.
type moment time.Time

// String implements fmt.Stringer.
func (m moment) String() string { return time.Time(m).UTC().Format("2006-01-02T15:04:05.000Z") }

// MarshalText implements encoding.TextMarshaler.
func (m moment) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// userView is a user as a secret key sees it.
type userView struct {
	ID            string           `json:"id"`
	ProjectID     string           `json:"project_id"`
	Identifier    []identifierView `json:"identifier"`
	Email         string           `json:"email,omitempty"`
	Phone         string           `json:"phone,omitempty"`
	Timezone      string           `json:"timezone,omitempty"`
	Locale        string           `json:"locale,omitempty"`
	Data          map[string]any   `json:"data"`
	HasPushDevice bool             `json:"has_push_device"`
	Version       int64            `json:"version"`
	CreatedAt     moment           `json:"created_at"`
	UpdatedAt     moment           `json:"updated_at"`
}

// identifierView is an identifier on the wire. To a public key it has no id and no times: those are stored.
type identifierView struct {
	ID         string         `json:"id,omitempty"`
	Source     string         `json:"source"`
	ExternalID string         `json:"external_id"`
	Metadata   map[string]any `json:"metadata"`
	CreatedAt  moment         `json:"created_at,omitzero"`
	UpdatedAt  moment         `json:"updated_at,omitzero"`
}

// etag returns the entity tag: the version, quoted.
func (v userView) etag() string { return `"` + strconv.FormatInt(v.Version, 10) + `"` }

// full shows all of a user.
func full(u user.User) userView {
	v := head(u)
	v.Email, v.Phone, v.Timezone, v.Locale = u.Email, u.Phone, u.Timezone, u.Locale
	if u.Data != nil {
		v.Data = u.Data
	}
	for _, id := range u.Identifiers {
		v.Identifier = append(v.Identifier, identifierView{
			ID: id.ID, Source: id.Source, ExternalID: id.ExternalID, Metadata: orNull(id.Metadata),
			CreatedAt: moment(id.CreatedAt), UpdatedAt: moment(id.UpdatedAt),
		})
	}
	return v
}

// echo shows of a user who and how new it is, and beside that nothing but what the request itself said: a public
// key is in the hands of every visitor, who must not learn what is stored of anyone.
func echo(u user.User, sent user.Upsert) userView {
	v := head(u)
	said := sent.Patch.Apply(user.User{})
	v.Email, v.Phone, v.Timezone, v.Locale = said.Email, said.Phone, said.Timezone, said.Locale
	if said.Data != nil {
		v.Data = said.Data
	}
	for _, id := range sent.Identifiers {
		v.Identifier = append(v.Identifier, identifierView{Source: id.Source, ExternalID: id.ExternalID, Metadata: orNull(id.Metadata)})
	}
	return v
}

// head shows what every key may see of the user that it wrote.
func head(u user.User) userView {
	return userView{
		ID: u.ID, ProjectID: u.ProjectID, Identifier: []identifierView{}, Data: map[string]any{},
		Version: u.Version, CreatedAt: moment(u.CreatedAt), UpdatedAt: moment(u.UpdatedAt),
	}
}

// orNull shows metadata that holds nothing as null.
func orNull(metadata map[string]any) map[string]any {
	if len(metadata) == 0 {
		return nil
	}
	return metadata
}

// pageView is one page of users. NextCursor is null on the last page.
type pageView struct {
	Results    []userView `json:"results"`
	NextCursor *string    `json:"next_cursor"`
	Limit      int        `json:"limit"`
}

// pageOf shows the page that q asked for.
func pageOf(q pageRequest, p user.Page) pageView {
	v := pageView{Results: make([]userView, len(p.Users)), NextCursor: q.seal.seal(p.Next), Limit: q.limit}
	for i, u := range p.Users {
		v.Results[i] = full(u)
	}
	return v
}

// standingsView lists where a user stands with every group of the project. It is never cut into pages.
type standingsView struct {
	Results []standingView `json:"results"`
	Limit   int            `json:"limit"`
}

type standingView struct {
	SubscriptionID string          `json:"subscription_id"`
	Name           string          `json:"name"`
	Channel        consent.Channel `json:"channel"`
	State          consent.State   `json:"state"`
	Effective      consent.State   `json:"effective"`
	Source         consent.Source  `json:"source"`
	Public         bool            `json:"public"`
	Suppressed     bool            `json:"suppressed"`
}

func standings(all []consent.Standing) standingsView {
	v := standingsView{Results: make([]standingView, len(all)), Limit: consent.MaxGroups}
	for i, s := range all {
		v.Results[i] = standingView{
			SubscriptionID: s.Group.ID, Name: s.Group.Name, Channel: s.Group.Channel,
			State: s.State, Effective: s.Effective, Source: s.Source, Public: s.Group.Public,
			Suppressed: s.Suppressed || s.LeftBefore,
		}
	}
	return v
}
