package api

import (
	"context"
	"net/http"
	"slices"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/list"
	"lunogram-users/internal/user"
)

// listAudienceRequest asks for those members of a list to whom a message may be sent.
type listAudienceRequest struct {
	pageRequest
	listID  string
	message user.Audience // without names
}

const defaultAudience = 100 // members that are looked at

// decodeListAudience reads ?subscription_id=&channel=&limit=&cursor=; group is another name of subscription_id.
func (s *service) decodeListAudience(r *http.Request) (listAudienceRequest, error) {
	path, err := decodeListPath(r)
	if err != nil {
		return listAudienceRequest{}, err
	}
	p, err := readQuery(r)
	if err != nil {
		return listAudienceRequest{}, err
	}
	group := p.text("subscription_id")
	switch {
	case !p.values.Has("group"):
	case p.values.Has("subscription_id"):
		p.bad.query("group", "is another name of subscription_id: only one of them may be given")
	default:
		group = p.text("group")
	}
	message, faults := readMessage(r, p.text("channel"), group)
	for name, detail := range faults {
		p.bad.query(name, detail)
	}
	q := pageRequest{
		filter: []string{path.listID, message.Group, string(message.Channel)}, limit: p.limit(defaultAudience, user.MaxAudience),
	}
	q, err = s.decodePage(r, p, q)
	return listAudienceRequest{pageRequest: q, listID: path.listID, message: message}, err
}

// listAudience reads a page of a list and asks of whoever it shows there whether the message may be sent, after it has read
// who they are: who refuses between the page and the answer is held back.
func (s *service) listAudience(ctx context.Context, in listAudienceRequest) (listAudienceView, error) {
	l, err := s.lists.List(ctx, in.projectID, in.listID)
	if err == nil && l.Archived() {
		err = list.ErrArchived
	}
	if err != nil {
		return listAudienceView{}, err
	}
	ids, next, err := s.lists.MemberPage(ctx, in.projectID, in.listID, in.after, in.limit)
	if err == nil {
		ids, err = s.onlyShown(ctx, l, ids)
	}
	if err != nil {
		return listAudienceView{}, err
	}
	v := listAudienceView{
		Results: []recipientView{}, HeldBack: map[consent.Code]int{}, Members: len(ids), Status: l.Status,
		NextCursor: in.seal.seal(next), Limit: in.limit,
	}
	for _, id := range ids {
		in.message.Names = append(in.message.Names, user.Name{ID: id})
	}
	answers, err := s.lists.Audience(ctx, in.message)
	for i, a := range answers {
		v.add(ids[i], a)
	}
	return v, err
}

// profilesAtOnce is how many whole profiles are held in memory while it is found out whom a list shows.
const profilesAtOnce = 100

// onlyShown returns those of the members whom the list shows. A list that shows all is not asked about each.
func (s *service) onlyShown(ctx context.Context, l list.List, ids []string) ([]string, error) {
	if _, all := l.Shows(); all {
		return ids, nil
	}
	shown, err := s.shown(l)
	if err != nil {
		return nil, err
	}
	var only []string
	for chunk := range slices.Chunk(ids, profilesAtOnce) {
		profiles, err := s.lists.Profiles(ctx, l.ProjectID, chunk)
		if err != nil {
			return nil, err
		}
		for _, id := range chunk {
			if u, exists := profiles[id]; exists && shown(&u) {
				only = append(only, id)
			}
		}
	}
	return only, nil
}

// listAudienceView is one page of an audience. A page of members has no more recipients than members; what became of
// the others is counted in HeldBack, each under the first reason against it.
type listAudienceView struct {
	Results    []recipientView      `json:"results"`
	HeldBack   map[consent.Code]int `json:"held_back"`
	Members    int                  `json:"members"`
	Status     list.Status          `json:"status"`
	NextCursor *string              `json:"next_cursor"`
	Limit      int                  `json:"limit"`
}

// recipientView is a user to whom the message may be sent. The address is null on a channel that needs none of ours.
type recipientView struct {
	UserID  string  `json:"user_id"`
	Address *string `json:"address"`
}

// merged is why a member is held back who was absorbed by another user. The membership moves to that user in a moment: to
// answer for it here could name one recipient twice.
const merged consent.Code = "merged"

// add counts the answer for a member.
func (v *listAudienceView) add(id string, a user.Answer) {
	switch {
	case a.UserID != "" && a.UserID != id:
		v.HeldBack[merged]++
	case a.Allowed:
		v.Results = append(v.Results, recipientView{UserID: id, Address: filled(a.Address)})
	default:
		v.HeldBack[a.Reasons[0].Code]++
	}
}
