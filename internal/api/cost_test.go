package api_test

import (
	"fmt"
	"strings"
	"testing"

	"lunogram-users/internal/dynamo/dynamotest"
)

// TestCostsOfRequests holds requests to what they ask of DynamoDB once the key is known: a read more than needed is time that
// every one of them takes. What each access pattern costs by itself is checked beside the store.
func TestCostsOfRequests(t *testing.T) {
	tn := newTenant(t)
	news := tn.group(`"name":"News","channel":"email"`)
	var ids, pairs []string
	for i := range 20 {
		ids = append(ids, tn.make(fmt.Sprint("u", i), fmt.Sprintf(`,"email":"u%d@example.com"`, i)))
		pairs = append(pairs, fmt.Sprintf(`{"external_id":"u%d"}`, i))
	}
	everybody := `"` + strings.Join(ids, `","`) + `"`
	static, dynamic := tn.list(201, "POST", "", `{"name":"S","type":"static"}`).ID, tn.list(201, "POST", "", `{"name":"D","type":"dynamic","rule":"user.id EXISTS"}`).ID
	tn.list(201, "POST", "", `{"name":"Other","type":"static"}`)
	tn.enrol(dynamic, ids...)
	tn.publish(dynamic)
	tn.want(200, "POST", tn.listsPath("/"+static+"/users"), `{"user_ids":[`+everybody+`]}`)

	one, list := tn.admin+"/"+ids[0], tn.listsPath("/"+dynamic)
	render := func(who string) string {
		return `{"template":"Hi {{ user.email }}",` + who + `,"subscription_id":"` + news + `"}`
	}
	byPair := render(`"identifier":[{"external_id":"u0"}]`)
	evaluate := func(who string) string { return `{"rule":"user.email EXISTS",` + who + `}` }
	tn.want(200, "POST", tn.consentPath("/render"), byPair) // from now on the functions know the key
	tn.want(200, "GET", one, "")

	for _, tt := range []struct {
		name         string
		status       int
		method, path string
		body         string
		want         dynamotest.Usage
	}{
		{"render by identifier", 200, "POST", tn.consentPath("/render"), byPair, dynamotest.Usage{Calls: 4, Read: 4}},
		{"render by id", 200, "POST", tn.consentPath("/render"), render(`"user_id":"` + ids[0] + `"`), dynamotest.Usage{Calls: 3, Read: 3}},
		{"update", 200, "POST", one + "/update", `{"template":{"plan":"pro"}}`, dynamotest.Usage{Calls: 2, Read: 1, Write: 1}},
		{"update to what is", 200, "POST", one + "/update", `{"template":{}}`, dynamotest.Usage{Calls: 1, Read: 1}},
		{"hold a rule against 20 by id", 200, "POST", tn.consentPath("/rules/evaluate"), evaluate(`"user_ids":[` + everybody + `]`), dynamotest.Usage{Calls: 1, Read: 20}},
		{"hold a rule against 20 by identifier", 200, "POST", tn.consentPath("/rules/evaluate"),
			evaluate(`"identifiers":[` + strings.Join(pairs, ",") + `]`), dynamotest.Usage{Calls: 2, Read: 40}},
		{"a page of an audience", 200, "GET", list + "/audience?subscription_id=" + news, "", dynamotest.Usage{Calls: 22, Read: 24}},
		{"a page of members", 200, "GET", list + "/users?limit=20", "", dynamotest.Usage{Calls: 19, Read: 29}},
		{"a user's lists", 200, "GET", one + "/lists", "", dynamotest.Usage{Calls: 3, Read: 4}},
		{"create a list", 201, "POST", tn.listsPath(""), `{"name":"New","type":"static"}`, dynamotest.Usage{Calls: 3, Read: 2, Write: 4}},
		{"duplicate a list", 201, "POST", list + "/duplicate", "", dynamotest.Usage{Calls: 3, Read: 2, Write: 4}},
		{"change what a list is called", 200, "PATCH", list, `{"name":"E"}`, dynamotest.Usage{Calls: 3, Read: 2, Write: 4}},
		{"change nothing of a list", 200, "PATCH", list, `{"description":""}`, dynamotest.Usage{Calls: 1, Read: 1}},
		{"count", 200, "GET", list + "/count", "", dynamotest.Usage{Calls: 19, Read: 10, Write: 1}},
		{"count again", 200, "GET", list + "/count", "", dynamotest.Usage{Calls: 17, Read: 9}},
		{"take 20 out of a list", 200, "DELETE", tn.listsPath("/" + static + "/users"), `{"user_ids":[` + everybody + `]}`, dynamotest.Usage{Calls: 4, Read: 41, Write: 40}},
	} {
		tn.meter.Take()
		tn.want(tt.status, tt.method, tt.path, tt.body)
		if got := tn.meter.Take(); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
