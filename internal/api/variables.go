package api

import "lunogram-users/internal/user"

// variables returns what templates know of a user: everything that a secret key reads, under the same names, and the first
// identifier of the two common sources by a name of its own. What is not set is missing. journey holds the data of the steps
// before, by their keys; it may be nil.
func (s *service) variables(u user.User, journey map[string]any) map[string]any {
	if journey == nil {
		journey = map[string]any{}
	}
	return map[string]any{"user": userVariables(u), "journey": journey, "now": moment(s.now()).String()}
}

func userVariables(u user.User) map[string]any {
	vars := map[string]any{
		"id": u.ID, "data": u.Data, "version": int(u.Version),
		"created_at": moment(u.CreatedAt).String(), "updated_at": moment(u.UpdatedAt).String(),
	}
	if u.Data == nil {
		vars["data"] = map[string]any{}
	}
	var identifiers []any
	for _, id := range u.Identifiers {
		one := map[string]any{"source": id.Source, "external_id": id.ExternalID}
		if len(id.Metadata) > 0 {
			one["metadata"] = id.Metadata
		}
		identifiers = append(identifiers, one)
	}
	vars["identifier"] = identifiers
	for name, value := range map[string]string{
		"email": u.Email, "phone": u.Phone, "timezone": u.Timezone, "locale": u.Locale,
		"external_id": firstOf(u, user.DefaultSource), "anonymous_id": firstOf(u, user.AnonymousSource),
	} {
		if value != "" {
			vars[name] = value
		}
	}
	return vars
}

// firstOf returns the oldest external id of a source, "" if there is none.
func firstOf(u user.User, source string) string {
	for _, id := range u.Identifiers {
		if id.Source == source {
			return id.ExternalID
		}
	}
	return ""
}
