package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/prove"
	"github.com/ckpt-lsp/ckpt-lsp/internal/report"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// errRefuted ends prove with exitFindings; everything has been said already.
var errRefuted = fmt.Errorf("not proven: %w", errFindings)

// prover holds the flags of prove.
type prover struct {
	options      prove.Options
	format, plot string
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

Exit codes: 0 proven, 1 not, 2 it could not be run or a question not be answered.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p.out, p.err, p.style = cmd.OutOrStdout(), cmd.ErrOrStderr(), styleFor(cmd, cmd.OutOrStdout())
			return p.run(cmd.Context(), args)
		},
	}
	flags := cmd.Flags()
	flags.SetInterspersed(false)
	p.options.AddFlags(flags)
	flags.StringVar(&p.format, "format", "text", "json or text")
	flags.StringVar(&p.plot, "plot", "", "draw learning rate and loss of the runs into this SVG file")
	return cmd
}

func (p *prover) run(ctx context.Context, command []string) error {
	if err := p.prepare(command); err != nil {
		return err
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	if unheld := prove.Unheld(); unheld != "" {
		fmt.Fprintln(p.err, "warning:", unheld)
	}
	r, err := prove.Run(ctx, p.options)
	if p.options.Progress != nil {
		p.options.Progress(prove.Status{})
	}
	if err != nil {
		return err
	}
	if p.plot != "" {
		var picture bytes.Buffer
		err := prove.WritePlot(&picture, r.Curves)
		if err == nil {
			err = writeOutput(ctx, p.plot, picture.Bytes(), p.err)
		}
		if err != nil {
			return fmt.Errorf("--plot: %w", err)
		}
	}
	findings := p.foretold(ctx, r)
	if p.format == "json" {
		e := json.NewEncoder(p.out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		err = e.Encode(struct {
			*prove.Report
			Findings []foretold `json:"findings"`
		}{r, findings})
	} else {
		err = writeProof(p.out, r, findings, p.style)
	}
	switch {
	case err != nil:
		return err
	case r.Refuted():
		return errRefuted
	case !r.Proven():
		return errReported
	}
	return nil
}

// prepare checks the flags and completes the options.
func (p *prover) prepare(command []string) (err error) {
	if p.format != "text" && p.format != "json" {
		return fmt.Errorf("unknown format %q (valid: json, text)", p.format)
	}
	p.options.Command = command
	if p.options.Dir, err = os.Getwd(); err != nil {
		return err
	}
	if file, ok := raw(p.err).(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		p.options.Progress = func(s prove.Status) { showProgress(file, s) }
	}
	return nil
}

// showProgress shows what is going on, in one line of a terminal that the next replaces. The zero Status clears it.
func showProgress(terminal io.Writer, s prove.Status) {
	line := ""
	if s.Doing != "" {
		line = fmt.Sprintf("%s: step %d, %s", s.Doing, s.Step, report.Count(s.Checkpoints, "checkpoint"))
	}
	fmt.Fprintf(terminal, "\r\x1b[K%s", line)
}

// foretold is a finding of check that tells of what the proof has found.
type foretold struct {
	Rule string `json:"rule"`
	Code string `json:"code"`
	Path string `json:"path"`
	Line int    `json:"line"`
}

// foretold checks the files that the runs saved, loaded and seeded in, and gives the findings of the rules that tell of what was found.
func (p *prover) foretold(ctx context.Context, r *prove.Report) []foretold {
	out := []foretold{}
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
				out = append(out, foretold{Rule: d.Rule.Name, Code: d.Rule.Code, Path: filepath.ToSlash(r.Files[i]), Line: lines.Line(d.Span.Start) + 1})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b foretold) int { return slices.Index(rules, a.Rule) - slices.Index(rules, b.Rule) })
	return out
}

// questions are how people read the questions.
var questions = map[prove.Question]string{prove.Repeat: "Reproducible?", prove.Resume: "Resumable?", prove.Kill: "Crash-safe?"}

// proofWriter writes the answers for people.
type proofWriter struct {
	strings.Builder
	style report.Style
}

func writeProof(out io.Writer, r *prove.Report, findings []foretold, style report.Style) error {
	w := &proofWriter{style: style}
	processes := "1 process"
	if r.Ranks > 1 {
		processes = fmt.Sprintf("%d ranks", r.Ranks)
	}
	fmt.Fprintln(w, style.Heading(fmt.Sprintf("torch %s, %s", r.Torch, processes)))
	for _, q := range prove.Questions {
		if why, ok := r.Failed[q]; ok {
			// What a script printed keeps its lines.
			why, printed, _ := strings.Cut(why, "\n")
			w.answer(q, "unknown", why)
			for line := range strings.Lines(printed) {
				fmt.Fprintln(w, "    | "+strings.TrimRight(line, "\n"))
			}
			continue
		}
		switch q {
		case prove.Repeat:
			w.repeat(r.Repeat)
		case prove.Resume:
			w.resume(r.Resume)
		case prove.Kill:
			w.kill(r.Kill)
		}
	}
	if len(findings) > 0 {
		fmt.Fprintln(w, style.Heading("What ckpt-lsp check says of it:"))
		for _, f := range findings {
			fmt.Fprintf(w, "    %s:%d  %s (%s)\n", f.Path, f.Line, f.Rule, f.Code)
		}
	} else if rules := r.Rules(); len(rules) > 0 {
		w.detail("Rules to read about: " + strings.Join(rules[:min(3, len(rules))], ", ") + " (ckpt-lsp explain)")
	}
	_, err := io.WriteString(out, w.String())
	return err
}

func (w *proofWriter) answer(q prove.Question, verdict, text string) {
	w.WriteString(report.Wrap(verdict+", "+text, w.style.Width, fmt.Sprintf("%-14s ", questions[q]), "    ") + "\n")
}

func (w *proofWriter) detail(text string) {
	w.WriteString(report.Wrap(text, w.style.Width, "    ", "      ") + "\n")
}

func (w *proofWriter) repeat(a *prove.RepeatAnswer) {
	if a == nil {
		return
	}
	if a.Proven {
		w.answer(prove.Repeat, "yes", fmt.Sprintf("two runs took the same %d steps", a.Steps))
		return
	}
	w.answer(prove.Repeat, "no", fmt.Sprintf("two runs differ from step %d on", a.Differences[0].Step))
	for _, d := range a.Differences {
		w.detail(d.String())
	}
}

func (w *proofWriter) resume(a *prove.ResumeAnswer) {
	if a == nil {
		return
	}
	killed := fmt.Sprintf("killed after checkpoint %d of %d, resumed from %s (step %d)", a.Checkpoint, a.Checkpoints, a.Loaded, a.Step)
	switch {
	case a.Unknown != "":
		w.answer(prove.Resume, "unknown", a.Unknown)
	case a.Proven:
		w.answer(prove.Resume, "yes", fmt.Sprintf("%s, its %d steps are those of the uninterrupted run", killed, a.Steps))
	default:
		w.answer(prove.Resume, "no", killed+", it differs")
	}
	for _, d := range a.Differences {
		w.detail(d.String())
	}
}

// shown is how many of several like things are told one by one.
const shown = 3

// humanSize writes a size as people read it.
func humanSize(n int64) string {
	const unit = 1000
	size, units := float64(n), "BkMGT"
	for size >= unit && len(units) > 1 {
		size, units = size/unit, units[1:]
	}
	if units[0] == 'B' {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %cB", size, units[0])
}

func (w *proofWriter) kill(a *prove.KillAnswer) {
	if a == nil {
		return
	}
	verdict := "yes"
	if !a.Proven {
		verdict = "no"
	}
	w.answer(prove.Kill, verdict, fmt.Sprintf("%d of %d kills left a checkpoint that loads", a.Left, a.Kills))
	for i, l := range a.Lost {
		if i == shown {
			w.detail(fmt.Sprintf("and %d more", len(a.Lost)-i))
			break
		}
		w.detail(fmt.Sprintf("killed %s (%s): %s", l.Moment, l.At, cmp.Or(l.Error, "no checkpoint is left")))
	}
	for i, what := range slices.Concat(a.Removed, a.Shared) {
		if i == shown {
			w.detail(fmt.Sprintf("and %d more", len(a.Removed)+len(a.Shared)-i))
			break
		}
		w.detail(what)
	}
	if len(a.Kept) > 0 {
		w.detail(fmt.Sprintf("the uninterrupted run leaves %s, %s", report.Count(len(a.Kept), "checkpoint"), humanSize(a.Bytes)))
	}
	if a.Refused != "" {
		w.detail("weights_only=True refuses it: " + a.Refused)
	}
}
