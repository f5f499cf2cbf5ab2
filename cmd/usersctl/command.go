package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"

	"lunogram-users/internal/dynamo"
)

// command is one thing that usersctl can do.
type command struct {
	noun, verb string // verb is "" for a command of one word
	args       string // as shown in the usage text
	does       string
	// prepare declares the command's flags and returns what to do after they were parsed, given the arguments
	// that remain.
	prepare func(s *session, flags *flag.FlagSet) action
	operand int // how many arguments it takes after its flags
}

// action carries out a command.
type action func(ctx context.Context, store *dynamo.Store, args []string) error

func (c command) name() string     { return strings.TrimSpace(c.noun + " " + c.verb) }
func (c command) synopsis() string { return strings.TrimSpace(c.name() + " " + c.args) }

// usageError is a mistake in how the command was called.
type usageError string

func (e usageError) Error() string { return string(e) }

// commands is all that usersctl can do.
func commands() []command {
	return []command{
		{"project", "create", "[-id UUID] NAME", "makes a project and prints its id", (*session).createProject, 1},
		{"project", "show", "ID", "prints a project and its settings", (*session).showProject, 1},
		{"project", "set", "[-region US] [-no-undo] [-require-opt-in] [-brand NAME] [-color #RRGGBB] [-locale TAG]\n" +
			"    [-stop-text TEXT] [-start-text TEXT] [-help-text TEXT] [-keep-address] [-keep-user-agent]\n" +
			"    [-link-key N] [-oldest-link-key N] ID",
			"changes the settings that are given (-no-undo=false takes one back) and prints all; they are cached for up to a minute",
			(*session).setProject, 1},
		{"key", "create", "-project ID -role client|support|editor|admin [-name NAME]",
			"makes an API key and prints it, once", (*session).createKey, 0},
		{"key", "list", "-project ID", "prints the keys of a project, less the keys themselves", (*session).listKeys, 0},
		{"key", "revoke", "-project ID HASH", "revokes the key whose hash starts so; it is cached for up to a minute",
			(*session).revokeKey, 1},
		{"group", "create", "-project ID -channel email|sms|push|in_app [-public] NAME",
			"makes a subscription group and prints its id", (*session).createGroup, 1},
		{"group", "list", "-project ID", "prints the groups of a project", (*session).listGroups, 0},
		{"list", "list", "-project ID", "prints the lists of a project", (*session).listLists, 0},
		{"list", "rebuild", "-project ID LIST",
			"holds all users against the rule of a dynamic list anew, or goes on copying a static one", (*session).rebuildList, 1},
		{"verify", "", "-project ID [-user ID]",
			"finds lines of consent ledgers that were changed or are missing, and exits with 1 if there are any",
			(*session).verifyLedgers, 0},
		{"sender", "add", "-project ID [-answered-by provider|us] NUMBER",
			"says that texts to the number are for the project, and who answers STOP, START and HELP",
			(*session).addSender, 1},
		{"sender", "show", "NUMBER", "prints the project of the number", (*session).showSender, 1},
		{"sender", "remove", "NUMBER", "takes the number away from its project", (*session).removeSender, 1},
	}
}

// find returns the command that the arguments name, and the arguments after it.
func find(args []string) (command, []string, error) {
	if len(args) < 2 {
		return command{}, nil, usageError("say what to do")
	}
	for _, c := range commands() {
		switch {
		case c.noun != args[0]:
		case c.verb == "":
			return c, args[1:], nil
		case c.verb == args[1]:
			return c, args[2:], nil
		}
	}
	return command{}, nil, usageError(fmt.Sprintf("there is no command %q", args[0]+" "+args[1]))
}

// session is one call of usersctl.
type session struct {
	target         target
	open           opener
	stdout, stderr io.Writer
}

// do parses the arguments of the command, opens the store and carries the command out.
func (s *session) do(ctx context.Context, c command, args []string) error {
	flags := flag.NewFlagSet(c.name(), flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints the error, once
	act := c.prepare(s, flags)
	if err := flags.Parse(args); err == flag.ErrHelp {
		fmt.Fprintf(s.stderr, "usage: usersctl %s\n", c.synopsis())
		return err
	} else if err != nil {
		return usageError(err.Error())
	}
	if flags.NArg() != c.operand {
		return usageError(fmt.Sprintf("wants %d argument(s) after its flags, got %d", c.operand, flags.NArg()))
	}
	store, err := s.open(ctx, s.target)
	if err != nil {
		return err
	}
	return act(ctx, store, flags.Args())
}

func usage(w io.Writer, flags *flag.FlagSet) {
	fmt.Fprint(w, "usage: usersctl [flags] COMMAND\n\ncommands:\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %s\n    \t%s\n", c.synopsis(), c.does)
	}
	fmt.Fprint(w, "\nflags:\n")
	flags.PrintDefaults()
	fmt.Fprint(w, `
examples:
  usersctl -table TABLE -region us-east-1 project create "Acme"
  usersctl -table TABLE -endpoint http://127.0.0.1:8000 key create -project ID -role editor
`)
}
