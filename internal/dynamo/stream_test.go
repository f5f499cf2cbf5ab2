package dynamo_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/change"
	"lunogram-users/internal/consent"
	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/list"
	"lunogram-users/internal/user"
)

// TestReadChange checks what the stream says of a life: of profile, consent, membership and list.
func TestReadChange(t *testing.T) {
	s, read := dynamotest.Stream(t)
	p := dynamotest.Project(t, s)
	ctx := t.Context()
	groups(t, s, p)
	listID := "0198c0de-0000-7000-8000-000000000001"
	l := list.List{ID: listID, ProjectID: p.ID, Kind: list.Static, Name: "VIPs", Status: list.Ready, CreatedAt: time.UnixMilli(1).UTC()}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	follow := func() []change.Record {
		t.Helper()
		var all []change.Record
		for _, raw := range read() {
			r, ok, err := dynamo.ReadChange(raw)
			must(err)
			if !ok {
				continue
			}
			if r.ID != raw.EventID || r.Sequence != raw.Change.SequenceNumber || r.ProjectID != p.ID {
				t.Errorf("got id %q, sequence %q, project %q of record %q", r.ID, r.Sequence, r.ProjectID, raw.EventID)
			}
			all = append(all, r)
		}
		return all
	}
	follow()

	must(dynamotest.CreateList(ctx, s, l))
	got := follow()
	if len(got) != 1 || !cmp.Equal(got[0].List, &change.List{After: l}) {
		t.Errorf("a new list: got %+v", got)
	}
	renamed := l
	renamed.Name = "Regulars"
	_, err := s.ChangeList(ctx, p.ID, l.ID, func(l *list.List) error { l.Name = renamed.Name; return nil })
	must(err)
	if got := follow(); len(got) != 1 || !cmp.Equal(got[0].List, &change.List{Before: &l, After: renamed}) {
		t.Errorf("a renamed list: got %+v", got)
	}

	req := request(t, p.ID, "anonymous:a#1", "anonymous:[b]")
	req.Patch = user.Patch{Email: new("a@example.com"), Data: map[string]any{"n": json.Number("1.50"), "deep": map[string]any{"a": []any{nil, true, "x"}}}}
	u, err := s.Upsert(ctx, req)
	must(err)
	u, err = s.User(ctx, p.ID, u.ID)
	must(err)
	got = follow()
	if len(got) != 1 || got[0].UserID != u.ID || got[0].Profile == nil || got[0].Profile.Before != nil || !cmp.Equal(got[0].Profile.After, &u) {
		t.Errorf("a new user: got %+v, want the user after it and none before", got)
	}

	choice := consent.Setting{Choices: []consent.Choice{{Group: consent.AllGroups, State: consent.Unsubscribed}}, How: consent.ByPage}
	_, err = s.SetSubscriptions(ctx, p.ID, u.ID, choice)
	must(err)
	profiles, lines := 0, 0
	for _, r := range follow() {
		switch {
		case r.Profile != nil:
			profiles++
		case r.Consent != nil && r.Consent.To == consent.Unsubscribed && r.Consent.How == consent.ByPage:
			lines++
		}
	}
	if profiles != 1 || lines < 2 {
		t.Errorf("states: got %d changes of the profile and %d lines, want 1 and one of each group", profiles, lines)
	}

	membership := list.Change{Add: []list.Membership{{ListID: listID, At: time.UnixMilli(5)}}, Due: new(time.UnixMilli(9))}
	must(s.ChangeMembership(ctx, p.ID, u.ID, membership))
	if got := follow(); len(got) != 1 || got[0].UserID != u.ID || !cmp.Equal(got[0].Member, &change.Member{ListID: listID, Added: true}) {
		t.Errorf("a membership: got %+v", got)
	}

	known, err := s.Upsert(ctx, request(t, p.ID, "known"))
	must(err)
	_, err = s.Upsert(ctx, request(t, p.ID, "known", "anonymous:a#1"))
	must(err)
	buried := false
	for _, r := range follow() {
		if r.UserID == u.ID && r.Profile != nil {
			buried = r.Profile.Gone() && r.Profile.MergedInto == known.ID && r.Profile.Before.ID == u.ID
		}
	}
	if !buried {
		t.Error("a merge: the absorbed user did not go")
	}

	must(s.Delete(ctx, p.ID, known.ID))
	gone, removed := 0, 0
	for _, r := range follow() {
		switch {
		case r.Profile != nil && r.Profile.Gone() && r.Profile.MergedInto == "" && r.UserID == known.ID:
			gone++
		case r.Member != nil && !r.Member.Added && r.UserID == u.ID:
			removed++
		case r.Profile != nil:
			t.Errorf("a delete: got %+v of nobody", r)
		}
	}
	if gone != 1 || removed != 1 {
		t.Errorf("a delete: got %d ends of the user and %d of memberships, want 1 each", gone, removed)
	}
}

// TestReadChangeOfGarbage checks that items that are not as they should be are errors that name no value, or nothing.
func TestReadChangeOfGarbage(t *testing.T) {
	for name, raw := range map[string]string{
		"another item":     `{"Keys":{"pk":{"S":"IDENT#p#default#x"},"sk":{"S":"IDENT"}},"NewImage":{"user":{"S":"u"}}}`,
		"a strange key":    `{"Keys":{"pk":{"S":"secret"},"sk":{"S":"secret"}},"NewImage":{}}`,
		"no keys":          `{}`,
		"a broken profile": `{"Keys":{"pk":{"S":"USER#p#u"},"sk":{"S":"PROFILE"}},"NewImage":{"id":{"S":"u"},"version":{"S":"secret"}}}`,
		"a broken list":    `{"Keys":{"pk":{"S":"LISTS#p"},"sk":{"S":"LIST#l"}},"NewImage":{"record":{"S":"secret"}}}`,
		"a set":            `{"Keys":{"pk":{"S":"USER#p#u"},"sk":{"S":"PROFILE"}},"NewImage":{"id":{"SS":["secret"]}}}`,
	} {
		var record events.DynamoDBEventRecord
		if err := json.Unmarshal([]byte(`{"eventID":"1","dynamodb":`+raw+`}`), &record); err != nil {
			t.Fatal(err)
		}
		_, ok, err := dynamo.ReadChange(record)
		if broken := strings.HasPrefix(name, "a broken") || name == "a set"; broken != (err != nil) || !broken && ok {
			t.Errorf("%s: got %t, %v", name, ok, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error %q holds a value", name, err)
		}
	}
}
