package dynamo_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

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
			events, err := s.Events(t.Context(), p.ID, u.ID)
			if err != nil || len(events) != 1 || u.Subscriptions["g"].State != consent.Unsubscribed {
				t.Errorf("after the merge: %+v, ledger %+v, %v", u.Subscriptions, events, err)
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
			}
		}, false},
	}
}

// leave makes the user leave a group in another way than by STOP, which no function does yet.
func leave(t *testing.T, s *dynamo.Store, p project.Project, pair, group string) {
	t.Helper()
	u, err := s.UserByPair(t.Context(), p.ID, request(t, p.ID, pair).Identifiers[0].Pair)
	if err != nil {
		t.Fatal(err)
	}
	cfg, table := dynamotest.Config(t)
	str := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	_, err = dynamodb.NewFromConfig(cfg).UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName:                &table,
		Key:                      map[string]types.AttributeValue{"pk": str("USER#" + p.ID + "#" + u.ID), "sk": str("PROFILE")},
		UpdateExpression:         new("SET subscriptions.#g = :s"),
		ExpressionAttributeNames: map[string]string{"#g": group},
		ExpressionAttributeValues: map[string]types.AttributeValue{":s": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{
			"state": str("unsubscribed"), "how": str("preference_center"), "at": &types.AttributeValueMemberN{Value: "1800000000000"},
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestFaults breaks every exchange of every write path in every way. Broken once, the SDK or the store tries
// again, the answer is a success and the request was applied exactly once; broken for good, the answer is an error
// and, once the fault is over, the same request succeeds.
func TestFaults(t *testing.T) {
	plain := dynamotest.New(t)
	for _, sc := range append(scenarios(), loadScenarios()...) {
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
