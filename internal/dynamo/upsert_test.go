package dynamo_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/user"
)

// request returns a normalized upsert of the pairs, each written source:id or id.
func request(t testing.TB, project string, pairs ...string) user.Upsert {
	t.Helper()
	req := user.Upsert{ProjectID: project}
	for _, p := range pairs {
		source, id, ok := strings.Cut(p, ":")
		if !ok {
			source, id = "", p
		}
		req.Identifiers = append(req.Identifiers, user.Sent{Pair: user.Pair{Source: source, ExternalID: id}})
	}
	if err := req.Normalize(); err != nil {
		t.Fatal(err)
	}
	return req
}

// names returns the user's pairs as source:id, oldest first.
func names(u user.User) []string {
	var names []string
	for _, id := range u.Identifiers {
		names = append(names, id.Source+":"+id.ExternalID)
	}
	return names
}

func TestUpsertCreatesThenUpdates(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	req := request(t, p.ID, "u1", "posthog:ph")
	req.Patch = user.Patch{
		Email: new("Alice@Example.com"),
		Data:  map[string]any{"plan": "free", "city": "Austin", "n": json.Number("12345678901234567890123456789012345678"), "nil": nil},
	}
	created, err := s.Upsert(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if created.Version != 0 || created.Email != "Alice@Example.com" {
		t.Errorf("created version %d, e-mail %q", created.Version, created.Email)
	}
	stored, err := s.User(t.Context(), p.ID, created.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(created.Data, stored.Data); diff != "" {
		t.Errorf("stored data (-created +stored):\n%s", diff)
	}
	req = request(t, p.ID, "posthog:ph")
	req.Patch.Data = map[string]any{"plan": "premium", "company": "Acme", "a.b[0]": true, "deep": map[string]any{"x": []any{}}}
	updated, err := s.Upsert(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if updated.ID != created.ID || updated.Version != 1 {
		t.Errorf("updated user %s version %d, want %s version 1", updated.ID, updated.Version, created.ID)
	}
	want := map[string]any{
		"plan": "premium", "city": "Austin", "company": "Acme", "a.b[0]": true, "nil": nil,
		"n": json.Number("12345678901234567890123456789012345678"), "deep": map[string]any{"x": []any{}},
	}
	if diff := cmp.Diff(want, updated.Data); diff != "" {
		t.Errorf("merged data (-want +got):\n%s", diff)
	}
	if got := fmt.Sprint(names(updated)); got != "[default:u1 posthog:ph]" {
		t.Errorf("identifiers %s", got)
	}
}

func TestUpsertAttachesAndConflicts(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	ctx := t.Context()
	if _, err := s.Upsert(ctx, request(t, p.ID, "a")); err != nil {
		t.Fatal(err)
	}
	b, err := s.Upsert(ctx, request(t, p.ID, "b"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.Upsert(ctx, request(t, p.ID, "a", "crm:1"))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(names(a)); got != "[default:a crm:1]" || a.Version != 1 {
		t.Errorf("after attach: %s version %d", got, a.Version)
	}
	_, err = s.Upsert(ctx, request(t, p.ID, "crm:1", "b"))
	conflict, ok := errors.AsType[*user.ConflictError](err)
	if !ok || !cmp.Equal(conflict.UserIDs, []string{a.ID, b.ID}) {
		t.Errorf("upsert of two users: %v, want a conflict of both", err)
	}
}

func TestUpsertMergesAnonymous(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	ctx := t.Context()
	known := request(t, p.ID, "known")
	known.Patch.Data = map[string]any{"plan": "premium"}
	k, err := s.Upsert(ctx, known)
	if err != nil {
		t.Fatal(err)
	}
	var visitors []user.User
	for _, id := range []string{"x", "y"} {
		visitor := request(t, p.ID, "anonymous:"+id)
		visitor.Patch = user.Patch{Email: new(id + "@example.com"), Data: map[string]any{"plan": "free", id: "seen"}}
		v, err := s.Upsert(ctx, visitor)
		if err != nil {
			t.Fatal(err)
		}
		visitors = append(visitors, v)
	}
	merged, err := s.Upsert(ctx, request(t, p.ID, "anonymous:x", "anonymous:y", "known", "crm:7"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"plan": "premium", "x": "seen", "y": "seen"}
	if merged.ID != k.ID || merged.Email != "x@example.com" || !cmp.Equal(merged.Data, want) {
		t.Errorf("merged into %s: %q %v", merged.ID, merged.Email, merged.Data)
	}
	for _, v := range visitors {
		got, err := s.User(ctx, p.ID, v.ID)
		if err != nil || got.ID != k.ID {
			t.Errorf("absorbed id resolves to %q, %v; want %q", got.ID, err, k.ID)
		}
	}
	got, err := s.UserByPair(ctx, p.ID, user.Pair{Source: "anonymous", ExternalID: "y"})
	if err != nil || got.ID != k.ID {
		t.Errorf("moved pair resolves to %q, %v; want %q", got.ID, err, k.ID)
	}
}

func TestAnonymousIdentifiersAreReleased(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	ctx := t.Context()
	for i := range 12 {
		if _, err := s.Upsert(ctx, request(t, p.ID, "u", fmt.Sprintf("anonymous:%02d", i))); err != nil {
			t.Fatal(err)
		}
	}
	u, err := s.UserByPair(ctx, p.ID, user.Pair{Source: "default", ExternalID: "u"})
	if err != nil {
		t.Fatal(err)
	}
	if len(u.Identifiers) != 11 {
		t.Errorf("%d identifiers, want 11", len(u.Identifiers))
	}
	_, err = s.UserByPair(ctx, p.ID, user.Pair{Source: "anonymous", ExternalID: "01"})
	if !errors.Is(err, user.ErrNotFound) {
		t.Errorf("released pair: %v, want not found", err)
	}
}

func TestDeleteFreesPairs(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	ctx := t.Context()
	first, err := s.Upsert(ctx, request(t, p.ID, "a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteByPairs(ctx, p.ID, []user.Pair{{Source: "default", ExternalID: "b"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.User(ctx, p.ID, first.ID); !errors.Is(err, user.ErrNotFound) {
		t.Errorf("deleted user: %v, want not found", err)
	}
	if err := s.DeleteByPairs(ctx, p.ID, []user.Pair{{Source: "default", ExternalID: "b"}}); !errors.Is(err, user.ErrNotFound) {
		t.Errorf("second delete: %v, want not found", err)
	}
	second, err := s.Upsert(ctx, request(t, p.ID, "a"))
	if err != nil || second.ID == first.ID || second.Version != 0 {
		t.Errorf("pair used again: %s version %d, %v", second.ID, second.Version, err)
	}
}

func TestDetach(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	ctx := t.Context()
	u, err := s.Upsert(ctx, request(t, p.ID, "a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Detach(ctx, p.ID, u.ID, u.Identifiers[0].ID); err != nil {
		t.Fatal(err)
	}
	if err := s.Detach(ctx, p.ID, u.ID, u.Identifiers[0].ID); !errors.Is(err, user.ErrNotFound) {
		t.Errorf("detach again: %v, want not found", err)
	}
	if err := s.Detach(ctx, p.ID, u.ID, u.Identifiers[1].ID); !errors.Is(err, user.ErrLastIdentifier) {
		t.Errorf("detach the last: %v, want ErrLastIdentifier", err)
	}
}

func TestPatch(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	ctx := t.Context()
	req := request(t, p.ID, "a")
	req.Patch = user.Patch{Phone: new("+15550101234"), Data: map[string]any{"a": true, "b": true}}
	u, err := s.Upsert(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	patch := user.Patch{Phone: new(""), RemoveData: []string{"a"}, Data: map[string]any{"c": "d"}}
	if _, err := s.Patch(ctx, p.ID, u.ID, patch, new(int64(7))); !errors.Is(err, user.ErrVersion) {
		t.Errorf("patch of another version: %v, want ErrVersion", err)
	}
	got, err := s.Patch(ctx, p.ID, u.ID, patch, new(int64(0)))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"b": true, "c": "d"}
	if got.Phone != "" || got.Version != 1 || !cmp.Equal(got.Data, want) {
		t.Errorf("patched: phone %q version %d data %v", got.Phone, got.Version, got.Data)
	}
	wide := user.Patch{Data: map[string]any{}}
	for i := range 500 {
		wide.Data[fmt.Sprintf("k%d", i)] = "v"
	}
	got, err = s.Patch(ctx, p.ID, u.ID, wide, nil)
	if err != nil || len(got.Data) != 502 || got.Version != 2 {
		t.Errorf("wide patch: %d keys version %d, %v", len(got.Data), got.Version, err)
	}
	huge := user.Patch{Data: map[string]any{"big": strings.Repeat("x", 399<<10)}}
	if _, err = s.Patch(ctx, p.ID, u.ID, huge, nil); !errors.Is(err, user.ErrTooLarge) {
		t.Errorf("patch beyond 400 KB: %v, want ErrTooLarge", err)
	}
}

// TestPatchOfAnAbsorbedUser: a version that was read of an absorbed user is not that of the survivor, even if the number is.
func TestPatchOfAnAbsorbedUser(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	ctx := t.Context()
	seed("known", "anonymous:x")(t, s, p)
	absorbed := owner(t, p, "anonymous:x")
	if err := upserting("known", "anonymous:x")(t, s, p); err != nil {
		t.Fatal(err)
	}
	survivor := applied(t, s, p, "known", 1, 0)
	wide := map[string]any{"a[0]": "b"} // that is, not by one expression
	for _, data := range []map[string]any{{"a": "b"}, wide} {
		if _, err := s.Patch(ctx, p.ID, absorbed, user.Patch{Data: data}, &survivor.Version); !errors.Is(err, user.ErrVersion) {
			t.Errorf("%v with the number of the survivor's version: %v, want ErrVersion", data, err)
		}
		got, err := s.Patch(ctx, p.ID, absorbed, user.Patch{Data: data}, nil)
		if err != nil || got.ID != survivor.ID {
			t.Errorf("%v without a version: %s, %v, want the survivor", data, got.ID, err)
		}
		survivor = got
	}
}

// TestLongestPairs: the longest pairs that the domain lets through fit into a key, however they are escaped.
func TestLongestPairs(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	for _, part := range []string{
		strings.Repeat("#", 255), strings.Repeat("🦊", 128), strings.Repeat("#", 169) + strings.Repeat("🦊", 85),
		strings.Repeat("é", 255), "a.b[0]#%5B" + strings.Repeat("]", 200),
	} {
		req := request(t, p.ID, "x")
		req.Identifiers = []user.Sent{{Pair: user.Pair{Source: part, ExternalID: part}}}
		if err := req.Normalize(); err != nil {
			t.Fatal(err)
		}
		u, err := s.Upsert(t.Context(), req)
		if err != nil {
			t.Errorf("a pair of %d bytes: %v", 2*len(part), err)
			continue
		}
		if again, err := s.Upsert(t.Context(), req); err != nil || again.ID != u.ID || again.Identifiers[0].Pair != req.Identifiers[0].Pair {
			t.Errorf("a pair of %d bytes, again: %+v, %v", 2*len(part), again, err)
		}
	}
}

// TestDeepestProfilesMerge: what may be stored may also merge, whose record nests it one level deeper.
func TestDeepestProfilesMerge(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	nested := func(levels int) map[string]any {
		m := map[string]any{}
		for range levels - 1 {
			m = map[string]any{"x": m}
		}
		return m
	}
	visitor := request(t, p.ID, "anonymous:x")
	visitor.Identifiers[0].Metadata = nested(28)
	visitor.Patch.Data = nested(30)
	if err := visitor.Normalize(); err != nil {
		t.Fatal(err)
	}
	for _, req := range []user.Upsert{visitor, request(t, p.ID, "known"), request(t, p.ID, "known", "anonymous:x")} {
		if _, err := s.Upsert(t.Context(), req); err != nil {
			t.Error(err)
		}
	}
	u, err := s.UserByPair(t.Context(), p.ID, visitor.Identifiers[0].Pair)
	if err != nil {
		t.Fatal(err)
	}
	large := request(t, p.ID, "known")
	large.Identifiers[0].Metadata = map[string]any{"text": strings.Repeat("x", 250<<10)}
	for i, want := range []error{nil, user.ErrTooLarge} {
		if _, err := s.Upsert(t.Context(), large); !errors.Is(err, want) {
			t.Errorf("metadata of 250 KB, %d: %v, want %v", i+1, err, want)
		}
		large.Identifiers[0].Metadata = map[string]any{"more": strings.Repeat("x", 250<<10)}
	}
	if err := s.Delete(t.Context(), p.ID, u.ID); err != nil {
		t.Error(err)
	}
}

// TestMergeThatTakesTwoSteps: a merge that does not fit into one transaction with the request makes two.
func TestMergeThatTakesTwoSteps(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	ctx := t.Context()
	if _, err := s.Upsert(ctx, request(t, p.ID, "known")); err != nil {
		t.Fatal(err)
	}
	var own []string
	for i := range user.MaxAnonymous {
		own = append(own, fmt.Sprintf("anonymous:x%d", i))
	}
	visitor := request(t, p.ID, own...)
	visitor.Patch.Phone = new("+15550101234")
	if _, err := s.Upsert(ctx, visitor); err != nil {
		t.Fatal(err)
	}
	for i := range consent.MaxGroups {
		g := consent.Group{ID: fmt.Sprintf("g%d", i), ProjectID: p.ID, Name: "g", Channel: consent.SMS}
		if err := s.CreateGroup(ctx, g); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Record(ctx, p.ID, "+15550101234", stop); err != nil {
		t.Fatal(err)
	}
	all := []string{"known", "anonymous:x0"}
	for i := range 38 {
		all = append(all, fmt.Sprintf("crm:n%d", i))
	}
	u, err := s.Upsert(ctx, request(t, p.ID, all...))
	if err != nil {
		t.Fatal(err)
	}
	if len(u.Identifiers) != 49 || len(u.Subscriptions) != consent.MaxGroups || u.Version != 2 {
		t.Errorf("%d identifiers, %d subscriptions, version %d; want 49, 50, 2", len(u.Identifiers), len(u.Subscriptions), u.Version)
	}
}
