package training

import (
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// InheritedState is a class that decides when training stops by a value which it carries on, and whose state is given by a method of a
// class above it that knows nothing of that value.
type InheritedState struct {
	Class *pysem.Class
	// Gives is the inherited method; Attribute is the value, Update where the class carries it on.
	Gives     *pysem.Func
	Attribute string
	Update    pyast.Node
}

// InheritedStates are those of the file's classes, one for each class.
func (f *File) InheritedStates() []InheritedState {
	var out []InheritedState
	for _, c := range f.Module.Classes {
		if len(c.Bases) == 0 || c.Methods["__init__"] == nil || !raisesFlag(c) {
			continue
		}
		gives := f.givenAbove(c)
		if gives == nil {
			continue
		}
		s := ClassState{Class: c, Gives: gives}
		var first *pysem.Def
		for name, defs := range c.Attrs {
			if !slices.ContainsFunc(defs, func(d *pysem.Def) bool { return d.Func == c.Methods["__init__"] }) || !s.carries(name) || s.names(gives, name) {
				continue
			}
			for _, d := range defs {
				if d.Func != c.Methods["__init__"] && (first == nil || d.Node.Start() < first.Node.Start()) {
					first = d
				}
			}
		}
		if first != nil {
			out = append(out, InheritedState{Class: c, Gives: gives, Attribute: first.Path, Update: first.Stmt})
		}
	}
	return out
}

// raisesFlag reports whether a class has a flag that its constructor lowers and another of its methods may raise.
func raisesFlag(c *pysem.Class) bool {
	for _, defs := range c.Attrs {
		lowered, raised := false, false
		for _, d := range defs {
			lowered = lowered || d.Func == c.Methods["__init__"] && d.Value.Kind() == pyast.KindFalse
			raised = raised || d.Func != c.Methods["__init__"] && d.Value.Is(pyast.KindTrue, pyast.KindComparisonOperator)
		}
		if lowered && raised {
			return true
		}
	}
	return false
}

// givenAbove is the method of a class above that gives an object's state, nil where the class has one of its own or it is not known what
// the method gives.
func (f *File) givenAbove(c *pysem.Class) *pysem.Func {
	if gives, _ := f.givesState(c); gives != nil {
		return nil
	}
	for bases, depth := f.Eval.Bases(c), 0; len(bases) > 0 && depth < 5; bases, depth = f.Eval.Bases(bases[0]), depth+1 {
		for _, b := range bases {
			if gives, known := f.givesState(b); gives != nil {
				if !known {
					return nil
				}
				return gives
			}
		}
	}
	return nil
}

// givesState is the method of a class that gives its state, or that a decorator of a library marks as the one that writes it; known says
// that it names each part.
func (f *File) givesState(c *pysem.Class) (gives *pysem.Func, known bool) {
	if gives = c.Methods["state_dict"]; gives != nil {
		known = len(gives.Returns) > 0 && !slices.ContainsFunc(gives.Returns, func(n pyast.Node) bool {
			d := f.Eval.Eval(n, f.Eval.Root(gives, nil)).AsDict()
			return d == nil || d.Open
		})
		return gives, known
	}
	for _, m := range c.Methods {
		if slices.ContainsFunc(m.Decorators, func(d pyast.Node) bool { return torch.MarksWriter(lastPart(d.Text())) }) {
			return m, !m.Body.Names("__dict__")
		}
	}
	return nil, false
}
