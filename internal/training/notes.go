package training

import (
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/bound"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// note is a file of plain values that is written: a part of the checkpoint it lies beside.
func (f *File) note(r *Run, c *Call) {
	args := pysem.Args(c.Node)
	s := &SaveSite{Call: c, PayloadNode: args.Get(0, c.Entry.Payload)}
	s.Path = f.path(args.Get(1, c.Entry.Path), c.Ctx)
	s.Written = s.Path
	f.payload(s, f.Eval.Eval(s.PayloadNode, c.Ctx))
	r.Notes = append(r.Notes, s)
}

// Part is a file of a checkpoint that training goes on from, and where it is read.
type Part struct {
	Save *SaveSite
	Load *LoadSite
}

// parts are the checkpoint's own file and the notes that are written and read beside it.
func (r Resumption) parts() []Part {
	out := []Part{{r.Save, r.Load}}
	if r.Load == nil || r.Save.Loop == nil {
		return out
	}
	for _, s := range r.Save.Run.Notes {
		if !r.Save.Loop.Outer().Holds(s.Index) {
			continue
		}
		for _, l := range r.Load.Run.NotesRead {
			if SamePath(s.Path, l.Path) && (l.Run != s.Run || l.Index < r.Save.Loop.Outer().First) {
				out = append(out, Part{s, l})
			}
		}
	}
	return out
}

// Unset is a variable that the checkpoint holds, that only some rounds of the training give a value, and that no load takes back: the first
// rounds after a resume have none to save.
type Unset struct {
	Component
	Part
	// Name is the variable, Use where it is handed to the save, Set where a round gives it its value, Read where the program takes other keys.
	Name           string
	Use, Set, Read pyast.Node
}

// usesOf are the uses of names in a file, which are found once.
func (f *File) usesOf(tree *pyast.Tree) map[int]bound.Use {
	uses, known := f.uses[tree]
	if !known {
		if f.uses == nil {
			f.uses = map[*pyast.Tree]map[int]bound.Use{}
		}
		uses = bound.Uses(tree)
		f.uses[tree] = uses
	}
	return uses
}

// Unset are those of a checkpoint.
func (r Resumption) Unset() []Unset {
	if r.Load == nil || r.Save.Loop == nil {
		return nil
	}
	var out []Unset
	outer := r.Save.Loop.Outer()
	for _, part := range r.parts() {
		if part.Load.Opaque || part.Save.Kind != PayloadDict {
			continue
		}
		for _, c := range part.Save.Components {
			n := c.Entry.Value.Node
			if n.Kind() != pyast.KindIdentifier || c.Entry.Value.Ctx != outer.Ctx || part.Load.asks(c.Key) || !outer.Node.Encloses(n) {
				continue
			}
			defs := outer.Ctx.Func.Defs(n.Text())
			if len(defs) == 0 || slices.ContainsFunc(defs, func(d *pysem.Def) bool { return !outer.Node.Encloses(d.Node) }) {
				continue
			}
			if r.Save.Run.File.usesOf(n.Tree())[n.Start()].Risk()&bound.Unbound != 0 {
				out = append(out, Unset{c, part, n.Text(), n, defs[0].Node, part.Load.readIn(outer.Ctx)})
			}
		}
	}
	return out
}

// readIn is where a function reads its last key of a file, the load where it reads none.
func (l *LoadSite) readIn(ctx *pysem.Ctx) pyast.Node {
	at := l.Node
	for _, r := range l.Reads {
		if r.Ctx == ctx {
			at = r.Node
		}
	}
	return at
}
