package user_test

import (
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/user"
)

const importID = "01a20aad-0000-7000-8000-00000000000a"

// freshMint gives the time of the load's start, and "fresh" for every id.
func freshMint() user.Mint {
	return user.Mint{Now: time.UnixMilli(1_800_000_000_000).UTC(), NewID: func() string { return "fresh" }}
}

func TestMarkIsCompact(t *testing.T) {
	for _, m := range []user.Mark{
		{},
		{Import: importID, First: 1, Last: 1, Outcome: user.Created},
		{Import: importID, First: 7, Last: 9_000_000, Outcome: user.Updated, Undone: true},
	} {
		b, err := m.MarshalBinary()
		if err != nil || len(b) > 30 {
			t.Errorf("%+v: %d bytes, %v", m, len(b), err)
		}
		var got user.Mark
		if err := got.UnmarshalBinary(b); err != nil || got != m {
			t.Errorf("%+v came back as %+v, %v", m, got, err)
		}
		if len(b) > 0 && got.UnmarshalBinary(b[:len(b)-1]) == nil {
			t.Error("a mark that was cut short: no error")
		}
	}
}

func FuzzMark(f *testing.F) {
	f.Add([]byte("0123456789abcdef\x01\x01\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m, again user.Mark
		if m.UnmarshalBinary(b) != nil {
			return
		}
		encoded, err := m.MarshalBinary()
		if err == nil {
			err = again.UnmarshalBinary(encoded)
		}
		if err != nil || m != again {
			t.Errorf("%+v came back as %+v, %v", m, again, err)
		}
	})
}

func TestUserIDOfARow(t *testing.T) {
	load := user.Load{Import: importID, Started: freshMint().Now}
	id := load.UserID(1)
	if id != load.UserID(1) || id == load.UserID(2) || id[14] != '7' || id[:8] != "01a3185c" {
		t.Errorf("user id of row 1: %s, of row 2: %s", id, load.UserID(2))
	}
}

// TestDecide: what one row does to a user of the given mark, and whether it writes.
func TestDecide(t *testing.T) {
	mark := user.Mark{Import: importID, First: 5, Last: 8, Outcome: user.Created}
	undone := mark
	undone.Undone = true
	other := mark
	other.Import = "01a20aad-0000-7000-8000-00000000000b"
	tests := []struct {
		name   string
		mark   user.Mark
		row    int64
		plan   string
		mode   user.Mode
		want   user.Outcome
		writes bool
		after  user.Mark
	}{
		{"no mark, change", user.Mark{}, 3, "pro", "", user.Updated, true, user.Mark{Import: importID, First: 3, Last: 3, Outcome: user.Updated}},
		{"no mark, no change", user.Mark{}, 3, "free", "", user.Unchanged, false, user.Mark{}},
		{"another import", other, 3, "pro", "", user.Updated, true, user.Mark{Import: importID, First: 3, Last: 3, Outcome: user.Updated}},
		{"the first row again", mark, 5, "pro", "", user.Created, false, mark},
		{"the first row again, create only", mark, 5, "pro", user.ModeCreateOnly, user.Created, false, mark},
		{"a row before it", mark, 4, "pro", "", user.Unchanged, false, mark},
		{"a row after it, again", mark, 7, "pro", "", user.Skipped, false, mark},
		{"a new row", mark, 9, "pro", "", user.Skipped, true, user.Mark{Import: importID, First: 5, Last: 9, Outcome: user.Created}},
		{"a new row, no change", mark, 9, "free", "", user.Skipped, false, mark},
		{"a new row, create only", mark, 9, "pro", user.ModeCreateOnly, user.Skipped, false, mark},
		{"a new row after undo", undone, 9, "pro", "", user.Skipped, false, undone},
	}
	pair := user.Pair{Source: "default", ExternalID: "a"}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u := user.User{ID: "u", Identifiers: []user.Identifier{{Pair: pair}}, Data: map[string]any{"plan": "free"}, Mark: tt.mark}
			known := user.Known{Owners: map[user.Pair]string{pair: "u"}, Users: map[string]user.User{"u": u}}
			row := user.Row{Number: tt.row, Upsert: user.Upsert{Identifiers: []user.Sent{{Pair: pair}}, Patch: user.Patch{Data: map[string]any{"plan": tt.plan}}}}
			load := user.Load{Import: importID, Mode: tt.mode}
			d := load.Decide([]user.Row{row}, &known, freshMint())[0]
			if d.Outcome != tt.want || d.Writes() != tt.writes || d.Err != nil {
				t.Errorf("%s, writes %t, %v; want %s, %t", d.Outcome, d.Writes(), d.Err, tt.want, tt.writes)
			}
			if got := known.Users["u"].Mark; got != tt.after {
				t.Errorf("mark %+v, want %+v", got, tt.after)
			}
		})
	}
}

// TestDecideUnowned: rows whose pairs nobody owns, or users who are not there.
func TestDecideUnowned(t *testing.T) {
	load := user.Load{Import: importID, Started: freshMint().Now}
	own := load.UserID(1)
	tests := []struct {
		name   string
		owners map[user.Pair]string
		absent []string
		mode   user.Mode
		want   user.Outcome
		id     string
		stale  []string
	}{
		{"new", nil, nil, "", user.Created, own, nil},
		{"new, update only", nil, nil, user.ModeUpdateOnly, user.Skipped, "", nil},
		{"claimed before", map[user.Pair]string{{ExternalID: "a"}: own}, []string{own}, "", user.Created, own, nil},
		{"claimed before and abandoned", map[user.Pair]string{{ExternalID: "a"}: own}, nil, "", user.Created, "fresh", []string{own}},
		{"claimed by another", map[user.Pair]string{{ExternalID: "b"}: "x"}, []string{"x"}, "", user.Created, "fresh", []string{"x"}},
	}
	for _, tt := range tests {
		known := user.Known{Owners: map[user.Pair]string{}, Users: map[string]user.User{}, Absent: map[string]bool{}}
		maps.Copy(known.Owners, tt.owners)
		for _, id := range tt.absent {
			known.Absent[id] = true
		}
		row := user.Row{Number: 1, Upsert: user.Upsert{Identifiers: []user.Sent{{Pair: user.Pair{ExternalID: "a"}}, {Pair: user.Pair{ExternalID: "b"}}}}}
		l := load
		l.Mode = tt.mode
		d := l.Decide([]user.Row{row}, &known, freshMint())[0]
		if d.Outcome != tt.want || d.UserID != tt.id || !cmp.Equal(d.Stale, tt.stale) {
			t.Errorf("%s: %s of %s, stale %v; want %s of %s, %v", tt.name, d.Outcome, d.UserID, d.Stale, tt.want, tt.id, tt.stale)
		}
	}
}

func TestUndo(t *testing.T) {
	mark := user.Mark{Import: importID, First: 3, Last: 9, Outcome: user.Updated}
	change := func(old any, had bool) []user.Change {
		return []user.Change{{Pointer: "/data/plan", Old: old, Had: had}, {Pointer: "/email", Old: nil}}
	}
	third := user.Before{Row: 3, Version: 4, After: 5, Changes: change("free", true)}
	ninth := user.Before{Row: 9, Version: 5, After: 6, Changes: change("pro", true)}
	tests := []struct {
		name   string
		rows   []user.Before
		remove bool
		reason string
		want   any
	}{
		{"both rows, in any order", []user.Before{ninth, third}, false, "", "free"},
		{"a row that was prepared in vain", []user.Before{{Row: 3, Version: 3, After: 4, Changes: change("old", true)}, third, ninth}, false, "", "free"},
		{"a key that was not there", []user.Before{{Row: 3, Version: 4, After: 5, Changes: change(nil, false)}, ninth}, false, "", nil},
		{"created", []user.Before{{Row: 3, Created: true, After: 5}, ninth}, true, "", nil},
		{"changed since", []user.Before{third}, false, user.KeptChanged, nil},
		{"changed in between", []user.Before{{Row: 3, Version: 3, After: 4}, ninth}, false, user.KeptChanged, nil},
		{"merged", []user.Before{{Row: 3, Version: 3, After: 5, Merged: true}, ninth}, false, user.KeptMerged, nil},
	}
	for _, tt := range tests {
		u := user.User{ID: "u", Version: 6, Email: "new@example.com", Data: map[string]any{"plan": "gold"}, Mark: mark}
		plan, remove, reason := user.Undo(u, importID, tt.rows, freshMint())
		if remove != tt.remove || reason != tt.reason {
			t.Errorf("%s: remove %t, %q; want %t, %q", tt.name, remove, reason, tt.remove, tt.reason)
		}
		if reason == "" && !remove && (plan.After.Data["plan"] != tt.want || plan.After.Email != "" || !plan.After.Mark.Undone || plan.After.Version != 7) {
			t.Errorf("%s: restored %+v", tt.name, plan.After)
		}
		if u.Data["plan"] != "gold" {
			t.Errorf("%s: the argument was modified", tt.name)
		}
	}
}
