package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
)

// ruleEntry is one rule in the output of rules --format json.
type ruleEntry struct {
	Code     string `json:"code"`
	Name     string `json:"name"`
	Summary  string `json:"summary"`
	Severity string `json:"severity"`
	Fix      string `json:"fix"`
	Since    string `json:"since"`
}

func newRulesCommand(rules *diagnostics.Registry) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "List the rules with severity and kind of fix",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			entries := []ruleEntry{}
			for _, r := range rules.Rules() {
				entries = append(entries, ruleEntry{r.Code, r.Name, r.Summary, r.Severity.String(), docs.FixKind(r), r.Since})
			}
			switch format {
			case "text":
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "CODE\tNAME\tSEVERITY\tFIX\tSUMMARY")
				for _, e := range entries {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", e.Code, e.Name, e.Severity, e.Fix, e.Summary)
				}
				return w.Flush()
			case "json":
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetEscapeHTML(false)
				e.SetIndent("", "  ")
				return e.Encode(entries)
			}
			return fmt.Errorf("unknown format %q (valid: json, text)", format)
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "json or text")
	return cmd
}
