package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/list"
	"lunogram-users/internal/local"
)

// printLists prints how long it takes to build a dynamic list over a project of n users, and to change its rule.
func printLists(ctx context.Context, cloud *local.Cloud, n int) error {
	projectID, _, err := newProject(ctx, cloud)
	if err != nil {
		return err
	}
	if _, err := importFile(ctx, cloud, projectID, "lists", customers(n, "premium")); err != nil {
		return err
	}
	store := dynamo.New(config(cloud), cloud.Table)
	l := list.List{
		ID: uuid.Must(uuid.NewV7()).String(), ProjectID: projectID, Kind: list.Dynamic, Name: "bench", CreatedAt: time.Now(),
		Status: list.Building,
	}
	// Its tasks come behind the changes that the import made, so once it is there all of them have been followed.
	probe := l
	probe.ID, probe.Name, probe.Rule, probe.Revision = uuid.Must(uuid.NewV7()).String(), "probe", `user.data.plan = "none"`, 1
	if _, err := build(ctx, cloud, store, probe); err != nil {
		return err
	}
	fmt.Printf("\na dynamic list over %d users; CPU and memory are those of the workers\n", n)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer w.Flush()
	fmt.Fprintf(w, "rule\tmembers\tuntil it is shown\tuntil it is ready\tusers/s\tCPU µs a user\tpeak memory of a process\t\n")
	for _, step := range []struct{ name, rule string }{
		{"all match, a new list", `user.data.plan = "premium"`},
		{"half match", `user.email CONTAINS "1@" OR user.email CONTAINS "3@" OR user.email CONTAINS "5@" ` +
			`OR user.email CONTAINS "7@" OR user.email CONTAINS "9@"`},
		{"none match", `user.data.plan = "free"`},
	} {
		l.Rule, l.Revision = step.rule, l.Revision+1
		b, err := build(ctx, cloud, store, l)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\t%d\t%.1f s\t%.1f s\t%.0f\t%.0f\t%.0f MB\t\n", step.name, b.members, b.shown.Seconds(), b.ready.Seconds(),
			b.rate, float64(b.cpu.Microseconds())/float64(n), float64(b.peak)/1e6)
	}
	return nil
}

// built is how the building of a list went.
type built struct {
	members      int64
	shown, ready time.Duration
	rate         float64 // users a second that the back-fill looked at
	cpu          time.Duration
	peak         int64
}

// build gives the list its rule and waits until it is ready.
func build(ctx context.Context, cloud *local.Cloud, store *dynamo.Store, l list.List) (built, error) {
	before, _, err := usage(cloud, "recompute")
	if err != nil {
		return built{}, err
	}
	start := time.Now()
	if _, err = store.ChangeList(ctx, l.ProjectID, l.ID, func(stored *list.List) error {
		stored.Rule, stored.Revision, stored.Status = l.Rule, l.Revision, list.Building
		return nil
	}); errors.Is(err, list.ErrNotFound) {
		_, err = store.PutList(ctx, l.ProjectID, func([]list.List) (list.List, error) { return l, nil })
	}
	var b built
	for b.ready == 0 && err == nil {
		time.Sleep(20 * time.Millisecond)
		l, err = store.List(ctx, l.ProjectID, l.ID)
		if b.shown == 0 && l.Published == l.Rule {
			b.shown = time.Since(start)
		}
		if l.Status == list.Ready {
			b.ready, b.members = time.Since(start), l.Count.Members
		}
	}
	if err != nil {
		return b, err
	}
	segments, err := store.ListSegments(ctx, l.ProjectID, l.ID, l.Revision, list.Fill)
	if err != nil {
		return b, err
	}
	var users int64
	for _, s := range segments {
		users += s.Users
	}
	// The tasks begin when their delay is over.
	b.rate = float64(users) / (b.shown - delay(l.Revision)).Seconds()
	after, peak, err := usage(cloud, "recompute")
	b.cpu, b.peak = after-before, peak
	return b, err
}

// delay returns how long the tasks of a back-fill wait, see membership.Engine.Begin.
func delay(revision int64) time.Duration {
	if revision == 1 {
		return 5 * time.Second
	}
	return 10 * time.Second
}
