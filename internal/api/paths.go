package api

import (
	"net/http"
	"net/url"
	"path"
)

// cleanPath collapses repeated slashes (the Python SDK sends //api/client/users), drops a trailing one and resolves
// dot segments (RFC 3986, 5.2.4), before anything routes or checks the path. An escaped slash stays inside its
// segment.
func cleanPath(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		escaped := r.URL.EscapedPath()
		clean := path.Clean("/" + escaped)
		if clean == escaped {
			next.ServeHTTP(w, r)
			return
		}
		u := *r.URL
		u.RawPath = clean
		u.Path, _ = url.PathUnescape(clean) // what was validly escaped stays so: segments are moved whole
		r = r.WithContext(r.Context())      // a copy, so that the caller's request stays as it is
		r.URL = &u
		next.ServeHTTP(w, r)
	})
}
