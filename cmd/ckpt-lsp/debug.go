package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/report"
)

func newDebugCommand(rules *diagnostics.Registry) *cobra.Command {
	return &cobra.Command{
		Use:   "debug [paths]",
		Short: "Print what a bug report needs: version, platform, settings, state of the files",
		Long: `Print what a bug report needs: the version, the platform, the settings in force, the torch version
that the project states, and for each file that a rule can apply to what was recognised and found in
it. No line of your code is printed, and nothing of this machine but what stands there; paths are
relative to the working directory.

Exit codes: 0 all is printed, 2 an error.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"."}
			}
			d := debugger{rules: rules, workspace: project.NewWorkspaceWith(".", project.Overrides{Rules: rules}), out: cmd.OutOrStdout()}
			return d.print(cmd.Context(), args)
		},
	}
}

// debugger prints what a bug report needs.
type debugger struct {
	rules     *diagnostics.Registry
	workspace *project.Workspace
	out       io.Writer
}

func (d debugger) print(ctx context.Context, args []string) error {
	if ctx == nil {
		ctx = context.Background()
	}
	files, problems, configErrors := d.workspace.Files(ctx, args)
	var out bytes.Buffer
	fmt.Fprintf(&out, "ckpt-lsp %s\nplatform: %s/%s\n", version(), runtime.GOOS, runtime.GOARCH)
	for _, err := range configErrors {
		fmt.Fprintf(&out, "configuration error: %v\n", err)
	}
	d.settings(&out, files)
	fmt.Fprintln(&out, "files:")
	for _, p := range problems {
		p.Path = displayPath(p.Path)
		fmt.Fprintf(&out, "  %v\n", p)
	}
	if err := d.files(ctx, &out, files); err != nil {
		return err
	}
	_, err := io.WriteString(d.out, d.relative(out.String()))
	return err
}

// settings prints the settings in force, once for files that share them.
func (d debugger) settings(out io.Writer, files []string) {
	shared := map[string][]string{}
	for _, path := range files {
		in := d.inForce(path)
		shared[in] = append(shared[in], displayPath(path))
	}
	for _, in := range slices.Sorted(maps.Keys(shared)) {
		fmt.Fprintf(out, "settings of %s:\n%s", report.Count(len(shared[in]), "file"), in)
	}
}

// inForce says the settings in force for a file, as far as they are not the defaults.
func (d debugger) inForce(path string) string {
	config, _ := d.workspace.Config(path) // told with the errors of configuration files
	var out strings.Builder
	file := "none"
	if config.Path != "" {
		file = displayPath(config.Path)
	}
	fmt.Fprintf(&out, "  configuration: %s\n", file)
	torch := "torch-version is not stated"
	settings, run := d.workspace.Settings(path)
	for _, s := range settings {
		if s.From == "default" {
			continue
		}
		line := fmt.Sprintf("%s = %s (%s)", s.Key, s.Value, s.From)
		if s.Key == "torch-version" {
			torch = line
			continue
		}
		fmt.Fprintf(&out, "  %s\n", line)
	}
	fmt.Fprintf(&out, "  %s\n", torch)
	var off, on []string
	for _, r := range d.rules.Rules() {
		switch runs := slices.Contains(run, r.Code); {
		case !runs && r.Severity != diagnostics.Off:
			off = append(off, r.Code)
		case runs && r.Severity == diagnostics.Off:
			on = append(on, r.Code)
		}
	}
	for _, list := range []struct {
		what  string
		codes []string
	}{{"rules switched off", off}, {"rules switched on", on}} {
		if len(list.codes) > 0 {
			fmt.Fprintf(&out, "  %s: %s\n", list.what, strings.Join(list.codes, ", "))
		}
	}
	return out.String()
}

// relative is a text with the paths in it relative to the working directory, so that it names no folder above it.
func (d debugger) relative(s string) string {
	up := ""
	for dir := d.workspace.Root(); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		s = strings.NewReplacer(dir+string(filepath.Separator), up, filepath.ToSlash(dir)+"/", up).Replace(s)
		up += "../"
	}
	return s
}

// files prints what was recognised and found in each file that a rule can apply to.
func (d debugger) files(ctx context.Context, out io.Writer, files []string) error {
	program, index := project.NewProgram(d.workspace), project.NewIndex(d.workspace)
	analyses, err := index.AnalyzeAll(ctx, program, files)
	if err != nil {
		return err
	}
	irrelevant := 0
	for _, a := range analyses {
		if len(a.Problems) == 0 && (a.Source == nil || !project.Relevant(a.Source.Text)) {
			irrelevant++
			continue
		}
		facts, err := index.Facts(ctx, program, a.Path)
		if err != nil {
			return err
		}
		saves, loads := 0, 0
		for _, f := range facts {
			saves, loads = saves+len(f.Saves()), loads+len(f.EveryLoad())
		}
		lines := 0
		if a.Source != nil {
			lines = bytes.Count(a.Source.Text, []byte("\n"))
		}
		fmt.Fprintf(out, "  %s: %s, %s, %s; found: %s\n", displayPath(a.Path), report.Count(lines, "line"), report.Count(saves, "save"), report.Count(loads, "load"), codes(a.Diagnostics))
		if n := len(facts); n > 1 {
			fmt.Fprintf(out, "    entered by %s\n", report.Count(n-1, "other file"))
		}
		for _, p := range a.Problems {
			p.Path = displayPath(p.Path)
			fmt.Fprintf(out, "    %v\n", p)
		}
	}
	if irrelevant > 0 {
		fmt.Fprintf(out, "  %s without a framework that a rule knows\n", report.Count(irrelevant, "file"))
	}
	return nil
}

// codes are the rules of findings in the order of their codes, with how often each was found.
func codes(found []diagnostics.Diagnostic) string {
	times := map[string]int{}
	for _, f := range found {
		times[f.Rule.Code]++
	}
	var out []string
	for _, code := range slices.Sorted(maps.Keys(times)) {
		if times[code] > 1 {
			code = fmt.Sprintf("%s (%d)", code, times[code])
		}
		out = append(out, code)
	}
	if len(out) == 0 {
		return "nothing"
	}
	return strings.Join(out, ", ")
}
