package dynamo

import (
	"context"
	"errors"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// Audience answers of each of the named users, in order, whether the message may be sent: a call and half a read unit for
// each 100 and each one of up to 4 KB, a call for project and group, for the filter, for the recent refusals, and
// for each 100 of those users who are suppressed or have refused in the last minutes.
//
// Profiles are read eventually consistent: an address or a subscription of this very second may be missed, which denies.
// A refusal, a merge or an erasure that was answered before the call is never missed (see tx.note), nor is a
// suppression (see filter). It returns consent.ErrNoGroup.
func (s *Store) Audience(ctx context.Context, q user.Audience) ([]user.Answer, error) {
	a := audience{store: s, Audience: q}
	if err := a.message(ctx); err != nil {
		return nil, err
	}
	if a.filtered {
		var err error
		if a.known, err = s.filter(ctx, q.ProjectID); err != nil {
			return nil, err
		}
	}
	all := seatsOf(q.Names)
	if err := a.decide(ctx, all, false); err != nil {
		return nil, err
	}
	recent, err := s.recent(ctx, q.ProjectID)
	if err != nil {
		return nil, err
	}
	// Who is allowed by a profile that may be old is looked at again.
	var doubtful []*seat
	for _, st := range all {
		if st.decision.Allowed && recent[st.profile.ID] {
			doubtful = append(doubtful, st)
		}
	}
	if err := a.decide(ctx, doubtful, true); err != nil {
		return nil, err
	}
	answers := make([]user.Answer, len(all))
	for i, st := range all {
		answers[i] = a.answer(st)
	}
	return answers, nil
}

// MaySend is Audience for one user, read strongly consistent, in one call for project and group, one for the profile and
// one for its suppressions: for one user the filter would cost more. It returns user.ErrNotFound when there is no such user.
func (s *Store) MaySend(ctx context.Context, q user.Audience) (user.Answer, error) {
	a := audience{store: s, Audience: q}
	if err := a.message(ctx); err != nil {
		return user.Answer{}, err
	}
	st := &seat{name: q.Names[0]}
	if err := a.decide(ctx, []*seat{st}, true); err != nil {
		return user.Answer{}, err
	}
	if st.profile.ID == "" {
		return user.Answer{}, user.ErrNotFound
	}
	return a.answer(st), nil
}

// audience is one question on its way.
type audience struct {
	user.Audience
	store *Store
	proj  project.Project
	what  consent.Message
	known filter // nil where every suppression is read
	// filtered says that the filter of the project misses no address.
	filtered bool
}

func (a *audience) answer(st *seat) user.Answer {
	answer := user.Answer{UserID: st.profile.ID, Decision: st.decision}
	if answer.Allowed {
		answer.Address = st.profile.address(a.what.Channel)
	}
	return answer
}

// message reads project and group, in one call.
func (a *audience) message(ctx context.Context) error {
	a.what.Channel = a.Channel
	keys := []key{projectKey(a.ProjectID)}
	if a.Group != "" {
		keys = append(keys, groupKey(a.ProjectID, a.Group))
	}
	err := a.store.batchGet(ctx, keys, "get project and group", func(av item) error {
		k, err := decode[key](av)
		if err == nil && k.SK == skProject {
			p, err := decode[projectItem](av)
			a.proj, a.filtered = p.project(), p.Filtered
			return err
		}
		g, groupErr := decode[groupItem](av)
		a.what.Group = new(g.group(a.ProjectID))
		return errors.Join(err, groupErr)
	})
	switch {
	case err != nil:
		return err
	case a.proj.ID == "":
		return user.ErrNotFound
	case a.Group != "" && a.what.Group == nil:
		return consent.ErrNoGroup
	}
	a.what.OptIn = a.proj.Settings.RequireOptIn
	if a.what.Channel == "" && a.what.Group != nil {
		a.what.Channel = a.what.Group.Channel
	}
	return nil
}

// decide reads the users in the seats and decides.
func (a *audience) decide(ctx context.Context, seats []*seat, consistent bool) error {
	for _, st := range seats {
		st.owner, st.profile = st.name.ID, profileItem{}
	}
	if err := a.store.seat(ctx, a.ProjectID, seats, consistent, new(seatAttributes)); err != nil {
		return err
	}
	var doubtful []place
	for _, st := range seats {
		for _, pl := range st.profile.places(a.proj) {
			concerns := pl.channel == a.what.Channel || pl.channel == consent.AnyChannel
			if concerns && a.known.mayHold(pl.hash) {
				doubtful = append(doubtful, pl)
			}
		}
	}
	found, err := a.store.suppressions(ctx, a.ProjectID, doubtful)
	if err != nil {
		return err
	}
	for _, st := range seats {
		st.decision = st.profile.decide(a.proj, a.what, found)
	}
	return nil
}

// decide answers for a profile, the zero profile standing for nobody.
func (p profileItem) decide(proj project.Project, m consent.Message, found map[place]consent.Suppression) consent.Decision {
	if !p.live() {
		return consent.Deny(consent.Reason{Code: consent.NoUser})
	}
	return consent.MaySend(m, consent.Recipient{
		Address:       p.reachable(m.Channel),
		Subscriptions: p.user(proj.ID).Subscriptions,
		Suppressions:  p.concerning(proj, m.Channel, found),
	})
}
