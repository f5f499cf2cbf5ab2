package project_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/project"
)

func TestNormalizeSettings(t *testing.T) {
	valid := project.Settings{Region: "US", Brand: "Acme", Color: "#0B57d0", Locale: "es_mx", StopText: "Bye", LinkKey: 2, OldestLinkKey: 1}
	if faults := valid.Normalize(); len(faults) != 0 || valid.Locale != "es-MX" {
		t.Errorf("valid settings: faults %v, locale %q", faults, valid.Locale)
	}
	if zero := (project.Settings{}); len(zero.Normalize()) != 0 {
		t.Error("the zero settings are not valid")
	}
	long := strings.Repeat("ü", 1531)
	bad := project.Settings{
		Region: "us", Brand: long, Color: "red", Locale: "??", StopText: long, StartText: long, HelpText: long, OldestLinkKey: 1,
	}
	var fields []string
	for _, f := range bad.Normalize() {
		fields = append(fields, f.Field)
	}
	want := []string{"region", "brand", "color", "locale", "stop_text", "start_text", "help_text", "oldest_link_key"}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestLinkKeysOnlyRise(t *testing.T) {
	t.Parallel()
	old := project.Settings{LinkKey: 3, OldestLinkKey: 2}
	tests := []struct {
		name           string
		newest, oldest uint8
		want           []string
	}{
		{"the same", 3, 2, nil},
		{"rotated", 4, 2, nil},
		{"retired", 4, 4, nil},
		{"links that were sent", 2, 2, []string{"link_key"}},
		{"links that were retired", 3, 1, []string{"oldest_link_key"}},
		{"defaults", 0, 0, []string{"link_key", "oldest_link_key"}},
	}
	for _, tt := range tests {
		var got []string
		s := project.Settings{LinkKey: tt.newest, OldestLinkKey: tt.oldest}
		for _, f := range s.Succeed(old) {
			got = append(got, f.Field)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: faults (-want +got):\n%s", tt.name, diff)
		}
	}
}
