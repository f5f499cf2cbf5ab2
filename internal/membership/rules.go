package membership

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"lunogram-users/internal/change"
	"lunogram-users/internal/list"
	"lunogram-users/internal/rule"
	"lunogram-users/internal/user"
)

// ruleSet is what the lists of a project ask, as they were when they were read.
type ruleSet struct {
	readAt  time.Time // by the clock of the machine, a little before
	lists   map[string]list.List
	dynamic []dynamic
}

// dynamic is a dynamic list in use.
type dynamic struct {
	listID string
	// rules are those of which a member matches one: the newest, and while that one is being filled, the published one too.
	rules []*rule.Rule
}

// readRules reads the lists of a project and parses their rules.
func (e *Engine) readRules(ctx context.Context, projectID string) (*ruleSet, error) {
	set := &ruleSet{readAt: time.Now(), lists: map[string]list.List{}}
	lists, err := e.Store.Lists(ctx, projectID)
	if err != nil {
		return nil, err
	}
	for _, l := range lists {
		set.lists[l.ID] = l
		if l.Kind != list.Dynamic || l.Archived() {
			continue
		}
		rules, err := e.rulesOf(l)
		if err != nil { // the list keeps its members until there is code that can read its rule
			e.Log.ErrorContext(ctx, "a rule cannot be read", "project", projectID, "list", l.ID, "error", err)
			continue
		}
		set.dynamic = append(set.dynamic, dynamic{l.ID, rules})
	}
	return set, nil
}

// same reports whether two readings ask the same of users.
func (s *ruleSet) same(o *ruleSet) bool {
	return maps.EqualFunc(s.lists, o.lists, func(a, b list.List) bool {
		return a.Revision == b.Revision && a.Status == b.Status && a.Archived() == b.Archived()
	})
}

// rulesOf returns the rules of which a member of the list matches one.
func (e *Engine) rulesOf(l list.List) ([]*rule.Rule, error) {
	texts := []string{l.Rule}
	if l.Status == list.Building && l.Published != "" {
		texts = append(texts, l.Published)
	}
	rules := make([]*rule.Rule, len(texts))
	for i, text := range texts {
		var err error
		if rules[i], err = e.rules.parse(text); err != nil {
			return nil, err
		}
	}
	return rules, nil
}

// wants reports whether the user is to be a member. Nobody is not.
func (d dynamic) wants(u *user.User, now time.Time) bool {
	return u != nil && slices.ContainsFunc(d.rules, func(r *rule.Rule) bool { return r.Match(rule.Subject{User: u}, now) })
}

// relative reports whether the list may change its mind of a user with time alone.
func (d dynamic) relative() bool { return slices.ContainsFunc(d.rules, (*rule.Rule).Relative) }

// next returns the earliest whole minute by which one of the rules may have changed its mind of the user, though nothing
// of the user changes; zero if none ever does.
func (s *ruleSet) next(u *user.User, now time.Time) time.Time {
	var next time.Time
	for _, d := range s.dynamic {
		for _, r := range d.rules {
			next = earlier(next, nextOf(r, u, now))
		}
	}
	return next
}

// horizon is how far ahead moments are stored: what comes later is looked up again then. A date like 9999-12-31 fits no key.
const horizon = 400 * 24 * time.Hour

// nextOf is next of one rule.
func nextOf(r *rule.Rule, u *user.User, now time.Time) time.Time {
	if u == nil || !r.Relative() {
		return time.Time{}
	}
	at := r.Next(rule.Subject{User: u}, now)
	if at.IsZero() {
		return at
	}
	return wholeMinute(earlier(at, now.Add(horizon)))
}

// earlier returns the earlier of two moments, of which the zero time is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// wholeMinute returns the first whole minute that is not before t.
func wholeMinute(t time.Time) time.Time {
	return t.Add(time.Minute - time.Nanosecond).Truncate(time.Minute)
}

// concern is what the change of a profile may mean for the user's memberships.
type concern struct {
	settle bool      // anything
	lists  []dynamic // whether the user is a member of these
}

// concern returns what a change of a profile may mean. If the rules want the same of both sides, and no moment comes earlier,
// there is nothing to do: whoever settled the user last did so by the side before, or by one like it, or by one that came
// later and has a record of its own. Of a record that comes again after somebody died over it, and whose sides have become
// alike, the moment that made them so brings somebody, or the work on the rules that did.
func (s *ruleSet) concern(p change.Profile, now time.Time) concern {
	var c concern
	if len(s.lists) == 0 {
		return c
	}
	for _, d := range s.dynamic {
		if d.wants(p.Before, now) != d.wants(p.After, now) {
			c.lists = append(c.lists, d)
			c.settle = c.settle || d.relative()
		}
	}
	before, after := s.next(p.Before, now), s.next(p.After, now)
	c.settle = c.settle || p.Gone() || !earlier(before, after).Equal(before)
	return c
}

// difference returns what is to be written of a user so that the rules have what they want. Static lists keep their
// members for as long as those exist.
func (s *ruleSet) difference(is list.Standing, now time.Time) list.Change {
	c := list.Change{Was: is.Due}
	member := map[string]bool{}
	for _, m := range is.Lists {
		member[m.ListID] = true
		if is.User == nil {
			c.Remove = append(c.Remove, m.ListID)
		}
	}
	for _, d := range s.dynamic {
		switch wanted := d.wants(is.User, now); {
		case wanted && !member[d.listID]:
			c.Add = append(c.Add, list.Membership{ListID: d.listID, At: now})
		case !wanted && member[d.listID] && is.User != nil:
			c.Remove = append(c.Remove, d.listID)
		}
	}
	c.Due = s.moment(is, c, now)
	return c
}

// moment returns what is to be stored as the moment of a user of whom c is to be written, nil to leave it. An earlier one is
// written with c. One that is there, or that a user who is gone has left, goes only once nothing else is to be written: as
// long as it stands, whoever wakes comes back to a user whose membership is half-written, or was written by what is not so
// any more. One that is too early is left alone until it is there, which costs a look in vain: most are moved on again and
// again by changes of the user, and each move would cost a write.
func (s *ruleSet) moment(is list.Standing, c list.Change, now time.Time) *time.Time {
	next := s.next(is.User, now)
	over := is.User == nil || !is.Due.After(now)
	switch {
	case is.Due.Equal(next):
		return nil
	case is.Due.IsZero(), !next.IsZero() && next.Before(is.Due):
		return &next
	case over && len(c.Add) == 0 && len(c.Remove) == 0:
		return &next
	}
	return nil
}

// maxRules is how many parsed rules a process keeps: those of some projects with all the lists they may have.
const maxRules = 2000

// cache keeps parsed rules by their text. The zero value is empty. It is safe for concurrent use.
type cache struct {
	mu     sync.Mutex
	parsed map[string]*rule.Rule
}

// parse is rule.Parse, once.
func (c *cache) parse(text string) (*rule.Rule, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r, ok := c.parsed[text]; ok {
		return r, nil
	}
	r, err := rule.Parse(text)
	if err != nil {
		return nil, err
	}
	if c.parsed == nil || len(c.parsed) >= maxRules {
		c.parsed = make(map[string]*rule.Rule)
	}
	c.parsed[text] = r
	return r, nil
}
