package dynamo_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// choose sets states of a user, each in a call of its own.
func choose(t *testing.T, s *dynamo.Store, p project.Project, userID string, states ...consent.State) {
	t.Helper()
	for _, state := range states {
		_, err := s.SetSubscriptions(t.Context(), p.ID, userID, consent.Setting{
			Choices: []consent.Choice{{Group: "letter", State: state}}, How: consent.ByPage,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// line returns the key of the nth line of a ledger.
func line(t *testing.T, s *dynamo.Store, p project.Project, userID string, n int) map[string]types.AttributeValue {
	t.Helper()
	events, err := s.Events(t.Context(), p.ID, userID)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Line == int64(n) {
			return map[string]types.AttributeValue{
				"pk": &types.AttributeValueMemberS{Value: "USER#" + p.ID + "#" + userID},
				"sk": &types.AttributeValueMemberS{Value: "CONSENT#" + e.ID},
			}
		}
	}
	t.Fatalf("there is no line %d", n)
	return nil
}

// TestTamperingIsFound changes and removes lines behind the store's back.
func TestTamperingIsFound(t *testing.T) {
	s := dynamotest.New(t)
	cfg, table := dynamotest.Config(t)
	raw := dynamodb.NewFromConfig(cfg)
	change := func(t *testing.T, key map[string]types.AttributeValue, name, value string) {
		t.Helper()
		_, err := raw.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: &table, Key: key, UpdateExpression: new("SET #n = :v"), ExpressionAttributeNames: map[string]string{"#n": name},
			ExpressionAttributeValues: map[string]types.AttributeValue{":v": &types.AttributeValueMemberS{Value: value}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	remove := func(t *testing.T, key map[string]types.AttributeValue) {
		t.Helper()
		if _, err := raw.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table, Key: key}); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name   string
		tamper func(t *testing.T, p project.Project, named, absorbed string)
		want   []string
	}{
		{"nothing", func(*testing.T, project.Project, string, string) {}, nil},
		{"a line changed", func(t *testing.T, p project.Project, named, _ string) {
			change(t, line(t, s, p, named, 2), "to", "subscribed")
		}, []string{"named 2 was changed"}},
		{"the evidence of a line changed", func(t *testing.T, p project.Project, named, _ string) {
			change(t, line(t, s, p, named, 1), "request_id", "forged")
		}, []string{"named 1 was changed"}},
		{"a line removed", func(t *testing.T, p project.Project, named, _ string) { remove(t, line(t, s, p, named, 2)) },
			[]string{"named 2 is missing"}},
		{"the last line removed", func(t *testing.T, p project.Project, named, _ string) { remove(t, line(t, s, p, named, 4)) },
			[]string{"named 4 is missing"}},
		{"a line of the absorbed user removed", func(t *testing.T, p project.Project, _, absorbed string) {
			remove(t, line(t, s, p, absorbed, 1))
		}, []string{"absorbed 1 is missing"}},
		{"the absorbed user's last line changed", func(t *testing.T, p project.Project, _, absorbed string) {
			change(t, line(t, s, p, absorbed, 2), "hash", "forged")
		}, []string{"absorbed 2 was changed", "absorbed 2 is not the line that the ledger ended with"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := dynamotest.Project(t, s)
			groups(t, s, p)
			named, absorbed := withPhone(t, s, p, "a"), withPhone(t, s, p, "anonymous:x")
			choose(t, s, p, named.ID, consent.Subscribed, consent.Unsubscribed)
			choose(t, s, p, absorbed.ID, consent.Unsubscribed, consent.Subscribed)
			if _, err := s.Upsert(t.Context(), request(t, p.ID, "a", "anonymous:x")); err != nil {
				t.Fatal(err)
			}
			choose(t, s, p, named.ID, consent.NotSet)
			tt.tamper(t, p, named.ID, absorbed.ID)
			broken, err := s.VerifyUser(t.Context(), p.ID, absorbed.ID)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, b := range broken {
				who := map[string]string{named.ID: "named", absorbed.ID: "absorbed"}[b.UserID]
				got = append(got, fmt.Sprintf("%s %d %s", who, b.Line, b.What))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("broken (-want +got):\n%s", diff)
			}
		})
	}
}

// TestHistoryOfMergedUsers pages through the ledgers of a user and of those it absorbed, newest line first.
func TestHistoryOfMergedUsers(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	groups(t, s, p)
	users := []user.User{withPhone(t, s, p, "a"), withPhone(t, s, p, "anonymous:x"), withPhone(t, s, p, "anonymous:y")}
	for range 4 {
		for _, u := range users {
			choose(t, s, p, u.ID, consent.Subscribed)
		}
	}
	// One text writes lines of the same id to all three.
	if err := s.Record(t.Context(), p.ID, phone, inbound(consent.Stop, "m1", 1)); err != nil {
		t.Fatal(err)
	}
	for _, pairs := range [][]string{{"anonymous:x", "anonymous:y"}, {"a", "anonymous:x"}} {
		if _, err := s.Upsert(t.Context(), request(t, p.ID, pairs...)); err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.History(t.Context(), p.ID, users[2].ID, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	// Four lines each, the text in all three, two links.
	if len(all.Events) != 3*4+3+2 || all.Next != "" {
		t.Errorf("%d lines and position %q, want 17 and none", len(all.Events), all.Next)
	}
	for limit := 1; limit <= 18; limit += 4 {
		var got []consent.Entry
		after := ""
		for range 20 {
			page, err := s.History(t.Context(), p.ID, users[0].ID, after, limit)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, page.Events...)
			if after = page.Next; after == "" {
				break
			}
		}
		if diff := cmp.Diff(all.Events, got); diff != "" {
			t.Errorf("pages of %d (-want +got):\n%s", limit, diff)
		}
	}
}

// TestErasureKeepsProofOfRefusals: what remains of an erased user says what was refused, and nothing of who.
func TestErasureKeepsProofOfRefusals(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	groups(t, s, p)
	quiet, left := withPhone(t, s, p, "quiet"), withPhone(t, s, p, "left")
	choose(t, s, p, quiet.ID, consent.Subscribed)
	choose(t, s, p, left.ID, consent.Subscribed, consent.Unsubscribed)
	before, err := s.User(t.Context(), p.ID, left.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range []user.User{quiet, left} {
		if err := s.Delete(t.Context(), p.ID, u.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := s.History(t.Context(), p.ID, u.ID, "", 10); !errors.Is(err, user.ErrNotFound) {
			t.Errorf("history of an erased user: %v", err)
		}
	}
	if _, err := s.Proof(t.Context(), p.ID, quiet.ID); !errors.Is(err, user.ErrNotFound) {
		t.Errorf("proof of a user who refused nothing: %v", err)
	}
	proof, err := s.Proof(t.Context(), p.ID, left.ID)
	if err != nil || proof.Ledger != before.Ledger || len(proof.Refusals) != 1 ||
		proof.Refusals[0].Group != "letter" || proof.Refusals[0].How != consent.ByPage {
		t.Errorf("proof %+v, %v; want that of %+v", proof, err, before.Ledger)
	}
	known, _, err := s.Suppression(t.Context(), p.ID, consent.Email, "Alice@example.com")
	if diff := cmp.Diff([]string{"letter"}, known.Groups); diff != "" || err != nil || len(known.Holds()) > 0 {
		t.Errorf("suppression of the address %+v, %v, groups (-want +got):\n%s", known, err, diff)
	}
	// Who comes back hears nothing until they say so themselves.
	again := withPhone(t, s, p, "left")
	may := func() bool {
		t.Helper()
		a, err := s.MaySend(t.Context(), audience(p, again))
		if err != nil {
			t.Fatal(err)
		}
		return a.Allowed
	}
	setBy := func(how consent.How) {
		t.Helper()
		set := consent.Setting{Choices: []consent.Choice{{Group: "letter", State: consent.Subscribed}}, How: how}
		if _, err := s.SetSubscriptions(t.Context(), p.ID, again.ID, set); err != nil {
			t.Fatal(err)
		}
	}
	if may() {
		t.Error("an import brings back an address that had left")
	}
	if setBy(consent.ByAPI); may() {
		t.Error("an API call brings back an address that had left")
	}
	if setBy(consent.ByPage); !may() {
		t.Error("the recipient's own word does not count")
	}
}

// TestErasureOfAddressesThatShareAnItem: the marks of an e-mail address and a number go into one item of the filter.
func TestErasureOfAddressesThatShareAnItem(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	groups(t, s, p)
	first := p.AddressHash(string(consent.SMS), phone)[0]
	email := "u0@example.com"
	for n := 1; p.AddressHash(string(consent.Email), email)[0] != first; n++ {
		email = fmt.Sprintf("u%d@example.com", n)
	}
	req := request(t, p.ID, "a")
	req.Patch = user.Patch{Email: &email, Phone: new(phone)}
	u, err := s.Upsert(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	all := consent.Setting{How: consent.ByPage, Choices: []consent.Choice{{Group: consent.AllGroups, State: consent.Unsubscribed}}}
	if _, err := s.SetSubscriptions(t.Context(), p.ID, u.ID, all); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), p.ID, u.ID); err != nil {
		t.Fatalf("erase: %v", err)
	}
	again, err := s.Upsert(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range []string{"letter", "texts"} {
		answers, err := s.Audience(t.Context(), user.Audience{ProjectID: p.ID, Group: group, Names: []user.Name{{ID: again.ID}}})
		if err != nil || answers[0].Allowed {
			t.Errorf("%s after the erasure: %+v, %v; want it denied", group, answers, err)
		}
	}
}

// TestStopOfMoreGroupsThanThereMayBe: two groups that are made at once may both find room. Everything can be stopped then.
func TestStopOfMoreGroupsThanThereMayBe(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	for i := range consent.MaxGroups {
		g := consent.Group{ID: fmt.Sprint("g", i), ProjectID: p.ID, Name: fmt.Sprint(i), Channel: consent.Email}
		if err := s.CreateGroup(t.Context(), g); err != nil {
			t.Fatal(err)
		}
	}
	cfg, table := dynamotest.Config(t)
	raw := dynamodb.NewFromConfig(cfg)
	str := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	_, err := raw.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: map[string]types.AttributeValue{
		"pk": str("PROJECT#" + p.ID), "sk": str("GROUP#late"), "id": str("late"), "name": str("late"), "channel": str("email"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	u := withPhone(t, s, p, "a")
	all := consent.Setting{How: consent.ByPage, Choices: []consent.Choice{{Group: consent.AllGroups, State: consent.Unsubscribed}}}
	after, err := s.SetSubscriptions(t.Context(), p.ID, u.ID, all)
	if err != nil || len(after.Subscriptions) != consent.MaxGroups+2 {
		t.Errorf("%d states, %v; want those of all groups and of later ones", len(after.Subscriptions), err)
	}
}

// TestAudienceMissesNoRefusal gives the audience profiles that are older than refusals, as a replica may.
func TestAudienceMissesNoRefusal(t *testing.T) {
	s := dynamotest.New(t)
	lagging := dynamotest.New(t, dynamotest.Lag())
	p := dynamotest.Project(t, s)
	groups(t, s, p)
	leaves, stays, goes := withPhone(t, s, p, "leaves"), withPhone(t, s, p, "stays"), withPhone(t, s, p, "goes")
	merges, into := withPhone(t, s, p, "anonymous:x"), withPhone(t, s, p, "into")
	ask := func() (allowed []bool) {
		t.Helper()
		answers, err := lagging.Audience(t.Context(), audience(p, leaves, stays, goes, merges, into))
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range answers {
			allowed = append(allowed, a.Allowed)
		}
		return allowed
	}
	if diff := cmp.Diff([]bool{true, true, true, true, true}, ask()); diff != "" {
		t.Fatalf("before (-want +got):\n%s", diff)
	}
	choose(t, s, p, leaves.ID, consent.Unsubscribed)
	choose(t, s, p, into.ID, consent.Unsubscribed)
	if err := s.Delete(t.Context(), p.ID, goes.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Upsert(t.Context(), request(t, p.ID, "into", "anonymous:x")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]bool{false, true, false, false, false}, ask()); diff != "" {
		t.Errorf("after (-want +got):\n%s", diff)
	}
}

// TestAudienceOfAnOlderProject: where there was no filter when an address was suppressed, the suppression itself is read.
func TestAudienceOfAnOlderProject(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	groups(t, s, p)
	u := withPhone(t, s, p, "a")
	if err := s.Record(t.Context(), p.ID, phone, inbound(consent.Stop, "m1", 1)); err != nil {
		t.Fatal(err)
	}
	cfg, table := dynamotest.Config(t)
	raw := dynamodb.NewFromConfig(cfg)
	str := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	_, err := raw.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: &table, UpdateExpression: new("REMOVE filtered"),
		Key: map[string]types.AttributeValue{"pk": str("PROJECT#" + p.ID), "sk": str("PROJECT")},
	})
	if err != nil {
		t.Fatal(err)
	}
	parts, err := raw.Query(t.Context(), &dynamodb.QueryInput{
		TableName: &table, KeyConditionExpression: new("pk = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": str("FILTER#" + p.ID)},
	})
	if err != nil || len(parts.Items) != 1 {
		t.Fatalf("%d items of the filter, %v; want 1", len(parts.Items), err)
	}
	key := map[string]types.AttributeValue{"pk": parts.Items[0]["pk"], "sk": parts.Items[0]["sk"]}
	if _, err := raw.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table, Key: key}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SetSubscriptions(t.Context(), p.ID, u.ID, consent.Setting{Choices: []consent.Choice{{Group: "texts", State: consent.Subscribed}}}); err != nil {
		t.Fatal(err)
	}
	answers, err := s.Audience(t.Context(), user.Audience{ProjectID: p.ID, Group: "texts", Names: []user.Name{{ID: u.ID}}})
	if err != nil || answers[0].Allowed {
		t.Errorf("a suppressed number may be messaged: %+v, %v", answers, err)
	}
}

// TestAnswersAreClaimedOnce follows the right to answer over a conversation.
func TestAnswersAreClaimedOnce(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	groups(t, s, p)
	steps := []struct {
		verdict consent.Verdict
		id      string
		second  int
		want    bool
	}{
		{consent.Help, "h1", 1, true}, {consent.Help, "h1", 1, false}, {consent.Help, "h2", 1, true},
		{consent.Start, "m0", 2, false}, // nobody was stopped
		{consent.Stop, "m1", 3, true}, {consent.Stop, "m1", 3, false}, {consent.Stop, "m2", 4, false},
		{consent.Start, "m3", 5, true}, {consent.Start, "m3", 5, false}, {consent.Start, "m4", 6, false},
		{consent.Stop, "m1", 3, false}, // late
		{consent.Stop, "m5", 7, true},
	}
	for i, step := range steps {
		in := inbound(step.verdict, step.id, step.second)
		if step.verdict != consent.Help {
			if err := s.Record(t.Context(), p.ID, phone, in); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.ClaimAnswer(t.Context(), p.ID, phone, in)
		if err != nil || got != step.want {
			t.Errorf("step %d, %s %s: got %t, %v; want %t", i, step.verdict, step.id, got, err, step.want)
		}
	}
	granted := make([]bool, 8)
	in := inbound(consent.Stop, "m9", 9)
	if err := s.Record(t.Context(), p.ID, "+15550107000", in); err != nil {
		t.Fatal(err)
	}
	parallel(len(granted), func(i int) {
		var err error
		if granted[i], err = s.ClaimAnswer(t.Context(), p.ID, "+15550107000", in); err != nil {
			t.Error(err)
		}
	})
	n := 0
	for _, g := range granted {
		if g {
			n++
		}
	}
	if n != 1 {
		t.Errorf("one message claimed at once was granted %d answers, want 1", n)
	}
	if _, err := s.ClaimAnswer(t.Context(), "0198c0de-0000-7000-8000-000000000001", phone, in); !errors.Is(err, user.ErrNotFound) {
		t.Errorf("claim of an unknown project: %v", err)
	}
}

// TestParallelSuppressions changes one address in many ways at once: none is lost, and each is a line.
func TestParallelSuppressions(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	kinds := []consent.Kind{consent.Complaint, consent.Legal, consent.Bounce, consent.Manual}
	change := func(kind consent.Kind, lift bool) {
		c := consent.SuppressionChange{Lift: lift, Hold: consent.Hold{Kind: kind, Source: string(kind), Reason: "test"}}
		if _, err := s.ChangeSuppression(t.Context(), p.ID, consent.SMS, phone, c); err != nil {
			t.Errorf("%s, lift %t: %v", kind, lift, err)
		}
	}
	parallel(len(kinds)+1, func(i int) {
		if i == len(kinds) {
			if err := s.Record(t.Context(), p.ID, phone, inbound(consent.Stop, "m1", 1)); err != nil {
				t.Error(err)
			}
			return
		}
		change(kinds[i], false)
	})
	known, events, err := s.Suppression(t.Context(), p.ID, consent.SMS, phone)
	if err != nil || len(known.Holds()) != 5 || len(events) != 4 {
		t.Errorf("%d holds, %d lines, %v; want 5 and 4", len(known.Holds()), len(events), err)
	}
	parallel(2, func(i int) { change(kinds[i], true) })
	change(consent.Stopped, true)
	known, events, err = s.Suppression(t.Context(), p.ID, consent.SMS, phone)
	var left []string
	for _, h := range known.Holds() {
		left = append(left, string(h.Kind)+" "+h.Source)
	}
	if diff := cmp.Diff([]string{"bounce bounce", "manual manual"}, left); diff != "" || err != nil || len(events) != 7 {
		t.Errorf("%d lines, %v, holds (-want +got):\n%s", len(events), err, diff)
	}
	end := consent.Ledger{}
	for _, e := range events {
		if e.Line > end.Lines {
			end = consent.Ledger{Lines: e.Line, Head: e.Hash}
		}
	}
	if broken := end.Verify(events); len(broken) > 0 {
		t.Errorf("the ledger of the address is broken: %v", broken)
	}
}
