package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/timeline"
)

// timelineFormats are those of timeline.
var timelineFormats = []string{"json", "schema", "svg", "text"}

func newTimelineCommand() *cobra.Command {
	var format, output string
	var resumeAt int64
	cmd := &cobra.Command{
		Use:   "timeline PATH",
		Short: "Draw what a training does that is interrupted and resumed",
		Long: `Draw what a training does that is interrupted and resumed: which epochs run before and after, the
one that runs twice or never, the learning rate of the resumed run against the uninterrupted one,
in which epochs files are written and the best is kept, and what stays on the disk.

It is read from the code alone: nothing is run. What the code does not tell is drawn as "?", and the
reasons are listed. Numbers that options stand for are those of their defaults. What is called wrong
is what check reports. PATH is a file or a directory; tests are left out unless they are named.

    ckpt-lsp timeline train.py
    ckpt-lsp timeline train.py --resume-at 12
    ckpt-lsp timeline train.py --format svg --output timeline.svg

--resume-at N interrupts it after epoch N, as the loop counts them (or step, where it counts steps);
without it, in the middle, right after a checkpoint is written. --format svg draws a picture that
needs nothing else, json prints the same for programs, and schema the JSON Schema of that.

Exit codes: 0 the timelines are printed, also when there is none; 2 an error.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 0 && format != "schema" {
				return fmt.Errorf("timeline takes one path, and is given %d; `ckpt-lsp timeline --help` tells what it takes", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			write := func(content string) error {
				if output == "" {
					_, err := io.WriteString(cmd.OutOrStdout(), content)
					return err
				}
				return writeOutput(cmd.Context(), output, []byte(content), cmd.ErrOrStderr())
			}
			draw := map[string]func(string, []timeline.Timeline) string{"text": timeline.Text, "svg": timeline.SVG, "json": timelinesAsJSON}[format]
			switch {
			case format == "schema":
				return write(string(timeline.Schema))
			case draw == nil:
				return fmt.Errorf("unknown format %q (valid: %s)", format, strings.Join(timelineFormats, ", "))
			}
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			if _, err := os.Stat(args[0]); err != nil {
				return err
			}
			w, paths, err := programFiles(ctx, args[0])
			if err != nil {
				return ended(ctx, err)
			}
			o := timeline.Options{Tests: len(paths) == 1 && paths[0] == args[0], Show: displayPath}
			if cmd.Flags().Changed("resume-at") {
				o.ResumeAt = &resumeAt
			}
			all, err := timeline.Read(ctx, w, project.NewProgram(w), paths, o)
			if err != nil {
				return ended(ctx, err)
			}
			of := displayPath(args[0])
			if whole, err := filepath.Abs(of); err == nil && of == "." {
				of = filepath.Base(whole)
			}
			return write(draw(of, all))
		},
	}
	flags := cmd.Flags()
	flags.Int64Var(&resumeAt, "resume-at", 0, "interrupt it after this epoch, `N`, or step, as the loop counts (default: in the middle)")
	flags.StringVar(&format, "format", "text", strings.Join(timelineFormats[:len(timelineFormats)-1], ", ")+" or text")
	flags.StringVarP(&output, "output", "o", "", "write into this `file` instead of standard output")
	completed(cmd, "format", timelineFormats)
	return cmd
}

// timelinesAsJSON is what --format json prints.
func timelinesAsJSON(_ string, all []timeline.Timeline) string {
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(map[string][]timeline.Timeline{"timelines": all}); err != nil {
		panic(err) // it holds numbers, texts and lists of them
	}
	return out.String()
}
