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
)

// route is one line of the route table.
type route struct {
	function string       // which Lambda serves it
	method   string       // one method
	path     string       // as http.ServeMux reads it
	needs    project.Role // the least role that may call it
	serve    http.Handler
}

// routes is the whole contract: what exists, which function serves it and who may call it. A pk_ key has the
// role Client, which only upserts, and sets states by the token of a link, and is answered with no more than it sent (see view.go).
func (s *service) routes() []route {
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
	return []route{
		{upsertFunction, "POST", client, project.Client, endpoint(s, decodeUpsert, s.upsert)},
		{upsertFunction, "POST", scoped, project.Client, endpoint(s, decodeUpsert, s.upsert)},
		{upsertFunction, "POST", client + "/batch", project.Client, endpoint(s, decodeBatch, s.upsertBatch)},
		{upsertFunction, "POST", scoped + "/batch", project.Client, endpoint(s, decodeBatch, s.upsertBatch)},
		{upsertFunction, "POST", admin, project.Editor, endpoint(s, decodeUpsert, s.upsert)},
		{upsertFunction, "PATCH", one, project.Editor, endpoint(s, decodePatch, s.patch)},

		{getFunction, "GET", admin, project.Support, endpoint(s, s.decodeList, s.list)},
		{getFunction, "GET", admin + "/lookup", project.Support, endpoint(s, s.decodeLookup, s.lookup)},
		{getFunction, "GET", one, project.Support, endpoint(s, decodeUserPath, s.user)},
		{getFunction, "GET", one + "/subscriptions", project.Support, endpoint(s, decodeUserPath, s.subscriptions)},

		{deleteFunction, "DELETE", client, project.Editor, endpoint(s, decodePairs, s.deleteByPairs)},
		{deleteFunction, "DELETE", scoped, project.Editor, endpoint(s, decodePairs, s.deleteByPairs)},
		{deleteFunction, "DELETE", one, project.Editor, endpoint(s, decodeUserPath, s.deleteUser)},
		{deleteFunction, "DELETE", one + "/identifiers/{identifierID}", project.Editor, endpoint(s, decodeIdentifierPath, s.detach)},

		{importFunction, "POST", imports, project.Admin, endpoint(s, decodeCreateImport, s.createImport)},
		{importFunction, "GET", imports, project.Support, endpoint(s, s.decodeImports, s.listImports)},
		{importFunction, "GET", imports + "/{importID}", project.Support, endpoint(s, decodeImportPath, s.getImport)},
		{importFunction, "POST", imports + "/{importID}/cancel", project.Admin, endpoint(s, decodeImportPath, s.cancelImport)},
		{importFunction, "POST", imports + "/{importID}/undo", project.Admin, endpoint(s, decodeImportPath, s.undoImport)},

		{subscriptionsFunction, "GET", tenant + "/settings", project.Support, endpoint(s, decodeProject, s.settings)},
		{subscriptionsFunction, "PATCH", tenant + "/settings", project.Admin, endpoint(s, decodeSettings, s.patchSettings)},
		{subscriptionsFunction, "GET", tenant + "/subscriptions", project.Support, endpoint(s, decodeGroups, s.groups)},
		{subscriptionsFunction, "POST", tenant + "/subscriptions", project.Editor, endpoint(s, s.decodeNewGroup, s.createGroup)},
		{subscriptionsFunction, "GET", group, project.Support, endpoint(s, decodeGroupPath, s.group)},
		{subscriptionsFunction, "PATCH", group, project.Editor, endpoint(s, decodeGroupPatch, s.patchGroup)},
		{subscriptionsFunction, "POST", group + "/archive", project.Admin, endpoint(s, decodeGroupPath, s.archiveGroup)},
		{subscriptionsFunction, "PUT", client + "/subscriptions", project.Client, endpoint(s, decodeClientStates, s.setClientStates)},
		{subscriptionsFunction, "PUT", scoped + "/subscriptions", project.Client, endpoint(s, decodeClientStates, s.setClientStates)},
		{subscriptionsFunction, "PATCH", one + "/subscriptions", project.Editor, endpoint(s, decodeStates, s.setStates)},
		{subscriptionsFunction, "GET", one + "/ledger", project.Support, endpoint(s, s.decodeLedger, s.ledger)},
		{subscriptionsFunction, "GET", one + "/may-send", project.Support, endpoint(s, decodeMaySend, s.maySend)},
		{subscriptionsFunction, "POST", tenant + "/audience", project.Support, endpoint(s, decodeAudience, s.audience)},
		{subscriptionsFunction, "POST", tenant + "/links", project.Editor, endpoint(s, s.decodeLinks, s.links)},
		{subscriptionsFunction, "GET", tenant + "/suppressions", project.Support, endpoint(s, decodeAddress, s.suppression)},
		{subscriptionsFunction, "POST", tenant + "/suppressions", project.Editor, endpoint(s, decodeSuppression, s.suppress)},
		{subscriptionsFunction, "DELETE", tenant + "/suppressions", project.Admin, endpoint(s, decodeLift, s.suppress)},
		{subscriptionsFunction, "GET", tenant + "/reviews", project.Editor, endpoint(s, s.decodeReviews, s.reviews)},
		{subscriptionsFunction, "POST", tenant + "/reviews/{reviewID}", project.Editor, endpoint(s, decodeDecision, s.decide)},

		{listsFunction, "GET", lists, project.Support, endpoint(s, s.decodeLists, s.listLists)},
		{listsFunction, "POST", lists, project.Editor, endpoint(s, s.decodeNewList, s.createList)},
		{listsFunction, "GET", aList, project.Support, endpoint(s, decodeListPath, s.getList)},
		{listsFunction, "PATCH", aList, project.Editor, endpoint(s, decodeListPatch, s.patchList)},
		{listsFunction, "POST", aList + "/archive", project.Admin, endpoint(s, decodeListPath, s.archiveList)},
		{listsFunction, "POST", aList + "/duplicate", project.Editor, endpoint(s, decodeDuplicate, s.duplicateList)},
		{listsFunction, "GET", aList + "/count", project.Support, endpoint(s, decodeListPath, s.count)},
		{listsFunction, "GET", aList + "/audience", project.Support, endpoint(s, s.decodeListAudience, s.listAudience)},
		{listsFunction, "GET", aList + "/users", project.Support, endpoint(s, s.decodeMembers, s.members)},
		{listsFunction, "POST", aList + "/users", project.Editor, endpoint(s, decodeMembersChange, s.addMembers)},
		{listsFunction, "DELETE", aList + "/users", project.Editor, endpoint(s, decodeMembersChange, s.removeMembers)},
		{listsFunction, "PUT", aList + "/users/{userID}", project.Editor, endpoint(s, decodeMember, s.addMember)},
		{listsFunction, "DELETE", aList + "/users/{userID}", project.Editor, endpoint(s, decodeMember, s.removeMember)},
		{listsFunction, "GET", one + "/lists", project.Support, endpoint(s, decodeUserPath, s.listsOf)},
		{listsFunction, "POST", rules + "/check", project.Support, endpoint(s, decodeRuleCheck, s.checkRule)},
		{listsFunction, "POST", rules + "/evaluate", project.Support, endpoint(s, decodeEvaluate, s.evaluate)},
		{listsFunction, "POST", rules + "/preview", project.Support, endpoint(s, decodePreview, s.preview)},
	}
}

// router serves the routes of one function. It knows the others too, so that Allow names every method of a path
// whichever function was reached.
func (s *service) router(function string, keys *keyCache) http.Handler {
	paths := map[string]methods{}
	for _, r := range s.routes() {
		if paths[r.path] == nil {
			paths[r.path] = methods{}
		}
		h := http.Handler(nil)
		if r.function == function {
			h = authenticate(keys, r.needs, s.log)(r.serve)
		}
		paths[r.path][r.method] = h
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
