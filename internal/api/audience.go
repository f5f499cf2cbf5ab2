package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// decodeAudience reads a question about many users: {channel, subscription_id, user_ids, identifiers}.
func decodeAudience(r *http.Request) (user.Audience, error) {
	b := &badRequest{}
	o, err := decodeBody(r, b)
	if err != nil {
		return user.Audience{}, err
	}
	q, faults := readMessage(r, o.textOr("channel", ""), o.textOr("subscription_id", ""))
	for name, detail := range faults {
		b.body("/"+name, detail)
	}
	q.Names = readNames(o, user.MaxAudience, false)
	return q, b.err()
}

// readNames reads which users user_ids and identifiers name, in that order: at least one, and at most so many.
// strict refuses a misspelt member of an identifier, which would name another user.
func readNames(o object, most int, strict bool) []user.Name {
	var names []user.Name
	for i, text := range o.texts("user_ids") {
		id, err := project.ParseID(text)
		if err != nil {
			o.bad.body(o.at("user_ids")+"/"+strconv.Itoa(i), "must be a UUID")
		}
		names = append(names, user.Name{ID: id})
	}
	for _, item := range o.objects("identifiers") {
		if strict {
			item.only("source", "external_id")
		}
		pair, err := user.ParsePair(item.textOr("source", ""), item.textOr("external_id", ""))
		if invalid, ok := errors.AsType[*user.InvalidError](err); ok {
			for _, f := range invalid.Fields {
				o.bad.body(item.pointer+f.Pointer, f.Detail)
			}
		}
		names = append(names, user.Name{Pair: pair})
	}
	if n := len(names); n < 1 || n > most {
		o.bad.body(o.pointer, "must name 1 to "+strconv.Itoa(most)+" users, in user_ids and identifiers")
	}
	return names
}

// decodeMaySend reads a question about the user of the path: ?channel=&subscription_id=.
func decodeMaySend(r *http.Request) (user.Audience, error) {
	path, err := decodeUserPath(r)
	if err != nil {
		return user.Audience{}, err
	}
	p, err := readQuery(r)
	if err != nil {
		return user.Audience{}, err
	}
	q, faults := readMessage(r, p.text("channel"), p.text("subscription_id"))
	for name, detail := range faults {
		p.bad.query(name, detail)
	}
	q.Names = []user.Name{{ID: path.userID}}
	return q, p.bad.err()
}

// readMessage reads what is to be sent: to a group, whose channel it has, or on a channel to no group, which is
// transactional. What is wrong is returned by the name of the field.
func readMessage(r *http.Request, channel, group string) (q user.Audience, faults map[string]string) {
	faults = map[string]string{}
	q = user.Audience{ProjectID: projectOf(r.Context()), Channel: consent.Channel(channel), Group: group}
	if id, err := project.ParseID(group); err == nil {
		q.Group = id
	} else if group != "" {
		faults["subscription_id"] = "must be a UUID"
	}
	switch {
	case channel != "" && !q.Channel.Valid():
		faults["channel"] = "must be email, sms, push or in_app"
	case channel == "" && group == "":
		faults["channel"] = "must be given where there is no subscription_id"
	}
	return q, faults
}

// audience answers of each of many users whether the message may be sent.
func (s *service) audience(ctx context.Context, q user.Audience) (audienceView, error) {
	answers, err := s.consent.Audience(ctx, q)
	v := audienceView{Results: make([]answerView, len(answers))}
	for i, a := range answers {
		v.Results[i] = viewAnswer(a)
		v.Results[i].Name = viewName(q.Names[i])
	}
	return v, err
}

// maySend answers of one user whether the message may be sent.
func (s *service) maySend(ctx context.Context, q user.Audience) (answerView, error) {
	a, err := s.consent.MaySend(ctx, q)
	return viewAnswer(a), err
}

// audienceView has one answer for each user that was named, in order: user_ids first, then identifiers.
type audienceView struct {
	Results []answerView `json:"results"`
}

type answerView struct {
	Name    *nameView    `json:"name,omitempty"` // as it was sent
	UserID  *string      `json:"user_id"`        // null for nobody
	Allowed bool         `json:"allowed"`
	Reasons []reasonView `json:"reasons"`
}

// namedView is one of the users whom a request names.
type namedView struct {
	Name   *nameView `json:"name"`    // as it was sent
	UserID *string   `json:"user_id"` // null for nobody
}

type nameView struct {
	UserID     string `json:"user_id,omitempty"`
	Source     string `json:"source,omitempty"`
	ExternalID string `json:"external_id,omitempty"`
}

// viewName shows a name as it was sent.
func viewName(n user.Name) *nameView {
	if n.ID != "" {
		return &nameView{UserID: n.ID}
	}
	return &nameView{Source: n.Pair.Source, ExternalID: n.Pair.ExternalID}
}

// reasonView is one obstacle; detail says it in English.
type reasonView struct {
	Code   consent.Code   `json:"code"`
	Detail string         `json:"detail"`
	Kind   consent.Kind   `json:"kind,omitempty"`
	How    consent.How    `json:"how,omitempty"`
	Source consent.Source `json:"source,omitempty"`
	Since  *moment        `json:"since,omitempty"`
}

func viewAnswer(a user.Answer) answerView {
	v := answerView{Allowed: a.Allowed, Reasons: []reasonView{}}
	if a.UserID != "" {
		v.UserID = &a.UserID
	}
	for _, r := range a.Reasons {
		view := reasonView{Code: r.Code, Detail: describe(r), Kind: r.Kind, How: r.How, Source: r.From}
		if !r.At.IsZero() {
			view.Since = new(moment(r.At))
		}
		v.Reasons = append(v.Reasons, view)
	}
	return v
}

// describe says a reason in English.
func describe(r consent.Reason) string {
	since := ""
	if !r.At.IsZero() {
		since = r.At.UTC().Format(time.RFC3339)
	}
	switch r.Code {
	case consent.NoUser:
		return "there is no such user"
	case consent.NoAddress:
		return "no address on this channel"
	case consent.IsSuppressed:
		return "suppressed (" + string(r.Kind) + ") since " + since
	case consent.LeftBefore:
		return "an erased user of the same address had left; erased at " + since
	case consent.HasLeft:
		return "unsubscribed by " + string(r.How) + " at " + since
	case consent.NotOptedIn:
		return "not opted in: the " + string(r.From) + " is unsubscribed"
	case consent.GroupArchived:
		return "the group is archived since " + since
	case consent.OtherChannel:
		return "the group is of another channel"
	}
	return string(r.Code)
}
