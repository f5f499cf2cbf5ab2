package project_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/project"
)

func TestVisitor(t *testing.T) {
	t.Parallel()
	both := project.Settings{KeepAddress: true, KeepUserAgent: true}
	tests := []struct {
		name             string
		settings         project.Settings
		address, browser string
		want             consent.Evidence
	}{
		{"nothing is kept", project.Settings{}, "203.0.113.9:443", "browser", consent.Evidence{}},
		{"address only", project.Settings{KeepAddress: true}, "203.0.113.9:443", "browser", consent.Evidence{Address: "203.0.113.9"}},
		{"browser only", project.Settings{KeepUserAgent: true}, "203.0.113.9:443", "browser", consent.Evidence{UserAgent: "browser"}},
		{"IPv6", both, "[2001:db8::1]:443", "", consent.Evidence{Address: "2001:db8::1"}},
		{"no port", both, "203.0.113.9", "", consent.Evidence{Address: "203.0.113.9"}},
		{"cut between characters", both, "", strings.Repeat("b", 600), consent.Evidence{UserAgent: strings.Repeat("b", 512)}},
		{"cut inside a character", both, "", strings.Repeat("b", 511) + "é", consent.Evidence{UserAgent: strings.Repeat("b", 511)}},
		{"no UTF-8", both, "", "a\xffb", consent.Evidence{UserAgent: "ab"}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, tt.settings.Visitor(tt.address, tt.browser)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
