package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// variableAnnotation names the environment variable of a flag among its annotations.
const variableAnnotation = "ckpt-lsp/variable"

// fromEnvironment gives flags an environment variable each: CKPT_LSP_ and the flag's name. The flag goes before it.
func fromEnvironment(flags *pflag.FlagSet, names ...string) {
	for _, name := range names {
		variable := "CKPT_LSP_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		f := flags.Lookup(name)
		f.Usage += " [" + variable + "]"
		f.Annotations = map[string][]string{variableAnnotation: {variable}}
	}
}

// readEnvironment sets the flags of a command that were not given from their variables.
func readEnvironment(cmd *cobra.Command, _ []string) error {
	var errs []error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		for _, variable := range f.Annotations[variableAnnotation] {
			value := os.Getenv(variable)
			if f.Changed || value == "" {
				continue
			}
			if err := f.Value.Set(value); err != nil {
				errs = append(errs, fmt.Errorf("environment variable %s: %w", variable, err))
			}
			f.Changed = true
		}
	})
	return errors.Join(errs...)
}
