package api

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"lunogram-users/internal/project"
)

// The functions, by the names of their folders.
const (
	upsertFunction = "upsert"
	getFunction    = "get"
	deleteFunction = "delete"
	importFunction = "imports"

	subscriptionsFunction = "subscriptions"
	listsFunction         = "lists"
	renderFunction        = "render"
)

// Route is one line of the contract.
type Route struct {
	Operation string       // its operationId in openapi.yaml, by which functions.go names its handler
	Function  string       // which Lambda serves it, by the name of its folder
	Method    string       // one method
	Path      string       // as http.ServeMux reads it
	Needs     project.Role // the least role that may call it
}

// Contract returns all that needs a key: what exists, which function serves it and who may call it. A pk_ key has the
// role Client, which only upserts, and sets states by the token of a link, and is answered with no more than it sent (see view.go).
//
// It is data, without handlers: every function knows all of it, and links the code of its own operations only.
func Contract() []Route {
	const (
		client = "/api/client/users"
		scoped = "/api/client/projects/{projectID}/users"
		admin  = "/api/admin/projects/{projectID}/subjects/users"
		one    = admin + "/{userID}"

		imports = "/api/admin/projects/{projectID}/imports"
		tenant  = "/api/admin/projects/{projectID}"
		group   = tenant + "/subscriptions/{subscriptionID}"
		lists   = tenant + "/lists"
		aList   = lists + "/{listID}"
		rules   = tenant + "/rules"
	)
	return []Route{
		{"upsertUser", upsertFunction, "POST", client, project.Client},
		{"upsertUserOfProject", upsertFunction, "POST", scoped, project.Client},
		{"upsertUsers", upsertFunction, "POST", client + "/batch", project.Client},
		{"upsertUsersOfProject", upsertFunction, "POST", scoped + "/batch", project.Client},
		{"upsertSubject", upsertFunction, "POST", admin, project.Editor},
		{"patchUser", upsertFunction, "PATCH", one, project.Editor},

		{"listUsers", getFunction, "GET", admin, project.Support},
		{"lookUpUsers", getFunction, "GET", admin + "/lookup", project.Support},
		{"getUser", getFunction, "GET", one, project.Support},
		{"listSubscriptions", getFunction, "GET", one + "/subscriptions", project.Support},

		{"deleteUserByIdentifier", deleteFunction, "DELETE", client, project.Editor},
		{"deleteUserOfProjectByIdentifier", deleteFunction, "DELETE", scoped, project.Editor},
		{"deleteUser", deleteFunction, "DELETE", one, project.Editor},
		{"detachIdentifier", deleteFunction, "DELETE", one + "/identifiers/{identifierID}", project.Editor},

		{"createImport", importFunction, "POST", imports, project.Admin},
		{"listImports", importFunction, "GET", imports, project.Support},
		{"getImport", importFunction, "GET", imports + "/{importID}", project.Support},
		{"cancelImport", importFunction, "POST", imports + "/{importID}/cancel", project.Admin},
		{"undoImport", importFunction, "POST", imports + "/{importID}/undo", project.Admin},

		{"getSettings", subscriptionsFunction, "GET", tenant + "/settings", project.Support},
		{"changeSettings", subscriptionsFunction, "PATCH", tenant + "/settings", project.Admin},
		{"listGroups", subscriptionsFunction, "GET", tenant + "/subscriptions", project.Support},
		{"createGroup", subscriptionsFunction, "POST", tenant + "/subscriptions", project.Editor},
		{"getGroup", subscriptionsFunction, "GET", group, project.Support},
		{"changeGroup", subscriptionsFunction, "PATCH", group, project.Editor},
		{"archiveGroup", subscriptionsFunction, "POST", group + "/archive", project.Admin},
		{"setSubscriptions", subscriptionsFunction, "PUT", client + "/subscriptions", project.Client},
		{"setSubscriptionsOfProject", subscriptionsFunction, "PUT", scoped + "/subscriptions", project.Client},
		{"setStates", subscriptionsFunction, "PATCH", one + "/subscriptions", project.Editor},
		{"getLedger", subscriptionsFunction, "GET", one + "/ledger", project.Support},
		{"maySend", subscriptionsFunction, "GET", one + "/may-send", project.Support},
		{"audience", subscriptionsFunction, "POST", tenant + "/audience", project.Support},
		{"makeLinks", subscriptionsFunction, "POST", tenant + "/links", project.Editor},
		{"getSuppression", subscriptionsFunction, "GET", tenant + "/suppressions", project.Support},
		{"suppress", subscriptionsFunction, "POST", tenant + "/suppressions", project.Editor},
		{"liftSuppression", subscriptionsFunction, "DELETE", tenant + "/suppressions", project.Admin},
		{"listReviews", subscriptionsFunction, "GET", tenant + "/reviews", project.Editor},
		{"decideReview", subscriptionsFunction, "POST", tenant + "/reviews/{reviewID}", project.Editor},

		{"listLists", listsFunction, "GET", lists, project.Support},
		{"createList", listsFunction, "POST", lists, project.Editor},
		{"getList", listsFunction, "GET", aList, project.Support},
		{"changeList", listsFunction, "PATCH", aList, project.Editor},
		{"archiveList", listsFunction, "POST", aList + "/archive", project.Admin},
		{"duplicateList", listsFunction, "POST", aList + "/duplicate", project.Editor},
		{"countMembers", listsFunction, "GET", aList + "/count", project.Support},
		{"listAudience", listsFunction, "GET", aList + "/audience", project.Support},
		{"listMembers", listsFunction, "GET", aList + "/users", project.Support},
		{"addMembers", listsFunction, "POST", aList + "/users", project.Editor},
		{"removeMembers", listsFunction, "DELETE", aList + "/users", project.Editor},
		{"addMember", listsFunction, "PUT", aList + "/users/{userID}", project.Editor},
		{"removeMember", listsFunction, "DELETE", aList + "/users/{userID}", project.Editor},
		{"getUserLists", listsFunction, "GET", one + "/lists", project.Support},
		{"checkRule", listsFunction, "POST", rules + "/check", project.Support},
		{"evaluateRule", listsFunction, "POST", rules + "/evaluate", project.Support},
		{"previewRule", listsFunction, "POST", rules + "/preview", project.Support},
		{"render", renderFunction, "POST", tenant + "/render", project.Editor},
		{"updateByTemplate", renderFunction, "POST", one + "/update", project.Editor},
	}
}

// router serves the routes of one function. It knows the others too, so that Allow names every method of a path
// whichever function was reached.
func (s *service) router(function string, serve handlers, keys *keyCache) http.Handler {
	serve.mustFit(function)
	paths := map[string]methods{}
	for _, r := range Contract() {
		if paths[r.Path] == nil {
			paths[r.Path] = methods{}
		}
		h := http.Handler(nil)
		if r.Function == function {
			h = authenticate(keys, r.Needs, s.log)(serve[r.Operation])
		}
		paths[r.Path][r.Method] = h
	}
	mux := http.NewServeMux()
	for path, m := range paths {
		mux.Handle(path, m.handler(path, s.log))
	}
	mux.Handle("/", failure(errNoRoute, s.log))
	return mux
}

// methods holds the handlers of one path by method; nil for one that another function serves.
type methods map[string]http.Handler

// handler picks the handler of the method (that of GET for HEAD) or answers 405 (RFC 9110, 15.5.6).
// ServeMux could do that, but answers in plain text.
func (m methods) handler(path string, log *slog.Logger) http.Handler {
	allow := make([]string, 0, len(m))
	for method := range m {
		allow = append(allow, method)
	}
	slices.Sort(allow)
	refuse, elsewhere := failure(errMethod, log), failure(errNoRoute, log)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		noteRoute(r.Context(), path)
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		h, exists := m[method]
		switch {
		case h != nil:
			h.ServeHTTP(w, r)
			return
		case exists: // in another function, which the path reaches only as it is written in the contract
			elsewhere.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Allow", strings.Join(allow, ", "))
		refuse.ServeHTTP(w, r)
	})
}
