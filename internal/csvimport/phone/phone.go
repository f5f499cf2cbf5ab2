// Package phone reads phone numbers as people write them. It is a package of its own because the library behind it adds
// 6 MB to whoever links it.
package phone

import (
	"errors"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"lunogram-users/internal/user"
)

var (
	errPhone    = errors.New("must be a phone number, such as +15550101234 or, in the default region, a national one")
	errNoRegion = errors.New("must be a number in E.164 form, such as +15550101234: for national numbers set a default region " +
		"in the project's settings or the import's options")
)

// Parse returns the E.164 form of a number: an international one, however formatted, or one as it is dialled in the
// region (ISO 3166-1 alpha-2, upper case; "" for none). Its length must be one of the country's; whether it is
// assigned, it does not say. Errors do not repeat the number. It is safe for concurrent use and a sheet.PhoneParser.
func Parse(number, region string) (string, error) {
	if e164, err := user.ParsePhone(number); err == nil {
		return e164, nil // as most are, at a hundredth of the time
	}
	number = strings.TrimSpace(number)
	international := strings.HasPrefix(number, "+")
	switch {
	case region == "" && !international:
		return "", errNoRegion
	case !dialable(number):
		return "", errPhone
	}
	parsed, err := phonenumbers.Parse(number, region)
	if err != nil || phonenumbers.IsPossibleNumberWithReason(parsed) != phonenumbers.IS_POSSIBLE {
		return "", errPhone
	}
	e164, err := user.ParsePhone(phonenumbers.Format(parsed, phonenumbers.E164))
	if err != nil {
		return "", errPhone
	}
	return e164, nil
}

// marks are what people write between digits: space, brackets, dashes of several kinds, dots and slashes.
const marks = " ()-./\u00A0\u2007\u2009\u202F\u2010\u2011\u2012\u2013\u2014\u2212"

// dialable reports whether s has digits and marks only, after a plus sign or none: the library would also find a number
// within other text, and read letters as digits.
func dialable(s string) bool {
	const maxLength = 80 // in bytes: 15 digits, and what may stand between them
	other := func(r rune) bool { return (r < '0' || r > '9') && !strings.ContainsRune(marks, r) }
	return len(s) <= maxLength && !strings.ContainsFunc(strings.TrimPrefix(s, "+"), other)
}
