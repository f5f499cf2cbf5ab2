package rule

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/google/uuid"
)

// field is where a path starts.
type field int

const (
	fieldID field = iota
	fieldEmail
	fieldPhone
	fieldTimezone
	fieldLocale
	fieldCreatedAt
	fieldUpdatedAt
	fieldData
	fieldSubscription
	fieldIdentifiers
	fieldJourney
)

// userFields are the fields that may follow user, in the order of their numbers.
var userFields = [...]string{
	"id", "email", "phone", "timezone", "locale", "created_at", "updated_at", "data", "subscriptions", "identifiers",
}

// quotedKey is how a key is written that has other characters than letters, digits, _ and -.
const quotedKey = `a key in quotes as in ["first name"]`

// path says which value is meant.
type path struct {
	field field
	name  string     // of the group, or of the source; "" is every source
	steps []pathStep // into data or into what a journey holds
	text  string     // canonical
}

// pathStep goes one level down: to a member of an object, to an element of an array, or to every element.
type pathStep struct {
	key     string
	index   int
	element bool // index counts
	every   bool
}

// path = ( "user" step | "journey" ) { step } .
func (p *parser) path(to *path) error {
	t := p.token
	switch {
	case t.kind == word && t.text == "user":
		if err := p.advance(); err != nil {
			return err
		}
		return p.userPath(to)
	case t.kind == word && t.text == "journey":
		to.field, to.text = fieldJourney, t.text
		if err := p.advance(); err != nil {
			return err
		}
		return p.steps(to)
	}
	return p.fail()
}

// userPath reads what follows user.
func (p *parser) userPath(to *path) error {
	i := -1
	if p.token.kind == step {
		for j, name := range userFields {
			if p.token.text == name {
				i = j
			}
		}
	}
	if i < 0 {
		for _, name := range userFields {
			p.expected = append(p.expected, "."+name)
		}
		return p.fail()
	}
	to.field, to.text = field(i), "user."+userFields[i]
	if err := p.advance(); err != nil {
		return err
	}
	switch to.field {
	case fieldData:
		return p.steps(to)
	case fieldSubscription:
		return p.group(to)
	case fieldIdentifiers:
		if p.token.kind == step || p.token.text == "[" && p.token.kind == symbol {
			return p.name(to, ". and a source")
		}
	}
	return nil
}

// group reads the id of a group. That it is one is demanded: of what can be no group everybody has said nothing, and a rule
// with its name in place of its id would match nobody, or under NOT everybody.
func (p *parser) group(to *path) error {
	from := p.token.from
	if err := p.name(to, ". and the id of a group"); err != nil {
		return err
	}
	id, err := uuid.Parse(to.name)
	if err != nil || len(to.name) != 36 { // other forms of a UUID are no ids
		found := strings.TrimRightFunc(p.text[from:p.token.from], unicode.IsSpace)
		return syntaxError(p.text, from, from+len(found), ". and the id of a group, which is a UUID")
	}
	to.name = id.String()
	to.text = string(pathStep{key: to.name}.print([]byte("user." + userFields[fieldSubscription])))
	return nil
}

// name reads the one key that follows subscriptions or identifiers.
func (p *parser) name(to *path, what string) error {
	s, ok, err := p.step(false)
	if err == nil && !ok {
		err = p.fail(what, quotedKey)
	}
	to.name, to.text = s.key, string(s.print([]byte(to.text)))
	return err
}

// steps reads one key and any number of further steps.
func (p *parser) steps(to *path) error {
	text := []byte(to.text)
	for {
		s, ok, err := p.step(len(to.steps) > 0)
		if err == nil && !ok && len(to.steps) == 0 {
			err = p.fail(". and a key", quotedKey)
		}
		if err != nil || !ok {
			to.text = string(text)
			return err
		}
		to.steps = append(to.steps, s)
		text = s.print(text)
	}
}

// step = "." name | "[" ( string | index | "*" ) "]" . A first step is a key.
func (p *parser) step(further bool) (s pathStep, ok bool, err error) {
	if t := p.token; t.kind == step {
		return pathStep{key: t.text}, true, p.advance()
	}
	if p.token.kind != symbol || p.token.text != "[" {
		return s, false, nil
	}
	if err := p.advance(); err != nil {
		return s, false, err
	}
	if s, err = p.bracketed(further); err != nil {
		return s, false, err
	}
	return s, true, p.require("]")
}

// bracketed reads what is between brackets.
func (p *parser) bracketed(further bool) (pathStep, error) {
	t := p.token
	index, err := strconv.Atoi(t.text)
	switch {
	case t.kind == quoted && t.text != "": // DynamoDB holds no empty key
		return pathStep{key: t.text}, p.advance()
	case !further:
		return pathStep{}, p.fail("a key in quotes")
	case t.kind == digits && err == nil && index >= 0:
		return pathStep{index: index, element: true}, p.advance()
	case t.kind == symbol && t.text == "*":
		return pathStep{every: true}, p.advance()
	}
	return pathStep{}, p.fail("a key in quotes", "an index such as 0", "*")
}

// print appends the canonical form of the step.
func (s pathStep) print(to []byte) []byte {
	switch {
	case s.every:
		return append(to, "[*]"...)
	case s.element:
		return append(strconv.AppendInt(append(to, '['), int64(s.index), 10), ']')
	case strings.IndexFunc(s.key, func(r rune) bool { return !isName(r) }) < 0:
		return append(append(to, '.'), s.key...)
	}
	return append(printText(append(to, '['), s.key), ']')
}
