package gateway

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// CORS is the CORS configuration of an HTTP API. A nil *CORS adds nothing.
// Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
type CORS struct {
	Origins     []string // "*", exact ones, or "https://*"
	Methods     []string
	Headers     []string
	Expose      []string
	MaxAge      int // seconds
	Credentials bool
}

// preflight answers a preflight request, whether or not there is an OPTIONS route. It reports false for any
// other request.
func (c *CORS) preflight(w http.ResponseWriter, r *http.Request) bool {
	if c == nil || r.Method != http.MethodOptions || r.Header.Get("Origin") == "" ||
		r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h := w.Header()
	if c.allows(r.Header.Get("Origin")) {
		c.apply(h, r)
		set(h, "Access-Control-Allow-Methods", c.Methods)
		set(h, "Access-Control-Allow-Headers", c.Headers)
		if c.MaxAge > 0 {
			h.Set("Access-Control-Max-Age", strconv.Itoa(c.MaxAge))
		}
	}
	w.WriteHeader(http.StatusNoContent)
	return true
}

// apply replaces the CORS fields that the function may have set by those configured, if the request has an
// origin.
func (c *CORS) apply(h http.Header, r *http.Request) {
	if c == nil {
		return
	}
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			h.Del(name)
		}
	}
	origin := r.Header.Get("Origin")
	if origin == "" || !c.allows(origin) {
		return
	}
	if slices.Contains(c.Origins, "*") {
		h.Set("Access-Control-Allow-Origin", "*")
	} else {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Add("Vary", "Origin")
	}
	if c.Credentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	set(h, "Access-Control-Expose-Headers", c.Expose)
}

func (c *CORS) allows(origin string) bool {
	return slices.ContainsFunc(c.Origins, func(allowed string) bool {
		prefix, wild := strings.CutSuffix(allowed, "*")
		return strings.EqualFold(allowed, origin) || wild && strings.HasPrefix(strings.ToLower(origin), prefix)
	})
}

func set(h http.Header, name string, values []string) {
	if len(values) > 0 {
		h.Set(name, strings.Join(values, ","))
	}
}
