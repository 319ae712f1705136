// Package contract tells which saves of a program feed which loads, and what becomes of each key.
package contract

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// Site is a place in a file. Line is 1-based.
type Site struct {
	Path string `json:"path"`
	Line int    `json:"line"`
	// Text is the expression there, or the checkpoint's name.
	Text string `json:"text,omitempty"`
}

// String is the place without what stands there.
func (s Site) String() string { return fmt.Sprintf("%s:%d", text.Printable(s.Path), s.Line) }

// Contract is one agreement between saves and a load, without the facts behind it.
type Contract struct {
	Saves []Site `json:"saves"`
	// Load is nil where nothing here reads what is saved.
	Load *Site `json:"load"`
	// Perhaps says that the load may read what the saves write: the names do not tell.
	Perhaps bool `json:"perhaps,omitempty"`
	// Unknown is why it is not known whether anything reads or writes the file, where one of them is missing.
	Unknown string `json:"unknown,omitempty"`
	// Continues says that training goes on from the load.
	Continues bool  `json:"continues"`
	Keys      []Key `json:"keys"`
}

// Key is one key of a checkpoint. State is restored, read, forgotten, unwritten, misspelt, optional, unknown or written.
type Key struct {
	Name     string `json:"name"`
	State    string `json:"state"`
	Written  *Site  `json:"written,omitempty"`
	Read     *Site  `json:"read,omitempty"`
	Restored string `json:"restored,omitempty"`
	Nearest  string `json:"nearest,omitempty"`
}

// Options say what Read is to tell, and how.
type Options struct {
	// Tests says that files of tests count too.
	Tests bool
	// Show is a path as it is to be shown.
	Show func(path string) string
}

// Read gives the contracts of files of a program, taken together. It fails only with the context.
func Read(ctx context.Context, w *project.Workspace, p *project.Program, paths []string, o Options) ([]Contract, error) {
	var files []*training.File
	err := project.NewIndex(w).Visit(ctx, p, paths, func(f *training.File) {
		if o.Tests || !f.Test() {
			files = append(files, f)
		}
	})
	slices.SortFunc(files, func(a, b *training.File) int { return strings.Compare(a.Path, b.Path) })
	out := []Contract{}
	for _, a := range training.Agree(files) {
		out = append(out, Of(a, o.Show))
	}
	return sorted(out), err
}

// Of is an agreement with paths as show gives them.
func Of(a training.Agreement, show func(path string) string) Contract {
	m := siteMaker{show: show, lines: map[*pyast.Tree]*text.LineIndex{}}
	return m.contract(a)
}

// sorted puts the contracts in the order of their places, and tells each once.
func sorted(all []Contract) []Contract {
	place := func(c Contract) Site {
		if len(c.Saves) > 0 {
			return c.Saves[0]
		}
		return *c.Load
	}
	load := func(c Contract) Site {
		if c.Load == nil {
			return Site{}
		}
		return *c.Load
	}
	order := func(a, b Site) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), a.Line-b.Line, strings.Compare(a.Text, b.Text))
	}
	slices.SortStableFunc(all, func(a, b Contract) int { return cmp.Or(order(place(a), place(b)), order(load(a), load(b))) })
	return slices.CompactFunc(all, func(a, b Contract) bool { return order(place(a), place(b)) == 0 && order(load(a), load(b)) == 0 })
}

// siteMaker gives places their paths and lines.
type siteMaker struct {
	file  *training.File // the one whose place is asked for
	show  func(path string) string
	lines map[*pyast.Tree]*text.LineIndex
}

func (m *siteMaker) at(n pyast.Node, label string) *Site {
	if !n.Valid() {
		return nil
	}
	tree := n.Tree()
	if m.lines[tree] == nil {
		m.lines[tree] = text.NewLineIndex(tree.Source())
	}
	path := cmp.Or(m.file.PathOf(tree), m.file.Path)
	return &Site{m.show(path), m.lines[tree].Line(n.Start()) + 1, strings.Join(strings.Fields(label), " ")}
}

func (m *siteMaker) contract(a training.Agreement) Contract {
	out := Contract{Saves: []Site{}, Perhaps: a.Perhaps, Continues: a.Continues, Keys: []Key{}}
	for _, s := range a.Saves {
		m.file = s.Run.File
		if at := *m.at(s.Node, fileLabel(a.Name(s), s.Node)); !slices.Contains(out.Saves, at) {
			out.Saves = append(out.Saves, at)
		}
	}
	if a.Load != nil {
		m.file = a.Load.Run.File
		out.Load = m.at(a.Load.Node, fileLabel(a.Load.Path, a.Load.Node))
	}
	for _, k := range a.Keys {
		key := Key{Name: k.Name, State: keyState(a, k), Nearest: k.Nearest}
		if k.Save != nil {
			m.file = k.Save.Run.File
			key.Written = m.at(k.Written, k.Written.Text())
		}
		if a.Load != nil {
			m.file = a.Load.Run.File
			key.Read = m.at(k.Read, "")
		}
		if x := k.Restored; x != nil {
			key.Restored = cmp.Or(x.Recv.Text(), x.Node.Child(pyast.FieldFunction).Text())
		}
		out.Keys = append(out.Keys, key)
	}
	if d := a.Doubt; d != nil {
		m.file = d.File
		out.Unknown = m.reason(d)
	}
	return out
}

// reason is a doubt in words.
func (m *siteMaker) reason(d *training.Doubt) string {
	switch at := m.at(d.At, ""); d.Why {
	case training.OtherUnknown:
		return "the name of the file at " + at.String() + " is unknown"
	case training.OtherAlike:
		return "the file at " + at.String() + " may have its name"
	case training.GivenName:
		return at.String() + " is given its name"
	case training.OutOfSight:
		return "the call at " + at.String() + " may, and is not followed"
	}
	return "its name is unknown"
}

// fileLabel is a checkpoint's name: its pattern where that is known, else the expression, else the call.
func fileLabel(p *training.Path, call pyast.Node) string {
	switch n := p.Node; {
	case p.Known:
		return p.Pattern
	case n.Is(pyast.KindForStatement, pyast.KindForInClause): // a loop's variable
		return n.Child(pyast.FieldLeft).Text()
	case n.Valid():
		return n.Text()
	}
	return call.Text()
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
	"written": "", "unknown": "?", "read": "read", "forgotten": "not read here", "optional": "optional", "unwritten": "not written here",
}

// Fate says what becomes of the key, in words: of what it is restored into at most so many characters.
func (k Key) Fate(width int) string {
	switch k.State {
	case "restored":
		return "restored into " + Clip(k.Restored, width)
	case "misspelt":
		return "means " + k.Nearest
	}
	return said[k.State]
}

// Clip cuts a text to so many characters, and says that it did.
func Clip(s string, width int) string {
	if r := []rune(s); len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return s
}

// Place is a key's place as it is shown beside the contract: the path is left out where the save or load stands in the same file.
func (c Contract) Place(s *Site) string {
	if s == nil {
		return "-"
	}
	if !slices.ContainsFunc(c.Saves, func(x Site) bool { return x.Path == s.Path }) || c.Load != nil && c.Load.Path != c.Saves[0].Path {
		return s.String()
	}
	return fmt.Sprintf("line %d", s.Line)
}
