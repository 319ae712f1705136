package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
	"github.com/ckpt-lsp/ckpt-lsp/internal/files"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/report"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// stdinArgument stands for standard input among the paths.
const stdinArgument = "-"

// checker holds the flags of check and what belongs to one run of it.
type checker struct {
	rules                       *diagnostics.Registry
	fix, unsafe, diff, exitZero bool
	inPlace                     bool // put fixed texts into their files
	choices
	showFiles, showSettings bool
	watching                bool   // check again whenever a file changes
	reason                  string // why findings are suppressed, empty where they are not to be
	format, stdinName       string
	outputFile              string
	quiet, statistics       bool

	out, err  io.Writer
	reportTo  io.Writer // out, or what goes into outputFile
	style     func(io.Writer) report.Style
	write     func(io.Writer, string, *report.Report, report.Style) error
	workspace *project.Workspace
	failed    bool // a finding, or with diff a change, makes the run fail
	changed   int  // files that diff shows a change of
}

func newCheckCommand(rules *diagnostics.Registry) *cobra.Command {
	c := &checker{rules: rules}
	cmd := &cobra.Command{
		Use:   "check [paths]",
		Short: "Report findings in files and directories (default: the working directory)",
		Long: `Report findings in the given files and in the Python files and notebooks below the given
directories (default: the working directory). Left out are files that git ignores, virtual
environments, symbolic links, and what exclude in ckpt-lsp.toml or [tool.ckpt-lsp] of
pyproject.toml names; a file given by name is always checked. "-" reads standard input; with --fix
the fixed text then goes to standard output, and findings go to standard error.

A finding in a notebook (.ipynb) is reported by cell, counted from 1 over cells of all kinds, and
by line of the cell: "train.ipynb:cell 3:12:5". In JSON, "cell" stands beside "path" and "range".
Magics and shell commands are passed over; fixes change the sources of cells and nothing else.

Rules are named by code (CKP101), name (missing-optimizer-state), family (CKP1) or ALL.
Options go before --config KEY=VALUE, and that before the nearest ckpt-lsp.toml or pyproject.toml;
"ckpt-lsp config" lists the keys.

A comment silences findings: "# ckpt-lsp: ignore[missing-rng-state, CKP414] reason" on the line
where the finding starts or its statement ends, "# ckpt-lsp: ignore-file[...]" above the file's
first statement. Without brackets every rule is meant.

--add-suppressions="REASON" writes such a comment for every finding, or for those that --select
and --severity mean. A baseline keeps old findings silent and leaves the code alone: see
"ckpt-lsp baseline".

--fix applies the safe fixes. Fixes that may change behaviour are applied too with
--unsafe-fixes; name the rules meant with --select:

    ckpt-lsp check --fix --unsafe-fixes --select resume-off-by-one train.py

--diff shows what --fix would change in place of the findings, and says on standard error how many
findings that would fix. It exits with 1 when something would change and with 0 when nothing would.

Errors, warnings and information are shown in full, hints are counted in the last line. --severity
SEVERITY, or min-severity in the configuration, shows findings of that severity and above. The
formats for programs (github, gitlab, json, json-lines, junit, sarif) hold all findings unless
--severity is given. What is checked and fixed does not depend on it. The worst file comes last;
a sentence that is true in several places is shown in one of them, and the others are counted.

Flags with a variable in brackets are also read from the environment; the command line goes before
it. Colour: --color, then NO_COLOR, CLICOLOR_FORCE and FORCE_COLOR, then whether it is a terminal.
Rule codes lead to their documentation in terminals that know hyperlinks (FORCE_HYPERLINK=1 and 0
decide otherwise).

Exit codes: 0 no finding is left at or above --fail-on (or fail-on in the configuration; default:
warning), 1 such findings are left, shown or not (0 with --exit-zero), 2 an error: a bad flag or
configuration, a file that could not be read or written, a failure of ckpt-lsp itself; 130 it was
interrupted (128 and the signal's number) and says what it wrote: whole files and whole fixes.

A file that is not valid Python, or a notebook that cannot be read as one in Python, is reported on
standard error (in JSON under "errors"), what can be understood of it is checked, and it does not
change the exit code. Neither does a file that takes too many steps to check: the warning names the
rules that were left out, and is the same on every machine. Notebooks in other languages are left
out of directories without a word.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			c.out, c.err = cmd.OutOrStdout(), cmd.ErrOrStderr()
			c.reportTo, c.style = c.out, func(w io.Writer) report.Style { return styleFor(cmd, w) }
			if c.outputFile == "" {
				return c.run(cmd.Context(), cmd.InOrStdin(), args)
			}
			var file bytes.Buffer
			c.reportTo, c.style = &file, func(io.Writer) report.Style { return report.Style{Width: pageWidth} }
			err := c.run(cmd.Context(), cmd.InOrStdin(), args)
			if err != nil && !errors.Is(err, errFindings) && !errors.Is(err, errReported) {
				return err // there is no report
			}
			if failed := writeOutput(cmd.Context(), c.outputFile, []byte(text.PrintableLines(file.String())), c.err); failed != nil {
				return fmt.Errorf("--output-file: %w", failed)
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&c.fix, "fix", false, "apply safe fixes to the files")
	flags.BoolVar(&c.unsafe, "unsafe-fixes", false, "with --fix or --diff: apply fixes that may change behaviour, too")
	flags.BoolVar(&c.diff, "diff", false, "show what --fix would change as a diff, write nothing; exit 1 if it would")
	flags.BoolVar(&c.exitZero, "exit-zero", false, "exit 0 even if findings are left")
	c.addTo(flags)
	flags.StringVar(&c.reason, addSuppressions, "", "suppress each finding by a comment with this `reason`")
	flags.Lookup(addSuppressions).NoOptDefVal = noReason
	flags.BoolVar(&c.noBaseline, "no-baseline", false, "report old findings too")
	flags.BoolVar(&c.showFiles, "show-files", false, "list the files that would be checked, and check nothing")
	flags.BoolVar(&c.showSettings, "show-settings", false, "show what holds for the first file and where it is said; check nothing")
	flags.BoolVarP(&c.watching, "watch", "w", false, "check again whenever a file changes, until Ctrl-C")
	flags.StringVar(&c.format, "format", "text", "how to report: "+strings.Join(report.Formats(), ", "))
	flags.StringVarP(&c.outputFile, "output-file", "o", "", "write the report into this file, not to standard output")
	flags.BoolVarP(&c.quiet, "quiet", "q", false, "print findings and errors, and nothing else")
	flags.BoolVar(&c.statistics, "statistics", false, "count the findings of each rule instead of showing them")
	flags.StringVar(&c.stdinName, "stdin-filename", "stdin.py", "the path that standard input stands for")
	for _, flag := range []string{"select", "extend-select", "ignore", "fixable", "unfixable"} {
		completed(cmd, flag, append(ruleNames(rules), "ALL"))
	}
	for _, flag := range []string{"severity", "fail-on"} {
		completed(cmd, flag, severityNames())
	}
	completed(cmd, "format", report.Formats())
	fromEnvironment(flags, "fail-on", "format", "ignore", "output-file", "quiet", "select", "severity")
	return cmd
}

func (c *checker) run(ctx context.Context, stdin io.Reader, args []string) error {
	if err := c.prepare(); err != nil {
		return err
	}
	if len(args) == 1 && args[0] == stdinArgument {
		if c.reason != "" || c.watching {
			return errStandardInput
		}
		return c.standardInput(ctx, stdin)
	}
	if len(args) == 0 {
		args = []string{"."}
	}
	if c.watching {
		return c.watch(ctx, args)
	}
	return c.once(ctx, project.NewIndex(c.workspace), project.NewProgram(c.workspace), args)
}

// once checks what the arguments name, of a program of which the index may know something already.
func (c *checker) once(ctx context.Context, index *project.Index, p *project.Program, args []string) error {
	files, problems, configErrors := c.workspace.Files(ctx, args)
	if len(configErrors) > 0 {
		return errors.Join(configErrors...)
	}
	switch {
	case c.showFiles:
		return errors.Join(showFiles(c.reportTo, files), c.finish(&report.Report{Problems: problems}, io.Discard))
	case c.showSettings:
		return errors.Join(showSettings(c.reportTo, c.workspace, files), c.finish(&report.Report{Problems: problems}, io.Discard))
	}
	r := c.report()
	r.Problems = problems
	outcomes, err := c.files(ctx, index, p, files)
	if err != nil {
		return err
	}
	for _, o := range outcomes {
		c.count(o, r)
		if _, err := io.WriteString(c.reportTo, o.diff); err != nil {
			return err
		}
	}
	err = c.finish(r, c.reportTo)
	c.tellBaseline(args, files, outcomes)
	return err
}

// report is a report to be filled.
func (c *checker) report() *report.Report {
	return &report.Report{
		Hidden: map[diagnostics.Severity]int{}, Quiet: c.quiet, Fixing: c.fix, UnsafeFixing: (c.fix || c.diff) && c.unsafe, Open: open, Version: version(), Help: docs.Page,
	}
}

// prepare checks the flags and opens the workspace.
func (c *checker) prepare() error {
	c.write = report.Write
	if c.statistics {
		c.write = report.WriteStatistics
	}
	if err := c.write(io.Discard, c.format, &report.Report{}, report.Style{}); err != nil {
		return err
	}
	if err := c.checkReason(); err != nil {
		return err
	}
	var err error
	c.workspace, err = c.choices.workspace(c.rules)
	c.inPlace = true
	return err
}

// outcome is what came of one file.
type outcome struct {
	path     string // as it was asked for
	file     report.File
	checked  bool
	problems []project.Problem
	fixed    int
	diff     string
	text     *text.Source // what fixes made of the file
	baseline *project.Baseline
	old      int // findings that the baseline holds
	gone     []project.Old
}

// files checks files together, and fixes them or shows the fixes where that was asked for. It fails when it is interrupted.
func (c *checker) files(ctx context.Context, index *project.Index, p *project.Program, paths []string) ([]*outcome, error) {
	ctx, stop := interruptible(ctx)
	defer stop()
	progress := newProgress(raw(c.err), len(paths), c.quiet)
	defer progress.stop()
	index.Analyzed = progress.step
	if !c.fix && !c.diff && c.reason == "" {
		analyses, err := waited(ctx, func() ([]*project.Analysis, error) { return index.AnalyzeAll(ctx, p, paths) })
		if err != nil {
			return nil, interrupted{cause: err}
		}
		return project.Map(analyses, newOutcome), nil
	}
	atLeast := diagnostics.Safe
	if c.unsafe {
		atLeast = diagnostics.Unsafe
	}
	fixed, err := waited(ctx, func() ([]project.Fixed, error) {
		if c.reason != "" {
			return index.Silence(ctx, p, paths, c.meant, c.reason)
		}
		return index.Fix(ctx, p, paths, atLeast)
	})
	writing := (c.fix || c.reason != "") && !c.diff && c.inPlace
	if err != nil {
		return nil, interrupted{cause: err, fixing: writing}
	}
	if writing {
		if c.reason != "" {
			defer func() { c.tellSilenced(fixed) }()
		}
		written, lost := save(ctx, fixed)
		tellProblems(c.err, lost, c.quiet)
		if ctx.Err() != nil {
			return nil, interrupted{context.Cause(ctx), written, true}
		}
	}
	return project.Map(fixed, c.settled), nil
}

// settled keeps what a report shows of a fixed file, or of what would be written.
func (c *checker) settled(f project.Fixed) *outcome {
	path := f.Before.Path
	if c.diff {
		o := newOutcome(f.Before)
		if f.Changed() {
			o.fixed = f.Cleared
			o.diff = diff(displayPath(path), f.Before.Source, f.After.Source)
		}
		o.fail(path, f.Err)
		return o
	}
	o := newOutcome(f.After)
	if c.reason == "" {
		o.fixed = f.Cleared
	}
	o.fail(path, f.Err)
	o.text = f.After.Source
	return o
}

// diff shows what became of a text; of a notebook, cell for cell.
func diff(path string, before, after *text.Source) string {
	cells := after.Cells()
	if cells == nil {
		return text.Diff(path, before.Text, after.Text)
	}
	var out strings.Builder
	for i, old := range before.Cells() {
		out.WriteString(text.Diff(fmt.Sprintf("%s:cell %d", path, old.Number), old.Text, cells[i].Text))
	}
	return out.String()
}

// newOutcome keeps of an analysis what a report shows.
func newOutcome(a *project.Analysis) *outcome {
	o := &outcome{path: a.Path, checked: a.Checked, file: report.File{Path: displayPath(a.Path), Source: a.Source, Diagnostics: a.Diagnostics}, baseline: a.Baseline, old: len(a.Old), gone: a.Gone}
	if len(a.Diagnostics) > 0 {
		o.file.Fixes = a.Fixes()
		for _, f := range o.file.Fixes {
			for i, e := range f.Edits {
				if e.Path != "" {
					f.Edits[i].Path = displayPath(e.Path)
				}
			}
		}
	} else {
		o.file.Source = nil
	}
	for _, d := range a.Diagnostics {
		for i, r := range d.Related {
			if r.Path != "" {
				d.Related[i].Path = displayPath(r.Path)
			}
		}
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
func (c *checker) standardInput(ctx context.Context, stdin io.Reader) error {
	data, err := files.Drain(stdin)
	if err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	config, err := c.workspace.Config(c.stdinName)
	if err != nil {
		return err
	}
	excluded := config.ForceExclude && c.workspace.Excluded(c.stdinName, false)
	o, to := &outcome{}, c.reportTo
	if !excluded {
		if o, err = c.standardText(ctx, data); err != nil {
			return err
		}
	}
	switch {
	case c.diff:
		if _, err := io.WriteString(c.reportTo, o.diff); err != nil {
			return err
		}
	case c.fix:
		if o.text != nil {
			if data, err = o.text.Encode(); err != nil {
				return fmt.Errorf("%s: %w", c.stdinName, err)
			}
		}
		if _, err := raw(c.out).Write(data); err != nil {
			return err
		}
		if c.outputFile == "" {
			to = c.err
		}
	}
	r := c.report()
	if !excluded {
		c.count(o, r)
	}
	return c.finish(r, to)
}

// standardText checks the text that came in as the file it stands for.
func (c *checker) standardText(ctx context.Context, data []byte) (*outcome, error) {
	src, err := project.Decode(c.stdinName, data)
	if err != nil {
		return newOutcome(c.workspace.AnalyzeBytes(c.stdinName, data)), nil
	}
	c.inPlace = false
	outcomes, err := c.files(ctx, project.NewIndex(c.workspace), project.NewProgram(c.workspace).With(c.stdinName, src, nil), []string{c.stdinName})
	if err != nil {
		return nil, err
	}
	return outcomes[0], nil
}

// finish writes the report and says how the command ends. A diff stands for the findings on standard output.
func (c *checker) finish(r *report.Report, to io.Writer) error {
	if c.format != "json" {
		tellProblems(c.err, r.Problems, c.quiet)
	}
	if c.diff && !c.quiet {
		fmt.Fprintln(c.err, report.DiffSummary(r, c.changed))
	}
	if !c.diff {
		if err := c.write(to, c.format, r, c.style(to)); err != nil {
			return err
		}
	}
	for _, p := range r.Problems {
		if p.Fatal {
			return errReported
		}
	}
	if c.failed && !c.exitZero {
		return errFindings
	}
	return nil
}

// tellProblems writes what went wrong, a line each; only what is fatal where it is to be quiet.
func tellProblems(out io.Writer, problems []project.Problem, quiet bool) {
	for _, p := range problems {
		kind := "warning"
		if p.Fatal {
			kind = "error"
		} else if quiet {
			continue
		}
		fmt.Fprintf(out, "%s: %v\n", kind, p)
	}
}

// writeOutput writes a file as a whole, in directories that are made for it. An interrupt waits for it, and then ends the command.
func writeOutput(ctx context.Context, path string, data []byte, errOut io.Writer) error {
	ctx, stop := interruptible(ctx)
	defer stop()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	lost, err := files.Write(path, data)
	tellProblems(errOut, notKept(displayPath(path), lost), false)
	if err == nil && ctx.Err() != nil {
		return interrupted{cause: context.Cause(ctx)}
	}
	return err
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
	data, err := files.Read(path)
	if err != nil {
		return nil, err
	}
	return project.Decode(path, data)
}
