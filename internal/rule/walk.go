package rule

import (
	"time"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/user"
)

// count adds what the subject has at the path to the tally. Texts and times of the profile go by their address: an interface
// that holds a pointer costs no allocation.
func (c *comparison) count(s Subject, t *tally) {
	u := s.User
	switch {
	case c.path.field == fieldJourney:
		c.walk(s.Journey, c.path.steps, t)
	case u == nil:
	case c.path.field == fieldData:
		c.walk(u.Data, c.path.steps, t)
	case c.path.field == fieldIdentifiers:
		c.identifiers(u.Identifiers, t)
	default:
		if v := c.path.of(u); v != nil {
			c.value(v, t)
		}
	}
}

// of returns a field of the profile that is one value; nil if it is not set.
func (p *path) of(u *user.User) any {
	switch p.field {
	case fieldID:
		return set(&u.ID)
	case fieldEmail:
		return set(&u.Email)
	case fieldPhone:
		return set(&u.Phone)
	case fieldTimezone:
		return set(&u.Timezone)
	case fieldLocale:
		return set(&u.Locale)
	case fieldCreatedAt:
		return known(&u.CreatedAt)
	case fieldUpdatedAt:
		return known(&u.UpdatedAt)
	case fieldSubscription:
		return stateOf(u.Subscriptions, p.name)
	}
	return nil
}

func set(s *string) any {
	if *s == "" {
		return nil
	}
	return s
}

func known(t *time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

// stateOf returns the user's own word, or that on all groups, as constants: they cost no allocation.
func stateOf(subscriptions map[string]consent.Subscription, group string) any {
	said, _ := consent.Said(subscriptions, group)
	switch said.State {
	case consent.Subscribed:
		return string(consent.Subscribed)
	case consent.Unsubscribed:
		return string(consent.Unsubscribed)
	}
	return string(consent.NotSet)
}

// identifiers counts the external ids of a source as an array.
func (c *comparison) identifiers(ids []user.Identifier, t *tally) {
	for i := range ids {
		if c.path.name != "" && ids[i].Source != c.path.name {
			continue
		}
		t.no = true
		c.element(&ids[i].ExternalID, t)
	}
}

// walk goes down the steps from a JSON value and counts what is there.
func (c *comparison) walk(v any, steps []pathStep, t *tally) {
	for i := range steps {
		s := &steps[i]
		if s.every {
			list, _ := v.([]any)
			for _, element := range list {
				if !t.spend(1) {
					return
				}
				if c.walk(element, steps[i+1:], t); t.yes && !t.timed {
					return
				}
			}
			return
		}
		ok := false
		if v, ok = s.down(v); !ok {
			return
		}
	}
	c.value(v, t)
}

// down returns the member or element of a JSON value, and whether there is one.
func (s *pathStep) down(v any) (any, bool) {
	if !s.element {
		members, _ := v.(map[string]any)
		v, ok := members[s.key]
		return v, ok
	}
	list, _ := v.([]any)
	if s.index >= len(list) {
		return nil, false
	}
	return list[s.index], true
}

// value counts a JSON value, an array by its elements.
func (c *comparison) value(v any, t *tally) {
	list, ok := v.([]any)
	if !ok || c.op == exists {
		c.scalar(v, c.op, t)
		return
	}
	t.no = true
	for _, element := range list {
		if !t.spend(1) {
			return
		}
		if c.element(element, t); t.yes && !t.timed {
			return
		}
	}
}

// element counts an element of an array. An array contains what one of its elements equals.
func (c *comparison) element(v any, t *tally) {
	op := c.op
	if op == contains {
		op = equal
	}
	c.scalar(v, op, t)
}

// scalar counts a value as it is.
func (c *comparison) scalar(v any, op operator, t *tally) {
	if op == exists {
		t.yes = t.yes || v != nil
		return
	}
	s := read(v, c.dated)
	if !t.spend(c.workOn(op, &s)) {
		return
	}
	if op == in {
		holds, ok := c.choices.test(&s)
		t.yes = t.yes || ok && holds
		t.no = t.no || ok && !holds
		return
	}
	l := &c.values[0]
	holds, ok := s.test(op, l, t.now)
	t.yes = t.yes || ok && holds
	t.no = t.no || ok && !holds
	if t.timed && ok {
		t.time(holds, flip(op, s.date.Add(-l.offset), t.now))
	}
}

// workOn returns how much work a value is, beside being looked at: 4 bytes in which a text is looked for, 16 digits, a date.
func (c *comparison) workOn(op operator, s *scalar) int {
	switch {
	case op == contains:
		return len(s.text) / 4
	case op == starts || op == ends:
		return min(len(s.text), len(c.values[0].text)) / 4
	case s.dated:
		return 1
	}
	return len(s.number.digits) / 16
}
