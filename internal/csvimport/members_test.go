package csvimport_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"lunogram-users/internal/csvimport"
	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/list"
	"lunogram-users/internal/user"
)

// list creates a list in use and returns its id.
func (r *rig) list(t testing.TB, kind list.Kind) string {
	t.Helper()
	l := list.List{ID: uuid.Must(uuid.NewV7()).String(), ProjectID: r.project.ID, Name: "VIP", Kind: kind, Status: list.Ready}
	if err := dynamotest.CreateList(t.Context(), r.store, l); err != nil {
		t.Fatal(err)
	}
	return l.ID
}

// archive takes a list out of use.
func (r *rig) archive(t testing.TB, listID string) {
	t.Helper()
	_, err := r.store.ChangeList(t.Context(), r.project.ID, listID, func(l *list.List) error {
		l.ArchivedAt = time.Now()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// members returns the external ids of the source default of the members of a list, in order.
func (r *rig) members(t testing.TB, listID string) []string {
	t.Helper()
	var out []string
	for after := ""; ; {
		page, err := r.store.Members(t.Context(), r.project.ID, listID, after, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page.Users {
			i := slices.IndexFunc(u.Identifiers, func(id user.Identifier) bool { return id.Source == user.DefaultSource })
			if i < 0 {
				out = append(out, fmt.Sprint(u.Identifiers[0].Pair))
			} else {
				out = append(out, u.Identifiers[i].ExternalID)
			}
		}
		if after = page.Next; after == "" {
			slices.Sort(out)
			return out
		}
	}
}

// The users of created, updated and unchanged rows become members, each once. An undo takes back those, and no other.
func TestImportIntoList(t *testing.T) {
	r := newRig(t)
	id := r.list(t, list.Static)
	r.run(t, "before.csv", "identifier,plan\nold,free\nsame,pro\nhere,pro\nother,pro\n")
	add := func(name string) {
		t.Helper()
		names := []user.Name{{Pair: user.Pair{Source: user.DefaultSource, ExternalID: name}}}
		if _, err := r.store.AddMembers(t.Context(), r.project.ID, id, names); err != nil {
			t.Fatal(err)
		}
	}
	add("here")
	const in = "identifier,identifier:crm,email,plan\nold,,,pro\nsame,,,pro\nhere,,,pro\nnew,,,pro\nbad,,nobody,\n,,,\n" +
		"twice,,,a\ntwice,,,b\ntail,,,a\ntail,c1,,b\n,c1,,c\nlater,,,pro\n"
	got := r.create(t, in, csvimport.Options{ListID: id})
	want := []string{"here", "later", "new", "old", "same", "tail", "twice"}
	if diff := cmp.Diff(want, r.members(t, id)); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	if !got.Tail || got.Failed != 1 || got.Unchanged != 2 {
		t.Errorf("the file is too simple: %+v", got)
	}
	add("later")
	if _, err := r.service.Undo(t.Context(), r.project.ID, got.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := r.store.Patch(t.Context(), r.project.ID, r.user(t, "old").ID, user.Patch{Locale: new("fr")}, nil); err != nil {
		t.Fatal(err) // changed since, so the undo keeps the profile
	}
	if _, err := r.store.Patch(t.Context(), r.project.ID, r.user(t, "later").ID, user.Patch{Locale: new("fr")}, nil); err != nil {
		t.Fatal(err)
	}
	r.work(t)
	if undo := r.record(t, got.ID).Undo; undo.Status != csvimport.Completed || undo.Kept != 2 {
		t.Errorf("undo %+v, want 2 kept", undo)
	}
	if diff := cmp.Diff([]string{"here", "later"}, r.members(t, id)); diff != "" {
		t.Errorf("members after the undo (-want +got):\n%s", diff)
	}
}

// An import that only makes members can be taken back too, unless it keeps nothing for that.
func TestUndoOfMembersAlone(t *testing.T) {
	r := newRig(t)
	id := r.list(t, list.Static)
	r.run(t, "before.csv", numbered(700))
	got := r.create(t, numbered(700), csvimport.Options{ListID: id})
	if n := len(r.members(t, id)); n != 700 || got.Unchanged != 700 {
		t.Fatalf("%d members of %+v, want 700", n, got.Counters)
	}
	r.undoKilled(t, got.ID)
	if left := r.members(t, id); len(left) > 0 {
		t.Errorf("%d members left", len(left))
	}
	got = r.create(t, numbered(700), csvimport.Options{ListID: id, NoUndo: true})
	if _, err := r.service.Undo(t.Context(), r.project.ID, got.ID); !errors.Is(err, csvimport.ErrNoUndo) {
		t.Errorf("undo: %v, want ErrNoUndo", err)
	}
}

// TestDryRunIntoList: a dry run adds nobody and foresees what the import then costs.
func TestDryRunIntoList(t *testing.T) {
	r := newRig(t)
	id := r.list(t, list.Static)
	r.run(t, "before.csv", numbered(100))
	r.create(t, numbered(50), csvimport.Options{ListID: id})
	foreseen := r.create(t, numbered(600), csvimport.Options{ListID: id, DryRun: true})
	if n := len(r.members(t, id)); n != 50 {
		t.Errorf("%d members, want the 50 of before", n)
	}
	plain := r.create(t, numbered(600), csvimport.Options{DryRun: true})
	want := plain.Cost.Plus(csvimport.Cost{ReadUnits: 600.0/2 + 550, WriteUnits: 2 * 550})
	if foreseen.Cost != want {
		t.Errorf("foreseen %+v, want %+v", foreseen.Cost, want)
	}
	var m dynamotest.Meter
	r.Store = dynamotest.New(t, m.Option())
	got := r.create(t, numbered(600), csvimport.Options{ListID: id})
	if got.Cost != foreseen.Cost {
		t.Errorf("cost %+v, foreseen %+v", got.Cost, foreseen.Cost)
	}
	if used := m.Take(); used.Read != got.Cost.ReadUnits || used.Write != got.Cost.WriteUnits {
		t.Errorf("used %+v, told %+v", used, got.Cost)
	}
}

// Killed anywhere, with everything delivered twice, an import loses no member, and its undo leaves none.
func TestKilledIntoList(t *testing.T) {
	in := motley(600)
	quiet := newRig(t)
	quietList := quiet.list(t, list.Static)
	want := quiet.create(t, in, csvimport.Options{ListID: quietList})

	r := newRig(t)
	r.ChunkBytes, r.MaxDeliveries = 8<<10, 100
	id := r.list(t, list.Static)
	record, _, err := r.service.Create(t.Context(), r.project.ID, "people.csv", csvimport.Options{ListID: id})
	if err != nil {
		t.Fatal(err)
	}
	event, _ := r.putKey(t, record.Key, in)
	r.hail(t, event, 15)
	if got := r.record(t, record.ID); got.Status != csvimport.Completed || got.Counters != want.Counters {
		t.Errorf("got %q, %+v, want %+v", got.Status, got.Counters, want.Counters)
	}
	if diff := cmp.Diff(quiet.members(t, quietList), r.members(t, id)); diff != "" {
		t.Errorf("members (-quiet +killed):\n%.2000s", diff)
	}
	if n := len(r.members(t, id)); n != r.users(t) || n < 400 {
		t.Errorf("%d of %d users are members", n, r.users(t))
	}
	r.undoKilled(t, record.ID)
	if left := r.members(t, id); len(left) > 0 {
		t.Errorf("%d members left after the undo", len(left))
	}
}

// Of a list that is archived while an import into it is under way, the members stay as they were.
func TestImportIntoArchivedList(t *testing.T) {
	r := newRig(t)
	id := r.list(t, list.Static)
	record, _, err := r.service.Create(t.Context(), r.project.ID, "people.csv", csvimport.Options{ListID: id})
	if err != nil {
		t.Fatal(err)
	}
	r.archive(t, id)
	event, _ := r.putKey(t, record.Key, numbered(10))
	if err := r.HandleUploads(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	r.work(t)
	got := r.record(t, record.ID)
	if got.Created != 10 || len(r.members(t, id)) > 0 || !strings.Contains(strings.Join(got.Notes, " "), "archived") {
		t.Errorf("got %+v with notes %q and members %v, want 10 users, none of them a member", got.Counters, got.Notes, r.members(t, id))
	}
}

func TestListsThatTakeNoImport(t *testing.T) {
	r := newRig(t)
	archived := r.list(t, list.Static)
	r.archive(t, archived)
	other := newRig(t)
	for _, tt := range []struct {
		name, list string
		want       error
	}{
		{"dynamic", r.list(t, list.Dynamic), list.ErrKind},
		{"archived", archived, list.ErrArchived},
		{"of another project", other.list(t, list.Static), list.ErrNotFound},
	} {
		if _, _, err := r.service.Create(t.Context(), r.project.ID, "people.csv", csvimport.Options{ListID: tt.list}); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}
