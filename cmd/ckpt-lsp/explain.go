package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
	"github.com/ckpt-lsp/ckpt-lsp/internal/report"
)

func newExplainCommand(rules *diagnostics.Registry) *cobra.Command {
	return &cobra.Command{
		Aliases: []string{"rule"}, // ruff's name
		Use:     "explain RULE",
		Short:   "Explain a rule, named by code or name",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r := rules.Lookup(args[0])
			if r == nil {
				if near := rules.Nearest(args[0]); near != "" {
					return fmt.Errorf("unknown rule %q; did you mean %q?", args[0], near)
				}
				return fmt.Errorf("unknown rule %q; `ckpt-lsp rules` lists them", args[0])
			}
			out := cmd.OutOrStdout()
			_, err := fmt.Fprint(out, explanation(r, styleFor(cmd, out)))
			return err
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return ruleNames(rules), cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// explanation lays a rule's page out for a terminal: paragraphs wrapped, code indented.
func explanation(r *diagnostics.Rule, style report.Style) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n\n", style.Heading(r.Code+" "+r.Name))
	fmt.Fprintf(&out, "%s\n", report.Wrap(r.Summary+".", style.Width, "", ""))
	fmt.Fprintf(&out, "Severity: %s. Fix: %s. Since: %s.\n", docs.Severity(r), docs.FixKind(r), r.Since)
	for _, s := range docs.Sections(r) {
		fmt.Fprintf(&out, "\n%s\n\n%s\n", style.Heading(s.Title), plain(s.Markdown, style.Width))
	}
	return out.String()
}

// plain turns the Markdown of a section into text of a width.
func plain(markdown string, width int) string {
	var out, paragraph []string
	flush := func() {
		if len(paragraph) == 0 {
			return
		}
		first, rest := "", ""
		if strings.HasPrefix(paragraph[0], "- ") {
			rest = "  "
		}
		out = append(out, report.Wrap(strings.Join(paragraph, " "), width, first, rest))
		paragraph = nil
	}
	inCode := false
	for _, line := range strings.Split(markdown, "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "```"):
			flush()
			inCode = !inCode
		case inCode:
			out = append(out, strings.TrimRight("    "+line, " "))
		case trimmed == "":
			flush()
			out = append(out, "")
		default:
			if strings.HasPrefix(trimmed, "- ") {
				flush()
			}
			paragraph = append(paragraph, trimmed)
		}
	}
	flush()
	return strings.Join(out, "\n")
}
