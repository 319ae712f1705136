package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/prove"
	"github.com/ckpt-lsp/ckpt-lsp/internal/prove/page"
	"github.com/ckpt-lsp/ckpt-lsp/internal/report"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// errRefuted ends prove with exitFindings; everything has been said already.
var errRefuted = fmt.Errorf("not proven: %w", errFindings)

// prover holds the flags of prove.
type prover struct {
	options      prove.Options
	format, plot string
	reports      []string
	progress     string
	out, err     io.Writer
	style        report.Style
}

func newProveCommand() *cobra.Command {
	p := &prover{}
	cmd := &cobra.Command{
		Use:   "prove [flags] -- python train.py ARGS",
		Short: "Run a training script, kill and resume it, and say whether it repeats and resumes",
		Long: `Run a training script, unchanged, under a shim that watches it, and answer three questions:

  repeat  Is it reproducible? It runs twice, and each optimizer step of the two is compared: the
          data, the learning rate, the loss, the parameters, bit for bit.
  resume  Is it resumable? It is killed after a checkpoint and resumed, and what it does from there
          on is compared with the uninterrupted run.
  kill    Is it safe from crashes? It is killed at random moments inside checkpoint writes, and what
          each kill leaves is loaded.

What differs is told with the step, the component (learning rate, optimizer state, data order, ...)
and the rules that tell of it without running anything.

The script runs in copies of the working directory, which are removed afterwards; .git, caches and
virtual environments are left out, and directories with data can be linked to with --link. Outside
of its copy nothing is changed but what --allow-write names: a change is refused, and told with its
line. On Linux with Landlock that holds for whatever runs, elsewhere for Python code. The shim needs
nothing but torch. Name how the script resumes with --resume-args, or with --resume-command where
another script does; {checkpoint} in them stands for the newest checkpoint. Without either the same
command must resume.

    ckpt-lsp prove --resume-args "--resume last.pt" -- python train.py --epochs 10
    ckpt-lsp prove --only kill --kills 30 -- python train.py
    ckpt-lsp prove --ranks 2 --only repeat -- python train_ddp.py
    ckpt-lsp prove --report proof.html --report proof.md -- accelerate launch train.py

--report writes what was found into a file: a page with the curves (.html), a summary for a pull
request (.md), JSON (.json) or text (.txt). --format schema prints the JSON Schema. What is being
done is said on standard error, never among the results: in one line of a terminal, else in lines
of a log, with --format json not at all.

Comparing bit for bit reads every tensor; how long that takes of each step is measured and told.
--digest sampled compares large tensors by some thousand numbers and the sum of all their bits, at
an eighth of the cost: it misses values that swap places, and changes that cancel in the sum.

Exit codes: 0 proven, 1 not, 2 it could not be run or a question not be answered.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 && p.format != "schema" {
				return errors.New("prove is given no command; name it after --, such as: ckpt-lsp prove -- python train.py")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			p.out, p.err, p.style = cmd.OutOrStdout(), cmd.ErrOrStderr(), styleFor(cmd, cmd.OutOrStdout())
			return p.run(cmd.Context(), args)
		},
	}
	flags := cmd.Flags()
	flags.SetInterspersed(false)
	p.options.AddFlags(flags)
	flags.StringVar(&p.format, "format", "text", "html, json, markdown, schema or text")
	flags.StringArrayVar(&p.reports, "report", nil, "write a report into this `file` too, by its ending: .html, .md, .json, .txt")
	flags.StringVar(&p.plot, "plot", "", "draw learning rate and loss of the runs into this SVG `file`")
	flags.StringVar(&p.progress, "progress", "auto", "say on standard error what is being done: line, plain (lines of a log), none")
	return cmd
}

func (p *prover) run(ctx context.Context, command []string) error {
	if err := p.prepare(command); err != nil {
		return err
	}
	if p.format == "schema" {
		_, err := p.out.Write(page.Schema)
		return err
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	if unheld := prove.Unheld(); unheld != "" {
		fmt.Fprintln(p.err, "warning:", unheld)
	}
	shown := p.show()
	r, err := prove.Run(ctx, p.options)
	shown.stop()
	if err != nil && r != nil { // interrupted: what is known by then is told
		ctx := context.WithoutCancel(ctx)
		x := &page.Page{Report: r, Version: version(), Findings: p.foretold(ctx, r)}
		told := p.write(ctx, x)
		x.Style = p.style
		return errors.Join(err, told, page.Write(p.out, p.format, x))
	}
	if err != nil {
		if context.Cause(ctx) != nil || len(p.reports) == 0 {
			return err
		}
		// Whoever waits for the report finds in it why there is no answer.
		return errors.Join(err, p.write(ctx, &page.Page{Report: prove.Unanswered(p.options, err), Version: version()}))
	}
	x := &page.Page{Report: r, Version: version(), Findings: p.foretold(ctx, r)}
	if err := p.write(ctx, x); err != nil {
		return err
	}
	x.Style = p.style
	if err := page.Write(p.out, p.format, x); err != nil {
		return err
	}
	switch r.Overall() {
	case prove.No:
		return errRefuted
	case prove.Unknown:
		return errReported
	}
	return nil
}

// write writes the files that were asked for.
func (p *prover) write(ctx context.Context, x *page.Page) error {
	x.Style = report.Style{Width: pageWidth}
	for _, path := range p.reports {
		format, err := page.FormatOf(path)
		if err != nil {
			return err
		}
		if err := p.file(ctx, path, "--report", func(w io.Writer) error { return page.Write(w, format, x) }); err != nil {
			return err
		}
	}
	if p.plot == "" || len(x.Curves) == 0 {
		return nil
	}
	return p.file(ctx, p.plot, "--plot", func(w io.Writer) error { return page.WritePicture(w, x.Report) })
}

// file writes one file, named by a flag.
func (p *prover) file(ctx context.Context, path, flag string, write func(io.Writer) error) error {
	var data bytes.Buffer
	err := write(&data)
	if err == nil {
		err = writeOutput(ctx, path, data.Bytes(), p.err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	return nil
}

// prepare checks the flags, before the minutes that the runs take, and completes the options.
func (p *prover) prepare(command []string) (err error) {
	if !slices.Contains(append(page.Formats(), "schema"), p.format) {
		return fmt.Errorf("unknown format %q%s (valid: html, json, markdown, schema, text)", p.format, text.DidYouMean(p.format, page.Formats()))
	}
	if !slices.Contains(progressKinds, p.progress) {
		return fmt.Errorf("--progress %s: expected one of %s", p.progress, strings.Join(progressKinds, ", "))
	}
	for _, path := range p.reports {
		if _, err := page.FormatOf(path); err != nil {
			return fmt.Errorf("--report: %w", err)
		}
	}
	for _, path := range append(slices.Clone(p.reports), p.plot) {
		if info, err := os.Stat(path); path != "" && err == nil && info.IsDir() {
			return fmt.Errorf("%s is a directory: name a file in it", path)
		}
	}
	p.options.Command = command
	p.options.Dir, err = os.Getwd()
	return err
}

// foretold checks the files that the runs saved, loaded and seeded in, and gives the findings of the rules that tell of what was found.
func (p *prover) foretold(ctx context.Context, r *prove.Report) []page.Finding {
	var out []page.Finding
	rules := r.Rules()
	if len(rules) == 0 {
		return out
	}
	all, err := diagnostics.Product.Selector("ALL")
	if err != nil {
		return out
	}
	w := project.NewWorkspaceWith(".", project.Overrides{Select: []diagnostics.Selector{all}})
	analyses, err := project.NewIndex(w).AnalyzeAll(ctx, project.NewProgram(w), r.Files)
	if err != nil {
		return out
	}
	for i, a := range analyses {
		if a.Tree == nil {
			continue
		}
		lines := text.NewLineIndex(a.Tree.Source())
		for _, d := range a.Diagnostics {
			if slices.Contains(rules, d.Rule.Name) {
				out = append(out, page.Finding{
					Rule: d.Rule.Name, Code: d.Rule.Code, Path: filepath.ToSlash(r.Files[i]), Line: lines.Line(d.Span.Start) + 1, URL: docs.URL(d.Rule),
				})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b page.Finding) int { return slices.Index(rules, a.Rule) - slices.Index(rules, b.Rule) })
	return out
}
