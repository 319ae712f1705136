package training

import (
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// Restarted is a plain value that one round of the training loop hands to the next, that is saved, and that a resumed run begins
// with anew.
type Restarted struct {
	Component
	// Name is the variable; Begun the assignment in front of the loop, Updated one in it.
	Name           string
	Begun, Updated pyast.Node
}

// Restarted are those values of a checkpoint: the load that training continues with never reads their keys, and what stands in
// front of the loop gives the variable a value that comes from no load. Metrics, progress and configuration are left to others,
// and so are rates, which the optimizer holds.
func (r Resumption) Restarted() []Restarted {
	s := r.Save
	if s.Loop == nil || r.Load == nil || !r.Load.RestoresKind(Optimizer) {
		return nil
	}
	outer := s.Loop.Outer()
	var out []Restarted
	for _, c := range r.Unrestored() {
		name := c.Entry.Value.Node
		if c.Role != RoleOther || c.Object != nil || name.Kind() != pyast.KindIdentifier || c.Entry.Value.Ctx != outer.Ctx || rateKey.MatchString(name.Text()) {
			continue
		}
		updated := handsOver(outer, name, c.Entry.Pair)
		begun := s.Run.begins(name.Text(), outer)
		if updated.Valid() && begun.Valid() {
			out = append(out, Restarted{c, name.Text(), begun, updated})
		}
	}
	return out
}

// handsOver is the assignment by which a round of a loop changes a variable that the next round looks at before it is assigned
// again, none where each round begins with a value of its own. What the payload reads does not count.
func handsOver(l *Loop, name, saved pyast.Node) (updated pyast.Node) {
	read := false
	for n := range l.Node.Child(pyast.FieldBody).Descendants() {
		if n.Kind() != pyast.KindIdentifier || !n.TextIs(name.Text()) || saved.Encloses(n) {
			continue
		}
		switch p := n.Parent(); {
		case p.Kind() == pyast.KindKeywordArgument && n.Field() == pyast.FieldName, p.Kind() == pyast.KindAttribute && n.Field() == pyast.FieldAttribute:
		case n.Field() != pyast.FieldLeft || !p.Is(pyast.KindAssignment, pyast.KindAugmentedAssignment):
			read = true
		case p.Kind() == pyast.KindAssignment && !read && !p.Child(pyast.FieldRight).Names(name.Text()):
			return pyast.Node{}
		case literal(p.Child(pyast.FieldRight)) && p.Kind() == pyast.KindAssignment:
			return pyast.Node{} // begins anew now and then
		case !updated.Valid():
			updated = p
		}
	}
	return updated
}

// literal reports whether an expression is a literal.
func literal(n pyast.Node) bool {
	return n.Is(pyast.KindInteger, pyast.KindFloat, pyast.KindString, pyast.KindNoneLiteral, pyast.KindTrue, pyast.KindFalse, pyast.KindList, pyast.KindDictionary)
}

// begins is the last assignment of a variable in front of a loop, none where the value of any may come from a load.
func (r *Run) begins(name string, l *Loop) (last pyast.Node) {
	f := r.File
	for _, ev := range r.Events[:l.First] {
		if ev.Kind != pysem.EventAssign || ev.Ctx != l.Ctx || !ev.Node.Child(pyast.FieldLeft).TextIs(name) {
			continue
		}
		v := f.Eval.Eval(ev.Node.Child(pyast.FieldRight), ev.Ctx)
		if load, _ := f.Source(v); load != nil || ev.Node.Kind() != pyast.KindAssignment {
			return pyast.Node{}
		}
		for _, a := range v.Alternatives() {
			if a.Kind == pysem.ParamVal || a.Kind == pysem.Call && loadsByName.MatchString(lastPart(a.Callee())) {
				return pyast.Node{}
			}
		}
		last = ev.Node
	}
	return last
}
