package api

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// handlers serve the operations of one function, by their names in the table of routes.go. No function names the handlers of
// another, since the linker keeps all that is named.
type handlers map[string]http.Handler

// mustFit panics unless there is a handler for each operation of the function, and none for another: as http.ServeMux does for
// a pattern that it cannot read, so that no route is missing in silence.
func (h handlers) mustFit(function string) {
	var operations []string
	for _, r := range Contract() {
		if r.Function == function {
			operations = append(operations, r.Operation)
		}
	}
	slices.Sort(operations)
	if served := slices.Sorted(maps.Keys(h)); !slices.Equal(served, operations) {
		panic(fmt.Sprintf("api: the function %s has the operations %v and handlers of %v", function, operations, served))
	}
}

// Upsert returns the handler of the upsert function: it creates, updates and patches users.
func Upsert(store UpsertStore, o Options) http.Handler {
	s := &service{upserter: store, log: o.logger(), now: o.clock()}
	return s.handler(upsertFunction, store, handlers{
		"upsertUser":           endpoint(s, decodeUpsert, s.upsert),
		"upsertUserOfProject":  endpoint(s, decodeUpsert, s.upsert),
		"upsertUsers":          endpoint(s, decodeBatch, s.upsertBatch),
		"upsertUsersOfProject": endpoint(s, decodeBatch, s.upsertBatch),
		"upsertSubject":        endpoint(s, decodeUpsert, s.upsert),
		"patchUser":            endpoint(s, decodePatch, s.patch),
	})
}

// Get returns the handler of the get function: it reads, lists and looks up users and their subscriptions.
func Get(store GetStore, o Options) http.Handler {
	s := &service{reader: store, lister: store, log: o.logger(), now: o.clock()}
	s.projects = newProjectCache(store, s.now)
	return s.handler(getFunction, store, handlers{
		"listUsers":         endpoint(s, s.decodeList, s.list),
		"lookUpUsers":       endpoint(s, s.decodeLookup, s.lookup),
		"getUser":           endpoint(s, decodeUserPath, s.user),
		"listSubscriptions": endpoint(s, decodeUserPath, s.subscriptions),
	})
}

// Delete returns the handler of the delete function: it erases users and detaches identifiers.
func Delete(store DeleteStore, o Options) http.Handler {
	s := &service{deleter: store, log: o.logger(), now: o.clock()}
	return s.handler(deleteFunction, store, handlers{
		"deleteUserByIdentifier":          endpoint(s, decodePairs, s.deleteByPairs),
		"deleteUserOfProjectByIdentifier": endpoint(s, decodePairs, s.deleteByPairs),
		"deleteUser":                      endpoint(s, decodeUserPath, s.deleteUser),
		"detachIdentifier":                endpoint(s, decodeIdentifierPath, s.detach),
	})
}

// Imports returns the handler of the imports function: it creates, shows, lists and cancels imports, and takes them back.
func Imports(store ImportsStore, importer Importer, o Options) http.Handler {
	s := &service{importer: importer, log: o.logger(), now: o.clock()}
	s.projects = newProjectCache(store, s.now)
	return s.handler(importFunction, store, handlers{
		"createImport": endpoint(s, decodeCreateImport, s.createImport),
		"listImports":  endpoint(s, s.decodeImports, s.listImports),
		"getImport":    endpoint(s, decodeImportPath, s.getImport),
		"cancelImport": endpoint(s, decodeImportPath, s.cancelImport),
		"undoImport":   endpoint(s, decodeImportPath, s.undoImport),
	})
}

// Subscriptions returns the handler of the subscriptions function: groups, settings, states, ledgers, suppressions, and
// whether a message may be sent.
func Subscriptions(store SubscriptionsStore, o Options) http.Handler {
	s := &service{consent: store, recipients: store, log: o.logger(), now: o.clock(), publicURL: o.PublicURL}
	s.projects = newProjectCache(store, s.now)
	return s.handler(subscriptionsFunction, store, handlers{
		"getSettings":               endpoint(s, decodeProject, s.settings),
		"changeSettings":            endpoint(s, decodeSettings, s.patchSettings),
		"listGroups":                endpoint(s, decodeGroups, s.groups),
		"createGroup":               endpoint(s, s.decodeNewGroup, s.createGroup),
		"getGroup":                  endpoint(s, decodeGroupPath, s.group),
		"changeGroup":               endpoint(s, decodeGroupPatch, s.patchGroup),
		"archiveGroup":              endpoint(s, decodeGroupPath, s.archiveGroup),
		"setSubscriptions":          endpoint(s, decodeClientStates, s.setClientStates),
		"setSubscriptionsOfProject": endpoint(s, decodeClientStates, s.setClientStates),
		"setStates":                 endpoint(s, decodeStates, s.setStates),
		"getLedger":                 endpoint(s, s.decodeLedger, s.ledger),
		"maySend":                   endpoint(s, decodeMaySend, s.maySend),
		"audience":                  endpoint(s, decodeAudience, s.audience),
		"makeLinks":                 endpoint(s, s.decodeLinks, s.links),
		"getSuppression":            endpoint(s, decodeAddress, s.suppression),
		"suppress":                  endpoint(s, decodeSuppression, s.suppress),
		"liftSuppression":           endpoint(s, decodeLift, s.suppress),
		"listReviews":               endpoint(s, s.decodeReviews, s.reviews),
		"decideReview":              endpoint(s, decodeDecision, s.decide),
	})
}

// Lists returns the handler of the lists function: lists, their members and audiences, and rules.
func Lists(store ListsStore, o Options) http.Handler {
	s := &service{lists: store, log: o.logger(), now: o.clock()}
	s.projects = newProjectCache(store, s.now)
	return s.handler(listsFunction, store, handlers{
		"listLists":     endpoint(s, s.decodeLists, s.listLists),
		"createList":    endpoint(s, s.decodeNewList, s.createList),
		"getList":       endpoint(s, decodeListPath, s.getList),
		"changeList":    endpoint(s, decodeListPatch, s.patchList),
		"archiveList":   endpoint(s, decodeListPath, s.archiveList),
		"duplicateList": endpoint(s, decodeDuplicate, s.duplicateList),
		"countMembers":  endpoint(s, decodeListPath, s.count),
		"listAudience":  endpoint(s, s.decodeListAudience, s.listAudience),
		"listMembers":   endpoint(s, s.decodeMembers, s.members),
		"addMembers":    endpoint(s, decodeMembersChange, s.addMembers),
		"removeMembers": endpoint(s, decodeMembersChange, s.removeMembers),
		"addMember":     endpoint(s, decodeMember, s.addMember),
		"removeMember":  endpoint(s, decodeMember, s.removeMember),
		"getUserLists":  endpoint(s, decodeUserPath, s.listsOf),
		"checkRule":     endpoint(s, decodeRuleCheck, s.checkRule),
		"evaluateRule":  endpoint(s, decodeEvaluate, s.evaluate),
		"previewRule":   endpoint(s, decodePreview, s.preview),
	})
}

// Render returns the handler of the render function: it renders messages and the templates of update steps.
func Render(store RenderStore, templates Templates, o Options) http.Handler {
	s := &service{recipients: store, patcher: store, templates: templates, log: o.logger(), now: o.clock(), publicURL: o.PublicURL}
	return s.handler(renderFunction, store, handlers{
		"render":           endpoint(s, s.decodeRender, s.render),
		"updateByTemplate": endpoint(s, decodeUpdate, s.update),
	})
}
