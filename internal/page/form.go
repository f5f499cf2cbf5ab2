package page

import (
	"mime"
	"net/http"
	"net/url"
	"strings"

	"lunogram-users/internal/link"
)

// maxForm is the largest form that is read, in bytes: 50 groups of each kind of field fit several times.
const maxForm = 64 << 10

// readForm returns the fields of a body that is a form of either kind (RFC 8058, section 3.1, wants both), and none of any
// other body. A body that does not say what it is passes for the simple kind.
func readForm(w http.ResponseWriter, r *http.Request) url.Values {
	if r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil:
	case kind == "application/x-www-form-urlencoded":
		err = r.ParseForm()
	case kind == "multipart/form-data":
		err = r.ParseMultipartForm(maxForm)
	}
	if err != nil {
		return nil // a part of a form could mean something else
	}
	return r.PostForm
}

// oneClick reports whether a form is a one-click request (RFC 8058, section 3.1).
func oneClick(form url.Values) bool {
	return strings.EqualFold(form.Get(link.OneClickField), link.OneClickValue)
}
