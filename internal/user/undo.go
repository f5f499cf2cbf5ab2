package user

import (
	"maps"
	"slices"
	"strings"
)

// Change is what happened to one value of a profile.
type Change struct {
	// Pointer is an RFC 6901 pointer into the user as the API answers it: /email, /data/plan. Objects that are merged
	// are given whole.
	Pointer string `json:"pointer"`
	// Old is what was there, a JSON value as in User.Data, if Had is set; New is what is there now.
	Old any  `json:"old,omitempty"`
	Had bool `json:"had,omitempty"`
	New any  `json:"new"`
}

// Before is what undo must know of a row: what the user was before it wrote.
type Before struct {
	UserID  string `json:"user_id"`
	Row     int64  `json:"row"`
	Created bool   `json:"created,omitempty"`
	// Merged is set when the row merged another user into this one, which undo does not take apart.
	Merged bool `json:"merged,omitempty"`
	// Released is set when the row released an anonymous identifier, which may be somebody else's by now.
	Released bool `json:"released,omitempty"`
	// Version is the one that the row found, and After the one that it left.
	Version int64 `json:"version"`
	After   int64 `json:"after"`
	// Changes holds the changed contact fields and data keys, but none for a user that was created.
	Changes []Change `json:"changes,omitempty"`
	// Attached holds the pairs that the row attached.
	Attached []Pair `json:"attached,omitempty"`
}

// Changes returns what the steps change, contact fields first and then data, by key. Of a user that is created it is all
// that the row sets. Metadata of identifiers are not among them.
func (d *Decision) Changes() []Change {
	if len(d.Steps) == 0 {
		return nil
	}
	before, after := &d.Steps[0].Before, &d.Steps[len(d.Steps)-1].After
	var out []Change
	for i := range contactFields {
		f := &contactFields[i]
		if old, now := *f.of(before), *f.of(after); old != now {
			out = append(out, Change{Pointer: f.pointer, Old: unlessEmpty(old), Had: old != "", New: now})
		}
	}
	return append(out, dataChanges(before.Data, after.Data)...)
}

// Before returns what undo must know of a row that writes.
func (d *Decision) Before() Before {
	first, last := &d.Steps[0], &d.Steps[len(d.Steps)-1]
	b := Before{
		UserID: d.UserID, Row: d.Number, Created: first.Before.ID == "",
		Version: first.Before.Version, After: last.After.Version,
	}
	if b.Created {
		return b
	}
	b.Changes = d.Changes()
	for i := range d.Steps {
		b.Merged = b.Merged || d.Steps[i].Absorbed != nil
		b.Released = b.Released || len(d.Steps[i].Released) > 0
		for _, id := range d.Steps[i].Added {
			b.Attached = append(b.Attached, id.Pair)
		}
	}
	return b
}

// contactFields are the fields of a user besides data, in the order of the API.
var contactFields = []struct {
	pointer string
	of      func(*User) *string
}{
	{"/email", func(u *User) *string { return &u.Email }},
	{"/phone", func(u *User) *string { return &u.Phone }},
	{"/timezone", func(u *User) *string { return &u.Timezone }},
	{"/locale", func(u *User) *string { return &u.Locale }},
}

func unlessEmpty(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func dataChanges(before, after map[string]any) []Change {
	var out []Change
	for _, k := range slices.Sorted(maps.Keys(changed(after, before))) {
		old, had := before[k]
		out = append(out, Change{Pointer: Pointer("/data", k), Old: old, Had: had, New: after[k]})
	}
	return out
}

// Fate is what undo did with a user that the import wrote.
type Fate string

// The fates.
const (
	FateDeleted  Fate = "deleted"  // the import had created the user, and nobody touched it since
	FateRestored Fate = "restored" // the old values are back
	FateKept     Fate = "kept"     // see UndoResult.Reason
)

// Why undo keeps a user.
const (
	KeptChanged  = "changed since the import"
	KeptMerged   = "merged with another user"
	KeptReleased = "gave up an anonymous identifier"
	KeptGone     = "deleted since the import"
	KeptNever    = "not written by the import"
)

// UndoResult is what undo did with one user. Fate is set when Err is nil; Reason says why a user is kept.
type UndoResult struct {
	UserID string
	Fate   Fate
	Reason string
	Err    error // ErrUnavailable: the same request may be sent again
}

// Undo plans how a user becomes what it was before an import, given what the import's rows wrote down of the user, in any
// order. The plan is of the user as it is stored, restored and marked undone. The reason is "" if there is such a plan
// or if remove is set: the import has created the user, who is to be deleted.
func Undo(u User, importID string, rows []Before, m Mint) (plan Plan, remove bool, reason string) {
	if u.Mark.Import != importID {
		return Plan{}, false, unmarked(u, rows)
	}
	plan = Plan{Before: u, After: u}
	plan.After.Data = maps.Clone(u.Data)
	for version := u.Version; ; {
		b, ok := leading(rows, version)
		switch {
		case !ok:
			return Plan{}, false, KeptChanged
		case b.Merged:
			return Plan{}, false, KeptMerged
		case b.Released:
			return Plan{}, false, KeptReleased
		case b.Created:
			return Plan{}, true, ""
		}
		plan.revert(b)
		version = b.Version
		if b.Row == u.Mark.First {
			break
		}
	}
	plan.After.Mark.Undone = true
	plan.touch(m.Now)
	return plan, false, ""
}

// unmarked says why a user is kept who does not bear the mark of the import.
func unmarked(u User, rows []Before) string {
	if slices.ContainsFunc(rows, func(b Before) bool { return !b.Created && b.Version == u.Version }) {
		return KeptNever
	}
	return KeptChanged
}

// leading returns the row that left the user with the version. Of a row that was prepared several times only the one
// that got through fits.
func leading(rows []Before, version int64) (Before, bool) {
	i := slices.IndexFunc(rows, func(b Before) bool { return b.After == version })
	if i < 0 {
		return Before{}, false
	}
	return rows[i], true
}

// revert takes back one row.
func (p *Plan) revert(b Before) {
	for _, c := range b.Changes {
		if token, ok := strings.CutPrefix(c.Pointer, "/data/"); ok {
			p.revertData(pointerUnescaper.Replace(token), c)
			continue
		}
		for i := range contactFields {
			if contactFields[i].pointer == c.Pointer {
				old, _ := c.Old.(string)
				*contactFields[i].of(&p.After) = old
			}
		}
	}
	p.After.Identifiers = slices.DeleteFunc(slices.Clone(p.After.Identifiers), func(id Identifier) bool {
		attached := slices.Contains(b.Attached, id.Pair)
		if attached {
			p.Released = append(p.Released, id)
		}
		return attached
	})
}

func (p *Plan) revertData(k string, c Change) {
	if c.Had {
		p.After.Data[k] = c.Old
	} else {
		delete(p.After.Data, k)
	}
}

var pointerUnescaper = strings.NewReplacer("~1", "/", "~0", "~")
