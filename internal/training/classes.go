package training

import (
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// Trainers of libraries are classes whose methods save, load and step, while the loop that calls them stands somewhere else.

// selfClass is the class whose instance a context runs on, nil for plain functions.
func selfClass(ctx *pysem.Ctx) *pysem.Class {
	for c := ctx; c != nil; c = c.Parent {
		if c.Self != nil && c.Self.Kind == pysem.Instance {
			return c.Self.Class
		}
		if c.Func.Class != nil {
			return nil
		}
	}
	return nil
}

// related reports whether one class is, or inherits from, the other.
func (f *File) related(a, b *pysem.Class) bool {
	return a != nil && b != nil && (a == b || f.inherits(a, b, 0) || f.inherits(b, a, 0))
}

func (f *File) inherits(c, from *pysem.Class, depth int) bool {
	return depth < 8 && slices.ContainsFunc(f.Eval.Bases(c), func(b *pysem.Class) bool { return b == from || f.inherits(b, from, depth+1) })
}

// keptByClass is the load by which a class takes back what its save writes, nil unless the save stands in a method outside any
// loop, writes the state of an optimizer that the instance holds, and another method restores that from a file.
func (f *File) keptByClass(s *SaveSite) *LoadSite {
	class := selfClass(s.Ctx)
	if class == nil || s.Loop != nil || s.AfterLoop {
		return nil
	}
	holds := func(x *SaveSite) bool {
		return slices.ContainsFunc(x.Components, func(c Component) bool {
			return c.Role == RoleState && c.Object != nil && c.Object.Kind == Optimizer && strings.HasPrefix(c.Object.Name, "self.")
		})
	}
	if !holds(s) && !slices.ContainsFunc(s.Companions(), holds) {
		return nil
	}
	for _, r := range f.Runs {
		for _, x := range r.Restores {
			if x.Object != nil && x.Object.Kind == Optimizer && x.Load != nil && f.related(class, selfClass(x.Ctx)) {
				return x.Load
			}
		}
	}
	return nil
}

// classSteps are the steps, in any method, of objects of a kind that an instance of the class holds.
func (f *File) classSteps(class *pysem.Class, k Kind) []*Step {
	var out []*Step
	seen := map[string]bool{}
	for _, r := range f.Runs {
		for _, st := range r.Steps {
			o := st.Object
			if o.Kind == k && strings.HasPrefix(o.Name, "self.") && !seen[o.key] && f.related(class, selfClass(st.Ctx)) {
				seen[o.key] = true
				out = append(out, st)
			}
		}
	}
	return out
}

// classBest is the best-so-far attribute that decides, in any method of a class, whether the method of a save is called; nil
// when there is none.
func (f *File) classBest(s *SaveSite) *Best {
	class := selfClass(s.Ctx)
	for _, r := range f.Runs {
		for _, ev := range r.Events {
			if ev.Kind != pysem.EventAssign || ev.Node.Kind() != pyast.KindAssignment || !f.related(class, selfClass(ev.Ctx)) {
				continue
			}
			left := ev.Node.Child(pyast.FieldLeft)
			if left.Kind() != pyast.KindAttribute || !strings.HasPrefix(left.Text(), "self.") {
				continue
			}
			for fr := ev.Frame; fr != nil; fr = fr.Parent {
				if fr.Kind == pysem.FrameIf && fr.Positive && fr.Ctx == ev.Ctx && f.asksBest(fr, left.Text(), ev.Node.Child(pyast.FieldRight)) && callsMethod(fr.Node, s) {
					return &Best{Name: left.Text(), Test: fr.Cond, Assign: ev.Node, Ctx: ev.Ctx}
				}
			}
		}
	}
	return nil
}

// callsMethod reports whether a block calls the method that a save stands in, or one around it.
func callsMethod(block pyast.Node, s *SaveSite) bool {
	for n := range block.Descendants() {
		if n.Kind() != pyast.KindCall {
			continue
		}
		name := lastPart(n.Child(pyast.FieldFunction).Text())
		for c := s.Ctx; c != nil; c = c.Parent {
			if c.Func.Name == name {
				return true
			}
		}
	}
	return false
}
