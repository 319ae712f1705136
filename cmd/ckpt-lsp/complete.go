package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
)

// ruleNames are the codes and names of the rules with their meaning, as shells complete them.
func ruleNames(rules *diagnostics.Registry) []string {
	var names []string
	for _, r := range rules.Rules() {
		names = append(names, r.Code+"\t"+r.Summary, r.Name+"\t"+r.Summary)
	}
	return names
}

// severityNames are those that thresholds take, the most severe first.
func severityNames() []string {
	var names []string
	for severity := diagnostics.Error; severity > diagnostics.Off; severity-- {
		names = append(names, severity.String())
	}
	return names
}

// completed gives a flag the values that shells complete; of a list with commas, the last one.
func completed(cmd *cobra.Command, flag string, values []string) {
	complete := func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		before := typed[:strings.LastIndexByte(typed, ',')+1]
		var out []string
		for _, v := range values {
			if strings.HasPrefix(v, typed[len(before):]) {
				out = append(out, before+v)
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
	if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(err) // there is no such flag
	}
}
