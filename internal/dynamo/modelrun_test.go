package dynamo_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// run is one random sequence of operations, carried out on the store and on the model.
type run struct {
	t       *testing.T
	random  *rand.Rand
	store   *dynamo.Store
	project project.Project
	model   *ideal
	clock   time.Time
	sent    []sentText // messages so far, to be delivered again
	history []string   // operations so far, to be read when the two disagree
}

type sentText struct {
	phone string
	in    consent.Inbound
}

var (
	modelPairs  = []string{"a", "b", "c", "anonymous:x", "anonymous:y"}
	modelGroups = []string{"letter", "offers", "texts", "alerts"}
	modelPhones = []string{"+15550100001", "+15550100002"}
	modelEmails = []string{"one@example.com", "two@example.com"}
)

// TestConsentAgreesWithModel carries out random sequences of everything that touches consent on the store and on a model,
// and compares after each step whether each message may be sent to each user, and every few steps the ledgers.
func TestConsentAgreesWithModel(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := newRun(t, seed)
			for n := 1; n <= 50 && !t.Failed(); n++ {
				r.step()
				r.compareAnswers()
				r.verifyLedgers()
				if n%6 == 0 {
					r.compareLedgers()
				}
			}
			if t.Failed() {
				t.Log(strings.Join(r.history, "\n"))
			}
		})
	}
}

func newRun(t *testing.T, seed uint64) *run {
	r := &run{
		t: t, random: rand.New(rand.NewPCG(seed, 4)), store: dynamotest.New(t),
		clock: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC),
		model: &ideal{
			channel: map[string]consent.Channel{}, fallback: map[string]consent.State{}, owner: map[string]*person{},
			stopped: map[string]consent.Inbound{}, held: map[string]bool{}, left: map[string]map[string]bool{}, leftAt: map[string]time.Time{},
		},
	}
	r.store.SetClock(func() time.Time { return r.clock })
	r.project = dynamotest.Project(t, r.store)
	for i, id := range modelGroups {
		channel := []consent.Channel{consent.Email, consent.SMS}[i/2]
		r.model.channel[id] = channel
		r.check(r.store.CreateGroup(t.Context(), consent.Group{ID: id, ProjectID: r.project.ID, Name: id, Channel: channel}))
	}
	return r
}

func (r *run) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatalf("%v after:\n%s", err, strings.Join(r.history, "\n"))
	}
}

func (r *run) did(format string, args ...any) {
	r.history = append(r.history, fmt.Sprintf(format, args...))
}

func pick[T any](r *run, of []T) T { return of[r.random.IntN(len(of))] }

// step carries out one operation, a second after the one before.
func (r *run) step() {
	r.clock = r.clock.Add(time.Second)
	pair := pick(r, modelPairs)
	p := r.model.owner[pair]
	if p == nil {
		r.upsert(pair)
		return
	}
	switch n := r.random.IntN(100); {
	case n < 30:
		r.set(p)
	case n < 45:
		r.text()
	case n < 58:
		r.merge()
	case n < 68:
		r.upsert(pair)
	case n < 80:
		r.suppress()
	case n < 88:
		r.fallback()
	default:
		r.did("delete %s", pair)
		r.check(r.store.Delete(r.t.Context(), r.project.ID, p.id))
		r.model.erase(p, r.clock)
	}
}

// upsert imports a row: a new user, or new addresses of a known one.
func (r *run) upsert(pair string) {
	req := request(r.t, r.project.ID, pair)
	req.Patch = user.Patch{Email: new(pick(r, modelEmails)), Phone: new(pick(r, modelPhones))}
	r.did("import %s %s %s", pair, *req.Patch.Email, *req.Patch.Phone)
	result := r.store.UpsertBatch(r.t.Context(), r.project.ID, []user.Upsert{req})[0]
	r.check(result.Err)
	p := r.model.owner[pair]
	if p == nil {
		p = &person{
			id: result.UserID, anonymous: strings.HasPrefix(pair, "anonymous:"),
			subs: map[string]consent.Subscription{}, seen: map[string]bool{},
		}
		r.model.owner[pair] = p
	}
	p.email, p.phone = *req.Patch.Email, *req.Patch.Phone
}

func (r *run) set(p *person) {
	group := pick(r, append(slices.Clone(modelGroups), consent.AllGroups))
	to := pick(r, []consent.State{consent.Subscribed, consent.Unsubscribed, consent.NotSet})
	how := pick(r, []consent.How{consent.ByPage, consent.ByAPI, consent.ByOneClick})
	r.did("set %s %s by %s of %s", group, to, how, p.id)
	_, err := r.store.SetSubscriptions(r.t.Context(), r.project.ID, p.id, consent.Setting{
		Choices: []consent.Choice{{Group: group, State: to}}, How: how,
	})
	r.check(err)
	r.model.set(p, group, to, how, r.clock)
}

// text delivers a STOP or START: a new one, a late one, or one that was delivered before.
func (r *run) text() {
	m := sentText{pick(r, modelPhones), consent.Inbound{
		Verdict: pick(r, []consent.Verdict{consent.Stop, consent.Start}), MessageID: fmt.Sprint("m", len(r.history)), At: r.clock,
	}}
	switch n := r.random.IntN(10); {
	case n == 0 && len(r.sent) > 0:
		m = pick(r, r.sent)
	case n < 3:
		m.in.At = r.clock.Add(-time.Duration(r.random.IntN(20)) * time.Second)
	}
	r.did("%s %s from %s of second %d", m.in.Verdict, m.in.MessageID, m.phone, m.in.At.Second())
	r.sent = append(r.sent, m)
	r.check(r.store.Record(r.t.Context(), r.project.ID, m.phone, m.in))
	r.model.inbound(m.phone, m.in)
}

// merge sends two pairs at once, in an upsert or in a row of an import, if that merges an anonymous user.
func (r *run) merge() {
	one, two := pick(r, modelPairs), pick(r, modelPairs)
	p, absorbed := r.model.owner[one], r.model.owner[two]
	if p == nil || absorbed == nil || p == absorbed || !absorbed.anonymous || p.anonymous && p.id > absorbed.id {
		return
	}
	if byRow := r.random.IntN(2) == 0; byRow {
		r.did("import a row that merges %s into %s", two, one)
		r.check(doLoad(r.t, r.store, newLoad(r.project), row(r.t, 1, "pro", one, two))[0].Err)
	} else {
		r.did("merge %s into %s", two, one)
		_, err := r.store.Upsert(r.t.Context(), request(r.t, r.project.ID, one, two))
		r.check(err)
	}
	r.model.merge(p, absorbed)
}

func (r *run) suppress() {
	channel, address := consent.Email, pick(r, modelEmails)
	if r.random.IntN(2) == 0 {
		channel, address = consent.SMS, pick(r, modelPhones)
	}
	channel = pick(r, []consent.Channel{channel, channel, consent.AnyChannel})
	kind := pick(r, []consent.Kind{consent.Complaint, consent.Bounce})
	name := string(channel) + address + " " + string(kind)
	change := consent.SuppressionChange{Lift: r.model.held[name], Hold: consent.Hold{Kind: kind, Reason: "test"}}
	r.did("suppress %s, lift %t", name, change.Lift)
	_, err := r.store.ChangeSuppression(r.t.Context(), r.project.ID, channel, address, change)
	r.check(err)
	r.model.held[name] = !change.Lift
}

// fallback changes what applies to who said nothing.
func (r *run) fallback() {
	if r.random.IntN(3) == 0 {
		r.model.optIn = !r.model.optIn
		r.did("opt-in %t", r.model.optIn)
		_, err := r.store.ChangeSettings(r.t.Context(), r.project.ID, func(s project.Settings) (project.Settings, error) {
			s.RequireOptIn = r.model.optIn
			return s, nil
		})
		r.check(err)
		return
	}
	group, to := pick(r, modelGroups), pick(r, []consent.State{"", consent.Subscribed, consent.Unsubscribed})
	r.did("default of %s %s", group, to)
	_, err := r.store.PatchGroup(r.t.Context(), r.project.ID, group, consent.GroupPatch{Default: &to})
	r.check(err)
	r.model.fallback[group] = to
}

// compareAnswers asks the store and the model the same questions.
func (r *run) compareAnswers() {
	people := r.model.people()
	if len(people) == 0 {
		return
	}
	var names []user.Name
	for _, p := range people {
		names = append(names, user.Name{ID: p.id})
	}
	for _, group := range []string{pick(r, modelGroups), pick(r, modelGroups), ""} {
		q := user.Audience{ProjectID: r.project.ID, Channel: r.model.channel[group], Group: group, Names: names}
		if group == "" {
			q.Channel = consent.Email
		}
		answers, err := r.store.Audience(r.t.Context(), q)
		r.check(err)
		for i, p := range people {
			if want := r.model.may(p, group); answers[i].Allowed != want || answers[i].UserID != p.id {
				r.t.Errorf("may %q be sent to %s: got %+v, want %t", group, p.id, answers[i], want)
			}
		}
	}
}

// compareLedgers compares what the ledgers say.
func (r *run) compareLedgers() {
	for _, p := range r.model.people() {
		page, err := r.store.History(r.t.Context(), r.project.ID, p.id, "", 1000)
		r.check(err)
		var got []string
		for _, e := range page.Events {
			got = append(got, fmt.Sprintf("%s %s %s>%s", e.How, e.Group, e.From, e.To))
		}
		slices.Sort(got)
		if diff := cmp.Diff(slices.Sorted(slices.Values(p.lines)), got); diff != "" {
			r.t.Errorf("ledger of %s (-model +store):\n%s", p.id, diff)
		}
	}
}

// verifyLedgers checks that the ledgers are whole.
func (r *run) verifyLedgers() {
	for _, p := range r.model.people() {
		breaks, err := r.store.VerifyUser(r.t.Context(), r.project.ID, p.id)
		r.check(err)
		if len(breaks) > 0 {
			r.t.Errorf("ledger of %s is broken: %+v", p.id, breaks)
		}
	}
}
