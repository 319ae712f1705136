package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/report"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// stdinArgument stands for standard input among the paths.
const stdinArgument = "-"

// checker holds the flags of check and what belongs to one run of it.
type checker struct {
	fix, unsafe, diff, exitZero bool
	selected, ignored           []string
	format, stdinName           string

	out, err  io.Writer
	workspace *project.Workspace
}

func newCheckCommand() *cobra.Command {
	c := &checker{}
	cmd := &cobra.Command{
		Use:   "check [paths]",
		Short: "Report findings in files and directories (default: the working directory)",
		Long: `Report findings in the given files and in the Python files below the given directories
(default: the working directory). Left out are files that git ignores, virtual environments,
symbolic links, and what exclude in ckpt-lsp.toml or [tool.ckpt-lsp] of pyproject.toml names;
a file given by name is always checked. "-" reads standard input; with --fix the fixed text
then goes to standard output, and findings go to standard error.

Rules are named by code (CKP101), name (missing-optimizer-state), family (CKP1) or ALL.

A comment silences findings: "# ckpt-lsp: ignore[missing-rng-state, CKP414] reason" on the line
where the finding starts or its statement ends, "# ckpt-lsp: ignore-file[...]" above the file's
first statement. Without brackets every rule is meant.

--fix applies the safe fixes. Fixes that may change behaviour are applied too with
--unsafe-fixes; name the rules meant with --select:

    ckpt-lsp check --fix --unsafe-fixes --select resume-off-by-one train.py

Exit codes: 0 no findings, 1 findings are left (0 with --exit-zero), 2 an error: a bad flag or
configuration, a file that could not be read or written, a failure of ckpt-lsp itself. A file
that is not valid Python is reported on standard error (in JSON under "errors"), what can be
understood of it is checked, and it does not change the exit code.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			c.out, c.err = cmd.OutOrStdout(), cmd.ErrOrStderr()
			return c.run(cmd.InOrStdin(), args)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&c.fix, "fix", false, "apply safe fixes to the files")
	flags.BoolVar(&c.unsafe, "unsafe-fixes", false, "with --fix or --diff: apply fixes that may change behaviour, too")
	flags.BoolVar(&c.diff, "diff", false, "show what --fix would change as a diff; write nothing")
	flags.BoolVar(&c.exitZero, "exit-zero", false, "exit 0 even if findings are left")
	flags.StringSliceVar(&c.selected, "select", nil, "rules to run, in place of the configuration's select and ignore")
	flags.StringSliceVar(&c.ignored, "ignore", nil, "rules to leave out, besides those the configuration leaves out")
	flags.StringVar(&c.format, "format", "text", "how to report: "+strings.Join(report.Formats(), ", "))
	flags.StringVar(&c.stdinName, "stdin-filename", "stdin.py", "the path that standard input stands for")
	return cmd
}

func (c *checker) run(stdin io.Reader, args []string) error {
	if err := c.prepare(); err != nil {
		return err
	}
	if len(args) == 1 && args[0] == stdinArgument {
		return c.standardInput(stdin)
	}
	if len(args) == 0 {
		args = []string{"."}
	}
	files, problems, configErrors := c.workspace.Files(args)
	if len(configErrors) > 0 {
		return errors.Join(configErrors...)
	}
	r := &report.Report{Checked: len(files), Problems: problems, Fixing: c.fix, UnsafeFixing: c.fix && c.unsafe, Open: open}
	for _, o := range project.Map(files, c.file) {
		o.addTo(r)
		if _, err := io.WriteString(c.out, o.diff); err != nil {
			return err
		}
	}
	return c.finish(r, c.out)
}

// prepare checks the flags and opens the workspace.
func (c *checker) prepare() error {
	if err := report.Write(io.Discard, c.format, &report.Report{}, report.Style{}); err != nil {
		return err
	}
	var o project.Overrides
	for _, list := range []struct {
		refs []string
		into *[]diagnostics.Selector
	}{{c.selected, &o.Select}, {c.ignored, &o.Ignore}} {
		for _, ref := range list.refs {
			s, err := diagnostics.ParseSelector(strings.TrimSpace(ref))
			if err != nil {
				return err
			}
			*list.into = append(*list.into, s)
		}
	}
	c.workspace = project.NewWorkspaceWith(".", o)
	return nil
}

// outcome is what came of one file.
type outcome struct {
	file     report.File
	problems []project.Problem
	fixed    int
	diff     string
}

func (o *outcome) addTo(r *report.Report) {
	if len(o.file.Diagnostics) > 0 {
		r.Files = append(r.Files, o.file)
	}
	r.Problems = append(r.Problems, o.problems...)
	r.Fixed += o.fixed
}

// file checks one file, and fixes it or shows the fixes where that was asked for.
func (c *checker) file(path string) *outcome {
	before := c.workspace.AnalyzeFile(path)
	switch {
	case len(before.Diagnostics) == 0 || !c.fix && !c.diff:
		return newOutcome(before)
	case c.diff:
		return c.showFixes(before)
	}
	after, fixed, err := c.applyFixes(before)
	if fixed > 0 {
		if failed := writeFile(path, after.Source); failed != nil {
			o := newOutcome(before)
			o.fail(path, fmt.Errorf("cannot be written: %w", failed))
			return o
		}
	}
	o := newOutcome(after)
	o.fixed = fixed
	o.fail(path, err)
	return o
}

// showFixes gives what the fixes would change.
func (c *checker) showFixes(before *project.Analysis) *outcome {
	o := newOutcome(before)
	if len(before.Diagnostics) > 0 {
		after, _, err := c.applyFixes(before)
		o.diff = text.Diff(displayPath(before.Path), before.Source.Text, after.Source.Text)
		o.fail(before.Path, err)
	}
	return o
}

// applyFixes applies the fixes asked for, in memory.
func (c *checker) applyFixes(a *project.Analysis) (_ *project.Analysis, fixed int, err error) {
	atLeast := diagnostics.Safe
	if c.unsafe {
		atLeast = diagnostics.Unsafe
	}
	return c.workspace.Fix(context.Background(), a, atLeast)
}

// newOutcome keeps of an analysis what a report shows.
func newOutcome(a *project.Analysis) *outcome {
	o := &outcome{file: report.File{Path: displayPath(a.Path), Source: a.Source, Diagnostics: a.Diagnostics}}
	if len(a.Diagnostics) > 0 {
		o.file.Fixes = codeactions.Fixes(a.Facts, a.Diagnostics)
	} else {
		o.file.Source = nil
	}
	for _, p := range a.Problems {
		p.Path = displayPath(p.Path)
		o.problems = append(o.problems, p)
	}
	return o
}

func (o *outcome) fail(path string, err error) {
	if err != nil {
		o.problems = append(o.problems, project.Problem{Path: displayPath(path), Message: err.Error(), Fatal: true})
	}
}

// standardInput checks what comes in. With fix the text goes out again, fixed, and the report to standard error.
func (c *checker) standardInput(stdin io.Reader) error {
	data, err := io.ReadAll(stdin)
	if err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	if _, err := c.workspace.Config(c.stdinName); err != nil {
		return err
	}
	analysis := c.workspace.AnalyzeBytes(c.stdinName, data)
	o, to := newOutcome(analysis), c.out
	switch {
	case c.diff:
		o = c.showFixes(analysis)
		data = []byte(o.diff)
	case c.fix && len(analysis.Diagnostics) > 0:
		after, fixed, failed := c.applyFixes(analysis)
		o = newOutcome(after)
		o.fixed = fixed
		o.fail(c.stdinName, failed)
		if data, err = after.Source.Encode(); err != nil {
			return fmt.Errorf("%s: %w", c.stdinName, err)
		}
	}
	if c.fix || c.diff {
		if _, err := c.out.Write(data); err != nil {
			return err
		}
		to = c.err
	}
	r := &report.Report{Checked: 1, Fixing: c.fix, UnsafeFixing: c.fix && c.unsafe, Open: open}
	o.addTo(r)
	return c.finish(r, to)
}

// finish writes the report and says how the command ends. A diff stands for the findings on standard output.
func (c *checker) finish(r *report.Report, to io.Writer) error {
	if c.format != "json" {
		for _, p := range r.Problems {
			kind := "warning"
			if p.Fatal {
				kind = "error"
			}
			fmt.Fprintf(c.err, "%s: %v\n", kind, p)
		}
	}
	if !c.diff {
		if err := report.Write(to, c.format, r, styleFor(to)); err != nil {
			return err
		}
	}
	for _, p := range r.Problems {
		if p.Fatal {
			return errReported
		}
	}
	if len(r.Files) > 0 && !c.exitZero {
		return errFindings
	}
	return nil
}

// displayPath is a path as it is shown: relative to the working directory where it lies below it, with forward slashes.
func displayPath(path string) string {
	if dir, err := os.Getwd(); err == nil && filepath.IsAbs(path) {
		if rel, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(rel) {
			path = rel
		}
	}
	return filepath.ToSlash(filepath.Clean(path))
}

func open(path string) (*text.Source, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return text.Decode(data)
}
