package dynamo_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/middleware"
	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/list"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// named names users by their ids.
func named(ids ...string) []user.Name {
	var names []user.Name
	for _, id := range ids {
		names = append(names, user.Name{ID: id})
	}
	return names
}

// ids returns the ids of the users, newest first.
func ids(users []user.User) []string {
	var ids []string
	for _, u := range users {
		ids = append(ids, u.ID)
	}
	slices.Sort(ids)
	slices.Reverse(ids)
	return ids
}

// listed returns the ids of the members of a list, in the order of its pages.
func listed(t *testing.T, s *dynamo.Store, p project.Project, listID string) []string {
	t.Helper()
	members, _, err := s.MemberPage(t.Context(), p.ID, listID, "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	return members
}

func TestMembers(t *testing.T) {
	s := dynamotest.New(t)
	p, other := dynamotest.Project(t, s), dynamotest.Project(t, s)
	ctx := t.Context()
	users := crowd(t, s, p, 120, "")
	foreign := crowd(t, s, other, 1, "")
	want := ids(users[:100])

	names := named(want...)
	names[slices.Index(want, users[99].ID)] = user.Name{Pair: user.Pair{Source: "default", ExternalID: "u99"}}
	outcomes, err := s.AddMembers(ctx, p.ID, "l", names)
	for i, o := range outcomes {
		if o != (list.Outcome{UserID: want[i], Changed: true}) {
			t.Errorf("user %d: %+v", i, o)
		}
	}
	if err != nil || len(outcomes) != 100 {
		t.Fatalf("%d outcomes, %v", len(outcomes), err)
	}
	outcomes, err = s.AddMembers(ctx, p.ID, "l", named(users[0].ID, foreign[0].ID, "nobody"))
	wantOutcomes := []list.Outcome{{UserID: users[0].ID}, {Err: user.ErrNotFound}, {Err: user.ErrNotFound}}
	if diff := cmp.Diff(fmt.Sprint(wantOutcomes), fmt.Sprint(outcomes)); diff != "" || err != nil {
		t.Errorf("outcomes, %v (-want +got):\n%s", err, diff)
	}

	read := func(after string) (user.Page, error) { return s.Members(ctx, p.ID, "l", after, 7) }
	if diff := cmp.Diff(want, ids(pages(t, 7, read))); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, paged(t, func(after string) ([]string, string, error) { return s.MemberPage(ctx, p.ID, "l", after, 9) })); diff != "" {
		t.Errorf("ids of members (-want +got):\n%s", diff)
	}
	var inSegments, all []string
	for n := range list.Segments {
		in := paged(t, func(after string) ([]string, string, error) { return s.MemberIDs(ctx, p.ID, "l", n, after, 3) })
		of := paged(t, func(after string) ([]string, string, error) { return s.UserIDs(ctx, p.ID, n, after, 3) })
		if !slices.IsSorted(in) || !slices.IsSorted(of) {
			t.Errorf("segment %d out of order: %v, %v", n, in, of)
		}
		for _, id := range in {
			if !slices.Contains(of, id) {
				t.Errorf("member %s of segment %d is no user of it", id, n)
			}
		}
		inSegments, all = append(inSegments, in...), append(all, of...)
	}
	slices.Sort(inSegments)
	slices.Reverse(inSegments)
	if diff := cmp.Diff(want, inSegments); diff != "" || len(all) != 120 {
		t.Errorf("%d users in segments; members (-want +got):\n%s", len(all), diff)
	}
	if n, err := s.CountMembers(ctx, p.ID, "l"); err != nil || n != 100 {
		t.Errorf("count %d, %v", n, err)
	}
	if n, err := s.CountMembers(ctx, other.ID, "l"); err != nil || n != 0 {
		t.Errorf("count in another project %d, %v", n, err)
	}

	outcomes, err = s.RemoveMembers(ctx, p.ID, "l", named(users[0].ID, users[110].ID, "nobody"))
	wantOutcomes = []list.Outcome{{UserID: users[0].ID, Changed: true}, {UserID: users[110].ID}, {Err: user.ErrNotFound}}
	if diff := cmp.Diff(fmt.Sprint(wantOutcomes), fmt.Sprint(outcomes)); diff != "" || err != nil {
		t.Errorf("outcomes, %v (-want +got):\n%s", err, diff)
	}
	want = slices.DeleteFunc(want, func(id string) bool { return id == users[0].ID })
	if diff := cmp.Diff(want, listed(t, s, p, "l")); diff != "" {
		t.Errorf("members after one was removed (-want +got):\n%s", diff)
	}
}

// TestUnevenShards: pages are right where one shard has far more than its share.
func TestUnevenShards(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	var want []string
	inOne := 0
	for n := 0; inOne < 60; n++ {
		id := fmt.Sprintf("%04d", n)
		if sum := sha256.Sum256([]byte(id)); sum[0]%list.Segments == 5 {
			inOne++
		} else if n%50 != 0 {
			continue
		}
		if err := s.ChangeMembership(t.Context(), p.ID, id, list.Change{Add: []list.Membership{{ListID: "l"}}}); err != nil {
			t.Fatal(err)
		}
		want = append(want, id)
	}
	slices.Reverse(want)
	for _, limit := range []int{1, 7, 40, 100} {
		got := paged(t, func(after string) ([]string, string, error) {
			return s.MemberPage(t.Context(), p.ID, "l", after, limit)
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("in pages of %d (-want +got):\n%s", limit, diff)
		}
	}
}

// paged collects all ids of a listing.
func paged(t *testing.T, read func(after string) ([]string, string, error)) (all []string) {
	t.Helper()
	for after := ""; ; {
		ids, next, err := read(after)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, ids...)
		if after = next; after == "" {
			return all
		}
	}
}

func TestStanding(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	ctx := t.Context()
	users := crowd(t, s, p, 2, "")
	id := users[0].ID
	at := time.UnixMilli(1_800_000_000_000).UTC()
	due := at.Add(time.Hour)
	change := func(c list.Change) {
		t.Helper()
		for range 2 {
			if err := s.ChangeMembership(ctx, p.ID, id, c); err != nil {
				t.Fatal(err)
			}
		}
	}
	change(list.Change{Add: []list.Membership{{ListID: "a", At: at}, {ListID: "b", At: at, Import: "i"}}, Due: &due})
	later := at.Add(time.Minute)
	change(list.Change{Add: []list.Membership{{ListID: "a", At: later}, {ListID: "c", At: later}}, Remove: []string{"b"}})
	got, err := s.Standing(ctx, p.ID, id)
	want := []list.Membership{{ListID: "a", At: at}, {ListID: "c", At: later}}
	if diff := cmp.Diff(want, got.Lists); diff != "" || err != nil || !got.Due.Equal(due) || got.User == nil || got.User.ID != id {
		t.Errorf("standing %+v, %v; lists (-want +got):\n%s", got, err, diff)
	}
	moved := list.Change{Add: []list.Membership{{ListID: "d"}}, Remove: []string{"a"}, Due: new(due.Add(-time.Minute)), Was: later}
	for _, c := range []list.Change{moved, {Due: new(time.Time), Was: later}, {Due: &later}} {
		if err := s.ChangeMembership(ctx, p.ID, id, c); err != list.ErrMoved {
			t.Errorf("a moment that somebody else has moved: got %v, want %v", err, list.ErrMoved)
		}
	}
	if again, err := s.Standing(ctx, p.ID, id); err != nil || !cmp.Equal(again, got) {
		t.Errorf("standing %+v, %v; want it as it was: %+v", again, err, got)
	}
	if err := s.ChangeMembership(ctx, p.ID, id, list.Change{Due: new(time.Time), Was: due}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Standing(ctx, p.ID, id); err != nil || !got.Due.IsZero() {
		t.Errorf("without a due moment: %+v, %v", got, err)
	}
	if got, err := s.Standing(ctx, p.ID, "nobody"); err != nil || got.User != nil || got.Lists != nil {
		t.Errorf("nobody: %+v, %v", got, err)
	}

	change(list.Change{Due: &due})
	if err := s.Delete(ctx, p.ID, id); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Standing(ctx, p.ID, id); err != nil || !cmp.Equal(got, list.Standing{}) {
		t.Errorf("an erased user stands at %+v, %v", got, err)
	}
	profiles, err := s.Profiles(ctx, p.ID, []string{id, users[1].ID, "nobody"})
	if err != nil || len(profiles) != 1 || profiles[users[1].ID].Email != users[1].Email {
		t.Errorf("profiles %v, %v", profiles, err)
	}
}

func TestStandingOfAnAbsorbedUser(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	ctx := t.Context()
	seed("known", "anonymous:x")(t, s, p)
	absorbed, err := s.Owner(ctx, p.ID, request(t, p.ID, "anonymous:x").Pairs())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddMembers(ctx, p.ID, "l", named(absorbed)); err != nil {
		t.Fatal(err)
	}
	if err := upserting("known", "anonymous:x")(t, s, p); err != nil {
		t.Fatal(err)
	}
	survivor := applied(t, s, p, "known", 1, 0).ID
	got, err := s.Standing(ctx, p.ID, absorbed)
	if err != nil || got.User != nil || got.MergedInto != survivor || len(got.Lists) != 1 {
		t.Errorf("an absorbed user stands at %+v, %v", got, err)
	}
	outcomes, err := s.AddMembers(ctx, p.ID, "m", named(absorbed))
	if err != nil || outcomes[0] != (list.Outcome{UserID: survivor, Changed: true}) {
		t.Errorf("added an absorbed user: %+v, %v", outcomes, err)
	}
	if err := s.Delete(ctx, p.ID, survivor); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{absorbed, survivor} {
		if got, err := s.Standing(ctx, p.ID, id); err != nil || !cmp.Equal(got, list.Standing{}) {
			t.Errorf("an erased user stands at %+v, %v", got, err)
		}
	}
}

// TestRemoveBeforeAMergeIsFollowed: who was absorbed is still a member then, and the survivor must not become one by that.
func TestRemoveBeforeAMergeIsFollowed(t *testing.T) {
	s := dynamotest.New(t)
	for _, by := range []string{"absorbed", "survivor"} {
		p := dynamotest.Project(t, s)
		ctx := t.Context()
		seed("known", "anonymous:x", "other")(t, s, p)
		ids := map[string]string{"absorbed": owner(t, p, "anonymous:x"), "survivor": owner(t, p, "known")}
		if _, err := s.AddMembers(ctx, p.ID, "l", named(ids["absorbed"], owner(t, p, "other"))); err != nil {
			t.Fatal(err)
		}
		if err := upserting("known", "anonymous:x")(t, s, p); err != nil {
			t.Fatal(err)
		}
		got, err := s.RemoveMembers(ctx, p.ID, "l", named(ids[by], ids[by]))
		want := list.Outcome{UserID: ids["survivor"], Changed: true}
		if diff := cmp.Diff([]list.Outcome{want, want}, got); diff != "" || err != nil {
			t.Errorf("by the id of the %s: %v (-want +got):\n%s", by, err, diff)
		}
		if got, err := s.Standing(ctx, p.ID, ids["absorbed"]); err != nil || len(got.Lists) > 0 {
			t.Errorf("by the id of the %s: the absorbed user stands at %+v, %v", by, got, err)
		}
		if got, err := s.Standing(ctx, p.ID, owner(t, p, "other")); err != nil || len(got.Lists) != 1 {
			t.Errorf("somebody else stands at %+v, %v", got, err)
		}
	}
}

func TestNamed(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	ctx := t.Context()
	seed("known", "anonymous:x", "other", "gone")(t, s, p)
	absorbed, gone := owner(t, p, "anonymous:x"), owner(t, p, "gone")
	if err := upserting("known", "anonymous:x")(t, s, p); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(ctx, p.ID, gone); err != nil {
		t.Fatal(err)
	}
	names := named(absorbed, owner(t, p, "known"), gone)
	for _, pair := range []string{"anonymous:x", "other", "gone", "nobody"} {
		names = append(names, user.Name{Pair: request(t, p.ID, pair).Pairs()[0]})
	}
	users, err := s.Named(ctx, p.ID, names)
	if err != nil {
		t.Fatal(err)
	}
	known := owner(t, p, "known")
	var got []string
	for _, u := range users {
		if u == nil {
			got = append(got, "")
			continue
		}
		got = append(got, u.ID)
		if want, err := s.User(ctx, p.ID, u.ID); err != nil || !cmp.Equal(&want, u) {
			t.Errorf("got user %+v, want %+v, %v", u, want, err)
		}
	}
	if diff := cmp.Diff([]string{known, known, "", known, owner(t, p, "other"), "", ""}, got); diff != "" {
		t.Errorf("named (-want +got):\n%s", diff)
	}
}

func TestImportedMembers(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	ctx := t.Context()
	users := crowd(t, s, p, 60, "")
	all := ids(users)
	if _, err := s.AddMembers(ctx, p.ID, "l", named(all[0])); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(ctx, p.ID, all[1]); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := s.ImportMembers(ctx, p.ID, "l", "i", all); err != nil {
			t.Fatal(err)
		}
	}
	want := slices.Concat(all[:1], all[2:])
	if diff := cmp.Diff(want, listed(t, s, p, "l")); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	if got, err := s.Standing(ctx, p.ID, all[1]); err != nil || len(got.Lists) != 0 {
		t.Errorf("an erased user stands at %+v, %v", got, err)
	}
	outcomes, err := s.AddMembers(ctx, p.ID, "l", named(all[2])) // what somebody asks for later, the undo leaves alone
	if err != nil || outcomes[0].Changed {
		t.Errorf("added an imported member: %+v, %v", outcomes, err)
	}
	for _, importID := range []string{"j", "i", "i"} {
		if err := s.DropImported(ctx, p.ID, "l", importID, all[:50]); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(slices.Concat(all[:1], all[2:3], all[50:]), listed(t, s, p, "l")); diff != "" {
		t.Errorf("members after the undo (-want +got):\n%s", diff)
	}
}

func TestDue(t *testing.T) {
	s := dynamotest.New(t)
	p, other := dynamotest.Project(t, s), dynamotest.Project(t, s)
	ctx := t.Context()
	at := time.UnixMilli(1_800_000_000_000).UTC()
	moments := []time.Time{at.Add(2 * time.Hour), at, at.Add(time.Hour), at.AddDate(5000, 0, 0)}
	for i, m := range moments {
		if err := s.ChangeMembership(ctx, p.ID, fmt.Sprint("u", i), list.Change{Due: &m}); err != nil {
			t.Fatal(err)
		}
	}
	due := func(until time.Time) (users []string) {
		for n := range list.Segments {
			for next, more := "", true; more; more = next != "" {
				var ids []string
				var err error
				if ids, next, err = s.DueUsers(ctx, p.ID, n, until, next, 1); err != nil {
					t.Fatal(err)
				}
				users = append(users, ids...)
			}
		}
		slices.Sort(users)
		return users
	}
	if got := fmt.Sprint(due(at.Add(-time.Millisecond)), due(at), due(at.Add(90*time.Minute))); got != "[] [u1] [u1 u2]" {
		t.Errorf("due users %s", got)
	}
	next := func(project string, after time.Time) (next []time.Time) {
		for n := range list.Segments {
			got, err := s.NextDue(ctx, project, n, after)
			if err != nil {
				t.Fatal(err)
			}
			if !got.IsZero() {
				next = append(next, got)
			}
		}
		slices.SortFunc(next, time.Time.Compare)
		return next
	}
	if got := next(p.ID, at.Add(-time.Millisecond)); len(got) == 0 || !got[0].Equal(at) {
		t.Errorf("the next due moments are %v, want %v first", got, at)
	}
	if got := next(p.ID, at); len(got) == 0 || !got[0].Equal(at.Add(time.Hour)) {
		t.Errorf("the due moments after the first are %v, want %v first", got, at.Add(time.Hour))
	}
	if got := next(other.ID, at); got != nil {
		t.Errorf("the next due moments of another project: %v", got)
	}
	if ids, _, err := s.DueUsers(ctx, p.ID, 0, at, "9999999999999#u", 10); err != nil || len(ids) > 0 {
		t.Errorf("due users after all that may be due: %v, %v", ids, err)
	}
}

func TestWake(t *testing.T) {
	s := dynamotest.New(t)
	p := dynamotest.Project(t, s)
	ctx := t.Context()
	hour := func(n int) time.Time {
		return time.UnixMilli(1_800_000_000_000).UTC().Add(time.Duration(n) * time.Hour)
	}
	if got, err := s.Wake(ctx, p.ID); err != nil || !got.IsZero() {
		t.Errorf("a project that never was woken: %v, %v", got, err)
	}
	for _, step := range []struct{ at, after, want int }{
		{5, 0, 5}, // none was recorded
		{6, 0, 5}, // later
		{3, 0, 3}, // earlier
		{9, 3, 9}, // the recorded one is over
	} {
		if err := s.SetWake(ctx, p.ID, hour(step.at), hour(step.after)); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Wake(ctx, p.ID); err != nil || !got.Equal(hour(step.want)) {
			t.Errorf("after %+v: %v, %v", step, got, err)
		}
	}
}

// interloper does something right before the n-th call of an operation from now on.
type interloper struct {
	operation string
	n         int
	do        func()
}

func (i *interloper) option(o *dynamodb.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("interloper",
			func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
				if i.do != nil && awsmiddleware.GetOperationName(ctx) == i.operation {
					if i.n--; i.n == 0 {
						i.do()
					}
				}
				return next.HandleInitialize(ctx, in)
			}), middleware.After)
	})
}

// TestNoMembershipOfAGoneUser adds a user to a list who is erased, or absorbed by another, between any two calls of that.
func TestNoMembershipOfAGoneUser(t *testing.T) {
	plain := dynamotest.New(t)
	var i interloper
	s := dynamotest.New(t, i.option)
	for _, tt := range []struct {
		operation string
		n         int
	}{{"BatchGetItem", 1}, {"BatchExecuteStatement", 1}, {"BatchGetItem", 2}} {
		for _, erased := range []bool{true, false} {
			p := dynamotest.Project(t, s)
			seed("known", "anonymous:a")(t, plain, p)
			id := owner(t, p, "anonymous:a")
			i = interloper{tt.operation, tt.n, func() {
				var err error
				if erased {
					err = plain.Delete(t.Context(), p.ID, id)
				} else {
					err = upserting("known", "anonymous:a")(t, plain, p)
				}
				if err != nil {
					t.Error(err)
				}
			}}
			outcomes, err := s.AddMembers(t.Context(), p.ID, "l", named(id))
			if err != nil || i.n > 0 {
				t.Fatalf("%v, %d calls too few", err, i.n)
			}
			want := list.Outcome{Err: user.ErrNotFound}
			if !erased {
				want = list.Outcome{UserID: owner(t, p, "known"), Changed: true}
			}
			if outcomes[0] != want {
				t.Errorf("before %s %d: %+v, want %+v", tt.operation, tt.n, outcomes[0], want)
			}
			if got, err := plain.Standing(t.Context(), p.ID, id); err != nil || len(got.Lists) > 0 {
				t.Errorf("before %s %d: a user who is gone stands at %+v, %v", tt.operation, tt.n, got, err)
			}
			if got := listed(t, plain, p, "l"); !erased && !slices.Equal(got, []string{want.UserID}) {
				t.Errorf("before %s %d: members %v, want the survivor", tt.operation, tt.n, got)
			}
		}
	}
}
