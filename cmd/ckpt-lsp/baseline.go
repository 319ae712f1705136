package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/report"
)

func newBaselineCommand(rules *diagnostics.Registry) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "baseline",
		Short: "Start on a project with old findings: report only new ones",
		Long: `A baseline is a file of old findings. check and the editor are silent on them and report new ones.

    ckpt-lsp baseline write     write ` + project.BaselineFile + `; commit it
    ckpt-lsp check               reports what is not in it, and what of it is gone
    ckpt-lsp baseline prune     takes out what is gone; adds nothing

The nearest ` + project.BaselineFile + ` upwards of a file holds, or the one that the key baseline of the
configuration names. A finding is known again by its rule and by the lines it stands on: it stays
old while other lines change, and is new once its own lines do.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newBaselineWriteCommand(rules), newBaselinePruneCommand(rules))
	return cmd
}

func newBaselineWriteCommand(rules *diagnostics.Registry) *cobra.Command {
	var c choices
	cmd := &cobra.Command{
		Use:   "write [paths]",
		Short: "Write all findings into the baseline",
		Long: `Write all findings, of every severity, into the baseline. Without paths those that the baseline was
written for before are checked, or the working directory. What it holds of other files stays, and so
does what it holds of rules that are left out and of files that are not valid Python.

Exit codes: 0 it is written; 2 an error, and nothing is written.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			x, err := c.examine(cmd, rules, args)
			if err != nil {
				return err
			}
			before := len(x.Findings)
			x.Remove(x.gone)
			x.Add(x.analyses, x.args)
			if err := x.write(cmd); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "Wrote %s to %s (before: %d).\n", report.Count(len(x.Findings), "finding"), displayPath(x.Path), before)
			return err
		},
	}
	c.addTo(cmd.Flags())
	return cmd
}

func newBaselinePruneCommand(rules *diagnostics.Registry) *cobra.Command {
	var c choices
	var check bool
	cmd := &cobra.Command{
		Use:   "prune [paths]",
		Short: "Take out of the baseline what is not found any more",
		Long: `Take out of the baseline what is not found any more, and add nothing. Without paths those are checked
that the baseline was written for.

Exit codes: 0 nothing is left to take out; 1 with --check: something is gone; 2 an error.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			x, err := c.examine(cmd, rules, args)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if len(x.gone) == 0 {
				_, err := fmt.Fprintf(out, "Nothing of %s is gone: %s.\n", displayPath(x.Path), report.Count(len(x.Findings), "finding"))
				return err
			}
			tellGone(out, rules, x.Baseline, x.gone)
			if check {
				return errFindings
			}
			x.Remove(x.gone)
			if err := x.write(cmd); err != nil {
				return err
			}
			_, err = fmt.Fprintf(out, "Took %s out of %s, %d left.\n", report.Count(len(x.gone), "finding"), displayPath(x.Path), len(x.Findings))
			return err
		},
	}
	c.addTo(cmd.Flags())
	cmd.Flags().BoolVar(&check, "check", false, "take nothing out; exit 1 if something is gone")
	return cmd
}

// examined is a baseline with what was found in the files that it is for.
type examined struct {
	*project.Baseline
	args     []string
	analyses []*project.Analysis
	gone     []project.Old
}

// examine checks files against the baseline of the working directory, an empty one where there is none.
func (c *choices) examine(cmd *cobra.Command, rules *diagnostics.Registry, args []string) (*examined, error) {
	w, err := c.workspace(rules)
	if err != nil {
		return nil, err
	}
	path := w.BaselinePath("any.py")
	if path == "" {
		return nil, errNoBaseline
	}
	x := &examined{Baseline: &project.Baseline{Path: path}, args: args}
	if known, err := project.ReadBaseline(path); err == nil {
		x.Baseline = known
	} else if cmd.Name() != "write" {
		return nil, err
	}
	c.baseline, c.noBaseline = path, len(x.Findings) == 0
	if w, err = c.workspace(rules); err != nil {
		return nil, err
	}
	if len(args) == 0 {
		for _, p := range x.Paths {
			x.args = append(x.args, filepath.Join(filepath.Dir(path), filepath.FromSlash(p)))
		}
	}
	if len(x.args) == 0 {
		x.args = []string{"."}
	}
	files, problems, configErrors := w.Files(cmd.Context(), x.args)
	if len(configErrors) > 0 {
		return nil, errors.Join(configErrors...)
	}
	if x.analyses, err = project.NewIndex(w).AnalyzeAll(cmd.Context(), project.NewProgram(w), files); err != nil {
		return nil, err
	}
	x.gone = x.Unchecked(x.args, files)
	for _, a := range x.analyses {
		problems, x.gone = append(problems, a.Problems...), append(x.gone, a.Gone...)
	}
	for i := range problems {
		problems[i].Path = displayPath(problems[i].Path)
	}
	tellProblems(cmd.ErrOrStderr(), problems, false)
	if slices.ContainsFunc(problems, func(p project.Problem) bool { return p.Fatal }) {
		return nil, errReported
	}
	return x, nil
}

// errNoBaseline says that the configuration wants no baseline.
var errNoBaseline = errors.New("the configuration says baseline = \"\", which means none; name a file there, or with --baseline")

func (x *examined) write(cmd *cobra.Command) error {
	data, err := x.Encode()
	if err != nil {
		return err
	}
	return writeOutput(cmd.Context(), x.Path, data, cmd.ErrOrStderr())
}

// mostGone bounds the lines on what is gone.
const mostGone = 20

// tellGone lists findings of a baseline that are not found any more, by file and rule.
func tellGone(out io.Writer, rules *diagnostics.Registry, b *project.Baseline, gone []project.Old) {
	counts := map[string]int{}
	for _, o := range gone {
		rule := o.Rule
		if r := rules.Lookup(o.Rule); r != nil {
			rule += " " + r.Name
		}
		counts[fmt.Sprintf("%s: %s", displayPath(filepath.Join(filepath.Dir(b.Path), filepath.FromSlash(o.Path))), rule)]++
	}
	fmt.Fprintf(out, "%s of %s gone:\n", report.Count(len(gone), "finding"), displayPath(b.Path))
	lines := slices.Sorted(maps.Keys(counts))
	for _, line := range lines[:min(len(lines), mostGone)] {
		if n := counts[line]; n > 1 {
			line = fmt.Sprintf("%s (%d)", line, n)
		}
		fmt.Fprintf(out, "  %s\n", line)
	}
	if more := len(lines) - mostGone; more > 0 {
		fmt.Fprintf(out, "  and %d more\n", more)
	}
}

// tellBaseline says on standard error how many findings a baseline keeps silent, and what of it is gone where all that it was written
// for was checked.
func (c *checker) tellBaseline(args, files []string, outcomes []*outcome) {
	if c.quiet {
		return
	}
	old, gone := map[*project.Baseline]int{}, map[*project.Baseline][]project.Old{}
	for _, o := range outcomes {
		if o.baseline != nil {
			old[o.baseline] += o.old
			gone[o.baseline] = append(gone[o.baseline], o.gone...)
		}
	}
	for b, n := range old {
		if n > 0 && report.ForPeople(c.format) {
			fmt.Fprintf(c.err, "%s of %s not shown.\n", report.Count(n, "finding"), displayPath(b.Path))
		}
		if !b.Covers(args) {
			continue
		}
		if lost := append(gone[b], b.Unchecked(args, files)...); len(lost) > 0 {
			tellGone(c.err, c.rules, b, lost)
			fmt.Fprintln(c.err, "Take out what is gone with: ckpt-lsp baseline prune")
		}
	}
}
