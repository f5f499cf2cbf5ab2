package list_test

import (
	"errors"
	"testing"
	"time"

	"lunogram-users/internal/list"
)

func TestRebuild(t *testing.T) {
	for name, test := range map[string]struct {
		list, want list.List
		err        error
	}{
		"dynamic": {
			list.List{Kind: list.Dynamic, Rule: "r", Published: "r", Revision: 3, Status: list.Ready},
			list.List{Kind: list.Dynamic, Rule: "r", Published: "r", Revision: 4, Status: list.Building}, nil,
		},
		"being copied": {
			list.List{Kind: list.Static, CopyOf: "o", Status: list.Copying},
			list.List{Kind: list.Static, CopyOf: "o", Revision: 1, Status: list.Copying}, nil,
		},
		"static": {
			list.List{Kind: list.Static, Status: list.Ready}, list.List{Kind: list.Static, Status: list.Ready}, list.ErrKind,
		},
		"archived": {
			list.List{Kind: list.Dynamic, ArchivedAt: time.Unix(1, 0)}, list.List{Kind: list.Dynamic, ArchivedAt: time.Unix(1, 0)},
			list.ErrArchived,
		},
	} {
		got := test.list
		if err := got.Rebuild(); !errors.Is(err, test.err) || got != test.want {
			t.Errorf("%s: got %+v, %v; want %+v, %v", name, got, err, test.want, test.err)
		}
	}
}
