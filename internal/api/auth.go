package api

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"lunogram-users/internal/project"
)

// maxToken is the longest token that is looked up, in bytes.
const maxToken = 256

type keyContext struct{}

// keyOf returns the key that a request was authenticated with, and whether it was.
func keyOf(ctx context.Context) (project.Key, bool) {
	key, ok := ctx.Value(keyContext{}).(project.Key)
	return key, ok
}

// projectOf returns the id of the project that the request's key belongs to. No other project is ever read.
func projectOf(ctx context.Context) string {
	key, _ := keyOf(ctx)
	return key.ProjectID
}

// authenticate lets a request pass that has a key of the needed role, bound to the project of the path if there is
// one. No key, an unknown one and one of another project get the same 401, whether or not that project
// exists; a lesser role gets 403.
func authenticate(keys *keyCache, needs project.Role, log *slog.Logger) middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			key, err := authorize(r, keys, needs)
			if err != nil {
				fail(w, r, err, log)
				return
			}
			noteKey(r.Context(), key)
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), keyContext{}, key)))
		})
	}
}

func authorize(r *http.Request, keys *keyCache, needs project.Role) (project.Key, error) {
	token := bearer(r)
	if token == "" || len(token) > maxToken || strings.ContainsAny(token, " \t") {
		return project.Key{}, errUnauthorized
	}
	key, err := keys.key(r.Context(), token)
	if err != nil {
		return project.Key{}, err
	}
	if path := r.PathValue("projectID"); path != "" {
		if id, err := project.ParseID(path); err != nil || id != key.ProjectID {
			return project.Key{}, errUnauthorized
		}
	}
	if !key.Role.Includes(needs) {
		return project.Key{}, errForbidden
	}
	return key, nil
}

// bearer returns the token of a request, "" if it has none. The scheme may be left out, as some clients do.
func bearer(r *http.Request) string {
	value := strings.TrimSpace(r.Header.Get("Authorization"))
	scheme, token, ok := strings.Cut(value, " ")
	if ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	if strings.EqualFold(value, "Bearer") {
		return ""
	}
	return value
}
