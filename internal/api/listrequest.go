package api

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"lunogram-users/internal/list"
	"lunogram-users/internal/project"
	"lunogram-users/internal/rule"
)

// listPath names one list of the key's project.
type listPath struct{ projectID, listID string }

// decodeListPath reads the id of a path. What is no UUID names no list.
func decodeListPath(r *http.Request) (listPath, error) {
	id, err := project.ParseID(r.PathValue("listID"))
	if err != nil {
		return listPath{}, list.ErrNotFound
	}
	return listPath{projectID: projectOf(r.Context()), listID: id}, nil
}

// decodeNewList reads a list that is to be made.
func (s *service) decodeNewList(r *http.Request) (list.List, error) {
	b := &badRequest{}
	o, err := decodeBody(r, b)
	if err != nil {
		return list.List{}, err
	}
	o.only("name", "description", "type", "rule")
	now := s.now().UTC()
	l := list.List{
		ID: uuid.Must(uuid.NewV7()).String(), ProjectID: projectOf(r.Context()), Kind: list.Kind(o.word("type")),
		Name: strings.TrimSpace(o.word("name")), Description: o.word("description"), Status: list.Ready,
		CreatedAt: now, UpdatedAt: now,
	}
	switch {
	case l.Kind == list.Dynamic:
		if parsed := readListRule(o); parsed != nil {
			l.SetRule(parsed.String())
		}
	case o.fields["rule"] != nil:
		b.body("/rule", "must be left out: the members of a static list are put into it")
	}
	return l, b.listFaults(l.Check())
}

// listFaults notes what the domain found wrong with a list, and returns b if anything is wrong.
func (b *badRequest) listFaults(faults []list.Fault) error {
	for _, f := range faults {
		b.body("/"+f.Field, f.Detail)
	}
	return b.err()
}

// readRule reads the rule that must be there. It returns nil and notes the fault if it is none.
func readRule(o object) *rule.Rule {
	if o.fields["rule"] == nil {
		o.bad.body(o.at("rule"), "is needed")
		return nil
	}
	text := o.text("rule")
	if text == nil {
		return nil
	}
	parsed, err := rule.Parse(*text)
	if err != nil {
		o.bad.body(o.at("rule"), err.Error())
		return nil
	}
	return parsed
}

// readListRule is readRule for a rule of a list: a list is not on a journey.
func readListRule(o object) *rule.Rule {
	parsed := readRule(o)
	if parsed != nil && parsed.Journey() {
		o.bad.body(o.at("rule"), "must not use journey: a list has none")
		return nil
	}
	return parsed
}

// listChange is a PATCH of one list.
type listChange struct {
	listPath
	patch list.Patch
}

// decodeListPatch reads a change of a list. What is absent or null stays.
func decodeListPatch(r *http.Request) (listChange, error) {
	path, err := decodeListPath(r)
	if err != nil {
		return listChange{}, err
	}
	b := &badRequest{}
	o, err := decodeBody(r, b)
	if err != nil {
		return listChange{}, err
	}
	o.only("name", "description", "rule")
	in := listChange{path, list.Patch{Name: trimmed(o.text("name")), Description: o.text("description")}}
	if o.fields["rule"] != nil {
		if parsed := readListRule(o); parsed != nil {
			in.patch.Rule = new(parsed.String())
		}
	}
	return in, b.listFaults(in.patch.Check())
}

// duplicateRequest asks for another list like the one of the path.
type duplicateRequest struct {
	listPath
	name *string // nil leaves it to us
}

// decodeDuplicate reads the body {name}, which may be left out.
func decodeDuplicate(r *http.Request) (duplicateRequest, error) {
	path, err := decodeListPath(r)
	if err != nil {
		return duplicateRequest{}, err
	}
	body, err := readBody(r)
	if err != nil || len(body) == 0 {
		return duplicateRequest{listPath: path}, err
	}
	b := &badRequest{}
	o, err := parseObject(body, b)
	if err != nil {
		return duplicateRequest{}, err
	}
	o.only("name")
	in := duplicateRequest{path, trimmed(o.text("name"))}
	return in, b.listFaults(list.Patch{Name: in.name}.Check())
}

// listsRequest asks for a page of lists.
type listsRequest struct {
	pageRequest
	kind     list.Kind // "" for both
	archived bool
}

// wants reports whether a list is one of those that are asked for.
func (q listsRequest) wants(l list.List) bool {
	return (q.archived || !l.Archived()) && (q.kind == "" || q.kind == l.Kind) &&
		strings.Contains(strings.ToLower(l.Name), strings.ToLower(q.search))
}

// decodeLists reads a request for a page of lists: ?search=&type=&include_archived=.
func (s *service) decodeLists(r *http.Request) (listsRequest, error) {
	p, err := readQuery(r)
	if err != nil {
		return listsRequest{}, err
	}
	in := listsRequest{kind: list.Kind(p.text("type")), archived: p.flag("include_archived")}
	if in.kind != "" && !in.kind.Valid() {
		p.bad.query("type", "must be static or dynamic")
	}
	q := pageRequest{search: strings.TrimSpace(p.text("search")), filter: []string{string(in.kind), strconv.FormatBool(in.archived)}}
	in.pageRequest, err = s.decodePage(r, p, q)
	return in, err
}
