package membership

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"lunogram-users/internal/change"
	"lunogram-users/internal/list"
	"lunogram-users/internal/user"
)

const (
	// settleTime is for how long after the rules were read anything is written by them. Whoever begins to look at a list
	// later than that after its definition changed sees all that was decided before; see Begin.
	settleTime = 5 * time.Second
	// writeTime is for how long a page of a segment, or of users whose moment has come, is written. Whoever settles its users
	// later than that sees all of it.
	writeTime = 10 * time.Second
	// maxPasses is how often one call reads again after it wrote. A second pass finds nothing to do unless somebody else
	// is at it too.
	maxPasses = 6
	// batch is how many users are settled by rules that were read once, parallel how many at a time.
	batch    = 100
	parallel = 16
)

// errRestless says that users changed as fast as they were settled.
var errRestless = errors.New("users do not come to rest")

// Follow implements change.Memberships. Users who cannot be dealt with now are left to the queue, so that one of them does
// not hold up all that comes after.
func (e *Engine) Follow(ctx context.Context, projectID string, records []change.Record) error {
	set, err := e.readRules(ctx, projectID)
	if err != nil {
		return err
	}
	concerns := map[string]concern{} // by user
	for _, r := range records {
		if err := ctx.Err(); err != nil {
			return err // there may be many rules, and much to hold against them
		}
		c := set.concern(*r.Profile, e.now())
		if known := concerns[r.UserID]; c.settle || len(c.lists) > 0 {
			concerns[r.UserID] = concern{c.settle || known.settle, append(known.lists, c.lists...)}
		}
		if heir := r.Profile.MergedInto; heir != "" && c.settle {
			concerns[heir] = concern{settle: true} // who died over it may have left lists to who was gone by then
		}
	}
	following, cancel := halfOf(ctx)
	defer cancel()
	if err = e.follow(following, projectID, set, concerns); err == nil {
		return nil
	}
	users := slices.Collect(maps.Keys(concerns))
	e.Log.WarnContext(ctx, "users are left to the queue", "project", projectID, "users", len(users), "error", err)
	if sent := e.Queue.SendLater(ctx, 0, Task{Kind: Settle, ProjectID: projectID, Users: users}); sent != nil {
		return errors.Join(err, sent)
	}
	return nil
}

// halfOf lets something take half of the time that is left, so that however often it does, there is some left for what comes
// after it: the queue, other projects, events.
func halfOf(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, time.Until(deadline)/2)
}

// follow settles some users one by one, and amends the others in batches.
func (e *Engine) follow(ctx context.Context, projectID string, set *ruleSet, concerns map[string]concern) error {
	var one []string
	many := amendment{Engine: e, projectID: projectID, set: set, lists: map[string][]dynamic{}}
	for userID, c := range concerns {
		if c.settle {
			one = append(one, userID)
		} else {
			many.lists[userID] = c.lists
		}
	}
	if len(many.lists) == 0 {
		return e.settle(ctx, projectID, set, one)
	}
	var err error
	many.users, err = e.Store.Profiles(ctx, projectID, slices.Collect(maps.Keys(many.lists)))
	if err == nil {
		err = many.run(ctx)
	}
	return errors.Join(err, e.Settle(ctx, projectID, one)) // by then, the rules may be too old to write by
}

// Settle makes users members of the dynamic lists in use whose rules they match, and of no other dynamic list in use. A
// user who is gone loses all memberships; one who was absorbed leaves those of static lists to the absorber. On an error
// some are settled; it is to be called again.
func (e *Engine) Settle(ctx context.Context, projectID string, users []string) error {
	var errs []error
	for some := range slices.Chunk(users, batch) {
		set, err := e.readRules(ctx, projectID)
		if err == nil {
			err = e.settle(ctx, projectID, set, some)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// settle is Settle by rules that were read just now. Whoever wrote memberships of a user reads all anew, rules and user,
// until there are none to write: of several who are at one user, the last to write reads last.
func (e *Engine) settle(ctx context.Context, projectID string, set *ruleSet, users []string) error {
	var errs []error
	for n := 0; len(users) > 0; n++ {
		if n == maxPasses {
			return errors.Join(append(errs, errRestless)...)
		}
		if n > 0 {
			var err error
			if set, err = e.readRules(ctx, projectID); err != nil {
				return errors.Join(append(errs, err)...)
			}
		}
		again, err := e.pass(ctx, projectID, set, users)
		users, errs = again, append(errs, err)
	}
	return errors.Join(errs...)
}

// pass writes what the users differ in from what the rules want, and returns those who are to be looked at again. A user who
// fails does not keep the others from it.
func (e *Engine) pass(ctx context.Context, projectID string, set *ruleSet, users []string) (again []string, err error) {
	ctx, cancel := context.WithDeadline(ctx, set.readAt.Add(settleTime))
	defer cancel()
	steps := make([]step, len(users))
	failed := each(len(users), func(i int) error {
		is, err := e.Store.Standing(ctx, projectID, users[i])
		if err == nil {
			steps[i] = step{Standing: is, Change: set.difference(is, e.now())}
		}
		return err
	})
	var due time.Time
	for _, s := range steps {
		if s.Change.Due != nil {
			due = earlier(due, *s.Change.Due)
		}
	}
	if !due.IsZero() {
		if err := e.ensureWake(ctx, projectID, due); err != nil {
			return nil, errors.Join(failed, err)
		}
	}
	writing := each(len(users), func(i int) (err error) {
		if !steps[i].Empty() {
			steps[i].again, err = e.write(ctx, projectID, users[i], steps[i])
		}
		return err
	})
	for i, s := range steps {
		if s.again {
			again = append(again, users[i])
		}
	}
	return again, errors.Join(failed, writing)
}

// step is what is to be written of one user, by what was read.
type step struct {
	list.Standing
	list.Change
	again bool // the user is to be looked at again
}

// write writes a step, and reports whether the user is to be looked at again: not if nothing but a moment was written. Then
// the memberships were right when they were read, and whatever happens to the user after that is somebody else's to see to;
// of two who move a moment, the second begins again. Of an absorbed user the memberships of static lists go to the absorber
// first: cut short, a repeat finds them here still.
func (e *Engine) write(ctx context.Context, projectID, userID string, s step) (again bool, err error) {
	if s.MergedInto != "" && len(s.Remove) > 0 {
		if err := e.bequeath(ctx, projectID, s.Standing); err != nil {
			return true, fmt.Errorf("bequeath memberships: %w", err)
		}
	}
	err = e.Store.ChangeMembership(ctx, projectID, userID, s.Change)
	if errors.Is(err, list.ErrMoved) {
		return true, nil
	}
	return len(s.Add) > 0 || len(s.Remove) > 0, err
}

// bequeath makes the absorber a member of the static lists of an absorbed user, archived ones too, and settles the
// absorber, who may have got them from a call that died: who is gone meanwhile loses them again, and who was absorbed too
// passes them on. Who was in a list by hand stays so, whatever import has put the other there. The lists are read anew, as
// one may be younger than the rules of the pass.
func (e *Engine) bequeath(ctx context.Context, projectID string, absorbed list.Standing) error {
	set, err := e.readRules(ctx, projectID)
	if err != nil {
		return err
	}
	static := slices.DeleteFunc(slices.Clone(absorbed.Lists), func(m list.Membership) bool {
		return set.lists[m.ListID].Kind != list.Static
	})
	if len(static) == 0 {
		return nil
	}
	heir, err := e.Store.Standing(ctx, projectID, absorbed.MergedInto)
	if err != nil {
		return err
	}
	var c list.Change
	var adopt []string
	for _, m := range static {
		i := slices.IndexFunc(heir.Lists, func(o list.Membership) bool { return o.ListID == m.ListID })
		switch {
		case i < 0:
			c.Add = append(c.Add, m)
		case m.Import == "" && heir.Lists[i].Import != "":
			adopt = append(adopt, m.ListID)
		}
	}
	for _, listID := range adopt {
		if _, err := e.Store.AddMembers(ctx, projectID, listID, []user.Name{{ID: absorbed.MergedInto}}); err != nil {
			return err
		}
	}
	if err := e.Store.ChangeMembership(ctx, projectID, absorbed.MergedInto, c); err != nil {
		return err
	}
	return e.Settle(ctx, projectID, []string{absorbed.MergedInto})
}

// each calls do for 0 to n-1, some at a time, and returns all errors.
func each(n int, do func(i int) error) error {
	var g errgroup.Group
	g.SetLimit(parallel)
	errs := make([]error, n)
	for i := range n {
		g.Go(func() error {
			errs[i] = do(i)
			return nil
		})
	}
	_ = g.Wait() // each has its own
	return errors.Join(errs...)
}
