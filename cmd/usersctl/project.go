package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// minHash is how much of a key's hash must be given to revoke it; listHash is how much is listed.
const (
	minHash  = 8
	listHash = 16
)

func (s *session) createProject(flags *flag.FlagSet) action {
	id := flags.String("id", "", "")
	return func(ctx context.Context, store *dynamo.Store, args []string) error {
		if args[0] == "" {
			return usageError("the name must not be empty")
		}
		if *id != "" {
			canonical, err := project.ParseID(*id)
			if err != nil {
				return usageError(err.Error())
			}
			*id = canonical
		}
		p := project.New(*id, args[0], time.Now())
		if err := store.CreateProject(ctx, p); err != nil {
			return err
		}
		fmt.Fprintln(s.stdout, p.ID)
		return nil
	}
}

func (s *session) showProject(*flag.FlagSet) action {
	return func(ctx context.Context, store *dynamo.Store, args []string) error {
		p, err := findProject(ctx, store, args[0])
		if err != nil {
			return err
		}
		fmt.Fprintf(s.stdout, "id:      %s\nname:    %s\ncreated: %s\n", p.ID, p.Name, p.CreatedAt.Format(time.RFC3339))
		s.printSettings(p.Settings)
		return nil
	}
}

func (s *session) createKey(flags *flag.FlagSet) action {
	id, role, name := flags.String("project", "", ""), flags.String("role", "", ""), flags.String("name", "", "")
	return func(ctx context.Context, store *dynamo.Store, _ []string) error {
		if !project.Role(*role).Valid() {
			return usageError("-role must be client, support, editor or admin")
		}
		p, err := findProject(ctx, store, *id)
		if err != nil {
			return err
		}
		key, token := project.NewKey("", p.ID, project.Role(*role), *name, time.Now())
		if err := store.CreateKey(ctx, key); err != nil {
			return err
		}
		fmt.Fprintln(s.stdout, token)
		fmt.Fprintf(s.stderr, "This key is shown once and stored nowhere. To revoke it: usersctl key revoke -project %s %s\n",
			p.ID, key.Hash[:listHash])
		return nil
	}
}

func (s *session) listKeys(flags *flag.FlagSet) action {
	id := flags.String("project", "", "")
	return func(ctx context.Context, store *dynamo.Store, _ []string) error {
		p, err := findProject(ctx, store, *id)
		if err != nil {
			return err
		}
		keys, err := store.Keys(ctx, p.ID)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(s.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "HASH\tROLE\tENDS IN\tCREATED\tNAME")
		for _, k := range keys {
			fmt.Fprintf(w, "%s\t%s\t…%s\t%s\t%s\n", k.Hash[:listHash], k.Role, k.LastFour,
				k.CreatedAt.Format(time.RFC3339), k.Name)
		}
		return w.Flush()
	}
}

func (s *session) revokeKey(flags *flag.FlagSet) action {
	id := flags.String("project", "", "")
	return func(ctx context.Context, store *dynamo.Store, args []string) error {
		prefix := strings.ToLower(args[0])
		if len(prefix) < minHash {
			return usageError(fmt.Sprintf("give at least %d characters of the hash that key list prints", minHash))
		}
		p, err := findProject(ctx, store, *id)
		if err != nil {
			return err
		}
		keys, err := store.Keys(ctx, p.ID)
		if err != nil {
			return err
		}
		var hashes []string
		for _, k := range keys {
			if strings.HasPrefix(k.Hash, prefix) {
				hashes = append(hashes, k.Hash)
			}
		}
		if len(hashes) != 1 {
			return fmt.Errorf("%d keys of the project have a hash that starts with %s", len(hashes), prefix)
		}
		return store.DeleteKey(ctx, p.ID, hashes[0])
	}
}

// findProject returns the project with the id that was given on the command line.
func findProject(ctx context.Context, store *dynamo.Store, id string) (project.Project, error) {
	if id == "" {
		return project.Project{}, usageError("-project is required")
	}
	canonical, err := project.ParseID(id)
	if err != nil {
		return project.Project{}, usageError(err.Error())
	}
	p, err := store.Project(ctx, canonical)
	if errors.Is(err, user.ErrNotFound) {
		return project.Project{}, fmt.Errorf("there is no project %s in this table", canonical)
	}
	return p, err
}
