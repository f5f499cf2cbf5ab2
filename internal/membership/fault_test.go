package membership_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/list"
	"lunogram-users/internal/membership"
	"lunogram-users/internal/user"
)

// work is what is to be delivered and done in a scenario.
type work struct {
	batch []events.DynamoDBEventRecord
	tasks []membership.Task
}

// scenarios prepare work in a fresh project. Each returns what must hold once it is done.
var scenarios = map[string]func(r *rig) (work, func()){
	"a user is added and one removed": func(r *rig) (work, func()) {
		l := r.list("A", premium)
		r.upsert(map[string]any{"plan": "premium"}, pair("a"))
		r.rest()
		r.upsert(map[string]any{"plan": "free"}, pair("a"))
		b := r.upsert(map[string]any{"plan": "premium"}, pair("b"))
		return work{batch: r.read()}, func() { r.checkMembers("dynamic", l, b.ID) }
	},
	"a user has a moment": func(r *rig) (work, func()) {
		l := r.list("A", renewed)
		r.rest()
		u := r.upsert(map[string]any{"renewed": "2026-11-20"}, pair("u"))
		return work{batch: r.read()}, func() {
			r.checkMembers("at first", l, u.ID)
			r.pass(r.clock().AddDate(0, 1, 0))
			r.checkMembers("a month later", l)
		}
	},
	"a user is absorbed": func(r *rig) (work, func()) {
		static, dynamic := r.list("A", ""), r.list("B", premium)
		a := r.upsert(map[string]any{"plan": "premium"}, anonymous("a"))
		_, err := r.store.AddMembers(r.t.Context(), r.project.ID, static.ID, []user.Name{{ID: a.ID}})
		r.must(err)
		known := r.upsert(map[string]any{"plan": "free"}, pair("known"))
		r.rest()
		r.upsert(nil, pair("known"), anonymous("a"))
		return work{batch: r.read()}, func() {
			r.checkMembers("static", static, known.ID)
			r.checkMembers("dynamic", dynamic)
		}
	},
	"a list is filled": func(r *rig) (work, func()) {
		for n := range 3 {
			r.upsert(map[string]any{"plan": "premium"}, pair("u%d", n))
		}
		r.rest()
		l := r.list("A", premium)
		r.deliver(r.read())
		return work{tasks: r.queue.take()}, func() {
			r.checkMembers("filled", l, r.matching(l)...)
			r.checkReady(l)
		}
	},
	"a list is pruned": func(r *rig) (work, func()) {
		for n := range 3 {
			r.upsert(map[string]any{"plan": "premium"}, pair("u%d", n))
		}
		l := r.list("A", premium)
		r.rest()
		r.rewrite(l, free)
		r.deliver(r.read())
		for _, t := range r.queue.take() {
			r.do(t)
		}
		r.deliver(r.read())
		return work{tasks: r.queue.take()}, func() {
			r.checkMembers("pruned", l)
			r.checkReady(l)
		}
	},
	"a moment comes": func(r *rig) (work, func()) {
		l := r.list("A", renewed)
		r.upsert(map[string]any{"renewed": "2026-11-20"}, pair("u"))
		v := r.upsert(map[string]any{"renewed": "2026-11-25"}, pair("v"))
		r.rest()
		at, task, _ := r.plans.next(r.clock().AddDate(0, 1, 0))
		r.now = at
		return work{tasks: []membership.Task{task}}, func() {
			r.checkMembers("the first", l, v.ID)
			r.pass(at.AddDate(0, 1, 0))
			r.checkMembers("both", l)
		}
	},
}

func (r *rig) checkReady(l list.List) {
	r.t.Helper()
	if got := r.stored(l); got.Status != list.Ready || got.Published != got.Rule {
		r.t.Errorf("got %+v, want it ready", got)
	}
}

// TestFaults breaks the exchanges with DynamoDB, one at a time or all from one on, then delivers all again.
func TestFaults(t *testing.T) {
	var f dynamotest.Faults
	r := newRig(t, f.Option(1))
	for name, prepare := range scenarios {
		for fault, run := range map[dynamotest.Fault]int{dynamotest.Before: 1, dynamotest.After: 1, dynamotest.Throttled: 10_000} {
			// Of the many exchanges of 16 segments, some stand for all.
			for at, step := 1, 1; r.survives(&f, name, prepare, fault, at, run, &step); at += step {
			}
		}
	}
}

// survives breaks run exchanges from one on, and reports whether there were as many.
func (r *rig) survives(f *dynamotest.Faults, name string, prepare func(*rig) (work, func()), fault dynamotest.Fault, at, run int, step *int) bool {
	r.t.Helper()
	r.project, r.now = dynamotest.Project(r.t, r.store), newRigTime
	r.read()
	w, check := prepare(r)
	f.Arm(fault, at, run)
	_, _ = r.handler.Handle(r.t.Context(), events.DynamoDBEvent{Records: w.batch})
	for _, task := range w.tasks {
		_ = r.engine.Do(r.t.Context(), task, slog.New(slog.DiscardHandler))
	}
	seen := len(f.Seen())
	f.Arm("", 0, 0)
	r.deliver(w.batch)
	for _, task := range w.tasks {
		r.do(task)
	}
	r.rest()
	check()
	if r.t.Failed() {
		r.t.Fatalf("%s: exchange %d of %d and %d more %s", name, at, seen, run-1, fault)
	}
	*step = max(1, seen/5)
	return at < seen
}

// TestQueueIsDown checks that a batch stays undone as long as users can be neither settled nor left to the queue.
func TestQueueIsDown(t *testing.T) {
	var f dynamotest.Faults
	r := newRig(t, f.Option(1))
	l := r.list("A", premium)
	r.rest()
	u := r.upsert(map[string]any{"plan": "premium"}, pair("u"))
	batch := r.read()
	r.queue.fail = errors.New("the queue is down")
	f.Arm(dynamotest.Throttled, 2, 1000)
	response, err := r.handler.Handle(t.Context(), events.DynamoDBEvent{Records: batch})
	if err != nil || len(response.BatchItemFailures) != 1 || response.BatchItemFailures[0].ItemIdentifier != batch[0].Change.SequenceNumber {
		t.Errorf("got %+v, %v; want the record to come again", response, err)
	}
	r.queue.fail = nil
	f.Arm(dynamotest.Throttled, 2, 1000)
	if n := r.deliver(batch); n != 1 {
		t.Errorf("delivered %d times more, want 1: the user is left to the queue", n)
	}
	f.Arm("", 0, 0)
	r.rest()
	r.checkMembers("in the end", l, u.ID)
}

// stuck is a store that answers nothing about users before the time is up.
type stuck struct{ *dynamo.Store }

func (s stuck) Profiles(ctx context.Context, projectID string, ids []string) (map[string]user.User, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestSlow checks that users who take too long are left to the queue while there is time left to do so, and that nothing is
// begun when there is none.
func TestSlow(t *testing.T) {
	r := newRig(t)
	l := r.list("A", premium)
	r.rest()
	u := r.upsert(map[string]any{"plan": "premium"}, pair("u"))
	batch := r.read()
	h := r.handler
	h.Memberships = &membership.Engine{
		Queue: r.queue, Wakes: r.plans, Log: slog.New(slog.DiscardHandler), Now: r.clock, Store: stuck{r.store},
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	response, err := h.Handle(ctx, events.DynamoDBEvent{Records: batch})
	tasks := r.queue.take()
	if err != nil || len(response.BatchItemFailures) > 0 || len(tasks) != 1 || ctx.Err() != nil {
		t.Fatalf("got %+v, %v and tasks %+v; want the user left to the queue in time", response, err, tasks)
	}
	r.do(tasks[0])
	r.checkMembers("in the end", l, u.ID)
	cancel()
	if response, err = h.Handle(ctx, events.DynamoDBEvent{Records: batch}); err != nil || len(response.BatchItemFailures) != 1 {
		t.Errorf("without time: got %+v, %v; want the record to come again", response, err)
	}
}

// TestAtOnce changes users, their lists' rules and their memberships from several sides at once.
func TestAtOnce(t *testing.T) {
	r := newRig(t)
	l := r.list("A", premium)
	const users, changes = 10, 40
	var g sync.WaitGroup
	done := make(chan struct{})
	for n := range users {
		g.Go(func() {
			for i := range changes {
				r.upsert(map[string]any{"plan": []string{"free", "premium"}[i%2], "n": fmt.Sprint(i)}, pair("u%d", n))
			}
		})
	}
	g.Go(func() {
		for i := range 6 {
			r.rewrite(l, []string{free, premium}[i%2])
			time.Sleep(20 * time.Millisecond)
		}
	})
	var workers sync.WaitGroup
	for range 3 {
		workers.Go(func() {
			for {
				for _, task := range r.queue.take() {
					r.do(task)
				}
				select {
				case <-done:
					return
				case <-time.After(time.Millisecond):
				}
			}
		})
	}
	workers.Go(func() {
		for {
			r.deliver(r.read())
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
			}
		}
	})
	g.Wait()
	close(done)
	workers.Wait()
	r.rest()
	r.checkMembers("in the end", l, r.matching(l)...)
	r.checkReady(l)
}
