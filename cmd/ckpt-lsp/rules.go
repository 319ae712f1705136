package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
)

// ruleEntry is one rule in the output of rules --format json: with the usual severity and kind of fix, and with all that findings have.
type ruleEntry struct {
	Code     string `json:"code"`
	Name     string `json:"name"`
	Summary  string `json:"summary"`
	Severity string `json:"severity"`
	Fix      string `json:"fix"`
	Since    string `json:"since"`

	Severities []string `json:"severities"`
	Fixes      []string `json:"fixes"`
}

func newRulesCommand(rules *diagnostics.Registry) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "List the rules with severity and kind of fix",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch format {
			case "text":
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "CODE\tNAME\tSEVERITY\tFIX\tSUMMARY")
				for _, r := range rules.Rules() {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.Code, r.Name, docs.Severity(r), docs.FixKind(r), r.Summary)
				}
				return w.Flush()
			case "json":
				entries := []ruleEntry{}
				for _, r := range rules.Rules() {
					e := ruleEntry{r.Code, r.Name, r.Summary, r.Severity.String(), "none", r.Since, docs.Names(r.Severities()), docs.Names(r.Fixes())}
					if r.HasFix {
						e.Fix = r.Fix.String()
					}
					entries = append(entries, e)
				}
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
