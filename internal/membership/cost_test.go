package membership_test

import (
	"testing"
	"time"

	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/membership"
)

// TestCosts holds the work on lists to the calls and units that docs/lists.md promises. A figure that grows needs a reason;
// one that shrinks is to be written down here and there.
func TestCosts(t *testing.T) {
	const n = 160
	var m dynamotest.Meter
	r := newRig(t, m.Option())
	r.crowd(n, map[string]any{"plan": "premium"})
	r.rest()
	var tasks []membership.Task
	begin := func() {
		r.deliver(r.read())
		tasks = r.queue.take()
	}
	do := func() {
		for _, task := range tasks {
			r.do(task)
		}
	}
	one := func(data map[string]any) func() {
		return func() {
			r.upsert(data, pair("one"))
			batch := r.read()
			m.Take()
			r.deliver(batch)
		}
	}
	l := r.list("A", free)
	for _, test := range []struct {
		name    string
		prepare func()
		do      func()
		want    dynamotest.Usage
	}{
		{"fill: none of 160 users matches", begin, do, dynamotest.Usage{Calls: 146, Read: 258, Write: 17}},
		{"fill: all of them match", func() { r.rest(); r.rewrite(l, premium); begin() }, do, dynamotest.Usage{Calls: 210, Read: 444, Write: 355}},
		{"prune: all of them match", begin, do, dynamotest.Usage{Calls: 130, Read: 250, Write: 17}},
		{"fill again: all of them are members", func() { r.rest(); r.rewrite(l, premium+` OR user.data.x = 1`); begin() }, do, dynamotest.Usage{Calls: 130, Read: 250, Write: 17}},
		{"fill: of nobody", func() { r.rest(); r.rewrite(l, free); begin() }, do, dynamotest.Usage{Calls: 130, Read: 250, Write: 17}},
		{"prune: none of them matches", begin, do, dynamotest.Usage{Calls: 210, Read: 444, Write: 355}},
		{"a new user whom no rule matches", r.rest, one(map[string]any{"plan": "gold"}), dynamotest.Usage{Calls: 1, Read: 1}},
		{"a user who joins", r.rest, one(map[string]any{"plan": "free"}), dynamotest.Usage{Calls: 5, Read: 4, Write: 2}},
		{"a user who stays", r.rest, one(map[string]any{"city": "Paris"}), dynamotest.Usage{Calls: 1, Read: 1}},
		{"a user who leaves", r.rest, one(map[string]any{"plan": "gold"}), dynamotest.Usage{Calls: 5, Read: 4, Write: 2}},
		{"a batch of 100 who join", func() { r.rest(); r.crowd(100, map[string]any{"plan": "free"}) },
			func() { r.deliver(r.read()) }, dynamotest.Usage{Calls: 8, Read: 204, Write: 200}},
		{"a user who joins, with a moment", func() { r.list("B", renewed); r.rest() },
			one(map[string]any{"renewed": "2026-11-20"}), dynamotest.Usage{Calls: 10, Read: 7, Write: 5}},
		{"a moment comes for one user", func() {
			r.rest()
			var at time.Time
			var task membership.Task
			at, task, _ = r.plans.next(r.clock().AddDate(1, 0, 0))
			r.now, tasks = at, []membership.Task{task}
		}, func() { do(); tasks = r.queue.take(); do() }, dynamotest.Usage{Calls: 43, Read: 25, Write: 4}},
	} {
		test.prepare()
		m.Take()
		test.do()
		got := m.Take() // a page of an index takes half a unit more or less, as users are spread by chance
		if got.Calls > test.want.Calls || got.Read > test.want.Read || got.Write > test.want.Write {
			t.Errorf("%s: got %+v, want at most %+v", test.name, got, test.want)
		}
	}
}
