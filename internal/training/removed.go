package training

import (
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// Removed reports whether the program may delete what a save has written: a deletion whose target may lie in the same place, or a
// call out of sight that rotates files (rotate_checkpoints, max_to_keep) and is handed something that the save's name is made of.
func (s *SaveSite) Removed() bool {
	f := s.Run.File
	if f.says(func(text string) bool { return strings.HasPrefix(text, "rm ") }) {
		return true
	}
	f.Eval.Work.Spend(len(f.deletions()))
	return slices.ContainsFunc(f.deletions(), s.mayGo) || f.rotatedOutOfSight(s)
}

// deletions are those of the runs, and those of functions that no run enters, whose parameters are then not known.
func (f *File) deletions() []Deletion {
	if f.deleted == nil {
		f.deleted = f.findDeletions()
	}
	return f.deleted
}

func (f *File) findDeletions() []Deletion {
	out := []Deletion{}
	traced := map[pyast.Node]bool{}
	for _, r := range f.Runs {
		for _, d := range r.Deletions() {
			traced[d.Node] = true
			out = append(out, d)
		}
	}
	if len(f.Runs) == 0 {
		return out
	}
	for _, m := range f.involved() {
		if !m.Words().Names.Has(removing...) {
			continue
		}
		for _, fn := range m.Funcs {
			for _, c := range fn.Calls {
				if traced[c] {
					continue
				}
				ctx := f.Eval.In(m, c)
				callee := c.Child(pyast.FieldFunction)
				d := deletion(&Call{Run: f.Runs[0], Node: c, Ctx: ctx})
				switch {
				case removers.MatchString(f.qualified(callee)):
					d.Target = pysem.Args(c).Get(0, "path")
				case callee.Kind() == pyast.KindAttribute && removeMethods.MatchString(callee.Child(pyast.FieldAttribute).Text()):
					d.Target = callee.Child(pyast.FieldObject)
				}
				if d.Target.Valid() {
					d.Path = f.path(d.Target, ctx)
					out = append(out, d)
				}
			}
		}
	}
	return out
}

// mayGo reports whether what a deletion takes away may be a file of the save.
func (s *SaveSite) mayGo(d Deletion) bool {
	p, _ := d.pick()
	if p == nil {
		return mayMeet(d.Path.Value, s.Path.Value)
	}
	if p.names != nil { // a list of names that the program keeps
		return slices.ContainsFunc(p.names.Elems, func(v *pysem.Value) bool { return mayMeet(v, s.Path.Value) })
	}
	call := p.listing.Node
	from := pysem.Args(call).Pos(0)
	if fn := call.Child(pyast.FieldFunction); !from.Valid() || fn.Kind() == pyast.KindAttribute && !listers.MatchString(s.Run.File.qualified(fn)) {
		from = fn.Child(pyast.FieldObject) // Path(folder).glob("*.pt")
	}
	return slices.ContainsFunc(s.Run.File.Eval.Eval(from, d.Ctx).Alternatives(), func(listed *pysem.Value) bool {
		at := begins(listed)
		if i := strings.IndexAny(at.text, "*?["); i >= 0 {
			at.text = at.text[:i] // a pattern lists what begins so
		}
		return slices.ContainsFunc(s.Path.Value.Alternatives(), func(written *pysem.Value) bool { return beginTogether(at, begins(written)) })
	})
}

// mayMeet reports whether two names may lie in the same place. They do not where they begin with two options of the program or two
// attributes, with an option and a folder named in the code, or with the same and go on with other text.
func mayMeet(a, b *pysem.Value) bool {
	for _, x := range a.Alternatives() {
		for _, y := range b.Alternatives() {
			if beginTogether(begins(x), begins(y)) {
				return true
			}
		}
	}
	return false
}

// beginning is how a name begins: with a value, nil if there is none, and the text behind it up to the next value.
type beginning struct {
	root *pysem.Value
	text string
}

func begins(v *pysem.Value) beginning {
	if v.Kind != pysem.Str {
		return beginning{root: v}
	}
	var out beginning
	for i, p := range v.Parts {
		switch {
		case p.Hole == nil:
			out.text += p.Lit
		case i == 0 || out.text == "" && out.root == nil:
			out.root = p.Hole
		default:
			return out
		}
	}
	return out
}

func beginTogether(a, b beginning) bool {
	switch {
	case a.root == nil && b.root == nil:
	case a.root == nil || b.root == nil:
		known, text := a.root, b.text
		if known == nil {
			known, text = b.root, a.text
		}
		return !fixedOption(known) || text == ""
	case a.root.Key() != b.root.Key():
		return !fixedOption(a.root) || !fixedOption(b.root)
	}
	x, y := strings.TrimPrefix(a.text, "./"), strings.TrimPrefix(b.text, "./")
	return strings.HasPrefix(x, y) || strings.HasPrefix(y, x)
}

// fixedOption reports whether a value is an attribute of an object, such as an option, which stands for one thing in the program.
func fixedOption(v *pysem.Value) bool { return v.Kind == pysem.Attr }

// rotatedOutOfSight reports whether a function that is not at hand is called as one that rotates files, with a value that the save's
// name is made of.
func (f *File) rotatedOutOfSight(s *SaveSite) bool {
	if f.rotated == nil {
		f.rotated = f.findRotated()
	}
	shares := false
	f.leaves(s.Path.Value, 0, func(v *pysem.Value) { shares = shares || f.rotated[v.Key()] })
	return shares
}

// findRotated are the values, by key, that such functions are handed.
func (f *File) findRotated() map[string]bool {
	out := map[string]bool{}
	for _, r := range f.Runs {
		for _, c := range r.Calls {
			args := pysem.Args(c.Node)
			rotates := rotationName.MatchString(calledName(c.Node))
			for keyword := range args.Keyword {
				rotates = rotates || rotationName.MatchString(keyword)
			}
			if callee := f.Eval.Eval(c.Node.Child(pyast.FieldFunction), c.Ctx); !rotates || callee.Kind == pysem.FuncVal && f.tracer.Visited(callee.Func) {
				continue
			}
			share := func(v *pysem.Value) { out[v.Key()] = true }
			if c.Value != nil {
				f.leaves(c.Value, 0, share)
			}
			for _, n := range args.Position {
				f.leaves(f.Eval.Eval(n, c.Ctx), 0, share)
			}
			for _, n := range args.Keyword {
				f.leaves(f.Eval.Eval(n, c.Ctx), 0, share)
			}
		}
	}
	return out
}

// leaves are the values that a name is made of: its holes, and the objects whose attributes they are; a text is its own.
func (f *File) leaves(v *pysem.Value, depth int, found func(*pysem.Value)) {
	if v == nil || depth > 6 {
		return
	}
	for _, a := range v.Alternatives() {
		if a.Kind != pysem.Unknown && a.Kind != pysem.Instance && a.Kind != pysem.LoopVar {
			found(a)
		}
		for _, h := range holes(a) {
			f.leaves(h, depth+1, found)
		}
		switch a.Kind {
		case pysem.Attr, pysem.Item:
			f.leaves(a.Base, depth+1, found)
		case pysem.Call:
			for _, n := range pysem.Args(a.Node).Position {
				f.leaves(f.Eval.Eval(n, a.Ctx), depth+1, found)
			}
		}
	}
}
