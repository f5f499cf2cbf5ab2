package api

import (
	"context"
	"errors"
	"net/http"
	"unicode/utf8"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/user"
)

// addressRequest names an address on a channel, or on all.
type addressRequest struct {
	projectID string
	channel   consent.Channel
	address   string // canonical
}

// suppressionRequest asks to suppress an address, or to lift that.
type suppressionRequest struct {
	addressRequest
	change consent.SuppressionChange
}

// Characters that the texts of a suppression may have.
const (
	maxSource = 255
	maxReason = 1000
)

// decodeSuppression reads a new suppression; its source and the moment since when it holds may be left out.
func decodeSuppression(r *http.Request) (suppressionRequest, error) { return readSuppression(r, false) }

// decodeLift reads the end of a suppression, for which a reason must be stated.
func decodeLift(r *http.Request) (suppressionRequest, error) { return readSuppression(r, true) }

func readSuppression(r *http.Request, lift bool) (suppressionRequest, error) {
	b := &badRequest{}
	o, err := decodeBody(r, b)
	if err != nil {
		return suppressionRequest{}, err
	}
	in := suppressionRequest{change: consent.SuppressionChange{Lift: lift, Evidence: evidence(r.Context())}}
	in.projectID, in.channel = projectOf(r.Context()), consent.Channel(o.textOr("channel", ""))
	var faults map[string]string
	in.address, faults = parseAddress(in.channel, o.textOr("address", ""))
	h := &in.change.Hold
	h.Kind, h.Source, h.Reason = consent.Kind(o.textOr("kind", "")), o.textOr("source", "api"), o.textOr("reason", "")
	switch {
	case lift && !h.Kind.Valid():
		b.body("/kind", "must be complaint, legal, bounce, manual or stop")
	case !lift && h.Kind == consent.Stopped:
		b.body("/kind", "must be complaint, legal, bounce or manual; stop is what a recipient says")
	case !lift && !h.Kind.Valid():
		b.body("/kind", "must be complaint, legal, bounce or manual")
	}
	if h.Reason == "" && lift {
		b.body("/reason", "must be stated")
	}
	if utf8.RuneCountInString(h.Reason) > maxReason {
		b.body("/reason", "must have at most 1,000 characters")
	}
	if utf8.RuneCountInString(h.Source) > maxSource {
		b.body("/source", "must have at most 255 characters")
	}
	for name, detail := range faults {
		b.body("/"+name, detail)
	}
	return in, b.err()
}

// decodeAddress reads the channel and the address of a look-up.
func decodeAddress(r *http.Request) (addressRequest, error) {
	p, err := readQuery(r)
	if err != nil {
		return addressRequest{}, err
	}
	in := addressRequest{projectID: projectOf(r.Context()), channel: consent.Channel(p.text("channel"))}
	var faults map[string]string
	in.address, faults = parseAddress(in.channel, plus(p.text("address")))
	for name, detail := range faults {
		p.bad.query(name, detail)
	}
	return in, p.bad.err()
}

// parseAddress returns the canonical form of an address of the channel, and what is wrong by the name of the field.
func parseAddress(c consent.Channel, s string) (string, map[string]string) {
	email, emailErr := user.ParseEmail(s)
	phone, phoneErr := user.ParsePhone(s)
	address, err := email, emailErr
	switch c {
	case consent.Email:
	case consent.SMS:
		address, err = phone, phoneErr
	case consent.AnyChannel:
		if phoneErr == nil {
			address, err = phone, nil
		} else if emailErr != nil {
			err = errors.New("must be an e-mail address or a number in E.164 form")
		}
	default:
		return "", map[string]string{"channel": "must be email, sms or *"}
	}
	if err != nil {
		return "", map[string]string{"address": err.Error()}
	}
	return address, nil
}

// suppression reads what is known of an address: on the channel and, as that holds there too, on all channels.
func (s *service) suppression(ctx context.Context, in addressRequest) (suppressionView, error) {
	everywhere, err := s.everywhere(ctx, in)
	if err != nil {
		return suppressionView{}, err
	}
	known, events, err := s.consent.Suppression(ctx, in.projectID, in.channel, in.address)
	v := suppressionView{holdsView: viewHolds(known, everywhere...), Ledger: []lineView{}}
	for _, e := range events {
		v.Ledger = append(v.Ledger, viewLine(e))
	}
	return v, err
}

// suppress suppresses an address, or lifts that.
func (s *service) suppress(ctx context.Context, in suppressionRequest) (holdsView, error) {
	everywhere, err := s.everywhere(ctx, in.addressRequest) // first: no failure may follow a change that was made
	if err != nil {
		return holdsView{}, err
	}
	known, err := s.consent.ChangeSuppression(ctx, in.projectID, in.channel, in.address, in.change)
	return viewHolds(known, everywhere...), err
}

// everywhere returns what is known of the address on all channels; nothing if that is what the request asks about.
func (s *service) everywhere(ctx context.Context, in addressRequest) ([]consent.Suppression, error) {
	if in.channel == consent.AnyChannel {
		return nil, nil
	}
	known, _, err := s.consent.Suppression(ctx, in.projectID, consent.AnyChannel, in.address)
	return []consent.Suppression{known}, err
}

// holdsView is whether and why an address is suppressed on a channel, by what holds there or on all channels. The address itself is not stored, and not repeated.
type holdsView struct {
	Channel    consent.Channel `json:"channel"`
	Suppressed bool            `json:"suppressed"`
	Holds      []holdView      `json:"holds"`
	// LeftSubscriptionIDs are the groups that an erased user of the address had left; * is all of them.
	LeftSubscriptionIDs []string `json:"left_subscription_ids"`
}

type holdView struct {
	Channel consent.Channel `json:"channel"` // where it was set: that of the request, or *
	Kind    consent.Kind    `json:"kind"`
	Source  string          `json:"source"`
	Reason  string          `json:"reason"`
	Since   moment          `json:"since"`
}

// suppressionView adds the ledger of the address on the channel of the request, oldest first.
type suppressionView struct {
	holdsView
	Ledger []lineView `json:"ledger"`
}

// viewHolds shows what is known of an address on a channel, and after it what is on all of them.
func viewHolds(s consent.Suppression, everywhere ...consent.Suppression) holdsView {
	v := holdsView{Channel: s.Channel, Holds: []holdView{}, LeftSubscriptionIDs: []string{}}
	for _, s := range append([]consent.Suppression{s}, everywhere...) {
		v.LeftSubscriptionIDs = append(v.LeftSubscriptionIDs, s.Groups...)
		for _, h := range s.Holds() {
			v.Holds = append(v.Holds, holdView{s.Channel, h.Kind, h.Source, h.Reason, moment(h.Since)})
		}
	}
	v.Suppressed = len(v.Holds) > 0
	return v
}
