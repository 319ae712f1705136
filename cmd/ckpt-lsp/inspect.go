package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ckpt-lsp/ckpt-lsp/internal/checkpoint"
	"github.com/ckpt-lsp/ckpt-lsp/internal/contract"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/report"
)

// inspector holds the flags of inspect.
type inspector struct {
	format               string
	all, verify, numbers bool
	against, migrate     string
	plan                 contract.Plan
	out, err             io.Writer
	style                report.Style
}

func newInspectCommand() *cobra.Command {
	i := &inspector{}
	cmd := &cobra.Command{
		Use:   "inspect FILE...",
		Short: "Tell what checkpoints hold, without torch and without unpickling them",
		Long: `Tell what a checkpoint holds: its keys with shapes, dtypes and sizes, which of the eight components
of a training checkpoint it has and lacks, epoch, metrics, learning rates, what wrappers have put
into names, tensors that share storage or keep a larger one, what weights_only=True refuses and
which torch loads it, and what unpickling it would import, the dangerous first.

Files are read as data: nothing is unpickled, imported or called, and torch is not needed. Read are
what torch.save writes (.pt, .pth, .ckpt, .bin; also before 1.6), TorchScript, safetensors and
sharded indexes (*.index.json); folders of torch.distributed.checkpoint, DeepSpeed, Accelerate and
the Trainer of Transformers. The numbers in tensors are read only for --verify and --numbers and
for a comparison, so that a file of 100 GB takes as long as a small one.

    ckpt-lsp inspect last.pt
    ckpt-lsp inspect --verify --numbers last.pt
    ckpt-lsp inspect epoch_1.pt epoch_2.pt

Two files are compared: keys, dtypes, shapes, and the values by their digests.

--against reads a program, or all files below a directory, and tells what its loads do with the
file: which keys they restore, read and leave, which they miss, which prefix to strip, and how much
the checkpoints of the planned epochs take on the disk.

--migrate OUT writes the model alone as a new safetensors file: prefixes stripped, slices compacted,
versions as text in its metadata. It is read back and compared before it gets its name; a file that
is there already is left alone.

    ckpt-lsp inspect last.pt --against train.py
    ckpt-lsp inspect last.pt --migrate model.safetensors

--format json prints the same for programs, --format schema its JSON Schema.

Exit codes: 0 the files are sound (of two: nothing differs), 1 something is wrong with one, or
differs, 2 an error.`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0 && i.format != "schema":
				return fmt.Errorf("inspect is given no file; `ckpt-lsp inspect --help` tells what it takes")
			case len(args) > 1 && i.against+i.migrate != "":
				return fmt.Errorf("--against and --migrate take one file, and %d are given", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			i.out, i.err, i.style = cmd.OutOrStdout(), cmd.ErrOrStderr(), styleFor(cmd, cmd.OutOrStdout())
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			return i.run(ctx, args)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&i.format, "format", "text", "json, schema or text")
	flags.BoolVar(&i.all, "all", false, "show every key, also of long lists")
	flags.StringVar(&i.against, "against", "", "a program, `path`, whose loads are held against the file")
	flags.Int64Var(&i.plan.Epochs, "epochs", 0, "how many epochs are planned, for --against (default: what the program says)")
	flags.Int64Var(&i.plan.Steps, "steps", 0, "how many steps are planned, for a program that saves by steps")
	flags.StringVar(&i.migrate, "migrate", "", "write the model alone into this new safetensors `file`")
	flags.BoolVar(&i.verify, "verify", false, "read all bytes and compare the checksums of the archive's records")
	flags.BoolVar(&i.numbers, "numbers", false, "read all numbers and count NaN and infinite ones")
	return cmd
}

// inspection is what inspect tells, in JSON.
type inspection struct {
	Checkpoints []*checkpoint.Report   `json:"checkpoints"`
	Difference  *checkpoint.Difference `json:"difference,omitempty"`
	Against     []contract.Fit         `json:"against,omitempty"`
	Policies    []contract.Policy      `json:"policies,omitempty"`
	Migration   *checkpoint.Migration  `json:"migration,omitempty"`
}

// sound reports whether nothing is wrong.
func (x *inspection) sound() bool {
	for _, r := range x.Checkpoints {
		if len(r.Problems) > 0 || r.Integrity != nil && len(r.Integrity.Damaged) > 0 || r.Numbers != nil && r.Numbers.NaN+r.Numbers.Inf > 0 {
			return false
		}
	}
	return (x.Difference == nil || x.Difference.Same()) && !slices.ContainsFunc(x.Against, contract.Fit.Misfits)
}

func (i *inspector) run(ctx context.Context, paths []string) error {
	switch i.format {
	case "schema":
		_, err := i.out.Write(checkpoint.Schema)
		return err
	case "text", "json":
	default:
		return fmt.Errorf("unknown format %q (valid: json, schema, text)", i.format)
	}
	var all []*checkpoint.Checkpoint
	for _, path := range paths {
		c, err := checkpoint.Open(path)
		if err != nil {
			return err
		}
		all = append(all, c)
	}
	x := &inspection{}
	done := i.reading(all)
	defer done.stop()
	for _, c := range all {
		r, err := i.report(ctx, c, done)
		if err != nil {
			return err
		}
		x.Checkpoints = append(x.Checkpoints, r)
	}
	if len(all) == 2 {
		var err error
		if x.Difference, err = checkpoint.Diff(ctx, all[0], all[1]); err != nil {
			return ended(ctx, err)
		}
	}
	if i.against != "" {
		if err := i.hold(ctx, all[0], x); err != nil {
			return ended(ctx, err)
		}
	}
	if i.migrate != "" {
		var err error
		if x.Migration, err = all[0].Migrate(ctx, i.migrate, "ckpt-lsp "+version(), done.add); err != nil {
			return ended(ctx, err)
		}
	}
	done.stop()
	if err := i.write(x); err != nil {
		return err
	}
	if !x.sound() {
		return errFindings
	}
	return nil
}

// hold tells what the loads of a program do with a checkpoint.
func (i *inspector) hold(ctx context.Context, c *checkpoint.Checkpoint, x *inspection) (err error) {
	w, files, err := programFiles(ctx, i.against)
	if err != nil {
		return err
	}
	x.Against, x.Policies, err = contract.Against(ctx, w, project.NewProgram(w), files, c, i.plan, contract.Options{
		Tests: len(files) == 1 && files[0] == i.against, Show: displayPath,
	})
	return err
}

// ended is why something that was under way ended: a signal goes before what came of it.
func ended(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return interrupted{cause: cause}
	}
	return err
}

func (i *inspector) report(ctx context.Context, c *checkpoint.Checkpoint, done *bytesRead) (*checkpoint.Report, error) {
	var integrity *checkpoint.Integrity
	var numbers map[*checkpoint.Node]checkpoint.Odd
	var err error
	if i.verify {
		if integrity, err = c.Verify(ctx, done.add); err != nil {
			return nil, ended(ctx, err)
		}
	}
	if i.numbers {
		if numbers, err = c.Numbers(ctx, done.add); err != nil {
			return nil, ended(ctx, err)
		}
	}
	return c.Report(integrity, numbers), nil
}

func (i *inspector) write(x *inspection) error {
	if i.format == "json" {
		e := json.NewEncoder(i.out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(x)
	}
	w := &inspectionWriter{style: i.style, all: i.all}
	w.inspection(x)
	_, err := io.WriteString(i.out, w.String())
	return err
}

// bytesRead shows how much was read, in a line of a terminal, once that takes longer than a second.
type bytesRead struct {
	read, total atomic.Int64
	end         chan struct{}
	ended       chan struct{}
}

// reading shows progress where numbers are read and standard error is a terminal.
func (i *inspector) reading(all []*checkpoint.Checkpoint) *bytesRead {
	b := &bytesRead{end: make(chan struct{}), ended: make(chan struct{})}
	for _, c := range all {
		for _, on := range []bool{i.verify, i.numbers, i.migrate != ""} {
			if on {
				b.total.Add(c.Size)
			}
		}
	}
	file, ok := raw(i.err).(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) || b.total.Load() == 0 {
		close(b.ended)
		return b
	}
	go func() {
		defer close(b.ended)
		ticks := time.NewTicker(time.Second)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				fmt.Fprintf(file, "\r\x1b[KRead %s of %s", checkpoint.Size(b.read.Load()), checkpoint.Size(b.total.Load()))
			case <-b.end:
				fmt.Fprint(file, "\r\x1b[K")
				return
			}
		}
	}()
	return b
}

func (b *bytesRead) add(n int64) { b.read.Add(n) }

// stop ends the line.
func (b *bytesRead) stop() {
	select {
	case <-b.end:
	default:
		close(b.end)
	}
	<-b.ended
}
