package phone_test

import (
	"strings"
	"testing"

	"lunogram-users/internal/csvimport/phone"
	"lunogram-users/internal/user"
)

func TestParse(t *testing.T) {
	const (
		noRegion = "set a default region"
		invalid  = "must be a phone number"
	)
	tests := []struct{ name, in, region, want, err string }{
		{"E.164", "+15550101234", "", "+15550101234", ""},
		{"with marks", "+1 202-555-0100", "", "+12025550100", ""},
		{"with a trunk digit in brackets", "+44 (0)20 7946 0958", "", "+442079460958", ""},
		{"with unusual spaces and dashes", "+49\u00A030\u2011901820", "", "+4930901820", ""},
		{"national, US", "(202) 555-0100", "US", "+12025550100", ""},
		{"national, GB", "020 7946 0958", "GB", "+442079460958", ""},
		{"national, DE", "030/901820", "DE", "+4930901820", ""},
		{"international in a region", "+44 20 7946 0958", "US", "+442079460958", ""},
		{"dialled from Europe", "0044 20 7946 0958", "DE", "+442079460958", ""},
		{"dialled from the US", "011 44 20 7946 0958", "US", "+442079460958", ""},
		{"without a region", "(202) 555-0100", "", "", noRegion},
		{"00 without a region", "0044 20 7946 0958", "", "", noRegion},
		{"too short", "1212", "US", "", invalid},
		{"without its area", "555-0100", "US", "", invalid},
		{"too long", "+1 202 555 0100 0100 0100", "", "", invalid},
		{"letters", "1-800-FLOWERS", "US", "", invalid},
		{"in a text", "call 202 555 0100", "US", "", invalid},
		{"extension", "202 555 0100 ext. 7", "US", "", invalid},
		{"two pluses", "+1+2025550100", "US", "", invalid},
		{"an unknown region", "202 555 0100", "XX", "", invalid},
		{"much of it", strings.Repeat("1", 10_000), "US", "", invalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := phone.Parse(tt.in, tt.region)
			if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %q, %v, want %q, …%q…", got, err, tt.want, tt.err)
			}
			if err != nil && strings.Contains(err.Error(), tt.in) {
				t.Errorf("got %v, which repeats the number", err)
			}
		})
	}
}

// FuzzParse checks that what comes out is E.164 and is parsed to itself.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"+1 202-555-0100", "020 7946 0958", "0044 (0)20", "+", "++1", "011"} {
		f.Add(seed, "GB")
	}
	f.Fuzz(func(t *testing.T, number, region string) {
		got, err := phone.Parse(number, region)
		if err != nil {
			return
		}
		if again, err := user.ParsePhone(got); err != nil || again != got {
			t.Errorf("got %q for %q in %q, which is no E.164", got, number, region)
		}
	})
}
