package bucket

import (
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
)

// CORS is a rule for requests from web pages of other origins.
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html
type CORS struct {
	Origins []string // with at most one * each
	Methods []string
	Headers []string // with at most one * each
	Expose  []string
	MaxAge  int // seconds; 0 sends no header
}

// withCORS answers preflight requests by the rules of their buckets, and lets the pages that the rules allow read the
// answers to all others. What next says of CORS by itself is dropped: gofakes3 allows everything.
func withCORS(rules map[string][]CORS, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method, preflight := r.Method, false
		origin := r.Header.Get("Origin")
		if asked := r.Header.Get("Access-Control-Request-Method"); r.Method == http.MethodOptions && origin != "" && asked != "" {
			method, preflight = asked, true
		}
		own := rules[bucketOf(r)]
		i := slices.IndexFunc(own, func(c CORS) bool { return c.allows(origin, method, r.Header) })
		switch {
		case preflight && i < 0:
			http.Error(w, "AccessForbidden: CORSResponse: this CORS request is not allowed.", http.StatusForbidden)
		case preflight:
			own[i].apply(w.Header(), origin, r.Header)
		default:
			cw := &corsWriter{ResponseWriter: w, apply: func(h http.Header) {
				if i >= 0 {
					own[i].apply(h, origin, r.Header)
				}
			}}
			next.ServeHTTP(cw, r)
			cw.begin() // if the answer is empty, nobody has yet
		}
	})
}

// corsWriter replaces what a handler says of CORS.
type corsWriter struct {
	http.ResponseWriter
	apply func(http.Header)
	begun bool
}

// begin sets the header fields, once.
func (w *corsWriter) begin() {
	if w.begun {
		return
	}
	w.begun = true
	for name := range w.Header() {
		if strings.HasPrefix(name, "Access-Control-") {
			w.Header().Del(name)
		}
	}
	w.apply(w.Header())
}

// WriteHeader implements http.ResponseWriter. gofakes3 calls it twice for some errors, of which net/http complains.
func (w *corsWriter) WriteHeader(status int) {
	if w.begun {
		return
	}
	w.begin()
	w.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer.
func (w *corsWriter) Write(p []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(p)
}

// Unwrap serves http.ResponseController.
func (w *corsWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// bucketOf returns the name of the bucket that a request is for, in either style of address.
func bucketOf(r *http.Request) string {
	host, _, _ := strings.Cut(r.Host, ":")
	if name, ok := strings.CutSuffix(host, ".localhost"); ok {
		return name
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return name
}

func (c CORS) allows(origin, method string, header http.Header) bool {
	if origin == "" || !matchesAny(c.Origins, origin) || !slices.Contains(c.Methods, method) {
		return false
	}
	for _, name := range requested(header) {
		if !matchesAny(c.Headers, name) {
			return false
		}
	}
	return true
}

// requested returns the header fields that a preflight asks for, in lower case.
func requested(header http.Header) []string {
	var names []string
	for name := range strings.SplitSeq(header.Get("Access-Control-Request-Headers"), ",") {
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// matchesAny reports whether one of the patterns, each of which may hold a *, means s.
func matchesAny(patterns []string, s string) bool {
	flat := strings.NewReplacer("/", "\x00") // a * of path.Match stops at a slash
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := path.Match(flat.Replace(strings.ToLower(pattern)), flat.Replace(strings.ToLower(s)))
		return ok && err == nil
	})
}

func (c CORS) apply(h http.Header, origin string, asked http.Header) {
	if slices.Contains(c.Origins, "*") {
		h.Set("Access-Control-Allow-Origin", "*")
	} else {
		h.Set("Access-Control-Allow-Origin", origin)
	}
	h.Set("Access-Control-Allow-Methods", strings.Join(c.Methods, ", "))
	h.Set("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method")
	if names := requested(asked); len(names) > 0 {
		h.Set("Access-Control-Allow-Headers", strings.Join(names, ", "))
	}
	if len(c.Expose) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(c.Expose, ", "))
	}
	if c.MaxAge > 0 {
		h.Set("Access-Control-Max-Age", strconv.Itoa(c.MaxAge))
	}
}
