package user

import (
	"errors"
	"net/mail"
	"strings"
	"time"
	_ "time/tzdata" // the Lambda runtime promises no zone database
	"unicode/utf8"

	"golang.org/x/text/language"
)

const maxEmail = 254 // RFC 5321, 4.5.3.1.3, less the angle brackets

// ParseEmail checks that s is a bare address (RFC 5322 addr-spec: no name, no comment) and returns it
// without surrounding space, its case kept for display.
func ParseEmail(s string) (string, error) {
	s = strings.TrimSpace(s)
	invalid := errors.New("must be a bare e-mail address, such as alice@example.com")
	addr, err := mail.ParseAddress(s)
	if err != nil || addr.Name != "" || addr.Address != s || len(s) > maxEmail {
		return "", invalid
	}
	local, domain, _ := strings.Cut(s, "@")
	if strings.ContainsAny(local, "\"") || strings.Contains(domain, "@") || !validDomain(domain) {
		return "", invalid
	}
	return s, nil
}

// validDomain reports whether a host could have the name: dot-separated labels of letters (also
// internationalised ones), digits and inner hyphens.
func validDomain(domain string) bool {
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			ascii := r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
			if !ascii && r < utf8.RuneSelf {
				return false
			}
		}
	}
	return true
}

// FoldEmail returns the form in which addresses are compared: two spellings that differ in case only
// are the same address.
func FoldEmail(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// ParsePhone checks that s is a number in E.164 form (ITU-T E.164: "+", then 7 to 15 digits, the first not 0).
// It does not say whether the number is assigned.
func ParsePhone(s string) (string, error) {
	s = strings.TrimSpace(s)
	digits, ok := strings.CutPrefix(s, "+")
	ok = ok && len(digits) >= 7 && len(digits) <= 15 && digits[0] != '0'
	for i := 0; ok && i < len(digits); i++ {
		ok = '0' <= digits[i] && digits[i] <= '9'
	}
	if !ok {
		return "", errors.New("must be a number in E.164 form, such as +15550101234")
	}
	return s, nil
}

// ParseTimezone checks that s is a name of the IANA time zone database.
func ParseTimezone(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" || s == "Local" {
		return "", errTimezone
	}
	if _, err := time.LoadLocation(s); err != nil {
		return "", errTimezone
	}
	return s, nil
}

var errTimezone = errors.New("must be an IANA time zone, such as America/New_York")

// ParseLocale returns the canonical form of a BCP 47 language tag: es_mx becomes es-MX.
func ParseLocale(s string) (string, error) {
	tag, err := language.Parse(strings.TrimSpace(s))
	if err != nil || tag == language.Und {
		return "", errors.New("must be a BCP 47 language tag, such as en or es-MX")
	}
	return tag.String(), nil
}
