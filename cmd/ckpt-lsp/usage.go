package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// noArguments refuses arguments of a command that takes none. After one with subcommands they are a misspelt one of these, or after the
// root command a file that is meant to be checked.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if !cmd.HasSubCommands() {
		return fmt.Errorf("%s takes no arguments, and is given %q; `%s --help` tells what it takes", cmd.Name(), args[0], cmd.CommandPath())
	}
	if _, err := os.Stat(args[0]); err == nil && !cmd.HasParent() {
		return fmt.Errorf("%q is not a command; to check it: ckpt-lsp check %s", args[0], args[0])
	}
	var names []string
	for _, c := range cmd.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	return fmt.Errorf("unknown command %q%s `%s --help` lists the commands", args[0], orElse(quoted(text.Nearest(args[0], names))), cmd.CommandPath())
}

// elsewhere are flags that other programs have, and what they are called here.
var elsewhere = map[string]string{
	"add-noqa": "add-suppressions", "extend-ignore": "ignore", "level": "severity", "min-severity": "severity", "no-color": "color never",
	"output-format": "format", "silent": "quiet",
}

// badFlag says of a flag that a command does not have which one may be meant.
func badFlag(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	if near, ok := elsewhere[unknown.GetSpecifiedName()]; ok {
		return fmt.Errorf("%w; did you mean --%s?", err, near)
	}
	near := ""
	if unknown.GetSpecifiedShortnames() == "" {
		if near = text.Nearest(unknown.GetSpecifiedName(), names); near != "" {
			near = "--" + near
		}
	}
	return fmt.Errorf("%w%s `%s --help` lists the flags", err, orElse(near), cmd.CommandPath())
}

// quoted is a word in quotes, none for no word.
func quoted(word string) string {
	if word == "" {
		return ""
	}
	return strconv.Quote(word)
}

// orElse asks whether something else was meant, where that is known, and leads to the sentence after it.
func orElse(near string) string {
	if near == "" {
		return ";"
	}
	return "; did you mean " + near + "?"
}
