package system_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"lunogram-users/internal/change"
	"lunogram-users/internal/list"
	"lunogram-users/internal/local/schedule"
)

// project is the path of what belongs to the tenant's project.
func (n *tenant) project(rest string) string { return "/api/admin/projects/" + n.id + rest }

// ask calls with the key of an admin, and returns the body of the answer, which must have the status.
func (n *tenant) ask(t *testing.T, status int, method, path string, body any) object {
	t.Helper()
	r := n.call(method, path, n.secret, body)
	if r.status != status {
		t.Fatalf("%s %s: got %d %v, want %d", method, path, r.status, r.body, status)
	}
	return r.body
}

// dynamicList creates a dynamic list.
func (n *tenant) dynamicList(t *testing.T, name, rule string) list.List {
	t.Helper()
	body := n.ask(t, http.StatusCreated, "POST", n.project("/lists"), object{"name": name, "type": "dynamic", "rule": rule})
	return list.List{ID: body["id"].(string)}
}

// awaitReady waits until the list follows its rule of the revision.
func (n *tenant) awaitReady(t *testing.T, l list.List, revision int64) {
	t.Helper()
	n.awaitFor(t, fmt.Sprintf("list %s to be ready in revision %d", l.ID, revision), 2*time.Minute, func() bool {
		stored, err := n.store.List(t.Context(), n.id, l.ID)
		must(t, err)
		return stored.Status == list.Ready && stored.Revision == revision && stored.Published == stored.Rule
	})
}

// isMember reports whether the user with the external id is a member.
func (n *tenant) isMember(t *testing.T, l list.List, externalID string) bool {
	t.Helper()
	u, ok := n.byID(t, externalID)
	if !ok {
		return false
	}
	s, err := n.store.Standing(t.Context(), n.id, u.ID)
	must(t, err)
	return slices.ContainsFunc(s.Lists, func(m list.Membership) bool { return m.ListID == l.ID })
}

// put stores data of a user through the API.
func (n *tenant) put(t *testing.T, externalID string, data object) {
	t.Helper()
	body := object{"identifier": pairs(externalID), "data": data}
	if got := n.call("POST", "/api/client/users", n.client, body); got.status != http.StatusOK {
		t.Fatalf("upsert: status %d", got.status)
	}
}

// TestListsFollowUsers: a list is filled with those who are there, and follows what the API writes, through the stream, the
// queue and the scheduler of the template. Functions die on the way.
func TestListsFollowUsers(t *testing.T) {
	n := newTenant(t)
	for i := range 20 {
		n.put(t, fmt.Sprint("old", i), object{"plan": []string{"free", "premium"}[i%2], "renewed": "2020-01-01"})
	}
	l := n.dynamicList(t, "premium", `user.data.plan = "premium"`)
	renewed := n.dynamicList(t, "renewed", `user.data.renewed > now - 30 days`)
	stop := killing(t, "changes")
	stopToo := killing(t, "recompute")
	n.awaitReady(t, l, 1)
	n.awaitReady(t, renewed, 1)
	for i := range 20 {
		n.put(t, fmt.Sprint("new", i), object{"plan": "premium"})
		n.put(t, fmt.Sprint("old", i), object{"plan": []string{"premium", "free"}[i%2]})
	}
	n.put(t, "old0", object{"renewed": time.Now().UTC().Format(time.RFC3339)})
	stop()
	stopToo()
	n.awaitFor(t, "the members", 2*time.Minute, func() bool { // after many failures the stream pauses for half a minute
		for i := range 20 {
			if !n.isMember(t, l, fmt.Sprint("new", i)) || n.isMember(t, l, fmt.Sprint("old", i)) != (i%2 == 0) {
				return false
			}
		}
		return n.isMember(t, renewed, "old0")
	})
	planned := slices.ContainsFunc(n.cloud.Schedules(), func(s schedule.Schedule) bool { return strings.HasPrefix(s.Name, "due-"+n.id) })
	if !planned {
		t.Errorf("got the schedules %v, want one of the project for the end of a renewal", n.cloud.Schedules())
	}
	n.checkEvents(t, l)
}

// TestListsAreAnswered: what the API says of a list while it is built and later, of another rule, of a duplicate, and to whom of
// its members a message may be sent.
func TestListsAreAnswered(t *testing.T) {
	n := newTenant(t)
	group := n.ask(t, http.StatusCreated, "POST", n.project("/subscriptions"), object{"name": "News", "channel": "email"})["id"].(string)
	for i := range 6 {
		n.upsert(object{
			"identifier": pairs(fmt.Sprint("u", i)), "email": fmt.Sprintf("u%d@example.com", i),
			"data": object{"plan": []string{"free", "premium"}[i%2], "score": i},
		})
	}
	l := n.dynamicList(t, "premium", `user.data.plan = "premium"`)
	path := n.project("/lists/" + l.ID)
	n.awaitReady(t, l, 1)
	shown := func() (names []string) {
		for _, u := range n.ask(t, http.StatusOK, "GET", path+"/users", nil)["results"].([]any) {
			names = append(names, u.(object)["email"].(string))
		}
		return names
	}
	want := []string{"u5@example.com", "u3@example.com", "u1@example.com"}
	if got := shown(); !slices.Equal(got, want) {
		t.Errorf("got the members %v, want %v", got, want)
	}
	count := n.ask(t, http.StatusOK, "GET", path, nil)["members_count"]
	if fmt.Sprint(count) != "3" {
		t.Errorf("got a count of %v, want 3", count)
	}

	n.ask(t, http.StatusOK, "PATCH", path, object{"rule": "user.data.score >= 4"})
	if got := shown(); !slices.Equal(got, want) {
		t.Errorf("while another rule is looked up: got the members %v, want %v as before", got, want)
	}
	static := n.ask(t, http.StatusCreated, "POST", n.project("/lists"), object{"name": "hand-picked", "type": "static"})["id"].(string)
	n.ask(t, http.StatusOK, "POST", n.project("/lists/"+static+"/users"), object{"identifiers": pairs("u0", "u1")})
	twin := n.ask(t, http.StatusCreated, "POST", n.project("/lists/"+static+"/duplicate"), object{})["id"].(string)
	n.awaitReady(t, l, 2)
	want = []string{"u5@example.com", "u4@example.com"}
	if got := shown(); !slices.Equal(got, want) {
		t.Errorf("by another rule: got the members %v, want %v", got, want)
	}

	n.ask(t, http.StatusOK, "PUT", "/api/client/users/subscriptions", object{
		"identifier": pairs("u5"), "subscriptions": []object{{"subscription_id": group, "state": "unsubscribed"}},
	})
	audience := n.ask(t, http.StatusOK, "GET", path+"/audience?subscription_id="+group, nil)
	if got := fmt.Sprint(audience["results"], audience["held_back"]); !strings.Contains(got, "u4@example.com") ||
		strings.Contains(got, "u5@example.com") || !strings.Contains(got, "unsubscribed:1") {
		t.Errorf("got the audience %s, want u4, and u5 held back", got)
	}

	n.await(t, "the duplicate", func() bool {
		got := n.ask(t, http.StatusOK, "GET", n.project("/lists/"+twin), nil)
		return got["status"] == "ready" && fmt.Sprint(got["members_count"]) == "2"
	})
}

// checkEvents checks that the newest that was published of each user and the list is how it is.
func (n *tenant) checkEvents(t *testing.T, l list.List) {
	t.Helper()
	var members, latest map[string]bool
	n.awaitFor(t, "the events", 2*time.Minute, func() bool {
		members, latest = map[string]bool{}, map[string]bool{}
		sequence := map[string]string{}
		for _, published := range n.cloud.Events("", "") {
			var e change.Event
			must(t, json.Unmarshal(published.Detail, &e))
			later := len(e.Sequence) > len(sequence[e.UserID]) || len(e.Sequence) == len(sequence[e.UserID]) && e.Sequence >= sequence[e.UserID]
			if e.ProjectID == n.id && e.ListID == l.ID && later {
				sequence[e.UserID], latest[e.UserID] = e.Sequence, published.DetailType == change.ListUserAdded
			}
		}
		ids, _, err := n.store.MemberPage(t.Context(), n.id, l.ID, "", 1000)
		must(t, err)
		for _, id := range ids {
			members[id] = true
		}
		for id, is := range latest {
			if is != members[id] {
				return false
			}
		}
		return len(members) == 30 && len(latest) == 40
	})
}
