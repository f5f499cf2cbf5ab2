package user

import (
	"slices"

	"lunogram-users/internal/consent"
)

// Known is what the store holds of the pairs that some rows name, strongly consistent.
type Known struct {
	Owners map[Pair]string // user ids, of the pairs that have an owner
	Users  map[string]User // the owners who are live, by id
	// Absent holds the owners of whom the store has no trace: their creation stopped after it had claimed the pair, or
	// is under way.
	Absent map[string]bool
	// Groups are those of the project, archived ones too. None are needed if Restricts says so.
	Groups []consent.Group
}

// Restricts reports whether one of the rows may merge a user who has left a group.
func (k *Known) Restricts(rows []Row) bool {
	for i := range rows {
		users, _ := k.holders(rows[i].Identifiers)
		if len(users) > 1 && slices.ContainsFunc(users, User.Restricts) {
			return true
		}
	}
	return false
}

// Decide says what each row will do, as if they were applied in order, and notes in known what it makes of the users. It is
// all of a load but reading and writing.
func (l Load) Decide(rows []Row, known *Known, m Mint) []Decision {
	out := make([]Decision, len(rows))
	for i := range rows {
		d := &out[i]
		d.Row = rows[i]
		d.ProjectID = l.ProjectID
		if d.Err = l.decide(d, known, m); d.Err != nil {
			d.Outcome, d.Steps = "", nil
		}
		known.learn(d)
	}
	return out
}

func (l Load) decide(d *Decision, known *Known, m Mint) error {
	users, stale := known.holders(d.Identifiers)
	switch {
	case l.defers(users, d.Identifiers):
		d.Outcome = Deferred
		return nil
	case len(users) == 0:
		l.create(d, known, stale, m)
		return nil
	}
	survivor, absorbed, ok := Survivor(users)
	if !ok {
		return conflict(users)
	}
	d.Stale, d.UserID = stale, survivor.ID
	return l.change(d, survivor, absorbed, known.Groups, m)
}

func conflict(users []User) error {
	e := &ConflictError{}
	for _, u := range users {
		e.UserIDs = append(e.UserIDs, u.ID)
	}
	slices.Sort(e.UserIDs)
	return e
}

// holders returns the users who own the pairs, and the owners who are no users.
func (k *Known) holders(sent []Sent) (users []User, stale []string) {
	for _, s := range sent {
		id, owned := k.Owners[s.Pair]
		switch u, live := k.Users[id]; {
		case !owned || contains(users, id) || slices.Contains(stale, id):
		case live:
			users = append(users, u)
		default:
			stale = append(stale, id)
		}
	}
	return users, stale
}

func contains(users []User, id string) bool {
	return slices.ContainsFunc(users, func(u User) bool { return u.ID == id })
}

// defers reports whether one of the users owns a pair that another row of the file may name.
func (l Load) defers(users []User, sent []Sent) bool {
	if len(l.Deferring) == 0 {
		return false
	}
	for i := range users {
		for j := range users[i].Identifiers {
			pair := users[i].Identifiers[j].Pair
			named := slices.ContainsFunc(sent, func(s Sent) bool { return s.Pair == pair })
			if !named && slices.Contains(l.Deferring, pair.Source) {
				return true
			}
		}
	}
	return false
}

// create decides a row whose pairs nobody owns. What an earlier delivery of the row has claimed for the same user is
// no obstacle; if others have to be cleared away first, the user is another one.
func (l Load) create(d *Decision, known *Known, stale []string, m Mint) {
	if l.Mode == ModeUpdateOnly {
		d.Outcome = Skipped
		return
	}
	id := l.UserID(d.Number)
	own := len(stale) == 1 && stale[0] == id && known.Absent[id]
	if len(stale) > 0 && !own {
		d.Stale, id = stale, m.NewID()
	}
	u := Create(&d.Upsert, id, m)
	u.Mark = Mark{}.next(l.Import, d.Number, Created)
	d.Outcome, d.UserID, d.Steps = Created, id, []Plan{{After: u, Added: u.Identifiers}}
}

// change decides a row of a user who exists.
func (l Load) change(d *Decision, u User, absorbed []User, groups []consent.Group, m Mint) error {
	mark := u.Mark
	for i := range absorbed {
		mark = mark.join(l.Import, absorbed[i].Mark)
	}
	answer, acts := mark.meet(l.Import, d.Number)
	d.Outcome = answer
	switch {
	case !acts:
		return nil
	case l.Mode == ModeCreateOnly:
		d.Outcome = Skipped
		return nil
	case len(absorbed) == 0 && u.owns(d.Identifiers):
		d.Upsert = d.Against(u)
		if d.Redundant() {
			d.Outcome = orElse(answer, Unchanged)
			return nil
		}
	}
	d.Outcome = orElse(answer, Updated)
	if err := d.absorb(u, absorbed, groups, m); err != nil {
		return err
	}
	return d.amend(u, mark.next(l.Import, d.Number, Updated), m)
}

func orElse(o, other Outcome) Outcome {
	if o == "" {
		return other
	}
	return o
}

func (u *User) owns(sent []Sent) bool {
	for _, s := range sent {
		if _, ok := u.Identifier(s.Pair); !ok {
			return false
		}
	}
	return true
}

// absorb lays out a step for each user that is absorbed.
func (d *Decision) absorb(u User, absorbed []User, groups []consent.Group, m Mint) error {
	for i := range absorbed {
		step, err := Absorb(u, absorbed[i], d.Pairs(), groups, m)
		if err != nil {
			return err
		}
		d.Steps = append(d.Steps, step)
		u = step.After
	}
	return nil
}

// amend lays out the step for what the row itself asks, after those that absorb. Only this one is marked, so that a row
// that is cut short goes on where it was.
func (d *Decision) amend(u User, mark Mark, m Mint) error {
	if n := len(d.Steps); n > 0 {
		u = d.Steps[n-1].After
	}
	last, err := Plan{Before: u, After: u}.Amend(&d.Upsert, m)
	if err != nil {
		return err
	}
	last.After.Mark = mark
	d.Steps = append(d.Steps, last)
	return nil
}

// learn notes what a row will have done, for those after it.
func (k *Known) learn(d *Decision) {
	for i := range d.Steps {
		step := &d.Steps[i]
		if step.Absorbed != nil {
			delete(k.Users, step.Absorbed.ID)
		}
		for _, id := range step.Released {
			delete(k.Owners, id.Pair)
		}
		for _, id := range step.Moved {
			k.Owners[id.Pair] = d.UserID
		}
		for _, id := range step.Added {
			k.Owners[id.Pair] = d.UserID
		}
	}
	if n := len(d.Steps); n > 0 {
		k.Users[d.UserID] = d.Steps[n-1].After
	}
}
