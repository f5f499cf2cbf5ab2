package api

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"lunogram-users/internal/user"
)

const (
	defaultLimit = 20
	maxLimit     = 100
	maxTerm      = 512 // characters of a search: a source and an external id of 255 each, and the colon
)

// parameters reads the query of a request. Faults are noted in bad by the name of the parameter.
type parameters struct {
	values url.Values
	bad    *badRequest
}

// readQuery parses the query strictly: what URL.Query would drop in silence is an error.
func readQuery(r *http.Request) (parameters, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return parameters{}, errBadPath
	}
	return parameters{values: values, bad: &badRequest{}}, nil
}

// text returns a parameter without surrounding space, "" when it is absent.
func (p parameters) text(name string) string {
	values := p.values[name]
	switch {
	case len(values) == 0:
		return ""
	case len(values) > 1:
		p.bad.query(name, "must be given once")
	case !utf8.ValidString(values[0]):
		p.bad.query(name, "must be valid UTF-8")
	default:
		return values[0]
	}
	return ""
}

// plus undoes what form decoding makes of a + that was not escaped, for values that hold no spaces.
func plus(s string) string { return strings.ReplaceAll(s, " ", "+") }

// flag returns a parameter that is true or false, as which an absent one counts.
func (p parameters) flag(name string) bool {
	text := p.text(name)
	if text != "" && text != "true" && text != "false" {
		p.bad.query(name, "must be true or false")
	}
	return text == "true"
}

// limit returns how many results a page has at most: a number up to most, or what stands for one that is absent.
func (p parameters) limit(absent, most int) int {
	if !p.values.Has("limit") {
		return absent
	}
	n, err := strconv.Atoi(p.text("limit"))
	if err != nil || n < 1 || n > most {
		p.bad.query("limit", "must be a whole number from 1 to "+strconv.Itoa(most))
	}
	return n
}

// noOffset refuses the paging of the existing system: to ignore it would answer the first page for ever.
func (p parameters) noOffset() {
	if offset := p.text("offset"); offset != "" && offset != "0" {
		p.bad.query("offset", "is not supported; send the next_cursor of the page before as cursor")
	}
}

// pageRequest asks for one page of a query. It is also what a cursor is bound to.
type pageRequest struct {
	projectID string
	search    string
	email     string
	phone     string
	subject   string   // the user whose page it is
	filter    []string // what else is asked for
	after     string   // the position, opened
	limit     int      // 0 until it is read
	seal      sealer
}

// scope names the query that a cursor may continue: everything but position and limit.
func (q pageRequest) scope() []string {
	return append([]string{q.projectID, q.search, q.email, q.phone, q.subject}, q.filter...)
}

// decodeList reads a request for a page of all users or of a search.
func (s *service) decodeList(r *http.Request) (pageRequest, error) {
	p, err := readQuery(r)
	if err != nil {
		return pageRequest{}, err
	}
	q := pageRequest{search: searchTerm(p.text("search"))}
	if utf8.RuneCountInString(q.search) > maxTerm {
		p.bad.query("search", "must have at most 512 characters")
	}
	return s.decodePage(r, p, q)
}

// searchTerm returns a term without surrounding space. What looks like a phone number or an e-mail address holds no
// spaces either: those within it were plus signs.
func searchTerm(s string) string {
	if phone, err := user.ParsePhone(plus(s)); err == nil {
		return phone
	}
	term := strings.TrimSpace(s)
	if strings.Contains(term, "@") {
		return plus(term)
	}
	return term
}

// decodePage reads what all pages take, and the limit unless that was read.
func (s *service) decodePage(r *http.Request, p parameters, q pageRequest) (pageRequest, error) {
	q.projectID = projectOf(r.Context())
	if q.limit == 0 {
		q.limit = p.limit(defaultLimit, maxLimit)
	}
	p.noOffset()
	tenant, err := s.projects.project(r.Context(), q.projectID)
	if err != nil {
		return q, err
	}
	q.seal = newSealer(tenant, r.Pattern, q.scope())
	if cursor := p.text("cursor"); cursor != "" {
		if q.after, err = q.seal.open(cursor); err != nil {
			p.bad.query("cursor", "is not a cursor of this query")
		}
	}
	return q, p.bad.err()
}

// lookupRequest asks for the owner of a pair, or for a page of the users with an address.
type lookupRequest struct {
	pair *user.Pair
	page pageRequest
}

// decodeLookup reads a lookup, which names exactly one of a pair, an e-mail address and a phone number.
func (s *service) decodeLookup(r *http.Request) (lookupRequest, error) {
	p, err := readQuery(r)
	if err != nil {
		return lookupRequest{}, err
	}
	byPair := p.values.Has("external_id") || p.values.Has("source")
	byEmail, byPhone := p.values.Has("email"), p.values.Has("phone")
	switch {
	case byPair && !byEmail && !byPhone:
		return s.decodePairLookup(r, p)
	case byEmail && !byPair && !byPhone:
		return s.decodeAddressLookup(r, p, "email", user.ParseEmail)
	case byPhone && !byPair && !byEmail:
		return s.decodeAddressLookup(r, p, "phone", user.ParsePhone)
	}
	for _, name := range []string{"external_id", "email", "phone"} {
		if !byPair && !byEmail && !byPhone || p.values.Has(name) {
			p.bad.query(name, "exactly one of external_id (with source), email and phone is needed")
		}
	}
	return lookupRequest{}, p.bad.err()
}

func (s *service) decodePairLookup(r *http.Request, p parameters) (lookupRequest, error) {
	pair, err := user.ParsePair(p.text("source"), p.text("external_id"))
	if invalid, ok := errors.AsType[*user.InvalidError](err); ok {
		for _, f := range invalid.Fields {
			p.bad.query(strings.TrimPrefix(f.Pointer, "/"), f.Detail)
		}
	}
	in := lookupRequest{pair: &pair}
	in.page.projectID = projectOf(r.Context())
	return in, p.bad.err()
}

func (s *service) decodeAddressLookup(r *http.Request, p parameters, name string, parse func(string) (string, error)) (lookupRequest, error) {
	address, err := parse(plus(p.text(name)))
	if err != nil {
		p.bad.query(name, err.Error())
	}
	q := pageRequest{}
	if name == "email" {
		q.email = user.FoldEmail(address)
	} else {
		q.phone = address
	}
	q, err = s.decodePage(r, p, q)
	return lookupRequest{page: q}, err
}
