// Package permission lets a function call what the statements of its policies grant, and nothing else: what IAM does on AWS.
// Functions sign their requests with their own names as access key ids; whoever has another one may do anything. Signatures
// are not checked.
//
// Unlike S3, a function that may not list a bucket is told of an object that is not there that it is not there.
package permission

import (
	"bytes"
	"cmp"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"

	"lunogram-users/internal/local/sam"
)

// maxBody is more than any request has that is read to find out what it needs: the 16 MB of a batch of DynamoDB.
const maxBody = 20 << 20

// Need is an action on a resource that a request asks for.
type Need struct {
	Action   string // dynamodb:GetItem
	Resource string // ARN
}

// Denial is a request that was refused.
type Denial struct {
	Function string // its AWS_LAMBDA_FUNCTION_NAME
	Need
}

// Guard knows what functions may do. It is safe for concurrent use.
type Guard struct {
	log    *slog.Logger
	grants map[string][]sam.Grant // by the name of the function

	mu      sync.Mutex
	denials []Denial
}

// New returns the guard of the functions. It warns of what it refuses in the log.
func New(functions []*sam.Function, log *slog.Logger) *Guard {
	g := &Guard{log: log, grants: map[string][]sam.Grant{}}
	for _, f := range functions {
		g.grants[f.FunctionName] = f.Grants
	}
	return g
}

// Denials returns what was refused, each once, in the order of its first time.
func (g *Guard) Denials() []Denial {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.denials)
}

// Service is how the requests of an AWS service are read and refused.
type Service struct {
	needs  func(r *http.Request, body []byte) []Need
	body   bool // needs reads the body
	refuse func(w http.ResponseWriter, message string)
}

// Handler hands those requests to the next handler that whoever signed them may make, and answers the others as the service
// refuses them.
func (g *Guard) Handler(s Service, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		function := signer(r)
		grants, bound := g.grants[function]
		if !bound {
			next.ServeHTTP(w, r)
			return
		}
		var body []byte
		if s.body {
			var err error
			if body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
				s.refuse(w, "the body cannot be read, or is too long")
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		for _, need := range s.needs(r, body) {
			if !granted(grants, need) {
				g.deny(Denial{function, need})
				s.refuse(w, "User: "+function+" is not authorized to perform: "+need.Action+" on resource: "+need.Resource)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func (g *Guard) deny(d Denial) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if slices.Contains(g.denials, d) {
		return
	}
	g.denials = append(g.denials, d)
	g.log.Warn("the template does not grant", "function", d.Function, "action", d.Action, "resource", d.Resource)
}

// signer returns the access key id of a signature, in the header or in a link.
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
func signer(r *http.Request) string {
	_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if credential == "" && strings.Contains(r.URL.RawQuery, "X-Amz-Credential=") {
		credential = r.URL.Query().Get("X-Amz-Credential")
	}
	id, _, _ := strings.Cut(credential, "/")
	return id
}

// granted reports whether one of the grants has both the action and the resource.
func granted(grants []sam.Grant, n Need) bool {
	return slices.ContainsFunc(grants, func(g sam.Grant) bool {
		return slices.Contains(g.Actions, n.Action) &&
			slices.ContainsFunc(g.Resources, func(pattern string) bool { return covers(pattern, n.Resource) })
	})
}

// covers reports whether the pattern, in which one * stands for any text, is the resource.
func covers(pattern, resource string) bool {
	start, end, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == resource
	}
	return len(resource) >= len(start)+len(end) && strings.HasPrefix(resource, start) && strings.HasSuffix(resource, end)
}

// arn returns the ARN of a resource of this account and region, or its beginning.
func arn(service, resource string) string {
	return "arn:" + sam.Partition + ":" + service + ":" + sam.Region + ":" + sam.AccountID + ":" + resource
}

// operation returns the last part of X-Amz-Target; "?" if there is none, which nobody is granted.
func operation(r *http.Request) string {
	target := r.Header.Get("X-Amz-Target")
	return cmp.Or(target[strings.LastIndexByte(target, '.')+1:], "?")
}
