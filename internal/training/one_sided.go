package training

import (
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// OneSidedLeave is a way out of a loop or function that only some ranks take, while the others go on to a call that all must make.
type OneSidedLeave struct {
	// Leave is the break, continue or return; Guard the rank test that it stands behind.
	Leave pyast.Node
	Guard Guard
	// Joint is the call that the others go on to.
	Joint GroupCall
}

// OneSidedLeaves are those ways out. A rank test whose branch always leaves is none: what follows it is behind the opposite test. Nor is
// one of which the other branch leaves too, or whose reason to leave is asked of all ranks elsewhere in the function.
func (r *Run) OneSidedLeaves() []OneSidedLeave {
	f := r.File
	joint := slices.DeleteFunc(r.joint(), func(g GroupCall) bool { return g.OwnGroup() || len(f.Guards(g.Frame)) > 0 })
	if len(joint) == 0 {
		return nil
	}
	var out []OneSidedLeave
	type place struct {
		node pyast.Node
		ctx  *pysem.Ctx
	}
	seen := map[place]bool{}
	for _, ev := range r.Events {
		for fr := ev.Frame; fr != nil; fr = fr.Parent {
			at := place{fr.Node, fr.Ctx}
			if fr.Kind != pysem.FrameIf || fr.Early || !fr.Positive || seen[at] || fr.Node.Kind() != pyast.KindIfStatement || fr.Cond != fr.Node.Child(pyast.FieldCondition) {
				continue
			}
			seen[at] = true
			guard := Guard{Frame: fr}
			body := fr.Node.Child(pyast.FieldConsequence)
			for _, leave := range leavings(body, false) {
				if guard.Test == AnyRank {
					if guard.Test = f.testRank(fr.Cond, fr.Ctx, true); guard.Test == AnyRank || guard.Test == NoRanks {
						break
					}
				}
				if f.neverAsked(leave, fr) {
					continue
				}
				if x, ok := r.others(leave, guard, joint); ok {
					out = append(out, x)
					break
				}
			}
		}
	}
	return out
}

// neverAsked reports whether a test between a way out and the test of the rank around it asks for a flag that nothing sets.
func (f *File) neverAsked(leave pyast.Node, guard *pysem.Frame) bool {
	inner := leave
	for p := leave.Parent(); p.Valid() && p != guard.Node; inner, p = p, p.Parent() {
		if p.Is(pyast.KindIfStatement, pyast.KindElifClause) && inner.Field() == pyast.FieldConsequence && f.neverSet(p.Child(pyast.FieldCondition), guard.Ctx) {
			return true
		}
	}
	return false
}

// neverSet reports whether a condition is an attribute that a constructor turns off and that no file at hand turns on.
func (f *File) neverSet(cond pyast.Node, ctx *pysem.Ctx) bool {
	if cond.Kind() != pyast.KindAttribute {
		return false
	}
	name := cond.Child(pyast.FieldAttribute).Text()
	off := false
	for _, a := range f.Eval.Eval(cond.Child(pyast.FieldObject), ctx).Alternatives() {
		a = f.byDefault(a)
		off = off || a.Kind == pysem.Instance && slices.ContainsFunc(a.Class.Attrs[name], func(d *pysem.Def) bool {
			return d.Func.Name == "__init__" && d.Value.Kind() == pyast.KindFalse
		})
	}
	if !off {
		return false
	}
	for _, m := range slices.Concat(f.involved(), f.Eval.Links(f.Module)) {
		if m.Words().Strings.Has(name) { // setattr
			return false
		}
		for n := range m.Tree.Root().Descendants() {
			if n.Kind() == pyast.KindAttribute && n.Child(pyast.FieldAttribute).TextIs(name) && turnedOn(n) {
				return false
			}
		}
	}
	return true
}

// turnedOn reports whether an attribute is set there to something else than False or None.
func turnedOn(attribute pyast.Node) bool {
	set := attribute.Parent()
	if attribute.Field() == pyast.FieldLeft && set.Kind() == pyast.KindAssignment {
		return !set.Child(pyast.FieldRight).Is(pyast.KindFalse, pyast.KindNoneLiteral)
	}
	return set.Is(pyast.KindPatternList, pyast.KindTuplePattern, pyast.KindAugmentedAssignment)
}

// leavings are the statements in a block that leave a loop around the block, or the function.
func leavings(n pyast.Node, inLoop bool) []pyast.Node {
	var out []pyast.Node
	for c := range n.Children() {
		switch c.Kind() {
		case pyast.KindFunctionDefinition, pyast.KindClassDefinition, pyast.KindDecoratedDefinition, pyast.KindExpressionStatement:
		case pyast.KindReturnStatement:
			if !c.Nth(0).Is(pyast.KindInteger, pyast.KindUnaryOperator) { // the status of a program that gives up, which ends the others
				out = append(out, c)
			}
		case pyast.KindBreakStatement, pyast.KindContinueStatement:
			if !inLoop {
				out = append(out, c)
			}
		case pyast.KindForStatement, pyast.KindWhileStatement:
			out = append(out, leavings(c, true)...)
		default:
			out = append(out, leavings(c, inLoop)...)
		}
	}
	return out
}

// others is what the other ranks go on to where some leave.
func (r *Run) others(leave pyast.Node, guard Guard, joint []GroupCall) (OneSidedLeave, bool) {
	fr := guard.Frame
	if pysem.Leaves(fr.Node.Child(pyast.FieldConsequence)) || alternativeLeaves(fr.Node) || r.File.Guarded(fr.Parent) {
		return OneSidedLeave{}, false
	}
	loop := fr.Node.Ancestor(pyast.KindForStatement, pyast.KindWhileStatement, pyast.KindFunctionDefinition, pyast.KindModule)
	if loop.Is(pyast.KindFunctionDefinition, pyast.KindModule) {
		loop = pyast.Node{}
	}
	if leave.Kind() != pyast.KindReturnStatement && !loop.Valid() || askedOfAll(leave, fr.Node) {
		return OneSidedLeave{}, false
	}
	for _, g := range joint {
		at := Leading(g.Node, g.Ctx, fr.Ctx)
		if !at.Valid() || Exclusive(g.Frame, fr) || fr.Node.Encloses(at) {
			continue
		}
		inLoop, behind := loop.Valid() && loop.Encloses(at), at.Start() > fr.Node.End()
		switch leave.Kind() {
		case pyast.KindReturnStatement:
			if !behind && !inLoop {
				continue
			}
		case pyast.KindBreakStatement:
			if !inLoop {
				continue
			}
		case pyast.KindContinueStatement:
			if !inLoop || !behind {
				continue
			}
		}
		return OneSidedLeave{leave, guard, g}, true
	}
	return OneSidedLeave{}, false
}

// alternativeLeaves reports whether another branch of an if statement leaves too.
func alternativeLeaves(n pyast.Node) bool {
	for alt := range n.ChildrenOf(pyast.FieldAlternative) {
		if len(leavings(alt, false)) > 0 {
			return true
		}
	}
	return false
}

// askedOfAll reports whether the condition that leads to a way out, inside a rank test, is asked elsewhere in the function, too: the other
// ranks may leave for the same reason.
func askedOfAll(leave, guard pyast.Node) bool {
	test := leave.Ancestor(pyast.KindIfStatement)
	if !test.Valid() || test == guard || !guard.Encloses(test) {
		return false
	}
	cond := test.Child(pyast.FieldCondition).Text()
	for n := range guard.Ancestor(pyast.KindFunctionDefinition, pyast.KindModule).Descendants() {
		if n.Is(pyast.KindIfStatement, pyast.KindElifClause) && !guard.Encloses(n) && n.Child(pyast.FieldCondition).Text() == cond {
			return true
		}
	}
	return false
}
