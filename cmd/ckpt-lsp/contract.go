package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/ckpt-lsp/ckpt-lsp/internal/contract"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/report"
)

func newContractCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "contract [path]",
		Short: "Show which saves feed which loads, and what becomes of each key",
		Long: `Show the contract between the saves and the loads of a program: which checkpoint a load reads, as
far as the file's name and the keys tell, and for each key where it is written, where it is read and
what is restored from it. Saves that nothing reads and loads that nothing writes for are listed too;
where a name is not known, it is said that it is not known. Files that are renamed or copied are
followed. path is a file or a directory (default: the working directory); tests are left out unless
they are named.

The last column says of a key: "restored into NAME", "read", "not read here" (written and
forgotten), "not written here", "means KEY" (misspelt: KEY is written), "optional" (the load does
without it), or "?" where it may be written or read where ckpt-lsp cannot see it. --format markdown
prints the same as a page, --format json with the fields saves, load, perhaps, unknown, continues
and keys; the state of a key is restored, read, forgotten, unwritten, misspelt, optional, unknown or
written (by a save that nothing reads).

Exit codes: 0 the contract is printed, also when there is none; 2 an error.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "text" && format != "json" && format != "markdown" {
				return fmt.Errorf("unknown format %q (valid: json, markdown, text)", format)
			}
			if len(args) == 0 {
				args = []string{"."}
			}
			contracts, err := contractsOf(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if format == "json" {
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetEscapeHTML(false)
				e.SetIndent("", "  ")
				return e.Encode(map[string][]contract.Contract{"contracts": contracts})
			}
			if format == "markdown" {
				_, err := io.WriteString(cmd.OutOrStdout(), contract.Markdown(args[0], contracts))
				return err
			}
			return writeContracts(cmd.OutOrStdout(), args[0], contracts, styleFor(cmd, cmd.OutOrStdout()))
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "json, markdown or text")
	return cmd
}

// contractsOf reads the contracts of a file, or of all files below a directory together.
func contractsOf(ctx context.Context, path string) ([]contract.Contract, error) {
	w, files, err := programFiles(ctx, path)
	if err != nil {
		return nil, err
	}
	return contract.Read(ctx, w, project.NewProgram(w), files, contract.Options{
		Tests: len(files) == 1 && files[0] == path, Show: displayPath,
	})
}

// programFiles are a file, or all files below a directory.
func programFiles(ctx context.Context, path string) (*project.Workspace, []string, error) {
	w := project.NewWorkspace(".")
	files, problems, configErrors := w.Files(ctx, []string{path})
	if len(configErrors) > 0 {
		return nil, nil, errors.Join(configErrors...)
	}
	for _, p := range problems {
		if p.Fatal {
			return nil, nil, p
		}
	}
	return w, files, nil
}

func writeContracts(out io.Writer, path string, contracts []contract.Contract, style report.Style) error {
	if len(contracts) == 0 {
		_, err := fmt.Fprintf(out, "No checkpoint with keys is saved or loaded in %s.\n", path)
		return err
	}
	for i, c := range contracts {
		if i > 0 {
			fmt.Fprintln(out)
		}
		for _, s := range c.Saves {
			fmt.Fprintln(out, style.Heading(contract.Clip(fmt.Sprintf("%s writes %s", s, s.Text), style.Width)))
		}
		if c.Load != nil {
			fmt.Fprintln(out, contract.Clip(fmt.Sprintf("  %s %s %s", c.Load, c.Reads(), c.Load.Text), style.Width))
		}
		if c.Continues {
			fmt.Fprintln(out, "  training goes on from it")
		}
		if alone := c.Alone(); alone != "" {
			fmt.Fprintln(out, "  "+alone)
		}
		var table strings.Builder
		w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
		for _, k := range c.Keys {
			written := c.Place(k.Written)
			if k.Written != nil {
				written += " " + contract.Clip(k.Written.Text, 30)
			}
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", contract.Clip(k.Name, 24), written, c.Place(k.Read), k.Fate(28))
		}
		if err := w.Flush(); err != nil {
			return err
		}
		for line := range strings.Lines(table.String()) {
			if _, err := fmt.Fprintln(out, contract.Clip(strings.TrimRight(line, " \n"), style.Width)); err != nil {
				return err
			}
		}
	}
	return nil
}
