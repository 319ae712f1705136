package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/server"
)

// newSettingsCommand prints what extensions for editors generate their settings from.
func newSettingsCommand(rules *diagnostics.Registry) *cobra.Command {
	return &cobra.Command{
		Use:    "settings",
		Short:  "Print the JSON Schema of the language server's settings",
		Args:   noArguments,
		Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			schema, err := server.SettingsSchema(rules)
			if err != nil {
				return err
			}
			var out bytes.Buffer
			if err := json.Indent(&out, schema, "", "  "); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), out.String())
			return err
		},
	}
}
