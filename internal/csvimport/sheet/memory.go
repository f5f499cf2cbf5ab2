package sheet

import (
	"strings"

	"lunogram-users/internal/user"
)

// memory remembers what a parser made of the few values that a column repeats.
type memory struct {
	parser func(string) (string, error)
	known  map[string]parsed
}

type parsed struct {
	value string
	err   error
}

// remembered is how many values a memory holds: more than there are time zones, and no more than that of a file whose
// every cell is another.
const remembered = 1000

func newMemory(parser func(string) (string, error)) memory {
	return memory{parser: parser, known: make(map[string]parsed)}
}

func (m *memory) parse(s string) (string, error) {
	if p, ok := m.known[s]; ok {
		return p.value, p.err
	}
	var p parsed
	p.value, p.err = m.parser(s)
	if len(m.known) < remembered {
		m.known[strings.Clone(s)] = parsed{strings.Clone(p.value), p.err} // not the row that s is a part of
	}
	return p.value, p.err
}

// parseZone returns the name of an IANA time zone, which may be written in another case: america/new_york.
func parseZone(s string) (string, error) {
	name, err := user.ParseTimezone(s)
	for _, spelling := range []func(string) string{zoneCase, strings.ToUpper} {
		if err == nil {
			break
		}
		if zone, inCase := user.ParseTimezone(spelling(s)); inCase == nil {
			return zone, nil
		}
	}
	return name, err
}

// zoneCase returns a name as most zones are written: a capital after each separator, but for the small words within.
func zoneCase(s string) string {
	var b strings.Builder
	rest := strings.ToLower(s)
	for rest != "" {
		end := strings.IndexAny(rest, "/_-")
		if end < 0 {
			end = len(rest)
		}
		word := rest[:end]
		if word != "" && word != "of" && word != "au" && word != "es" {
			word = strings.ToUpper(word[:1]) + word[1:]
		}
		b.WriteString(word)
		if end < len(rest) {
			b.WriteByte(rest[end])
			end++
		}
		rest = rest[end:]
	}
	return b.String()
}
