package user

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"lunogram-users/internal/consent"
)

// Plan is what one rewrite of a user does: attach new pairs, absorb an anonymous profile, patch.
type Plan struct {
	Before, After User
	// Absorbed is the anonymous profile that merges into the user; nil when none does.
	Absorbed *User
	// Added, Moved and Released are the identifiers whose owner changes: from nobody to the user, from
	// Absorbed to the user, and from the user or Absorbed to nobody.
	Added, Moved, Released []Identifier
	// Filled names what the user lacked and took over from Absorbed: fields and data keys, as pointers.
	Filled []string
	// Consent holds the states that the merge made more restrictive, behind a line that says where the ledger of
	// Absorbed is, if it has one. Its lines are chained to the ledger of Before, and After.Ledger ends with them.
	Consent []consent.Change
}

// Mint makes what a plan needs from outside: the time and fresh identifier ids.
type Mint struct {
	Now   time.Time
	NewID func() string
}

// Survivor picks, of several users that own the sent pairs, the one that the others merge into. That is
// the only one whom somebody has named, or the oldest when all are anonymous. It returns the
// others oldest first, and false when two or more are named: they must not be merged.
func Survivor(users []User) (survivor User, absorbed []User, ok bool) {
	if len(users) == 1 {
		return users[0], nil, true
	}
	users = slices.SortedFunc(slices.Values(users), func(a, b User) int { return cmp.Compare(a.ID, b.ID) })
	at := 0
	named := 0
	for i, u := range users {
		if !u.AnonymousOnly() {
			at = i
			named++
		}
	}
	if named > 1 {
		return User{}, nil, false
	}
	return users[at], slices.Delete(slices.Clone(users), at, at+1), true
}

// Absorb plans the merge of an anonymous profile into the user. Its identifiers move, what the user lacks
// is filled in, the user's own values win, and a group left on either side stays left. The pairs in
// keep are not released. The groups are those of the project, archived ones too; none are needed if Restricts says so.
// It returns an *InvalidError when the identifiers do not fit.
func Absorb(u, absorbed User, keep []Pair, groups []consent.Group, m Mint) (Plan, error) {
	p := Plan{Before: u, After: u, Absorbed: &absorbed, Moved: slices.Clone(absorbed.Identifiers)}
	p.After.Identifiers = slices.Concat(u.Identifiers, absorbed.Identifiers)
	SortIdentifiers(p.After.Identifiers)
	if err := p.release(keep); err != nil {
		return Plan{}, err
	}
	p.fill()
	p.restrict(groups, m)
	p.touch(m.Now)
	return p, nil
}

// Restricts reports whether a merge may make the states of whoever absorbs the user more restrictive.
func (u User) Restricts() bool {
	for _, s := range u.Subscriptions {
		if s.State == consent.Unsubscribed {
			return true
		}
	}
	return false
}

// Amend adds to a plan what the request itself asks: unknown pairs are attached, metadata and the patch
// applied. It returns an *InvalidError when the identifiers do not fit.
func (p Plan) Amend(req *Upsert, m Mint) (Plan, error) {
	p.After.Identifiers = slices.Clone(p.After.Identifiers)
	p.Added, p.Moved, p.Released = slices.Clone(p.Added), slices.Clone(p.Moved), slices.Clone(p.Released)
	for _, sent := range req.Identifiers {
		i := slices.IndexFunc(p.After.Identifiers, func(id Identifier) bool { return id.Pair == sent.Pair })
		if i < 0 {
			added := sent.identifier(m)
			p.Added = append(p.Added, added)
			p.After.Identifiers = append(p.After.Identifiers, added)
			continue
		}
		if len(sent.Metadata) > 0 {
			known := &p.After.Identifiers[i]
			known.Metadata = overlay(known.Metadata, sent.Metadata)
			known.UpdatedAt = m.Now
		}
	}
	if err := p.release(req.Pairs()); err != nil {
		return Plan{}, err
	}
	p.After = req.Patch.Apply(p.After)
	p.touch(m.Now)
	return p, nil
}

// Create returns the user that an upsert of unknown pairs makes.
func Create(req *Upsert, id string, m Mint) User {
	u := User{
		ID: id, ProjectID: req.ProjectID, Data: map[string]any{},
		CreatedAt: m.Now, UpdatedAt: m.Now,
	}
	for _, sent := range req.Identifiers {
		u.Identifiers = append(u.Identifiers, sent.identifier(m))
	}
	return req.Patch.Apply(u)
}

func (s Sent) identifier(m Mint) Identifier {
	return Identifier{ID: m.NewID(), Pair: s.Pair, Metadata: s.Metadata, CreatedAt: m.Now, UpdatedAt: m.Now}
}

// touch makes After the next version of Before.
func (p *Plan) touch(now time.Time) {
	p.After.Version = p.Before.Version + 1
	p.After.UpdatedAt = now
}

// release drops the oldest anonymous identifiers beyond the bounds, sparing those in keep.
func (p *Plan) release(keep []Pair) error {
	ids := p.After.Identifiers
	anonymous := 0
	for _, id := range ids {
		if id.Anonymous() {
			anonymous++
		}
	}
	excess := max(anonymous-MaxAnonymous, len(ids)-MaxIdentifiers)
	kept := make([]Identifier, 0, len(ids))
	for _, id := range ids {
		if excess > 0 && id.Anonymous() && !slices.Contains(keep, id.Pair) {
			p.Released = append(p.Released, id)
			excess--
			continue
		}
		kept = append(kept, id)
	}
	if len(kept) > MaxIdentifiers {
		return Invalid("/identifier", "the user would have more than 50 identifiers")
	}
	p.After.Identifiers = kept
	released := func(id Identifier) bool {
		return slices.ContainsFunc(p.Released, func(r Identifier) bool { return r.Pair == id.Pair })
	}
	p.Moved = slices.DeleteFunc(p.Moved, released)
	return nil
}

// fill takes over from the absorbed profile what the user lacks.
func (p *Plan) fill() {
	field := func(pointer string, to *string, from string) {
		if *to == "" && from != "" {
			*to = from
			p.Filled = append(p.Filled, pointer)
		}
	}
	u, a := &p.After, p.Absorbed
	field("/email", &u.Email, a.Email)
	field("/phone", &u.Phone, a.Phone)
	field("/timezone", &u.Timezone, a.Timezone)
	field("/locale", &u.Locale, a.Locale)
	own := u.Data
	u.Data = overlay(a.Data, own)
	for k := range a.Data {
		if _, ok := own[k]; !ok {
			p.Filled = append(p.Filled, Pointer("/data", k))
		}
	}
	slices.Sort(p.Filled)
}

// restrict carries over every group that the absorbed profile had left. A subscription is not carried
// over: an anonymous visitor cannot consent for the person found later.
func (p *Plan) restrict(in []consent.Group, m Mint) {
	line := func(group string, from, to consent.State) consent.Event {
		return consent.Event{
			ID: m.NewID(), Group: group, From: from, To: to, How: consent.ByMerge, At: m.Now,
			Evidence: consent.Evidence{UserID: p.Absorbed.ID, Absorbed: p.Absorbed.Ledger},
		}
	}
	if p.Absorbed.Ledger.Lines > 0 {
		p.Consent = append(p.Consent, consent.Change{Keep: true, Event: line("", consent.NotSet, consent.NotSet)})
	}
	groups := maps.Clone(p.Before.Subscriptions) // what was left as a whole was left in every group that was joined
	if groups == nil {
		groups = map[string]consent.Subscription{}
	}
	maps.Copy(groups, p.Absorbed.Subscriptions)
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		theirs, said := consent.Said(p.Absorbed.Subscriptions, group)
		own := p.Before.Subscriptions[group]
		from := consent.StateOf(p.Before.Subscriptions, group)
		if !said || !theirs.Stricter(own) {
			continue
		}
		if theirs.Prior != "" {
			theirs.Prior = from // what a START gives back is the survivor's own word
		}
		p.Consent = append(p.Consent, consent.Change{To: &theirs, Event: line(group, from, theirs.State)})
	}
	p.After.Subscriptions = consent.Apply(p.After.Subscriptions, p.Consent)
	p.chain(in)
}

// chain completes the lines of a merge and appends them to the ledger of the survivor. Archived groups get none: a
// transaction has room for the groups in use only, and the line that names the absorbed user covers the rest.
func (p *Plan) chain(in []consent.Group) {
	groups := make(map[string]consent.Group, len(in))
	for _, g := range in {
		groups[g.ID] = g
	}
	p.Consent = slices.DeleteFunc(p.Consent, func(c consent.Change) bool { return groups[c.Event.Group].Archived() })
	for i := range p.Consent {
		p.Consent[i].Event.Channel = groups[p.Consent[i].Event.Group].Channel
	}
	p.After.Ledger = p.After.Ledger.Record(p.Consent)
}

// SortIdentifiers orders identifiers oldest first, in place.
func SortIdentifiers(ids []Identifier) {
	slices.SortFunc(ids, func(a, b Identifier) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
}
