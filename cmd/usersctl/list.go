package main

import (
	"context"
	"flag"
	"fmt"
	"text/tabwriter"

	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/list"
)

func (s *session) listLists(flags *flag.FlagSet) action {
	id := flags.String("project", "", "")
	return func(ctx context.Context, store *dynamo.Store, _ []string) error {
		p, err := findProject(ctx, store, *id)
		if err != nil {
			return err
		}
		lists, err := store.Lists(ctx, p.ID)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(s.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tTYPE\tSTATUS\tREVISION\tARCHIVED\tNAME")
		for _, l := range lists {
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%t\t%s\n", l.ID, l.Kind, l.Status, l.Revision, l.Archived(), l.Name)
		}
		return w.Flush()
	}
}

func (s *session) rebuildList(flags *flag.FlagSet) action {
	id := flags.String("project", "", "")
	return func(ctx context.Context, store *dynamo.Store, args []string) error {
		p, err := findProject(ctx, store, *id)
		if err != nil {
			return err
		}
		_, err = store.ChangeList(ctx, p.ID, args[0], (*list.List).Rebuild)
		return err
	}
}
