package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/project"
	"lunogram-users/internal/sms"
	"lunogram-users/internal/user"
)

func (s *session) createGroup(flags *flag.FlagSet) action {
	id, channel := flags.String("project", "", ""), flags.String("channel", "", "")
	public := flags.Bool("public", false, "")
	return func(ctx context.Context, store *dynamo.Store, args []string) error {
		if !consent.Channel(*channel).Valid() {
			return usageError("-channel must be email, sms, push or in_app")
		}
		if args[0] == "" {
			return usageError("the name must not be empty")
		}
		p, err := findProject(ctx, store, *id)
		if err != nil {
			return err
		}
		g := consent.Group{
			ID: uuid.Must(uuid.NewV7()).String(), ProjectID: p.ID, Name: args[0],
			Channel: consent.Channel(*channel), Public: *public, CreatedAt: time.Now().UTC(),
		}
		if err := store.CreateGroup(ctx, g); err != nil {
			return err
		}
		fmt.Fprintln(s.stdout, g.ID)
		return nil
	}
}

func (s *session) listGroups(flags *flag.FlagSet) action {
	id := flags.String("project", "", "")
	return func(ctx context.Context, store *dynamo.Store, _ []string) error {
		p, err := findProject(ctx, store, *id)
		if err != nil {
			return err
		}
		groups, err := store.Groups(ctx, p.ID)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(s.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tCHANNEL\tPUBLIC\tARCHIVED\tNAME")
		for _, g := range groups {
			fmt.Fprintf(w, "%s\t%s\t%t\t%t\t%s\n", g.ID, g.Channel, g.Public, g.Archived(), g.Name)
		}
		return w.Flush()
	}
}

func (s *session) addSender(flags *flag.FlagSet) action {
	id, by := flags.String("project", "", ""), flags.String("answered-by", "", "")
	return func(ctx context.Context, store *dynamo.Store, args []string) error {
		if *by == "provider" {
			*by = string(project.AnsweredByProvider)
		}
		if !project.Answerer(*by).Valid() {
			return usageError("-answered-by must be provider or us")
		}
		number, err := parseNumber(args[0])
		if err != nil {
			return err
		}
		p, err := findProject(ctx, store, *id)
		if err != nil {
			return err
		}
		err = store.PutSender(ctx, project.Sender{Number: number, ProjectID: p.ID, AnsweredBy: project.Answerer(*by)})
		if errors.Is(err, project.ErrExists) {
			return fmt.Errorf("%s belongs to another project: see sender show and sender remove", number)
		}
		return err
	}
}

func (s *session) showSender(*flag.FlagSet) action {
	return func(ctx context.Context, store *dynamo.Store, args []string) error {
		number, err := parseNumber(args[0])
		if err != nil {
			return err
		}
		sender, err := store.Sender(ctx, number)
		if errors.Is(err, user.ErrNotFound) {
			return fmt.Errorf("%s belongs to no project", number)
		}
		if err != nil {
			return err
		}
		by := cmp.Or(string(sender.AnsweredBy), "provider")
		fmt.Fprintf(s.stdout, "project:      %s\nanswered by:  %s\n", sender.ProjectID, by)
		return nil
	}
}

func (s *session) removeSender(*flag.FlagSet) action {
	return func(ctx context.Context, store *dynamo.Store, args []string) error {
		number, err := parseNumber(args[0])
		if err != nil {
			return err
		}
		return store.DeleteSender(ctx, number)
	}
}

func parseNumber(s string) (string, error) {
	number, err := sms.ParseNumber(s)
	if err != nil {
		return "", usageError("the number " + err.Error())
	}
	return number, nil
}
