package change_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/change"
	"lunogram-users/internal/consent"
	"lunogram-users/internal/list"
	"lunogram-users/internal/user"
)

var at = time.Date(2026, 11, 28, 1, 2, 3, 0, time.UTC)

func record(n int, userID string) change.Record {
	return change.Record{ID: fmt.Sprint("id", n), Sequence: fmt.Sprint(100 + n), At: at, ProjectID: "p", UserID: userID}
}

// alice is a user; edit amends the copy.
func alice(version int64, edit func(*user.User)) *user.User {
	u := &user.User{
		ID: "u", ProjectID: "p", Email: "secret@example.com", Phone: "+15550000secret", Version: version,
		Identifiers: []user.Identifier{{ID: "i", Pair: user.Pair{Source: "default", ExternalID: "secret"}}},
		Data:        map[string]any{"plan": "secret", "score": json.Number("1.50"), "same": []any{"secret"}},
	}
	if edit != nil {
		edit(u)
	}
	return u
}

// TestEvents checks which event each change is, in the form in which it is published.
func TestEvents(t *testing.T) {
	base := `{"id":"id1","project_id":"p","user_id":"u","sequence":"101","at":"2026-11-28T01:02:03Z"`
	for _, test := range []struct {
		name   string
		record func(*change.Record)
		want   string // type, space, detail; "" for no event
	}{
		{"created", func(r *change.Record) { r.Profile = &change.Profile{After: alice(0, nil)} },
			`user.created ` + base + `,"version":0}`},
		{"every field", func(r *change.Record) {
			r.Profile = &change.Profile{Before: alice(3, nil), After: alice(4, func(u *user.User) {
				u.Email, u.Phone, u.Timezone, u.Locale = "", "", "Europe/Paris", "fr"
				u.Identifiers = nil
				u.Data = map[string]any{"city": "secret", "score": json.Number("1.5"), "same": []any{"secret"}}
			})}
		}, `user.updated ` + base + `,"version":4,"changed":["email","phone","timezone","locale","identifiers","data.city","data.plan"]}`},
		{"metadata", func(r *change.Record) {
			r.Profile = &change.Profile{Before: alice(3, nil), After: alice(4, func(u *user.User) {
				u.Identifiers = []user.Identifier{u.Identifiers[0]}
				u.Identifiers[0].Metadata = map[string]any{"a": "secret"}
			})}
		}, `user.updated ` + base + `,"version":4,"changed":["identifiers"]}`},
		{"nothing that is seen", func(r *change.Record) {
			r.Profile = &change.Profile{Before: alice(3, nil), After: alice(4, func(u *user.User) {
				u.Ledger.Lines, u.Mark.Import = 5, "m"
				u.Subscriptions = map[string]consent.Subscription{"g": {State: consent.Unsubscribed}}
			})}
		}, ""},
		{"deleted", func(r *change.Record) { r.Profile = &change.Profile{Before: alice(7, nil)} },
			`user.deleted ` + base + `,"version":7}`},
		{"merged", func(r *change.Record) { r.Profile = &change.Profile{Before: alice(7, nil), MergedInto: "v"} },
			`user.merged ` + base + `,"version":7,"merged_into":"v"}`},
		{"left a group", func(r *change.Record) {
			r.Consent = &consent.Event{Group: "g", From: consent.NotSet, To: consent.Unsubscribed, How: consent.ByPage,
				Evidence: consent.Evidence{Address: "secret", UserAgent: "secret", MessageID: "secret"}}
		}, `subscription.changed ` + base + `,"group":"g","from":"not_set","to":"unsubscribed","how":"preference_center"}`},
		{"said the same again", func(r *change.Record) {
			r.Consent = &consent.Event{Group: "g", From: consent.Unsubscribed, To: consent.Unsubscribed}
		}, ""},
		{"a line of no group", func(r *change.Record) { r.Consent = &consent.Event{From: "a", To: "b"} }, ""},
		{"added to a list", func(r *change.Record) { r.Member = &change.Member{ListID: "l", Added: true} },
			`list.user.added ` + base + `,"list_id":"l"}`},
		{"removed from a list", func(r *change.Record) { r.Member = &change.Member{ListID: "l"} },
			`list.user.removed ` + base + `,"list_id":"l"}`},
		{"a list", func(r *change.Record) { r.List = new(change.List) }, ""},
	} {
		r := record(1, "u")
		test.record(&r)
		p := new(publisher)
		handle(t, p, new(keeper), r)
		if diff := cmp.Diff(test.want, strings.Join(p.got, "\n")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		if strings.Contains(strings.Join(p.got, ""), "secret") {
			t.Errorf("%s: the event %v holds a value", test.name, p.got)
		}
	}
}

// TestManyKeys checks that an event of a profile with very many keys is no larger than an event may be.
func TestManyKeys(t *testing.T) {
	r := record(1, "u")
	r.Profile = &change.Profile{Before: alice(0, nil), After: alice(1, func(u *user.User) {
		for n := range 390 {
			u.Data[fmt.Sprintf("%d%s", n, strings.Repeat("\x01", 1000))] = true
		}
	})}
	p := new(publisher)
	handle(t, p, new(keeper), r)
	if len(p.got) != 1 || len(p.got[0]) > 256<<10-200 || !strings.Contains(p.got[0], `"more":true`) {
		t.Errorf("got %d events, the first of %d bytes; want one that says that there is more", len(p.got), len(p.got[0]))
	}
}

// TestOrder publishes events of several users while calls fail, in whole and in part: those of each user come in order.
func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var records []change.Record
		for n := range 60 {
			r := record(n, fmt.Sprint("u", n%7))
			r.Member = &change.Member{ListID: fmt.Sprint(n), Added: true}
			records = append(records, r)
		}
		p := &publisher{fail: func(call, entry int) bool { return call%3 == 1 && entry%2 == 0 || call%5 == 2 }}
		if failed := handle(t, p, new(keeper), records...); failed != "" {
			t.Fatalf("got %q, want all done", failed)
		}
		last := map[string]int{}
		for _, detail := range p.got {
			_, detail, _ = strings.Cut(detail, " ")
			var e change.Event
			if err := json.Unmarshal([]byte(detail), &e); err != nil {
				t.Fatal(err)
			}
			var n int
			_, _ = fmt.Sscan(e.ListID, &n)
			if before, ok := last[e.UserID]; ok && before >= n {
				t.Errorf("of %s, %d came after %d", e.UserID, n, before)
			}
			last[e.UserID] = n
		}
		if len(p.got) != len(records) {
			t.Errorf("published %d events, want %d", len(p.got), len(records))
		}
		if p.doubled {
			t.Error("a call had two events of one user")
		}
	})
}

// TestInterrupted checks from where a batch is to be delivered again.
func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		three := []change.Record{record(1, "u"), record(2, "v"), record(3, "u")}
		for i := range three {
			three[i].Member = &change.Member{ListID: "l"}
		}
		three[1].Member, three[1].Profile = nil, &change.Profile{After: alice(0, nil)}
		down := &publisher{fail: func(call, entry int) bool { return true }}
		if got := handle(t, down, new(keeper), three...); got != "101" {
			t.Errorf("the bus is down: got %q, want the first", got)
		}
		p := new(publisher)
		if got := handle(t, p, &keeper{err: errors.New("as told")}, three...); got != "102" || len(p.got) != 1 {
			t.Errorf("the store is down: got %q and %d events, want the second, and the event before it", got, len(p.got))
		}
		one := &publisher{fail: func(call, entry int) bool { return call > 1 || entry == 1 }}
		if got := handle(t, one, new(keeper), three...); got != "102" {
			t.Errorf("one cannot be published: got %q, want the second", got)
		}
		if got := handle(t, nil, new(keeper), three...); got != "" {
			t.Errorf("nothing is to be published: got %q, want all done", got)
		}
	})
}

// TestHangingBus checks that the handler answers before its time is up, whatever the bus does.
func TestHangingBus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		records := []change.Record{record(1, "u"), record(2, "u")}
		for i := range records {
			records[i].Member = &change.Member{ListID: "l"}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		p := &publisher{hang: 2}
		if got := handleWithin(ctx, t, p, new(keeper), records...); got != "102" || len(p.got) != 1 || ctx.Err() != nil {
			t.Errorf("got %q, %d events, %v; want the second again before the time is up", got, len(p.got), ctx.Err())
		}
	})
}

// TestFollow checks what the keeper of memberships is told.
func TestFollow(t *testing.T) {
	ready, building := list.List{ID: "l", Status: list.Ready, Revision: 1}, list.List{ID: "l", Status: list.Building, Revision: 2}
	renamed, archived := building, building
	renamed.Name, archived.ArchivedAt = "x", at
	profile := func(n int, project string) change.Record {
		r := record(n, "u")
		r.ProjectID, r.Profile = project, &change.Profile{After: alice(0, nil)}
		return r
	}
	definition := func(n int, before *list.List, after list.List) change.Record {
		r := record(n, "")
		r.List = &change.List{Before: before, After: after}
		return r
	}
	k := new(keeper)
	handle(t, nil, k, profile(1, "p"), definition(2, &ready, building), profile(3, "q"), profile(4, "p"),
		definition(5, &building, renamed), definition(6, &building, archived), definition(7, nil, ready), definition(8, nil, building))
	want := []string{"follow p: id1 id4", "begin l 2", "follow q: id3", "begin l 2"}
	if diff := cmp.Diff(want, k.told); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestUnreadable checks that a record that cannot be read does not hold up those after it.
func TestUnreadable(t *testing.T) {
	p := new(publisher)
	h := change.Handler{
		Memberships: new(keeper), Publisher: p, Log: slog.New(slog.DiscardHandler),
		Read: func(raw events.DynamoDBEventRecord) (change.Record, bool, error) {
			r := record(1, "u")
			r.Member = &change.Member{ListID: raw.EventID}
			switch raw.EventID {
			case "broken":
				return r, true, errors.New("as told")
			case "other":
				return r, false, nil
			}
			return r, true, nil
		},
	}
	got, err := h.Handle(t.Context(), events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{{EventID: "broken"}, {EventID: "other"}, {EventID: "good"}}})
	if err != nil || len(got.BatchItemFailures) > 0 || len(p.got) != 1 || !strings.Contains(p.got[0], `"list_id":"good"`) {
		t.Errorf("got %+v, %v and %v; want the good one published", got, err, p.got)
	}
}

// handle handles the records and returns the sequence number from which on they are to be delivered again.
func handle(t *testing.T, p *publisher, k *keeper, records ...change.Record) string {
	t.Helper()
	return handleWithin(t.Context(), t, p, k, records...)
}

// handleWithin is handle for an invocation with a deadline.
func handleWithin(ctx context.Context, t *testing.T, p *publisher, k *keeper, records ...change.Record) string {
	t.Helper()
	h := change.Handler{
		Memberships: k, Log: slog.New(slog.DiscardHandler),
		Read: func(raw events.DynamoDBEventRecord) (change.Record, bool, error) {
			for _, r := range records {
				if r.ID == raw.EventID {
					return r, true, nil
				}
			}
			return change.Record{}, false, nil
		},
	}
	if p != nil {
		h.Publisher = p
	}
	var event events.DynamoDBEvent
	for _, r := range records {
		event.Records = append(event.Records, events.DynamoDBEventRecord{EventID: r.ID})
	}
	response, err := h.Handle(ctx, event)
	if err != nil {
		t.Fatal(err)
	}
	if len(response.BatchItemFailures) == 0 {
		return ""
	}
	return response.BatchItemFailures[0].ItemIdentifier
}

// publisher remembers what is published, as type, space and detail.
type publisher struct {
	fail    func(call, entry int) bool // nil for never; a call whose entries all fail fails as a whole
	hang    int                        // the call from which on none is answered; 0 for never
	calls   int
	got     []string
	doubled bool
}

func (p *publisher) Put(ctx context.Context, entries []change.Entry) ([]error, error) {
	p.calls++
	if p.hang > 0 && p.calls >= p.hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	failed, all := make([]error, len(entries)), true
	users := map[string]bool{}
	for i, e := range entries {
		var detail change.Event
		if err := json.Unmarshal([]byte(e.Detail), &detail); err != nil {
			return nil, err
		}
		p.doubled = p.doubled || users[detail.UserID] || len(entries) > 10
		users[detail.UserID] = true
		if p.fail != nil && p.fail(p.calls, i) {
			failed[i] = errors.New("as told")
			continue
		}
		all = false
		p.got = append(p.got, e.Type+" "+e.Detail)
	}
	if all {
		return nil, errors.New("as told")
	}
	return failed, nil
}

// keeper remembers what it is told.
type keeper struct {
	told []string
	err  error
}

func (k *keeper) Follow(_ context.Context, projectID string, records []change.Record) error {
	var all []string
	for _, r := range records {
		all = append(all, r.ID)
	}
	k.told = append(k.told, "follow "+projectID+": "+strings.Join(all, " "))
	return k.err
}

func (k *keeper) Begin(_ context.Context, l list.List) error {
	k.told = append(k.told, fmt.Sprint("begin ", l.ID, " ", l.Revision))
	return k.err
}
