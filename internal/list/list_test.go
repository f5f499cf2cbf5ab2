package list_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/list"
)

func TestCheck(t *testing.T) {
	tests := []struct {
		name string
		in   list.List
		want []string // fields
	}{
		{"valid", list.List{Name: "VIP", Description: "who buys", Kind: list.Static}, nil},
		{"longest", list.List{Name: strings.Repeat("é", 255), Description: strings.Repeat("é", 1000), Kind: list.Dynamic}, nil},
		{"nothing", list.List{}, []string{"name", "type"}},
		{"too long", list.List{Name: strings.Repeat("x", 256), Description: strings.Repeat("x", 1001), Kind: "x"}, []string{"name", "description", "type"}},
		{"control character", list.List{Name: "a\x00b", Kind: list.Static}, []string{"name"}},
	}
	for _, tt := range tests {
		var got []string
		for _, f := range tt.in.Check() {
			got = append(got, f.Field)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: faults (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestAlike(t *testing.T) {
	archived := list.List{Name: "vip", ArchivedAt: time.Now()}
	tests := []struct {
		a, b list.List
		want bool
	}{
		{list.List{Name: "VIP"}, list.List{Name: " vip "}, true},
		{list.List{Name: "VIP"}, list.List{Name: "vips"}, false},
		{list.List{Name: "VIP"}, archived, false},
		{archived, list.List{Name: "VIP"}, false},
	}
	for _, tt := range tests {
		if got := tt.a.Alike(tt.b); got != tt.want {
			t.Errorf("%q and %q: got %t, want %t", tt.a.Name, tt.b.Name, got, tt.want)
		}
	}
}

func TestNews(t *testing.T) {
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	stored := &list.Count{Members: 3, At: at}
	tests := []struct {
		count  list.Count
		stored *list.Count
		want   bool
	}{
		{list.Count{Members: 3, At: at}, nil, true},
		{list.Count{Members: 3, At: at.Add(time.Minute)}, stored, false},
		{list.Count{Members: 4, At: at.Add(time.Second)}, stored, true},
		{list.Count{Members: 3, At: at.Add(time.Minute + time.Second)}, stored, true},
		{list.Count{Members: 4, At: at.Add(-time.Second)}, stored, false},
	}
	for _, tt := range tests {
		if got := tt.count.News(tt.stored); got != tt.want {
			t.Errorf("%+v after %+v: got %t, want %t", tt.count, tt.stored, got, tt.want)
		}
	}
}

func TestRoom(t *testing.T) {
	lists := func(static, dynamic, archived int) (all []list.List) {
		for range static {
			all = append(all, list.List{Kind: list.Static})
		}
		for range dynamic {
			all = append(all, list.List{Kind: list.Dynamic})
		}
		for range archived {
			all = append(all, list.List{Kind: list.Dynamic, ArchivedAt: time.Now()})
		}
		return all
	}
	tests := []struct {
		static, dynamic, archived int
		forStatic, forDynamic     error
	}{
		{0, 0, 0, nil, nil},
		{399, 99, 200, nil, nil},
		{399, 100, 200, nil, list.ErrTooManyDynamic},
		{400, 100, 0, list.ErrTooMany, list.ErrTooMany},
		{500, 0, 0, list.ErrTooMany, list.ErrTooMany},
		{1, 1, 997, nil, nil},
		{1, 1, 998, list.ErrTooManyArchived, list.ErrTooManyArchived},
	}
	for _, tt := range tests {
		all := lists(tt.static, tt.dynamic, tt.archived)
		if s, d := list.Room(all, list.Static), list.Room(all, list.Dynamic); s != tt.forStatic || d != tt.forDynamic {
			t.Errorf("%d static, %d dynamic, %d archived: got %v and %v, want %v and %v", tt.static, tt.dynamic, tt.archived,
				s, d, tt.forStatic, tt.forDynamic)
		}
	}
}

func TestEmptyChange(t *testing.T) {
	tests := []struct {
		in   list.Change
		want bool
	}{
		{list.Change{}, true},
		{list.Change{Add: []list.Membership{{ListID: "a"}}}, false},
		{list.Change{Remove: []string{"a"}}, false},
		{list.Change{Due: new(time.Time)}, false},
	}
	for _, tt := range tests {
		if got := tt.in.Empty(); got != tt.want {
			t.Errorf("%+v: got %t, want %t", tt.in, got, tt.want)
		}
	}
}
