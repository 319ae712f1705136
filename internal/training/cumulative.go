package training

import (
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// Replayed is a shuffle that load_state_dict makes once, of what each epoch shuffles again: the epochs before the last are not made up for.
type Replayed struct {
	// At shuffles in load_state_dict, Each in each epoch; Name is what they shuffle.
	At, Each pyast.Node
	Name     string
}

// Replays are the attributes of the file's classes that each epoch shuffles from the order which the last one left, and that
// load_state_dict shuffles once, whatever the epoch is.
func (f *File) Replays() []Replayed {
	var out []Replayed
	for _, c := range f.Module.Classes {
		load := c.Methods["load_state_dict"]
		if load == nil {
			continue
		}
		for _, at := range f.reshuffles(load) {
			if at.loop || at.reset {
				continue // once for each epoch, or from a known order
			}
			for _, m := range f.Module.Funcs {
				if m.Class != c || m == load || m.Name == "__init__" {
					continue
				}
				each := f.reshuffles(m)
				if i := slices.IndexFunc(each, func(s reshuffle) bool { return s.name == at.name && !s.reset }); i >= 0 {
					out = append(out, Replayed{at.node, each[i].node, at.name})
					break
				}
			}
		}
	}
	return out
}

// reshuffle is a place that shuffles an attribute of self from the order that it has.
type reshuffle struct {
	node pyast.Node
	name string // as "self.rows"
	// loop says that it stands in a loop, reset that the method puts the attribute in another order before.
	loop, reset bool
}

// reshuffles are such places in a method.
func (f *File) reshuffles(m *pysem.Func) []reshuffle {
	var out []reshuffle
	for _, c := range m.Calls {
		name, ok := f.reshuffled(c)
		if !ok {
			continue
		}
		s := reshuffle{node: c, name: name, loop: c.Ancestor(pyast.KindForStatement, pyast.KindWhileStatement).Valid()}
		for _, d := range m.Defs(name) {
			s.reset = s.reset || d.Kind == pysem.DefAssign && !d.Stmt.Encloses(c) && d.Stmt.End() <= c.Start()
		}
		out = append(out, s)
	}
	return out
}

// reshuffled is the attribute of self that a call shuffles in place, or that is given a shuffled version of itself: by a method of its own, by
// what permutes it, or by a method at hand that shuffles a copy.
func (f *File) reshuffled(c pyast.Node) (name string, ok bool) {
	fn, first := c.Child(pyast.FieldFunction), pysem.Args(c).Pos(0)
	if calledName(c) == "shuffle" && ofSelf(first) {
		return first.Text(), true
	}
	target := assignedThrough(c)
	if !ofSelf(target) || fn.Kind() != pyast.KindAttribute {
		return "", false
	}
	switch object := fn.Child(pyast.FieldObject); {
	case fn.Child(pyast.FieldAttribute).TextIs("shuffle"):
		return target.Text(), object.TextIs(target.Text())
	case givesDrawn(c):
		return target.Text(), first.TextIs(target.Text())
	case object.TextIs("self"):
		v := f.Eval.Eval(fn, f.Eval.In(f.moduleOf(fn), fn))
		return target.Text(), v.Kind == pysem.FuncVal && shufflesCopy(v.Func, target.Text())
	}
	return "", false
}

// ofSelf reports whether an expression is an attribute of self.
func ofSelf(n pyast.Node) bool {
	return n.Kind() == pyast.KindAttribute && n.Child(pyast.FieldObject).TextIs("self")
}

// assignedThrough is what the result of a call is assigned to, as it is or through a call that is handed it.
func assignedThrough(c pyast.Node) pyast.Node {
	if target := assigned(c); target.Valid() {
		return target
	}
	if c.Parent().Kind() == pyast.KindArgumentList {
		return assigned(c.Parent().Parent())
	}
	return pyast.Node{}
}

// shufflesCopy reports whether a function returns a shuffled copy of an attribute of self.
func shufflesCopy(fn *pysem.Func, name string) bool {
	return slices.ContainsFunc(fn.Calls, func(c pyast.Node) bool {
		copied := pysem.Args(c).Pos(0)
		if calledName(c) != "shuffle" || copied.Kind() != pyast.KindIdentifier {
			return false
		}
		made := slices.ContainsFunc(fn.Defs(copied.Text()), func(d *pysem.Def) bool { return d.Value.Valid() && len(namedIn(d.Value, name)) > 0 })
		return made && slices.ContainsFunc(fn.Returns, func(n pyast.Node) bool { return n.TextIs(copied.Text()) })
	})
}
