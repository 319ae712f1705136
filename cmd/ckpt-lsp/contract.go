package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

func newContractCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "contract [path]",
		Short: "Show which saves feed which loads, and what becomes of each key",
		Long: `Show the contract between the saves and the loads of a program: which checkpoint a load reads, as far
as the file's name and the keys tell, and for each key where it is written, where it is read and what
is restored from it. Saves that nothing reads and loads that nothing writes for are listed too. path is
a file or a directory (default: the working directory); tests are left out unless they are named.

The last column says of a key: "restored into NAME", "read", "never read" (written and forgotten), "never
written", "means KEY" (misspelt: KEY is written), "optional" (the load does without it), or "?" where it may be
written or read out of sight. --format json prints the same with the fields saves, load, continues and
keys; the state of a key is restored, read, forgotten, unwritten, misspelt, optional, unknown or written
(by a save that nothing reads).

Exit codes: 0 the contract is printed, also when there is none; 2 an error.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "text" && format != "json" {
				return fmt.Errorf("unknown format %q (valid: json, text)", format)
			}
			if len(args) == 0 {
				args = []string{"."}
			}
			contracts, err := contractsOf(args[0])
			if err != nil {
				return err
			}
			if format == "json" {
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetEscapeHTML(false)
				e.SetIndent("", "  ")
				return e.Encode(map[string][]contract{"contracts": contracts})
			}
			return writeContracts(cmd.OutOrStdout(), args[0], contracts)
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "json or text")
	return cmd
}

// site is a place in a file as contract prints it. Line is 1-based.
type site struct {
	Path string `json:"path"`
	Line int    `json:"line"`
	// Text is the expression there, or the checkpoint's name.
	Text string `json:"text,omitempty"`
}

func (s site) String() string { return fmt.Sprintf("%s:%d", s.Path, s.Line) }

// contract is one agreement between saves and a load, without the facts behind it.
type contract struct {
	Saves     []site        `json:"saves"`
	Load      *site         `json:"load"`
	Continues bool          `json:"continues"`
	Keys      []contractKey `json:"keys"`
}

type contractKey struct {
	Name     string `json:"name"`
	State    string `json:"state"`
	Written  *site  `json:"written,omitempty"`
	Read     *site  `json:"read,omitempty"`
	Restored string `json:"restored,omitempty"`
	Nearest  string `json:"nearest,omitempty"`
}

// contractsOf reads the contracts of a file, or of all files below a directory together.
func contractsOf(path string) ([]contract, error) {
	w := project.NewWorkspace(".")
	files, problems, configErrors := w.Files([]string{path})
	if len(configErrors) > 0 {
		return nil, errors.Join(configErrors...)
	}
	for _, p := range problems {
		if p.Fatal {
			return nil, p
		}
	}
	out := []contract{}
	err := project.NewIndex(w).Visit(context.Background(), project.NewProgram(w), files, func(f *training.File) {
		if f.Test() && !(len(files) == 1 && files[0] == path) {
			return
		}
		sites := siteMaker{f, map[*pyast.Tree]*text.LineIndex{}}
		for _, a := range f.Agreements() {
			out = append(out, sites.contract(a))
		}
	})
	return settled(out), err
}

// settled puts the contracts in the order of their places, tells each once, and drops saves that another file's load reads.
func settled(all []contract) []contract {
	read := map[string]bool{}
	for _, c := range all {
		if c.Load != nil {
			for _, s := range c.Saves {
				read[s.String()+s.Text] = true
			}
		}
	}
	all = slices.DeleteFunc(all, func(c contract) bool { return c.Load == nil && read[c.Saves[0].String()+c.Saves[0].Text] })
	place := func(c contract) site {
		if len(c.Saves) > 0 {
			return c.Saves[0]
		}
		return *c.Load
	}
	load := func(c contract) site {
		if c.Load == nil {
			return site{}
		}
		return *c.Load
	}
	order := func(a, b site) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), a.Line-b.Line, strings.Compare(a.Text, b.Text))
	}
	slices.SortStableFunc(all, func(a, b contract) int { return cmp.Or(order(place(a), place(b)), order(load(a), load(b))) })
	return slices.CompactFunc(all, func(a, b contract) bool { return order(place(a), place(b)) == 0 && order(load(a), load(b)) == 0 })
}

// siteMaker gives places their paths and lines.
type siteMaker struct {
	file  *training.File
	lines map[*pyast.Tree]*text.LineIndex
}

func (m siteMaker) at(n pyast.Node, label string) *site {
	if !n.Valid() {
		return nil
	}
	tree := n.Tree()
	if m.lines[tree] == nil {
		m.lines[tree] = text.NewLineIndex(tree.Source())
	}
	path := cmp.Or(m.file.PathOf(tree), m.file.Path)
	return &site{displayPath(path), m.lines[tree].Line(n.Start()) + 1, strings.Join(strings.Fields(label), " ")}
}

func (m siteMaker) contract(a training.Agreement) contract {
	out := contract{Saves: []site{}, Continues: a.Continues, Keys: []contractKey{}}
	for _, s := range a.Saves {
		out.Saves = append(out.Saves, *m.at(s.Node, fileLabel(s.Path)))
	}
	if a.Load != nil {
		out.Load = m.at(a.Load.Node, fileLabel(a.Load.Path))
	}
	for _, k := range a.Keys {
		key := contractKey{Name: k.Name, State: keyState(a, k), Written: m.at(k.Written, k.Written.Text()), Read: m.at(k.Read, ""), Nearest: k.Nearest}
		if x := k.Restored; x != nil {
			key.Restored = cmp.Or(x.Recv.Text(), x.Node.Child(pyast.FieldFunction).Text())
		}
		out.Keys = append(out.Keys, key)
	}
	return out
}

// fileLabel is a checkpoint's name: its pattern where that is known, else the expression.
func fileLabel(p *training.Path) string {
	if p.Known {
		return p.Pattern
	}
	return p.Node.Text()
}

func keyState(a training.Agreement, k training.AgreedKey) string {
	switch {
	case a.Load == nil:
		return "written"
	case k.Unseen && len(a.Saves) > 0:
		return "unknown"
	case k.Restored != nil && (k.Written.Valid() || len(a.Saves) == 0):
		return "restored"
	case k.Read.Valid() && (k.Written.Valid() || len(a.Saves) == 0):
		return "read"
	case k.Written.Valid():
		return "forgotten"
	case k.Nearest != "":
		return "misspelt"
	case k.Optional:
		return "optional"
	}
	return "unwritten"
}

// said are the states in words.
var said = map[string]string{
	"written": "", "unknown": "?", "read": "read", "forgotten": "never read", "optional": "optional", "unwritten": "never written",
}

func writeContracts(out io.Writer, path string, contracts []contract) error {
	style := styleFor(out)
	if len(contracts) == 0 {
		_, err := fmt.Fprintf(out, "No checkpoint with keys is saved or loaded in %s.\n", path)
		return err
	}
	for i, c := range contracts {
		if i > 0 {
			fmt.Fprintln(out)
		}
		for _, s := range c.Saves {
			fmt.Fprintln(out, style.Heading(clip(fmt.Sprintf("%s writes %s", s, s.Text), style.Width)))
		}
		switch {
		case c.Load == nil:
			fmt.Fprintln(out, "  nothing at hand reads it")
		default:
			fmt.Fprintln(out, clip(fmt.Sprintf("  %s reads %s", c.Load, c.Load.Text), style.Width))
		}
		if c.Continues {
			fmt.Fprintln(out, "  training goes on from it")
		}
		if len(c.Saves) == 0 {
			fmt.Fprintln(out, "  nothing at hand writes it")
		}
		var table strings.Builder
		w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
		for _, k := range c.Keys {
			state, ok := said[k.State]
			switch {
			case k.State == "restored":
				state = "restored into " + clip(k.Restored, 28)
			case k.State == "misspelt":
				state = "means " + k.Nearest
			case !ok:
				state = k.State
			}
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", clip(k.Name, 24), c.cell(k.Written, 30), c.cell(k.Read, 0), state)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		for line := range strings.Lines(table.String()) {
			if _, err := fmt.Fprintln(out, clip(strings.TrimRight(line, " \n"), style.Width)); err != nil {
				return err
			}
		}
	}
	return nil
}

// cell shows a place with at most so many characters of what stands there; the path is left out where the contract's save or load
// stands in the same file.
func (c contract) cell(s *site, width int) string {
	if s == nil {
		return "-"
	}
	place := fmt.Sprintf("line %d", s.Line)
	if !slices.ContainsFunc(c.Saves, func(x site) bool { return x.Path == s.Path }) || c.Load != nil && c.Load.Path != c.Saves[0].Path {
		place = s.String()
	}
	if width > 0 {
		place += " " + clip(s.Text, width)
	}
	return place
}

// clip cuts a text to so many characters, and says that it did.
func clip(s string, width int) string {
	if r := []rune(s); len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return s
}
