// Command ckpt-lsp finds what makes a resumed PyTorch run diverge, a repeated one differ or a checkpoint useless, and writes
// the fix: as a language server and on the command line.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	_ "github.com/ckpt-lsp/ckpt-lsp/diagnostics/rules"
	"github.com/ckpt-lsp/ckpt-lsp/internal/prove"
)

// Exit codes.
const (
	exitClean = iota
	exitFindings
	exitError

	exitSignal = 128 // and the number of the signal that ended a check
)

// errFindings ends a command with exitFindings; everything has been said already.
var errFindings = errors.New("findings are left")

// errReported ends a command with exitError; everything has been said already.
var errReported = errors.New("errors were reported")

func main() {
	prove.Guard()
	os.Exit(run(diagnostics.Product))
}

// run executes the command line, with the rules that there are, and gives the exit code.
func run(rules *diagnostics.Registry) int {
	root := newRootCommand(rules)
	root.SetOut(&printer{file: os.Stdout})
	root.SetErr(&printer{file: os.Stderr})
	switch err := root.Execute(); {
	case err == nil:
		return exitClean
	case errors.Is(err, errFindings):
		return exitFindings
	case errors.Is(err, errReported):
		return exitError
	default:
		fmt.Fprintln(root.ErrOrStderr(), "ckpt-lsp:", err)
		var stopped interrupted
		var by prove.Interrupted
		if errors.As(err, &stopped) && errors.As(err, &by) {
			return exitSignal + int(by.Signal)
		}
		return exitError
	}
}

func newRootCommand(rules *diagnostics.Registry) *cobra.Command {
	var stdio bool
	root := &cobra.Command{
		Use:   "ckpt-lsp",
		Short: "Find and fix what breaks resuming and repeating PyTorch training runs",
		Long: `ckpt-lsp reads PyTorch training code and finds the mistakes that make a resumed run
diverge, a "reproducible" run differ, or a checkpoint useless. It writes the fix, too.
It never runs or imports the code unless prove is asked to, and opens no network connection.`,
		Args:              noArguments,
		Version:           version(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: readEnvironment,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if stdio {
				return serverFlags{rules: rules, logLevel: "warn"}.run(cmd.Context())
			}
			return cmd.Help()
		},
	}
	root.SetVersionTemplate("ckpt-lsp {{.Version}}\n")
	root.SetFlagErrorFunc(badFlag)
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages", fmt.Sprintf(".FlagUsagesWrapped %d", pageWidth)))
	color := colorFlag("auto")
	root.PersistentFlags().Var(&color, "color", "colour text: auto, always, never")
	fromEnvironment(root.PersistentFlags(), "color")
	completed(root, "color", colors)
	root.Flags().BoolVar(&stdio, "stdio", false, "run the language server over standard input and output")
	root.AddCommand(newBaselineCommand(rules), newCheckCommand(rules), newConfigCommand(rules), newContractCommand(), newDebugCommand(rules), newExplainCommand(rules), newInspectCommand(), newProveCommand(), newRulesCommand(rules), newServerCommand(rules), newSettingsCommand(rules), newTimelineCommand(), newVersionCommand())
	return root
}
