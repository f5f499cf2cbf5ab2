package list_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/list"
)

var (
	before = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	now    = before.Add(time.Hour)
)

func static() list.List {
	return list.List{ID: "s", ProjectID: "p", Kind: list.Static, Name: "VIPs", Status: list.Ready, CreatedAt: before, UpdatedAt: before}
}

// dynamic returns a list whose second rule is published.
func dynamic() list.List {
	return list.List{
		ID: "d", ProjectID: "p", Kind: list.Dynamic, Name: "Premium", Description: "Who pays", Rule: "b", Revision: 2, Published: "b",
		Status: list.Ready, Count: &list.Count{Members: 7, At: before}, CreatedAt: before, UpdatedAt: before,
	}
}

func TestPatch(t *testing.T) {
	changed := func(l list.List, change func(*list.List)) list.List {
		change(&l)
		return l
	}
	gone := changed(static(), func(l *list.List) { l.Archive(before) })
	tests := []struct {
		name  string
		list  list.List
		patch list.Patch
		want  list.List
		err   error
	}{
		{"nothing", dynamic(), list.Patch{}, dynamic(), nil},
		{"what it has", dynamic(), list.Patch{Name: new("Premium"), Description: new("Who pays"), Rule: new("b")}, dynamic(), nil},
		{"a name", static(), list.Patch{Name: new("Best"), Description: new("x")},
			changed(static(), func(l *list.List) { l.Name, l.Description, l.UpdatedAt = "Best", "x", now }), nil},
		{"a rule", dynamic(), list.Patch{Rule: new("c")},
			changed(dynamic(), func(l *list.List) { l.Rule, l.Revision, l.Status, l.UpdatedAt = "c", 3, list.Building, now }), nil},
		{"the rule of a static list", static(), list.Patch{Name: new("x"), Rule: new("c")}, static(), list.ErrKind},
		{"an archived list", gone, list.Patch{Name: new("x")}, gone, list.ErrArchived},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.list
			if err := tt.patch.Apply(&got, now); !errors.Is(err, tt.err) {
				t.Errorf("got error %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("list (-want +got):\n%s", diff)
			}
		})
	}
}

func TestArchiveTwice(t *testing.T) {
	l := static()
	l.Archive(before)
	l.Archive(now)
	if !l.ArchivedAt.Equal(before) || !l.Archived() {
		t.Errorf("archived at %v, want %v", l.ArchivedAt, before)
	}
}

func TestCheckPatch(t *testing.T) {
	long := strings.Repeat("x", 1001)
	tests := []struct {
		in   list.Patch
		want []string // fields
	}{
		{list.Patch{}, nil},
		{list.Patch{Name: new("x"), Description: new("")}, nil},
		{list.Patch{Name: new("")}, []string{"name"}},
		{list.Patch{Name: &long, Description: &long}, []string{"name", "description"}},
	}
	for _, tt := range tests {
		var got []string
		for _, f := range tt.in.Check() {
			got = append(got, f.Field)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%+v: faults (-want +got):\n%s", tt.in, diff)
		}
	}
}

func TestDuplicate(t *testing.T) {
	got, err := dynamic().Duplicate("n", "New", now)
	want := list.List{
		ID: "n", ProjectID: "p", Kind: list.Dynamic, Name: "New", Description: "Who pays", Rule: "b", Revision: 1,
		Status: list.Building, CreatedAt: now, UpdatedAt: now,
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("dynamic: error %v (-want +got):\n%s", err, diff)
	}
	got, err = static().Duplicate("n", "New", now)
	want = list.List{
		ID: "n", ProjectID: "p", Kind: list.Static, Name: "New", CopyOf: "s", Status: list.Copying, CreatedAt: now, UpdatedAt: now,
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("static: error %v (-want +got):\n%s", err, diff)
	}
	if _, err := got.Duplicate("m", "Newer", now); !errors.Is(err, list.ErrNotReady) {
		t.Errorf("a list that is being copied: got error %v, want %v", err, list.ErrNotReady)
	}
}

func TestCopyName(t *testing.T) {
	all := []list.List{{Name: "copy of vips"}, {Name: "Copy of VIPs 3"}, {Name: "Copy of old", ArchivedAt: before}}
	long := strings.Repeat("ä", 255)
	for name, want := range map[string]string{
		"VIPs": "Copy of VIPs 2", "old": "Copy of old", long: "Copy of " + strings.Repeat("ä", 247),
	} {
		if got := list.CopyName(name, all); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	all = []list.List{{Name: "Copy of " + strings.Repeat("ä", 247)}}
	if got, want := list.CopyName(long, all), "Copy of "+strings.Repeat("ä", 245)+" 2"; got != want {
		t.Errorf("a second copy of a long name: got %q, want %q", got, want)
	}
}

func TestShows(t *testing.T) {
	tests := []struct {
		name string
		list list.List
		rule string
		all  bool
	}{
		{"ready", dynamic(), "", true},
		{"static", static(), "", true},
		{"copying", list.List{Kind: list.Static, Status: list.Copying}, "", true},
		{"new", list.List{Kind: list.Dynamic, Rule: "a", Status: list.Building}, "", false},
		{"building", list.List{Kind: list.Dynamic, Rule: "b", Published: "a", Status: list.Building}, "a", false},
		{"pruning", list.List{Kind: list.Dynamic, Rule: "b", Published: "b", Status: list.Pruning}, "b", false},
	}
	for _, tt := range tests {
		if rule, all := tt.list.Shows(); rule != tt.rule || all != tt.all {
			t.Errorf("%s: got %q, %t, want %q, %t", tt.name, rule, all, tt.rule, tt.all)
		}
	}
}
