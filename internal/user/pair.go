package user

import (
	"strings"
	"unicode/utf8"
)

const (
	// DefaultSource is the source of a pair that names none: the customer's own system.
	DefaultSource = "default"
	// AnonymousSource is the source of ids generated for unknown visitors.
	AnonymousSource = "anonymous"

	// MaxIdentifiers is how many identifiers a user has at most.
	MaxIdentifiers = 50
	// MaxAnonymous is how many of them are anonymous; a newer one releases the oldest.
	MaxAnonymous = 10

	// The longest source or external id. Both together are a partition key, of which DynamoDB allows 2,048 bytes,
	// and a character that is escaped there takes three.
	maxPairChars = 255
	maxPairBytes = 512
)

// neverIDs are values that client code sends when it has no id. Accepting one would glue every
// such visitor together into one profile. Compared in lower case, without surrounding space.
var neverIDs = map[string]bool{
	"": true, "null": true, "undefined": true, "nil": true, "none": true, "nan": true, "n/a": true,
	"[object object]": true, "{}": true, "[]": true, "0": true, "-1": true, "true": true, "false": true,
	"anonymous": true, "guest": true, "unknown": true, "id": true, "userid": true, "user_id": true,
	"external_id": true, "distinct_id": true, "not_authenticated": true, "not set": true,
	"00000000-0000-0000-0000-000000000000": true,
}

// ParsePair returns the pair of a source ("" for the default) and an external id, or an *InvalidError
// with the pointer /source or /external_id.
func ParsePair(source, externalID string) (Pair, error) {
	var f faults
	p := Pair{Source: source, ExternalID: externalID}.normalize("", &f)
	return p, f.err()
}

func (p Pair) normalize(pointer string, f *faults) Pair {
	if p.Source == "" {
		p.Source = DefaultSource
	}
	if detail := checkPairPart(p.Source); detail != "" {
		f.add(pointer+"/source", detail)
	}
	switch {
	case p.ExternalID == "":
		f.add(pointer+"/external_id", "must not be empty")
	case neverIDs[strings.ToLower(strings.TrimSpace(p.ExternalID))]:
		f.add(pointer+"/external_id", "is a placeholder, not the id of anyone")
	default:
		if detail := checkPairPart(p.ExternalID); detail != "" {
			f.add(pointer+"/external_id", detail)
		}
	}
	return p
}

func checkPairPart(s string) string {
	switch {
	case !utf8.ValidString(s):
		return "must be valid UTF-8"
	case utf8.RuneCountInString(s) > maxPairChars || len(s) > maxPairBytes:
		return "must have at most 255 characters and 512 bytes"
	}
	return ""
}
