package system_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lunogram-users/internal/change"
	"lunogram-users/internal/list"
	"lunogram-users/internal/local/schedule"
)

// dynamicList creates a dynamic list as the API does.
func (n *tenant) dynamicList(t *testing.T, name, rule string) list.List {
	t.Helper()
	l := list.List{
		ID: uuid.Must(uuid.NewV7()).String(), ProjectID: n.id, Kind: list.Dynamic, Name: name, CreatedAt: time.Now(),
		Rule: rule, Revision: 1, Status: list.Building,
	}
	must(t, n.store.CreateList(t.Context(), l))
	return l
}

func (n *tenant) awaitReady(t *testing.T, l list.List, revision int64) {
	t.Helper()
	n.awaitFor(t, "the list to be ready", 2*time.Minute, func() bool {
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
	n.await(t, "the members", func() bool {
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

// checkEvents checks that the newest that was published of each user and the list is how it is.
func (n *tenant) checkEvents(t *testing.T, l list.List) {
	t.Helper()
	var members, latest map[string]bool
	n.await(t, "the events", func() bool {
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
