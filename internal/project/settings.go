package project

import (
	"regexp"
	"unicode/utf8"

	"golang.org/x/text/language"

	"lunogram-users/internal/label"
)

// Settings are what a project chooses. The zero value of each is its default.
type Settings struct {
	// Region is the country (ISO 3166-1 alpha-2, upper case) to which phone numbers without a country code in imports
	// belong; "" refuses such numbers.
	Region string
	// NoUndo says that imports keep no before-images, so that none can be undone.
	NoUndo bool

	// RequireOptIn says that who said nothing of a group, and whose group has no default of its own, gets nothing.
	RequireOptIn bool

	// Brand is the name that recipients know; "" means Project.Name. Color is its colour on their pages, such as
	// #0b57d0; "" means a quiet default. Locale is the language (BCP 47) of who has none; "" means English.
	Brand, Color, Locale string
	// StopText, StartText and HelpText are what those who text STOP, START and HELP are answered, where we answer (see
	// Sender); "" means a text of ours in the recipient's language.
	StopText, StartText, HelpText string
	// KeepAddress and KeepUserAgent say that the ledger keeps the IP address and the browser of who uses a link.
	KeepAddress, KeepUserAgent bool
	// LinkKey is the id of the key that signs new links; raise it to rotate. Every key from OldestLinkKey to it
	// is accepted, so that old links work until their key is retired by raising OldestLinkKey too.
	LinkKey, OldestLinkKey uint8
}

// Bounds of the settings, in characters.
const (
	maxBrand = 100
	// maxAnswer is ten segments of SMS, the most that carriers take as one message.
	maxAnswer = 1530
)

// Fault is one thing that is wrong with settings: the name of the setting on the wire, and what.
type Fault struct{ Field, Detail string }

// Normalize puts the settings into canonical form and returns what is wrong with them, in the order of their fields;
// nothing if they are valid.
func (s *Settings) Normalize() []Fault {
	var faults []Fault
	check := func(ok bool, field, detail string) {
		if !ok {
			faults = append(faults, Fault{field, detail})
		}
	}
	check(s.Region == "" || ValidRegion(s.Region), "region", "must be a country of ISO 3166-1 in two upper-case letters, such as US")
	check(utf8.RuneCountInString(s.Brand) <= maxBrand, "brand", "must have at most 100 characters")
	if err := label.Check(s.Brand); s.Brand != "" && err != nil {
		check(false, "brand", err.Error())
	}
	check(s.Color == "" || isColor(s.Color), "color", "must be a colour in the form #0b57d0")
	if s.Locale != "" {
		tag, err := language.Parse(s.Locale)
		check(err == nil, "locale", "must be a BCP 47 language tag, such as en or es-MX")
		s.Locale = tag.String()
	}
	check(utf8.RuneCountInString(s.StopText) <= maxAnswer, "stop_text", "must have at most 1,530 characters")
	check(utf8.RuneCountInString(s.StartText) <= maxAnswer, "start_text", "must have at most 1,530 characters")
	check(utf8.RuneCountInString(s.HelpText) <= maxAnswer, "help_text", "must have at most 1,530 characters")
	check(s.OldestLinkKey <= s.LinkKey, "oldest_link_key", "must not be newer than link_key")
	return faults
}

// Succeed is Normalize for settings that replace old ones. The ids of link keys only ever rise: a lower LinkKey would
// break links that were sent, a lower OldestLinkKey would accept keys that were retired.
func (s *Settings) Succeed(old Settings) []Fault {
	faults := s.Normalize()
	if s.LinkKey < old.LinkKey {
		faults = append(faults, Fault{"link_key", "must not be lower than it is"})
	}
	if s.OldestLinkKey < old.OldestLinkKey {
		faults = append(faults, Fault{"oldest_link_key", "must not be lower than it is"})
	}
	return faults
}

// ValidRegion reports whether s is a country of ISO 3166-1, in two upper-case letters.
func ValidRegion(s string) bool {
	region, err := language.ParseRegion(s)
	return err == nil && region.IsCountry() && region.String() == s && len(s) == 2
}

func isColor(s string) bool { return colorForm.MatchString(s) }

var colorForm = regexp.MustCompile("^#[0-9a-fA-F]{6}$")
