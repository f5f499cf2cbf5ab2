package membership_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/list"
	"lunogram-users/internal/membership"
	"lunogram-users/internal/user"
)

// letter is the id of a subscription group.
const letter = "0190b5a0-7b1e-7c3a-9f00-0123456789ab"

// TestRandomChanges plays 2,000 changes of up to 500 users under five rules, one of them about the time, with batches that
// come late and twice, tasks in any order, and a rule that is changed in between; then every list has the members that a
// full evaluation finds.
func TestRandomChanges(t *testing.T) {
	r := newRig(t)
	g := &game{rig: r, rng: rand.New(rand.NewPCG(1, 2)), users: map[int]string{}, static: map[string]bool{}}
	r.must(r.store.CreateGroup(t.Context(), consent.Group{ID: letter, ProjectID: r.project.ID, Name: "Letter", Channel: consent.Email}))
	for n, text := range []string{
		premium,
		`user.data.score >= 50 AND NOT user.data.city = "Paris"`,
		renewed,
		`user.subscriptions.` + letter + ` = "unsubscribed"`,
		`user.identifiers.anonymous EXISTS OR user.data.city = "Paris"`,
	} {
		g.lists = append(g.lists, r.list(fmt.Sprint("rule ", n), text))
	}
	g.kept = r.list("kept", "")
	const steps = 2000
	for n := range steps {
		g.change()
		if g.rng.IntN(8) == 0 {
			g.deliver()
		}
		if g.rng.IntN(4) == 0 {
			g.task()
		}
		switch n {
		case steps / 3:
			r.rewrite(g.lists[0], `user.data.plan = "free" OR user.data.score < 10`)
		case steps / 2:
			r.rewrite(g.lists[1], renewed+` OR user.data.score > 90`)
		}
		if n%100 == 0 {
			r.pass(r.clock().AddDate(0, 0, 2))
		}
	}
	g.finish()
	for _, l := range append(g.lists, g.kept) {
		if l.Kind == list.Dynamic {
			r.checkMembers(l.Name+" is "+r.stored(l).Rule, l, r.matching(l)...)
		}
		if got := r.stored(l); got.Status != list.Ready || got.Published != got.Rule {
			t.Errorf("%s: got %+v, want it ready", l.Name, got)
		}
	}
	var want []string
	for id := range g.static {
		want = append(want, id)
	}
	slices.Sort(want)
	r.checkMembers("kept", g.kept, want...)

	r.pass(r.clock().AddDate(0, 3, 0))
	r.rest()
	for _, l := range g.lists {
		r.checkMembers(l.Name+" three months later", l, r.matching(l)...)
	}
}

// game is a random history.
type game struct {
	*rig
	rng     *rand.Rand
	lists   []list.List
	kept    list.List
	users   map[int]string  // id by number
	static  map[string]bool // who is to be in kept
	backlog []events.DynamoDBEventRecord
	tasks   []membership.Task
}

const crowdSize = 500

// change makes one change.
func (g *game) change() {
	g.t.Helper()
	ctx, n := g.t.Context(), g.rng.IntN(crowdSize)
	id, known := g.users[n]
	switch kind := g.rng.IntN(20); {
	case known && kind == 0:
		g.must(g.store.Delete(ctx, g.project.ID, id))
		delete(g.users, n)
		delete(g.static, id)
	case known && kind <= 2:
		stranger := g.upsert(g.data(), anonymous("x%d", g.rng.Int()))
		if g.rng.IntN(2) == 0 {
			g.join(stranger.ID)
		}
		g.upsert(nil, pair("u%d", n), stranger.Identifiers[0].Pair)
		if g.static[stranger.ID] {
			delete(g.static, stranger.ID)
			g.static[id] = true
		}
	case known && kind == 3:
		g.join(id)
	case known && kind <= 6:
		state := []consent.State{consent.Subscribed, consent.Unsubscribed, consent.NotSet}[g.rng.IntN(3)]
		setting := consent.Setting{Choices: []consent.Choice{{Group: letter, State: state}}, How: consent.ByAPI}
		_, err := g.store.SetSubscriptions(ctx, g.project.ID, id, setting)
		g.must(err)
	case known && kind <= 10:
		_, err := g.store.Patch(ctx, g.project.ID, id, user.Patch{Data: g.data()}, nil)
		g.must(err)
	default:
		g.users[n] = g.upsert(g.data(), pair("u%d", n)).ID
	}
}

// join makes a user a member of the list whose members nobody evaluates.
func (g *game) join(id string) {
	g.t.Helper()
	_, err := g.store.AddMembers(g.t.Context(), g.project.ID, g.kept.ID, []user.Name{{ID: id}})
	g.must(err)
	g.static[id] = true
}

func (g *game) data() map[string]any {
	data := map[string]any{}
	if g.rng.IntN(2) == 0 {
		data["plan"] = []string{"free", "premium"}[g.rng.IntN(2)]
	}
	if g.rng.IntN(2) == 0 {
		data["score"] = json.Number(strconv.Itoa(g.rng.IntN(100)))
	}
	if g.rng.IntN(4) == 0 {
		data["city"] = []string{"Paris", "Rome"}[g.rng.IntN(2)]
	}
	if g.rng.IntN(3) == 0 {
		data["renewed"] = g.clock().Add(-time.Duration(g.rng.IntN(60*24)) * time.Hour).Format(time.RFC3339)
	}
	return data
}

// deliver delivers the oldest of what has happened, sometimes twice or with what was delivered already.
func (g *game) deliver() {
	g.t.Helper()
	g.backlog = append(g.backlog, g.read()...)
	n := g.rng.IntN(min(len(g.backlog), 100) + 1)
	batch := g.backlog[:n]
	g.rig.deliver(batch)
	if g.rng.IntN(3) == 0 {
		g.rig.deliver(batch)
	}
	g.backlog = g.backlog[n:]
}

// task does one of the tasks, sometimes twice.
func (g *game) task() {
	g.t.Helper()
	g.tasks = append(g.tasks, g.queue.take()...)
	if len(g.tasks) == 0 {
		return
	}
	n := g.rng.IntN(len(g.tasks))
	g.do(g.tasks[n])
	if g.rng.IntN(3) > 0 {
		g.tasks = slices.Delete(g.tasks, n, n+1)
	}
}

// finish delivers and does all that is left.
func (g *game) finish() {
	g.t.Helper()
	for g.backlog = append(g.backlog, g.read()...); len(g.backlog) > 0; {
		n := min(len(g.backlog), 100)
		g.rig.deliver(g.backlog[:n])
		g.backlog = g.backlog[n:]
	}
	for _, t := range g.tasks {
		g.do(t)
	}
	g.rest()
}
