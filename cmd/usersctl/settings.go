package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strconv"

	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/project"
)

// setProject changes the settings whose flags are given.
func (s *session) setProject(flags *flag.FlagSet) action {
	change := settingFlags(flags)
	return func(ctx context.Context, store *dynamo.Store, args []string) error {
		p, err := findProject(ctx, store, args[0])
		if err != nil {
			return err
		}
		settings, err := store.ChangeSettings(ctx, p.ID, func(old project.Settings) (project.Settings, error) {
			settings := old
			change(&settings)
			if faults := settings.Succeed(old); len(faults) > 0 {
				return old, usageError(faults[0].Field + " " + faults[0].Detail)
			}
			return settings, nil
		})
		if err != nil {
			return err
		}
		s.printSettings(settings)
		return nil
	}
}

// settingFlags declares a flag for each setting and returns what applies those that were given.
func settingFlags(flags *flag.FlagSet) func(*project.Settings) {
	var changes []func(*project.Settings)
	text := func(name string, field func(*project.Settings) *string) {
		flags.Func(name, "", func(v string) error {
			changes = append(changes, func(p *project.Settings) { *field(p) = v })
			return nil
		})
	}
	toggle := func(name string, field func(*project.Settings) *bool) {
		flags.BoolFunc(name, "", func(v string) error {
			on, err := strconv.ParseBool(v)
			changes = append(changes, func(p *project.Settings) { *field(p) = on })
			return err
		})
	}
	number := func(name string, field func(*project.Settings) *uint8) {
		flags.Func(name, "", func(v string) error {
			n, err := strconv.ParseUint(v, 10, 8)
			changes = append(changes, func(p *project.Settings) { *field(p) = uint8(n) })
			return err
		})
	}
	text("region", func(p *project.Settings) *string { return &p.Region })
	text("brand", func(p *project.Settings) *string { return &p.Brand })
	text("color", func(p *project.Settings) *string { return &p.Color })
	text("locale", func(p *project.Settings) *string { return &p.Locale })
	text("stop-text", func(p *project.Settings) *string { return &p.StopText })
	text("start-text", func(p *project.Settings) *string { return &p.StartText })
	text("help-text", func(p *project.Settings) *string { return &p.HelpText })
	toggle("no-undo", func(p *project.Settings) *bool { return &p.NoUndo })
	toggle("require-opt-in", func(p *project.Settings) *bool { return &p.RequireOptIn })
	toggle("keep-address", func(p *project.Settings) *bool { return &p.KeepAddress })
	toggle("keep-user-agent", func(p *project.Settings) *bool { return &p.KeepUserAgent })
	number("link-key", func(p *project.Settings) *uint8 { return &p.LinkKey })
	number("oldest-link-key", func(p *project.Settings) *uint8 { return &p.OldestLinkKey })
	return func(p *project.Settings) {
		for _, change := range changes {
			change(p)
		}
	}
}

func (s *session) printSettings(p project.Settings) {
	fmt.Fprintf(s.stdout, "region:          %s\nno undo:         %t\nrequire opt-in:  %t\n", p.Region, p.NoUndo, p.RequireOptIn)
	fmt.Fprintf(s.stdout, "brand:           %s\ncolor:           %s\nlocale:          %s\n", p.Brand, p.Color, p.Locale)
	fmt.Fprintf(s.stdout, "stop text:       %s\nstart text:      %s\nhelp text:       %s\n", p.StopText, p.StartText, p.HelpText)
	fmt.Fprintf(s.stdout, "keep address:    %t\nkeep user agent: %t\n", p.KeepAddress, p.KeepUserAgent)
	fmt.Fprintf(s.stdout, "link key:        %d\noldest link key: %d\n", p.LinkKey, p.OldestLinkKey)
}

// errBroken says that a ledger is not as it was written.
var errBroken = errors.New("a ledger is not as it was written")

// verifyLedgers checks the ledger of one user, or of all of a project.
func (s *session) verifyLedgers(flags *flag.FlagSet) action {
	id, userID := flags.String("project", "", ""), flags.String("user", "", "")
	return func(ctx context.Context, store *dynamo.Store, _ []string) error {
		p, err := findProject(ctx, store, *id)
		if err != nil {
			return err
		}
		if *userID != "" {
			broken, err := store.VerifyUser(ctx, p.ID, *userID)
			if err != nil {
				return fmt.Errorf("verify the ledger of user %s: %w", *userID, err)
			}
			return s.verdict(1, broken)
		}
		users := 0
		var all []dynamo.Broken
		for _, v := range store.Verify(ctx, p.ID) {
			if v.Err != nil {
				return fmt.Errorf("verify after %d users: %w", users, v.Err)
			}
			users++
			all = append(all, v.Broken...)
		}
		return s.verdict(users, all)
	}
}

// verdict prints what is broken, a line for each place.
func (s *session) verdict(users int, broken []dynamo.Broken) error {
	for _, b := range broken {
		fmt.Fprintf(s.stdout, "user %s: line %d %s %s\n", b.UserID, b.Line, b.What, b.ID)
	}
	if len(broken) > 0 {
		return errBroken
	}
	fmt.Fprintf(s.stdout, "the ledgers of %d user(s) are whole\n", users)
	return nil
}
