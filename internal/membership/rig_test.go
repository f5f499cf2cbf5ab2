package membership_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/uuid"

	"lunogram-users/internal/change"
	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/list"
	"lunogram-users/internal/membership"
	"lunogram-users/internal/project"
	"lunogram-users/internal/rule"
	"lunogram-users/internal/user"
)

// rig is an engine on a table of its own whose stream, queue, scheduler and clock are in the hands of the test.
type rig struct {
	t       testing.TB
	store   *dynamo.Store
	project project.Project
	engine  *membership.Engine
	handler change.Handler
	read    func() []events.DynamoDBEventRecord
	queue   *queue
	plans   *plans

	mu  sync.Mutex
	now time.Time
}

// newRigTime is when it is in a new rig.
var newRigTime = time.Date(2026, 11, 28, 12, 0, 30, 0, time.UTC)

func newRig(t testing.TB, options ...func(*dynamodb.Options)) *rig {
	t.Helper()
	store, read := dynamotest.Stream(t, options...)
	r := &rig{
		t: t, store: store, read: read, project: dynamotest.Project(t, store),
		queue: new(queue), plans: &plans{at: map[string]time.Time{}, task: map[string]membership.Task{}},
		now: newRigTime,
	}
	log := slog.New(slog.DiscardHandler)
	r.engine = &membership.Engine{Store: store, Queue: r.queue, Wakes: r.plans, Log: log, Now: r.clock}
	r.handler = change.Handler{Read: dynamo.ReadChange, Memberships: r.engine, Log: log}
	return r
}

func (r *rig) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// deliver delivers a batch until all of it is done, and returns how often it took.
func (r *rig) deliver(batch []events.DynamoDBEventRecord) (deliveries int) {
	r.t.Helper()
	for len(batch) > 0 {
		if deliveries++; deliveries > 50 {
			r.t.Fatal("a batch is never done")
		}
		response, err := r.handler.Handle(r.t.Context(), events.DynamoDBEvent{Records: batch})
		r.must(err)
		if len(response.BatchItemFailures) == 0 {
			break
		}
		first := response.BatchItemFailures[0].ItemIdentifier
		batch = batch[slices.IndexFunc(batch, func(e events.DynamoDBEventRecord) bool { return e.Change.SequenceNumber == first }):]
	}
	return deliveries
}

// do does one task until it succeeds.
func (r *rig) do(t membership.Task) {
	r.t.Helper()
	for range 50 {
		if r.engine.Do(r.t.Context(), t, slog.New(slog.DiscardHandler)) == nil {
			return
		}
	}
	r.t.Fatalf("a task of kind %s is never done", t.Kind)
}

// rest delivers all that happens and does all that is asked for until nothing is left.
func (r *rig) rest() {
	r.t.Helper()
	r.follow(r.queue.take)
}

// restNow is rest of what does not wait. What waits does so until everybody is done who was at it when it was asked for.
func (r *rig) restNow() {
	r.t.Helper()
	r.follow(r.queue.takeNow)
}

func (r *rig) follow(take func() []membership.Task) {
	r.t.Helper()
	for {
		batch, tasks := r.read(), take()
		if len(batch) == 0 && len(tasks) == 0 {
			return
		}
		for part := range slices.Chunk(batch, 100) {
			r.deliver(part)
		}
		for _, t := range tasks {
			r.do(t)
		}
	}
}

// pass lets the time come and wakes whoever planned it by then.
func (r *rig) pass(to time.Time) {
	r.t.Helper()
	for {
		at, t, ok := r.plans.next(to)
		if !ok {
			break
		}
		r.mu.Lock()
		r.now = at
		r.mu.Unlock()
		r.do(t)
		r.rest()
	}
	r.mu.Lock()
	r.now = to
	r.mu.Unlock()
}

// upsert stores data of the user with the external id; "anonymous:x" is an anonymous one.
func (r *rig) upsert(data map[string]any, pairs ...user.Pair) user.User {
	r.t.Helper()
	req := user.Upsert{ProjectID: r.project.ID, Patch: user.Patch{Data: data}}
	for _, p := range pairs {
		req.Identifiers = append(req.Identifiers, user.Sent{Pair: p})
	}
	r.must(req.Normalize())
	u, err := r.store.Upsert(r.t.Context(), req)
	r.must(err)
	return u
}

func pair(format string, args ...any) user.Pair {
	return user.Pair{Source: "default", ExternalID: fmt.Sprintf(format, args...)}
}

func anonymous(format string, args ...any) user.Pair {
	return user.Pair{Source: user.AnonymousSource, ExternalID: fmt.Sprintf(format, args...)}
}

// crowd creates n users with the data.
func (r *rig) crowd(n int, data map[string]any) []user.User {
	r.t.Helper()
	users := make([]user.User, n)
	var g sync.WaitGroup
	const writers = 8
	for w := range writers {
		g.Go(func() {
			for i := w; i < n; i += writers {
				users[i] = r.upsert(data, pair("crowd-%v-%d", data["plan"], i))
			}
		})
	}
	g.Wait()
	return users
}

// list creates a list: a dynamic one that is to be built, or without a rule a static one.
func (r *rig) list(name, text string) list.List {
	r.t.Helper()
	l := list.List{ID: uuid.Must(uuid.NewV7()).String(), ProjectID: r.project.ID, Kind: list.Static, Name: name, Status: list.Ready}
	if text != "" {
		l.Kind, l.Rule, l.Revision, l.Status = list.Dynamic, canonical(r.t, text), 1, list.Building
	}
	r.must(dynamotest.CreateList(r.t.Context(), r.store, l))
	return l
}

// rewrite gives a list another rule, as the API does.
func (r *rig) rewrite(l list.List, text string) {
	r.t.Helper()
	r.change(l, func(l *list.List) {
		l.Rule, l.Revision, l.Status = canonical(r.t, text), l.Revision+1, list.Building
	})
}

func (r *rig) change(l list.List, change func(*list.List)) {
	r.t.Helper()
	_, err := r.store.ChangeList(r.t.Context(), r.project.ID, l.ID, func(l *list.List) error {
		change(l)
		return nil
	})
	r.must(err)
}

func canonical(t testing.TB, text string) string {
	t.Helper()
	parsed, err := rule.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.String()
}

// stored returns a list as it is.
func (r *rig) stored(l list.List) list.List {
	r.t.Helper()
	l, err := r.store.List(r.t.Context(), r.project.ID, l.ID)
	r.must(err)
	return l
}

// members returns the ids of the members of a list, sorted.
func (r *rig) members(l list.List) []string {
	r.t.Helper()
	ids, next, err := r.store.MemberPage(r.t.Context(), r.project.ID, l.ID, "", 10_000)
	r.must(err)
	if next != "" {
		r.t.Fatal("too many members for one page")
	}
	slices.Sort(ids)
	return ids
}

// matching returns the ids of the users whom the rule of a list matches, sorted: a full evaluation.
func (r *rig) matching(l list.List) []string {
	r.t.Helper()
	parsed, err := rule.Parse(r.stored(l).Rule)
	r.must(err)
	var ids []string
	for after := ""; ; {
		users, err := r.store.Users(r.t.Context(), r.project.ID, after, 100)
		r.must(err)
		for _, u := range users.Users {
			if parsed.Match(rule.Subject{User: &u}, r.clock()) {
				ids = append(ids, u.ID)
			}
		}
		if after = users.Next; after == "" {
			break
		}
	}
	slices.Sort(ids)
	return ids
}

// queue keeps tasks. It is safe for concurrent use.
type queue struct {
	mu           sync.Mutex
	now, waiting []membership.Task
	fail         error
}

func (q *queue) SendLater(ctx context.Context, delay time.Duration, tasks ...membership.Task) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case q.fail != nil:
		return q.fail
	case delay > 0:
		q.waiting = append(q.waiting, tasks...)
	default:
		q.now = append(q.now, tasks...)
	}
	return nil
}

// take takes all tasks.
func (q *queue) take() []membership.Task {
	now := q.takeNow()
	q.mu.Lock()
	defer q.mu.Unlock()
	tasks := append(now, q.waiting...)
	q.waiting = nil
	return tasks
}

// takeNow takes those that do not wait.
func (q *queue) takeNow() []membership.Task {
	q.mu.Lock()
	defer q.mu.Unlock()
	tasks := q.now
	q.now = nil
	return tasks
}

// plans keeps wakes by name. It is safe for concurrent use.
type plans struct {
	mu   sync.Mutex
	at   map[string]time.Time
	task map[string]membership.Task
	made int
}

func (p *plans) Plan(_ context.Context, name string, at time.Time, task membership.Task) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, exists := p.at[name]; !exists {
		p.at[name], p.task[name] = at, task
		p.made++
	}
	return nil
}

// next takes the earliest plan that is due by then.
func (p *plans) next(by time.Time) (time.Time, membership.Task, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	names := slices.SortedFunc(maps.Keys(p.at), func(a, b string) int { return p.at[a].Compare(p.at[b]) })
	if len(names) == 0 || p.at[names[0]].After(by) {
		return time.Time{}, membership.Task{}, false
	}
	at, task := p.at[names[0]], p.task[names[0]]
	delete(p.at, names[0])
	return at, task, true
}
