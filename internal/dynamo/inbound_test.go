package dynamo_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

const phone = "+15550101234"

// groups makes an SMS and an e-mail group in the project.
func groups(t *testing.T, s *dynamo.Store, p project.Project) {
	t.Helper()
	for _, g := range []consent.Group{
		{ID: "letter", ProjectID: p.ID, Name: "Letter", Channel: consent.Email, Public: true},
		{ID: "texts", ProjectID: p.ID, Name: "Texts", Channel: consent.SMS, Public: true},
	} {
		if err := s.CreateGroup(t.Context(), g); err != nil {
			t.Fatal(err)
		}
	}
}

func withPhone(t *testing.T, s *dynamo.Store, p project.Project, pair string) user.User {
	t.Helper()
	req := request(t, p.ID, pair)
	req.Patch = user.Patch{Phone: new(phone), Email: new("alice@example.com")}
	u, err := s.Upsert(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// standing returns the user's states, written group=state, with a * where suppressed.
func standing(t *testing.T, s *dynamo.Store, p project.Project, userID string) []string {
	t.Helper()
	all, err := s.Subscriptions(t.Context(), p.ID, userID)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, st := range all {
		text := st.Group.ID + "=" + string(st.State)
		if st.Suppressed || st.LeftBefore { // as the API says suppressed
			text += "*"
		}
		got = append(got, text)
	}
	return got
}

// inbound returns a message that came n seconds after some instant.
func inbound(v consent.Verdict, id string, n int) consent.Inbound {
	return consent.Inbound{Verdict: v, MessageID: id, At: time.UnixMilli(1_800_000_000_000 + int64(n)*1000).UTC()}
}

func TestInboundMessages(t *testing.T) {
	const stop, start = consent.Stop, consent.Start
	tests := []struct {
		name     string
		messages []consent.Inbound
		want     []string
		lines    int // of the ledger
	}{
		{"nothing", nil, []string{"letter=not_set", "texts=not_set"}, 0},
		{"STOP", []consent.Inbound{inbound(stop, "m1", 1)}, []string{"letter=not_set", "texts=unsubscribed*"}, 1},
		{"STOP delivered twice", []consent.Inbound{inbound(stop, "m1", 1), inbound(stop, "m1", 1)},
			[]string{"letter=not_set", "texts=unsubscribed*"}, 1},
		{"STOP said twice", []consent.Inbound{inbound(stop, "m1", 1), inbound(stop, "m2", 2)},
			[]string{"letter=not_set", "texts=unsubscribed*"}, 2},
		{"STOP then START", []consent.Inbound{inbound(stop, "m1", 1), inbound(start, "m2", 2)},
			[]string{"letter=not_set", "texts=not_set"}, 2},
		{"a late STOP", []consent.Inbound{inbound(start, "m2", 2), inbound(stop, "m1", 1)},
			[]string{"letter=not_set", "texts=not_set"}, 2},
		{"an old STOP delivered again", []consent.Inbound{inbound(stop, "m1", 1), inbound(start, "m2", 2), inbound(stop, "m1", 1)},
			[]string{"letter=not_set", "texts=not_set"}, 2},
		{"STOP, START, STOP", []consent.Inbound{inbound(stop, "m1", 1), inbound(start, "m2", 2), inbound(stop, "m3", 3)},
			[]string{"letter=not_set", "texts=unsubscribed*"}, 3},
		{"an old STOP published again, with a new time", []consent.Inbound{inbound(stop, "m1", 1), inbound(start, "m2", 2), inbound(stop, "m1", 9)},
			[]string{"letter=not_set", "texts=not_set"}, 2},
		{"both at once: STOP wins", []consent.Inbound{inbound(stop, "m1", 1), inbound(start, "m2", 1)},
			[]string{"letter=not_set", "texts=unsubscribed*"}, 2},
	}
	s := dynamotest.New(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := dynamotest.Project(t, s)
			groups(t, s, p)
			users := []user.User{withPhone(t, s, p, "a"), withPhone(t, s, p, "b")}
			for _, in := range tt.messages {
				if err := s.Record(t.Context(), p.ID, phone, in); err != nil {
					t.Fatal(err)
				}
			}
			for _, u := range users {
				if diff := cmp.Diff(tt.want, standing(t, s, p, u.ID)); diff != "" {
					t.Errorf("standing (-want +got):\n%s", diff)
				}
				events, err := s.Events(t.Context(), p.ID, u.ID)
				if err != nil || len(events) != tt.lines {
					t.Errorf("%d ledger lines, %v; want %d", len(events), err, tt.lines)
				}
			}
		})
	}
}

// TestSuppressedNumberHoldsForNewUsers: a number that said STOP is suppressed for whoever has it later.
func TestSuppressedNumberHoldsForNewUsers(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	groups(t, s, p)
	u := withPhone(t, s, p, "a")
	if err := s.Record(t.Context(), p.ID, phone, inbound(consent.Stop, "m1", 1)); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), p.ID, u.ID); err != nil {
		t.Fatal(err)
	}
	again := withPhone(t, s, p, "a")
	if again.ID == u.ID {
		t.Error("the new user has the id of the deleted one")
	}
	want := []string{"letter=not_set", "texts=not_set*"}
	if diff := cmp.Diff(want, standing(t, s, p, again.ID)); diff != "" {
		t.Errorf("standing of the new user (-want +got):\n%s", diff)
	}
	if events, err := s.Events(t.Context(), p.ID, u.ID); err != nil || len(events) != 0 {
		t.Errorf("the ledger of the deleted user has %d lines, %v", len(events), err)
	}
	if err := s.Record(t.Context(), p.ID, phone, inbound(consent.Start, "m2", 2)); err != nil {
		t.Fatal(err)
	}
	want = []string{"letter=not_set", "texts=not_set"}
	if diff := cmp.Diff(want, standing(t, s, p, again.ID)); diff != "" {
		t.Errorf("standing after START (-want +got):\n%s", diff)
	}
}

// TestRefusalOutlivesAChangeOfNumber: a STOP of the number before is the user's word all the same.
func TestRefusalOutlivesAChangeOfNumber(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	groups(t, s, p)
	u := withPhone(t, s, p, "a")
	if err := s.Record(t.Context(), p.ID, phone, inbound(consent.Stop, "m1", 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Patch(t.Context(), p.ID, u.ID, user.Patch{Phone: new("+15550107777")}, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), p.ID, u.ID); err != nil {
		t.Fatal(err)
	}
	again, err := s.Upsert(t.Context(), request(t, p.ID, "a"))
	if err == nil {
		_, err = s.Patch(t.Context(), p.ID, again.ID, user.Patch{Phone: new("+15550107777")}, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"letter=not_set", "texts=not_set*"}, standing(t, s, p, again.ID)); diff != "" {
		t.Errorf("standing (-want +got):\n%s", diff)
	}
}

// TestParallelMessages: STOP and START processed at once end as the newer one says, whatever the order.
func TestParallelMessages(t *testing.T) {
	s := dynamotest.New(t)
	for range 10 {
		p := dynamotest.Project(t, s)
		groups(t, s, p)
		u := withPhone(t, s, p, "a")
		messages := []consent.Inbound{
			inbound(consent.Stop, "m1", 1), inbound(consent.Start, "m2", 2), inbound(consent.Stop, "m1", 1), inbound(consent.Start, "m2", 2),
		}
		parallel(len(messages), func(i int) {
			if err := s.Record(t.Context(), p.ID, phone, messages[i]); err != nil {
				t.Error(err)
			}
		})
		want := []string{"letter=not_set", "texts=not_set"}
		if diff := cmp.Diff(want, standing(t, s, p, u.ID)); diff != "" {
			t.Errorf("standing (-want +got):\n%s", diff)
		}
	}
}

// TestReviewsAreForgotten: a text that nobody decided goes after 30 days, whoever wrote it.
func TestReviewsAreForgotten(t *testing.T) {
	s := dynamotest.New(t)
	now := time.UnixMilli(1_800_000_000_000)
	s.SetClock(func() time.Time { return now })
	p := dynamotest.Project(t, s)
	r := consent.Review{MessageID: "m1", Phone: phone, Number: "+15550100000", Text: "enough of this", At: now}
	if err := s.AddReview(t.Context(), p.ID, r); err != nil {
		t.Fatal(err)
	}
	cfg, table := dynamotest.Config(t)
	out, err := dynamodb.NewFromConfig(cfg).Query(t.Context(), &dynamodb.QueryInput{
		TableName: &table, KeyConditionExpression: new("pk = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": &types.AttributeValueMemberS{Value: "REVIEWS#" + p.ID}},
	})
	if err != nil || len(out.Items) != 1 {
		t.Fatalf("%d reviews, %v; want 1", len(out.Items), err)
	}
	got, _ := out.Items[0]["expires_at"].(*types.AttributeValueMemberN)
	if want := fmt.Sprint(now.AddDate(0, 0, 30).Unix()); got == nil || got.Value != want {
		t.Errorf("expires_at %v, want %s", got, want)
	}
}

// TestStopWhenTheFilterIsFull: a STOP that finds no room in the filter counts all the same, and audiences see it.
func TestStopWhenTheFilterIsFull(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	groups(t, s, p)
	u := withPhone(t, s, p, "a")
	cfg, table := dynamotest.Config(t)
	str := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	_, err := dynamodb.NewFromConfig(cfg).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: map[string]types.AttributeValue{
		"pk": str("FILTER#" + p.ID), "sk": str(p.AddressHash(string(consent.SMS), phone)[:1]), "full": str(strings.Repeat("x", 409_540)),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Record(t.Context(), p.ID, phone, inbound(consent.Stop, "m1", 1)); err != nil {
		t.Fatalf("STOP: %v", err)
	}
	again := consent.Setting{How: consent.ByAPI, Choices: []consent.Choice{{Group: "texts", State: consent.Subscribed}}}
	if _, err := s.SetSubscriptions(t.Context(), p.ID, u.ID, again); err != nil {
		t.Fatal(err)
	}
	answers, err := s.Audience(t.Context(), user.Audience{ProjectID: p.ID, Group: "texts", Names: []user.Name{{ID: u.ID}}})
	if err != nil || answers[0].Allowed || len(answers[0].Reasons) != 1 || answers[0].Reasons[0].Code != consent.IsSuppressed {
		t.Errorf("after the STOP: %+v, %v; want the number suppressed", answers, err)
	}
}
