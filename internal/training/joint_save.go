package training

import (
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// JointSaves are the checkpoints that the object of a library writes of all that it holds, model and optimizer, by a method which every
// process calls: DeepSpeed's engine, Accelerate's accelerator.
func (f *File) JointSaves() []*SaveSite {
	var out []*SaveSite
	for _, r := range f.Runs {
		for _, c := range r.Calls {
			row, ok := f.jointRow(c)
			if !ok || row.Path == "" {
				continue
			}
			args := pysem.Args(c.Node)
			to := args.Get(0, row.Path)
			if !to.Valid() {
				continue
			}
			s := &SaveSite{Call: c, Kind: PayloadObject, Collective: true, Path: f.path(to, c.Ctx)}
			if row.Tag != "" {
				s.Path = f.pathFrom(to, f.tagged(s.Path.Value, row.Numbered, args.Get(1, row.Tag), c))
			}
			s.Written = s.Path
			s.place()
			out = append(out, s)
		}
	}
	return out
}

// tagged is a name in a folder: the one that a call is given, or, without one, that which the object numbers by its steps.
func (f *File) tagged(folder *pysem.Value, numbered string, tag pyast.Node, c *Call) *pysem.Value {
	name := []pysem.Part{{Lit: numbered}, {Hole: &pysem.Value{Kind: pysem.Attr, Name: numbered + "s", Base: c.Value, Node: c.Node, Ctx: c.Ctx}}}
	if v := f.Eval.Eval(tag, c.Ctx); tag.Valid() && v.Kind != pysem.NoneVal {
		name = []pysem.Part{{Hole: v}}
		if v.Kind == pysem.Str {
			name = v.Parts
		}
	}
	parts := []pysem.Part{{Hole: folder}}
	if folder.Kind == pysem.Str {
		parts = folder.Parts[:len(folder.Parts):len(folder.Parts)]
	}
	return &pysem.Value{Kind: pysem.Str, Node: c.Node, Ctx: c.Ctx, Parts: append(append(parts, pysem.Part{Lit: "/"}), name...)}
}
