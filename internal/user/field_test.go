package user_test

import (
	"strings"
	"testing"

	"lunogram-users/internal/user"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name  string
		parse func(string) (string, error)
		ok    map[string]string // input: canonical form
		bad   []string
	}{
		{"e-mail", user.ParseEmail, map[string]string{
			"alice@example.com":      "alice@example.com",
			" Alice@Example.COM ":    "Alice@Example.COM",
			"a+b.c_d@sub.example.co": "a+b.c_d@sub.example.co",
			"o'hara@example.com":     "o'hara@example.com",
			"jörg@müller.example":    "jörg@müller.example",
			"a@localhost":            "a@localhost",
		}, []string{
			"", "alice", "alice@", "@example.com", "Alice <alice@example.com>", "<alice@example.com>",
			"a@b@example.com", "a b@example.com", "a@-example.com", "a@example..com", "a@example.com.",
			"\"a b\"@example.com", "a@[127.0.0.1]", "a@exa mple.com", "a@b.com, c@d.com", "a#b@exam#ple.com",
			"a@" + strings.Repeat("x", 64) + ".com", strings.Repeat("a", 250) + "@example.com", "a@ex\x00mple.com",
		}},
		{"phone", user.ParsePhone, map[string]string{
			"+15550101234": "+15550101234", " +442079460958 ": "+442079460958", "+1234567": "+1234567",
		}, []string{
			"", "+", "15550101234", "+0123456789", "+1 555 010 1234", "+155501", "+" + strings.Repeat("1", 16),
			"+1555O101234", "tel:+15550101234", "+١٢٣٤٥٦٧٨",
		}},
		{"timezone", user.ParseTimezone, map[string]string{
			"America/New_York": "America/New_York", "UTC": "UTC", " Europe/Paris ": "Europe/Paris",
		}, []string{"", "Local", "New York", "GMT+2", "../../etc/passwd", "Mars/Olympus"}},
		{"locale", user.ParseLocale, map[string]string{
			"en": "en", "es_mx": "es-MX", "FR-ca": "fr-CA", "zh-hant-tw": "zh-Hant-TW",
		}, []string{"", "english please", "x", "und", "e$"}},
	}
	for _, tt := range tests {
		for in, want := range tt.ok {
			if got, err := tt.parse(in); err != nil || got != want {
				t.Errorf("%s %q: got %q, %v; want %q", tt.name, in, got, err, want)
			}
		}
		for _, in := range tt.bad {
			got, err := tt.parse(in)
			if err == nil {
				t.Errorf("%s %q: got %q, want an error", tt.name, in, got)
			}
		}
	}
}
