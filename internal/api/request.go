package api

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// contact names the contact fields on the wire and where a patch holds each.
func contact(p *user.Patch) map[string]**string {
	return map[string]**string{"email": &p.Email, "phone": &p.Phone, "timezone": &p.Timezone, "locale": &p.Locale}
}

// upsertRequest is a POST of a user.
type upsertRequest struct {
	user.Upsert
	mustExist bool // If-Match: *
}

// decodeUpsert reads an upsert. Contact fields and data that are absent or null keep what is stored.
func decodeUpsert(r *http.Request) (upsertRequest, error) {
	b := &badRequest{}
	version, mustExist := ifMatch(r, b)
	o, err := decodeBody(r, b)
	if err != nil {
		return upsertRequest{}, err
	}
	u, err := readUpsert(o, projectOf(r.Context()))
	u.IfMatch = version
	return upsertRequest{Upsert: u, mustExist: mustExist}, err
}

// readUpsert reads an upsert, and returns all that is wrong with it as one *badRequest.
func readUpsert(o object, projectID string) (user.Upsert, error) {
	u := user.Upsert{ProjectID: projectID, Identifiers: readIdentifiers(o)}
	for name, field := range contact(&u.Patch) {
		*field = readContact(o, name)
	}
	u.Patch.Data = o.object("data")
	err := finish(o.bad, u.Normalize())
	return u, err
}

// finish joins the faults found while decoding with those that the domain found.
func finish(b *badRequest, err error) error {
	if invalid, ok := errors.AsType[*user.InvalidError](err); ok {
		b.add(invalid)
	}
	return b.err()
}

func readIdentifiers(o object) []user.Sent {
	var sent []user.Sent
	for _, item := range o.objects("identifier") {
		pair := user.Pair{Source: item.word("source"), ExternalID: item.word("external_id")}
		sent = append(sent, user.Sent{Pair: pair, Metadata: item.object("metadata")})
	}
	return sent
}

// readContact returns a contact field, nil when it is absent or null. An empty one is a fault: it is more often a bug
// of the caller than the wish to clear the field.
func readContact(o object, name string) *string {
	value := o.text(name)
	if value != nil && *value == "" {
		o.bad.body(o.at(name), "must not be empty")
		return nil
	}
	return value
}

// patchRequest is a PATCH of one user.
type patchRequest struct {
	projectID, userID string
	patch             user.Patch
	ifMatch           *int64
}

// decodePatch reads a JSON merge patch (RFC 7396) of two levels: null clears a contact field or removes a key of
// data, and every other value replaces.
func decodePatch(r *http.Request) (patchRequest, error) {
	path, err := decodeUserPath(r)
	if err != nil {
		return patchRequest{}, err
	}
	b := &badRequest{}
	in := patchRequest{projectID: path.projectID, userID: path.userID}
	in.ifMatch, _ = ifMatch(r, b) // a user who does not exist is a 404 anyway
	o, err := decodeBody(r, b)
	if err != nil {
		return in, err
	}
	for name, field := range contact(&in.patch) {
		*field = readContact(o, name)
		if o.has(name) && o.fields[name] == nil {
			*field = new("")
		}
	}
	in.patch.Data, in.patch.RemoveData = readDataPatch(o)
	err = finish(b, in.patch.Normalize())
	return in, err
}

// readDataPatch splits the member data into what it sets and the sorted keys that it removes.
func readDataPatch(o object) (set map[string]any, remove []string) {
	if !o.has("data") {
		return nil, nil
	}
	if o.fields["data"] == nil {
		o.bad.body(o.at("data"), "must be an object; set each key to null to remove it")
		return nil, nil
	}
	set = map[string]any{}
	for key, value := range o.object("data") {
		if value == nil {
			remove = append(remove, key)
		} else {
			set[key] = value
		}
	}
	slices.Sort(remove)
	return set, remove
}

// pairsRequest names a user by identifiers.
type pairsRequest struct {
	projectID string
	pairs     []user.Pair
}

// decodePairs reads the body of a client's DELETE: {"identifier": […]}.
func decodePairs(r *http.Request) (pairsRequest, error) {
	b := &badRequest{}
	o, err := decodeBody(r, b)
	if err != nil {
		return pairsRequest{}, err
	}
	req := user.Upsert{Identifiers: readIdentifiers(o)}
	err = finish(b, req.Normalize())
	return pairsRequest{projectID: projectOf(r.Context()), pairs: req.Pairs()}, err
}

// userPath names one user, and of an identifier's path the identifier too.
type userPath struct {
	projectID, userID, identifierID string
}

// decodeUserPath reads the ids of a path. What is no UUID names nobody.
func decodeUserPath(r *http.Request) (userPath, error) {
	id, err := project.ParseID(r.PathValue("userID"))
	if err != nil {
		return userPath{}, user.ErrNotFound
	}
	return userPath{projectID: projectOf(r.Context()), userID: id}, nil
}

func decodeIdentifierPath(r *http.Request) (userPath, error) {
	path, err := decodeUserPath(r)
	if err != nil {
		return path, err
	}
	id, err := project.ParseID(r.PathValue("identifierID"))
	if err != nil {
		return path, user.ErrNotFound
	}
	path.identifierID = id
	return path, nil
}

// ifMatch reads If-Match (RFC 9110, 13.1.1): the version, quoted or bare, or * for whatever exists. Anything else, also
// a list of versions, is a fault.
func ifMatch(r *http.Request, b *badRequest) (version *int64, exists bool) {
	values := r.Header.Values("If-Match")
	if len(values) == 0 {
		return nil, false
	}
	value := strings.TrimSpace(strings.Join(values, ","))
	if value == "*" {
		return nil, true
	}
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		value = value[1 : len(value)-1]
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != value {
		b.detail = `If-Match must be one version, such as "3", or *`
		return nil, false
	}
	return &n, false
}
