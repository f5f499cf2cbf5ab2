package dynamo_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// scenario is one write path: what is there before, what is asked, and what must be true once it was answered
// without an error.
type scenario struct {
	name   string
	before func(t *testing.T, s *dynamo.Store, p project.Project)
	do     func(t *testing.T, s *dynamo.Store, p project.Project) error
	after  func(t *testing.T, s *dynamo.Store, p project.Project, repeats int64)
	// patient is set if do tries again by itself until the fault is over, as an import does, or if it deals with several
	// users at once, who share the faults among them.
	patient bool
}

// applied returns the user, who must exist with the version, or up to as many later as the request was
// repeated by its caller after it had been persisted.
func applied(t *testing.T, s *dynamo.Store, p project.Project, pair string, version, repeats int64) user.User {
	t.Helper()
	u, err := s.UserByPair(t.Context(), p.ID, request(t, p.ID, pair).Identifiers[0].Pair)
	if err != nil {
		t.Errorf("get %s: %v", pair, err)
	} else if u.Version < version || u.Version > version+repeats {
		t.Errorf("version %d, want %d to %d", u.Version, version, version+repeats)
	}
	return u
}

func seed(pairs ...string) func(t *testing.T, s *dynamo.Store, p project.Project) {
	return func(t *testing.T, s *dynamo.Store, p project.Project) {
		for _, pair := range pairs {
			req := request(t, p.ID, pair)
			req.Patch.Phone = new("+15550101234")
			if _, err := s.Upsert(t.Context(), req); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func upserting(pairs ...string) func(t *testing.T, s *dynamo.Store, p project.Project) error {
	return func(t *testing.T, s *dynamo.Store, p project.Project) error {
		req := request(t, p.ID, pairs...)
		req.Patch.Data = map[string]any{"k": "v"}
		_, err := s.Upsert(t.Context(), req)
		return err
	}
}

// doubtful is a text that a person must decide.
var doubtful = consent.Review{MessageID: "m1", Phone: phone, Number: "+15550100000", Text: "no more of this", At: stop.At}

// holding suppresses an address, or lifts that.
func holding(lift bool) func(t *testing.T, s *dynamo.Store, p project.Project) error {
	return func(t *testing.T, s *dynamo.Store, p project.Project) error {
		_, err := s.ChangeSuppression(t.Context(), p.ID, consent.Email, "a@example.com", consent.SuppressionChange{
			Lift: lift, Hold: consent.Hold{Kind: consent.Bounce, Reason: "test"},
		})
		return err
	}
}

// held checks whether the address is suppressed, by a ledger of n to n+repeats lines.
func held(t *testing.T, s *dynamo.Store, p project.Project, want bool, n, repeats int64) {
	t.Helper()
	known, events, err := s.Suppression(t.Context(), p.ID, consent.Email, "A@example.com")
	if lines := int64(len(events)); err != nil || (len(known.Held) > 0) != want || lines < n || lines > n+repeats {
		t.Errorf("suppression %+v of %d lines, %v; want %t and %d to %d", known, lines, err, want, n, n+repeats)
	}
}

var stop = consent.Inbound{Verdict: consent.Stop, MessageID: "m1", At: time.UnixMilli(1_800_000_000_000).UTC()}

func scenarios() []scenario {
	return []scenario{
		{"create", seed(), upserting("a", "crm:1"), func(t *testing.T, s *dynamo.Store, p project.Project, repeats int64) {
			applied(t, s, p, "crm:1", 0, repeats)
		}, false},
		{"update", seed("a"), upserting("a"), func(t *testing.T, s *dynamo.Store, p project.Project, repeats int64) {
			applied(t, s, p, "a", 1, repeats)
		}, false},
		{"attach", seed("a"), upserting("a", "crm:1"), func(t *testing.T, s *dynamo.Store, p project.Project, repeats int64) {
			applied(t, s, p, "crm:1", 1, repeats)
		}, false},
		{"merge", seed("a", "anonymous:x"), upserting("a", "anonymous:x"), func(t *testing.T, s *dynamo.Store, p project.Project, repeats int64) {
			u := applied(t, s, p, "anonymous:x", 1, repeats)
			if got := fmt.Sprint(names(u)); got != "[default:a anonymous:x]" {
				t.Errorf("identifiers %s", got)
			}
		}, false},
		{"merge of two", seed("a", "anonymous:x", "anonymous:y"), upserting("a", "anonymous:x", "anonymous:y"), func(t *testing.T, s *dynamo.Store, p project.Project, repeats int64) {
			applied(t, s, p, "anonymous:y", 2, repeats)
		}, false},
		{"patch", seed("a"), func(t *testing.T, s *dynamo.Store, p project.Project) error {
			u, err := s.UserByPair(t.Context(), p.ID, request(t, p.ID, "a").Identifiers[0].Pair)
			if err == nil {
				_, err = s.Patch(t.Context(), p.ID, u.ID, user.Patch{Email: new("a@example.com")}, nil)
			}
			return err
		}, func(t *testing.T, s *dynamo.Store, p project.Project, repeats int64) {
			applied(t, s, p, "a", 1, repeats)
		}, false},
		{"wide patch", seed("a"), func(t *testing.T, s *dynamo.Store, p project.Project) error {
			u, err := s.UserByPair(t.Context(), p.ID, request(t, p.ID, "a").Identifiers[0].Pair)
			if err == nil {
				_, err = s.Patch(t.Context(), p.ID, u.ID, user.Patch{Data: map[string]any{"a[0]": "b"}}, nil)
			}
			return err
		}, func(t *testing.T, s *dynamo.Store, p project.Project, repeats int64) {
			if u := applied(t, s, p, "a", 1, repeats); u.Data["a[0]"] != "b" {
				t.Errorf("data %v", u.Data)
			}
		}, false},
		{"conditional upsert", seed("a"), func(t *testing.T, s *dynamo.Store, p project.Project) error {
			req := request(t, p.ID, "a")
			req.IfMatch = new(int64(0))
			_, err := s.Upsert(t.Context(), req)
			return err
		}, func(t *testing.T, s *dynamo.Store, p project.Project, _ int64) { applied(t, s, p, "a", 1, 0) }, false},
		{"batch", seed("a"), func(t *testing.T, s *dynamo.Store, p project.Project) error {
			rows := []user.Upsert{request(t, p.ID, "a"), request(t, p.ID, "n", "crm:1"), request(t, p.ID, "a", "crm:2")}
			for i := range rows {
				rows[i].Patch.Data = map[string]any{"row": fmt.Sprint(i)}
			}
			var err error
			for _, r := range s.UpsertBatch(t.Context(), p.ID, rows) {
				err = errors.Join(err, r.Err)
			}
			return err
		}, func(t *testing.T, s *dynamo.Store, p project.Project, _ int64) {
			applied(t, s, p, "crm:1", 0, 1) // the rows of a batch fail one by one, so a repeat repeats some
			if u := applied(t, s, p, "crm:2", 2, 2); u.Data["row"] != "2" {
				t.Errorf("the later row of a user lost: %v", u.Data)
			}
		}, false},
		{"merge of a refusal", func(t *testing.T, s *dynamo.Store, p project.Project) {
			seed("a", "anonymous:x")(t, s, p)
			leave(t, s, p, "anonymous:x", "g")
		}, upserting("a", "anonymous:x"), func(t *testing.T, s *dynamo.Store, p project.Project, repeats int64) {
			u := applied(t, s, p, "a", 1, repeats)
			if u.Subscriptions["g"].State != consent.Unsubscribed {
				t.Errorf("after the merge: %+v", u.Subscriptions)
			}
			unbroken(t, s, p, u.ID, 3, 0) // the link, the refusal, and that of the absorbed user
		}, false},
		{"set a state", seed("a"), setting("a", "g", consent.Unsubscribed), func(t *testing.T, s *dynamo.Store, p project.Project, repeats int64) {
			u := applied(t, s, p, "a", 1, repeats)
			if got := u.Subscriptions["g"].State; got != consent.Unsubscribed {
				t.Errorf("state %s", got)
			}
			unbroken(t, s, p, u.ID, 1, repeats)
		}, false},
		{"set all states", seed("a"), setting("a", consent.AllGroups, consent.Subscribed), func(t *testing.T, s *dynamo.Store, p project.Project, repeats int64) {
			u := applied(t, s, p, "a", 1, repeats)
			unbroken(t, s, p, u.ID, 2, 2*repeats)
		}, false},
		{"suppress", seed("a"), holding(false), func(t *testing.T, s *dynamo.Store, p project.Project, repeats int64) {
			held(t, s, p, true, 1, repeats)
		}, false},
		{"lift a suppression", func(t *testing.T, s *dynamo.Store, p project.Project) {
			if err := holding(false)(t, s, p); err != nil {
				t.Fatal(err)
			}
		}, func(t *testing.T, s *dynamo.Store, p project.Project) error {
			err := holding(true)(t, s, p)
			if errors.Is(err, consent.ErrNotSuppressed) {
				err = nil // an earlier try got through, and its reply was lost
			}
			return err
		}, func(t *testing.T, s *dynamo.Store, p project.Project, _ int64) { held(t, s, p, false, 2, 0) }, false},
		{"archive a group", seed(), func(t *testing.T, s *dynamo.Store, p project.Project) error {
			_, err := s.ArchiveGroup(t.Context(), p.ID, "g")
			return err
		}, func(t *testing.T, s *dynamo.Store, p project.Project, _ int64) {
			if g, err := s.Group(t.Context(), p.ID, "g"); err != nil || !g.Archived() {
				t.Errorf("group %+v, %v", g, err)
			}
		}, false},
		{"change settings", seed(), func(t *testing.T, s *dynamo.Store, p project.Project) error {
			_, err := s.ChangeSettings(t.Context(), p.ID, func(project.Settings) (project.Settings, error) {
				return project.Settings{Brand: "Acme", RequireOptIn: true}, nil
			})
			return err
		}, func(t *testing.T, s *dynamo.Store, p project.Project, _ int64) {
			if p, err := s.Project(t.Context(), p.ID); err != nil || p.Settings != (project.Settings{Brand: "Acme", RequireOptIn: true}) {
				t.Errorf("settings %+v, %v", p.Settings, err)
			}
		}, false},
		{"decide a text", func(t *testing.T, s *dynamo.Store, p project.Project) {
			seed("a")(t, s, p)
			if err := s.AddReview(t.Context(), p.ID, doubtful); err != nil {
				t.Fatal(err)
			}
		}, func(t *testing.T, s *dynamo.Store, p project.Project) error {
			return s.DecideReview(t.Context(), p.ID, doubtful.ID(), consent.Stop, consent.Evidence{})
		}, func(t *testing.T, s *dynamo.Store, p project.Project, _ int64) {
			u := applied(t, s, p, "a", 1, 0)
			unbroken(t, s, p, u.ID, 1, 0)
			if page, err := s.Reviews(t.Context(), p.ID, "", 10); err != nil || len(page.Reviews) != 0 {
				t.Errorf("reviews %+v, %v", page, err)
			}
		}, false},
		{"add a text", seed(), func(t *testing.T, s *dynamo.Store, p project.Project) error {
			return s.AddReview(t.Context(), p.ID, doubtful)
		}, func(t *testing.T, s *dynamo.Store, p project.Project, _ int64) {
			if page, err := s.Reviews(t.Context(), p.ID, "", 10); err != nil || len(page.Reviews) != 1 {
				t.Errorf("reviews %+v, %v", page, err)
			}
		}, false},
		{"detach", func(t *testing.T, s *dynamo.Store, p project.Project) {
			if _, err := s.Upsert(t.Context(), request(t, p.ID, "a", "crm:1")); err != nil {
				t.Fatal(err)
			}
		}, func(t *testing.T, s *dynamo.Store, p project.Project) error {
			u, err := s.UserByPair(t.Context(), p.ID, request(t, p.ID, "a").Identifiers[0].Pair)
			if err == nil && len(u.Identifiers) == 2 { // else an earlier try got through
				err = s.Detach(t.Context(), p.ID, u.ID, u.Identifiers[1].ID)
			}
			return err
		}, func(t *testing.T, s *dynamo.Store, p project.Project, _ int64) {
			applied(t, s, p, "a", 1, 0)
			if _, err := s.Upsert(t.Context(), request(t, p.ID, "crm:1")); err != nil {
				t.Errorf("the detached pair cannot be used: %v", err)
			}
		}, false},
		{"delete of a merged user who left a group", func(t *testing.T, s *dynamo.Store, p project.Project) {
			seed("a", "anonymous:x")(t, s, p)
			if err := upserting("a", "anonymous:x")(t, s, p); err != nil {
				t.Fatal(err)
			}
			leave(t, s, p, "a", "g")
		}, func(t *testing.T, s *dynamo.Store, p project.Project) error {
			return s.DeleteByPairs(t.Context(), p.ID, request(t, p.ID, "a").Pairs())
		}, func(t *testing.T, s *dynamo.Store, p project.Project, _ int64) {
			seed("again")(t, s, p)
			u := applied(t, s, p, "again", 0, 0)
			if got := fmt.Sprint(standing(t, s, p, u.ID)); got != "[g=not_set*]" {
				t.Errorf("the number of a user who had left comes back as %s", got)
			}
		}, false},
		{"delete", func(t *testing.T, s *dynamo.Store, p project.Project) {
			seed("a")(t, s, p)
			if err := s.Record(t.Context(), p.ID, "+15550101234", stop); err != nil {
				t.Fatal(err)
			}
		}, func(t *testing.T, s *dynamo.Store, p project.Project) error {
			return s.DeleteByPairs(t.Context(), p.ID, request(t, p.ID, "a").Pairs())
		}, func(t *testing.T, s *dynamo.Store, p project.Project, _ int64) {
			_, err := s.UserByPair(t.Context(), p.ID, request(t, p.ID, "a").Identifiers[0].Pair)
			if !errors.Is(err, user.ErrNotFound) {
				t.Errorf("get of a deleted user: %v", err)
			}
		}, false},
		{"START", func(t *testing.T, s *dynamo.Store, p project.Project) {
			seed("a")(t, s, p)
			if err := s.Record(t.Context(), p.ID, phone, stop); err != nil {
				t.Fatal(err)
			}
		}, func(t *testing.T, s *dynamo.Store, p project.Project) error {
			return s.Record(t.Context(), p.ID, phone, consent.Inbound{Verdict: consent.Start, MessageID: "m2", At: stop.At.Add(time.Minute)})
		}, func(t *testing.T, s *dynamo.Store, p project.Project, _ int64) {
			u := applied(t, s, p, "a", 2, 0)
			if got := fmt.Sprint(standing(t, s, p, u.ID)); got != "[g=not_set]" {
				t.Errorf("after START: %s", got)
			}
		}, false},
		{"STOP", seed("a", "b"), func(t *testing.T, s *dynamo.Store, p project.Project) error {
			return s.Record(t.Context(), p.ID, "+15550101234", stop)
		}, func(t *testing.T, s *dynamo.Store, p project.Project, _ int64) {
			for _, pair := range []string{"a", "b"} {
				u := applied(t, s, p, pair, 1, 0)
				events, err := s.Events(t.Context(), p.ID, u.ID)
				if err != nil || len(events) != 1 || events[0].To != consent.Unsubscribed {
					t.Errorf("ledger of %s: %+v, %v; want one line", pair, events, err)
				}
				unbroken(t, s, p, u.ID, 1, 0)
			}
		}, false},
	}
}

// leave makes the user leave a group in another way than by STOP.
func leave(t *testing.T, s *dynamo.Store, p project.Project, pair, group string) {
	t.Helper()
	if err := setting(pair, group, consent.Unsubscribed)(t, s, p); err != nil {
		t.Fatal(err)
	}
}

// setting sets the state of a group.
func setting(pair, group string, state consent.State) func(t *testing.T, s *dynamo.Store, p project.Project) error {
	return func(t *testing.T, s *dynamo.Store, p project.Project) error {
		id, err := s.Owner(t.Context(), p.ID, request(t, p.ID, pair).Pairs())
		if err == nil {
			_, err = s.SetSubscriptions(t.Context(), p.ID, id, consent.Setting{
				Choices: []consent.Choice{{Group: group, State: state}}, How: consent.ByPage,
			})
		}
		return err
	}
}

// unbroken checks that the ledger of the user has from n to n+repeats lines and is as it was written.
func unbroken(t *testing.T, s *dynamo.Store, p project.Project, userID string, n, repeats int64) {
	t.Helper()
	page, err := s.History(t.Context(), p.ID, userID, "", 100)
	if lines := int64(len(page.Events)); err != nil || lines < n || lines > n+repeats {
		t.Errorf("ledger of %d lines, %v; want %d to %d", lines, err, n, n+repeats)
	}
	if broken, err := s.VerifyUser(t.Context(), p.ID, userID); err != nil || len(broken) > 0 {
		t.Errorf("broken ledger: %+v, %v", broken, err)
	}
}

// TestFaults breaks every exchange of every write path in every way. Broken once, the SDK or the store tries
// again, the answer is a success and the request was applied exactly once; broken for good, the answer is an error
// and, once the fault is over, the same request succeeds.
func TestFaults(t *testing.T) {
	plain := dynamotest.New(t)
	for _, sc := range slices.Concat(scenarios(), loadScenarios(), listScenarios()) {
		for _, fault := range []dynamotest.Fault{dynamotest.Throttled, dynamotest.Before, dynamotest.After, dynamotest.Conflict, dynamotest.Partly} {
			if fault == dynamotest.Partly && !sc.patient {
				continue // no statements
			}
			for exchange := 1; ; exchange++ {
				name := fmt.Sprintf("%s/%s/%d", sc.name, fault, exchange)
				reached := true
				t.Run(name, func(t *testing.T) { reached = broken(t, plain, sc, fault, exchange, 1) })
				t.Run(name+" for good", func(t *testing.T) { broken(t, plain, sc, fault, exchange, 3) })
				if !reached || t.Failed() {
					break
				}
			}
		}
	}
}

// broken runs the scenario with n exchanges broken from the at-th on; it reports whether there were as many.
func broken(t *testing.T, plain *dynamo.Store, sc scenario, fault dynamotest.Fault, at, n int) bool {
	const tries = 3
	var f dynamotest.Faults
	s := dynamotest.New(t, f.Option(tries))
	p := dynamotest.Project(t, plain)
	group := consent.Group{ID: "g", ProjectID: p.ID, Name: "SMS", Channel: consent.SMS}
	if err := plain.CreateGroup(t.Context(), group); err != nil {
		t.Fatal(err)
	}
	sc.before(t, plain, p)
	f.Arm(fault, at, n)
	err := sc.do(t, s, p)
	reached := len(f.Seen()) >= at
	f.Arm("", 0, 0)
	switch {
	case reached && n >= tries && err == nil && fault != dynamotest.Conflict && sc.name != "batch" && !sc.patient:
		// A conflict passes, however often; the exchanges of a batch share the faults among them.
		t.Error("no error although DynamoDB could not be reached")
	case n < tries && err != nil:
		t.Errorf("after one fault: %v", err)
	}
	if err != nil {
		if !errors.Is(err, user.ErrUnavailable) {
			t.Errorf("error %v, want ErrUnavailable", err)
		}
		err = sc.do(t, s, p)
		if fault == dynamotest.After && (errors.Is(err, user.ErrNotFound) || errors.Is(err, user.ErrVersion)) {
			err = nil // a delete or a conditional write had been carried out, and its reply was lost
		}
		if err != nil {
			t.Errorf("repeated: %v", err)
		}
	}
	repeats := int64(0)
	if fault == dynamotest.After && n >= tries {
		repeats = 1
	}
	sc.after(t, plain, p, repeats)
	return reached
}
