package dynamo_test

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"lunogram-users/internal/consent"
)

// ideal is what the store must do, in the simplest words there are: it knows users, what they said, and addresses. It
// shares the states' names with the system, and no rule.
type ideal struct {
	optIn    bool
	channel  map[string]consent.Channel // of each group
	fallback map[string]consent.State   // of each group; "" for the project's
	owner    map[string]*person         // by pair
	stopped  map[string]consent.Inbound // newest STOP or START, by number
	held     map[string]bool            // channel, address and kind
	left     map[string]map[string]bool // channel and address, then group
	leftAt   map[string]time.Time
}

// person is a user of the ideal.
type person struct {
	id           string
	anonymous    bool
	email, phone string
	subs         map[string]consent.Subscription
	seen         map[string]bool // messages that are in the ledger
	lines        []string        // of the ledger, and of those of the absorbed
	own          int             // lines of the person's own
}

func (m *ideal) said(p *person, group string) (consent.Subscription, bool) {
	if s, ok := p.subs[group]; ok {
		return s, true
	}
	s, ok := p.subs["*"]
	return s, ok
}

func state(s consent.Subscription) consent.State { return cmp.Or(s.State, consent.NotSet) }

func (p *person) note(how consent.How, group string, from, to consent.State) {
	p.lines = append(p.lines, string(how)+" "+group+" "+string(from)+">"+string(to))
	p.own++
}

func (m *ideal) set(p *person, group string, to consent.State, how consent.How, now time.Time) {
	groups := []string{group}
	if group == "*" {
		groups = append(groups, slices.Collect(maps.Keys(m.channel))...)
	}
	for _, g := range groups {
		p.note(how, g, state(p.subs[g]), to)
		if delete(p.subs, g); to != consent.NotSet {
			p.subs[g] = consent.Subscription{State: to, How: how, At: now}
		}
	}
}

func (m *ideal) inbound(phone string, in consent.Inbound) {
	newest := m.stopped[phone]
	late := in.At.Before(newest.At) || in.At.Equal(newest.At) && in.Verdict == consent.Start
	if newest.MessageID == "" || newest.MessageID == in.MessageID {
		late = false
	}
	if !late {
		m.stopped[phone] = in
	}
	for _, p := range m.people() {
		if p.phone != phone || p.seen[in.MessageID] {
			continue
		}
		p.seen[in.MessageID] = true
		for g, c := range m.channel {
			if c != consent.SMS {
				continue
			}
			old, set := p.subs[g]
			switch byStop := old.State == consent.Unsubscribed && old.How == consent.ByInboundSMS; {
			case late || set && old.At.After(in.At):
			case in.Verdict == consent.Stop && old.State != consent.Unsubscribed:
				p.subs[g] = consent.Subscription{State: consent.Unsubscribed, How: consent.ByInboundSMS, At: in.At, Prior: state(old)}
			case in.Verdict == consent.Start && byStop && old.Prior == consent.NotSet:
				delete(p.subs, g)
			case in.Verdict == consent.Start && byStop && old.Prior == consent.Subscribed:
				p.subs[g] = consent.Subscription{State: consent.Subscribed, How: consent.ByInboundSMS, At: in.At}
			}
			p.note(consent.ByInboundSMS, g, state(old), state(p.subs[g]))
		}
	}
}

// people returns the users, each once.
func (m *ideal) people() []*person {
	return slices.Compact(slices.SortedFunc(maps.Values(m.owner), func(a, b *person) int { return cmp.Compare(a.id, b.id) }))
}

func (m *ideal) merge(p, absorbed *person) {
	before := maps.Clone(p.subs)
	if absorbed.own > 0 {
		p.note(consent.ByMerge, "", consent.NotSet, consent.NotSet)
	}
	groups := maps.Clone(before)
	maps.Copy(groups, absorbed.subs)
	for g := range groups {
		theirs, ok := m.said(absorbed, g)
		own := before[g]
		lifted := theirs.Prior != "" // by a START
		if !ok || theirs.State != consent.Unsubscribed || own.State == consent.Unsubscribed && (lifted || own.Prior == "") {
			continue
		}
		if lifted {
			theirs.Prior = state(own)
		}
		p.subs[g] = theirs
		p.note(consent.ByMerge, g, state(own), consent.Unsubscribed)
	}
	p.email, p.phone = cmp.Or(p.email, absorbed.email), cmp.Or(p.phone, absorbed.phone)
	p.lines = append(p.lines, absorbed.lines...)
	for pair, o := range m.owner {
		if o == absorbed {
			m.owner[pair] = p
		}
	}
}

func (m *ideal) erase(p *person, now time.Time) {
	leave := func(address, group string) {
		if m.left[address] == nil {
			m.left[address] = map[string]bool{}
		}
		m.left[address][group], m.leftAt[address] = true, now
	}
	for g, c := range m.channel {
		said, _ := m.said(p, g)
		stopped := said.Prior != "" && c == consent.SMS && m.stopped[p.phone].Verdict == consent.Stop
		if address := p.address(c); said.State == consent.Unsubscribed && address != "" && !stopped {
			leave(address, g)
		}
	}
	if p.subs["*"].State == consent.Unsubscribed {
		for _, address := range []string{p.email, p.phone} {
			if address != "" {
				leave(address, "*")
			}
		}
	}
	maps.DeleteFunc(m.owner, func(_ string, o *person) bool { return o == p })
}

// address returns the address on a channel: one of the two that the model has.
func (p *person) address(c consent.Channel) string {
	if c == consent.SMS {
		return p.phone
	}
	return p.email
}

// may says whether a message of the group may be sent; of "" whether a transactional e-mail may.
func (m *ideal) may(p *person, group string) bool {
	c := cmp.Or(m.channel[group], consent.Email)
	address := p.address(c)
	for key, held := range m.held {
		kind, where := cutLast(key)
		hit := where == string(c)+address || where == "*"+p.email || where == "*"+p.phone
		if held && hit && (group != "" || kind == string(consent.Complaint)) {
			return false
		}
	}
	if address == "" || group == "" {
		return address != ""
	}
	said, ok := m.said(p, group)
	back := said.State == consent.Subscribed && said.How == consent.ByPage && said.At.After(m.leftAt[address])
	switch {
	case c == consent.SMS && m.stopped[p.phone].Verdict == consent.Stop:
		return false
	case (m.left[address][group] || m.left[address]["*"]) && !back:
		return false
	case ok:
		return said.State == consent.Subscribed
	case m.fallback[group] != "":
		return m.fallback[group] == consent.Subscribed
	}
	return !m.optIn
}

// cutLast takes the last word off a text.
func cutLast(s string) (last, before string) {
	i := len(s) - 1
	for s[i] != ' ' {
		i--
	}
	return s[i+1:], s[:i]
}
